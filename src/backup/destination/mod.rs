//! Destinations of backups: folders and object stores.

mod address;
mod bucket;
mod clients;
mod folder;
mod foreign;
mod http;
mod instance;
mod interface;
mod layout;
mod response;
mod upload;

pub use address::parse;
pub use bucket::Bucket;
pub use folder::Folder;
pub use interface::{Created, Destination};
pub use layout::Layout;

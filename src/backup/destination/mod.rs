//! Destinations of backups: folders and object stores.

mod address;
mod bucket;
mod folder;
mod interface;
mod layout;
mod once;
mod upload;

pub use address::parse;
pub use bucket::Bucket;
pub use folder::Folder;
pub use interface::{Created, Destination};
pub use layout::Layout;

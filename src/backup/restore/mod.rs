//! Restores: databases made of backups.

pub mod image;
pub mod in_place;
pub mod integrity;
pub mod listing;
pub mod output;
pub mod progress;
pub mod restored;
pub mod to_file;
pub mod verify;

//! Restores: databases made of backups.

pub mod image;
pub(super) mod in_place;
pub(super) mod integrity;
pub(super) mod listing;
pub(super) mod output;
pub mod progress;
pub mod restored;
pub(super) mod to_file;
pub(super) mod verify;

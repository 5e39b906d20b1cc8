//! State beside the database.

pub(super) mod conflict;
pub(super) mod first_page;
pub(super) mod inspection;
pub mod state_dir;
pub(super) mod state_file;

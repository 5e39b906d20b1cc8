//! State beside the database.

pub mod conflict;
pub mod first_page;
pub mod inspection;
pub mod state_dir;
pub mod state_file;

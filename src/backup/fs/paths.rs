//! The names of files that belong together.

use std::path::{Path, PathBuf};

/// What SQLite keeps beside a database, by what it adds to its name.
pub const COMPANIONS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// A path with something added to its name.
#[must_use]
pub fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut path = path.as_os_str().to_owned();
    path.push(suffix);
    path.into()
}

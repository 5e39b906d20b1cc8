//! Replacement of small files.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use super::access::Access;
use super::disk::{folder_of, rename, sync_folder};
use super::temporary::Temporary;

/// Replaces or creates a file atomically and durably, with the owner and the permissions of its folder.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = Temporary::create(path)?;
    if let Some(access) = Access::of(folder_of(path)) {
        access.apply(temporary.path())?;
    }
    let mut file = File::options().write(true).open(temporary.path())?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    rename(temporary.path(), path)?;
    sync_folder(folder_of(path))
}

//! Identity of a file, found without opening it: closing a descriptor would drop the locks that the process holds
//! on the file.

use std::path::{Path, PathBuf};

use super::interrupt::Interrupt;
use crate::Error;

/// A file, whatever path leads to it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum FileId {
    /// Device and inode.
    #[cfg(unix)]
    Inode(u64, u64),
    /// The path with its links resolved, where the system has nothing better.
    #[cfg(not(unix))]
    Path(PathBuf),
}

impl FileId {
    /// The file at a path, if it exists.
    #[cfg(unix)]
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = path.metadata().ok()?;
        Some(Self::Inode(metadata.dev(), metadata.ino()))
    }

    /// The file at a path, if it exists.
    #[cfg(not(unix))]
    pub fn of(path: &Path) -> Option<Self> {
        path.canonicalize().ok().map(Self::Path)
    }
}

/// The database file of an open engine.
#[derive(Debug, Clone)]
pub struct DatabaseFile {
    path: PathBuf,
    id: Option<FileId>,
    interrupt: Interrupt,
}

impl DatabaseFile {
    /// The file at a path that has just been opened.
    pub fn opened(path: &Path, interrupt: Interrupt) -> Self {
        Self { path: path.to_owned(), id: FileId::of(path), interrupt }
    }

    /// Interrupts whatever runs on its connections.
    pub fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its identity.
    pub fn id(&self) -> Option<&FileId> {
        self.id.as_ref()
    }

    /// Checks that the file was not deleted or replaced. Writes to a file that was would be lost with the process,
    /// and reads would not return what is at the path.
    ///
    /// # Errors
    ///
    /// `SQLITE_READONLY_DBMOVED`.
    pub fn check(&self) -> Result<(), Error> {
        if FileId::of(&self.path) == self.id { Ok(()) } else { Err(Error::moved(&self.path)) }
    }
}

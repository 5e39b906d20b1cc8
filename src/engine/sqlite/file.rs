//! Identity of a file, found without opening it: closing a descriptor would drop the locks that the process holds
//! on the file.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

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

/// How the connections of an engine use its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileAccess {
    /// They read and write.
    Full,
    /// They only read. Others may write.
    ReadOnly,
    /// They only read what nobody writes: the file itself, without locks and a log, or a copy of it. `of` is what must not
    /// change.
    Unchanging { of: PathBuf, stamp: Stamp, is_copy: bool },
}

/// State of a database's files by which a change is noticed without SQLite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp(Vec<Option<(u64, Option<SystemTime>, Option<FileId>)>>);

impl Stamp {
    /// The stamp of a database now, of its log, and of the index of the log.
    pub fn of(database: &Path) -> Self {
        let stamp = |suffix: &str| {
            let mut file = database.as_os_str().to_owned();
            file.push(suffix);
            let file = PathBuf::from(file);
            let metadata = file.metadata().ok()?;
            Some((metadata.len(), metadata.modified().ok(), FileId::of(&file)))
        };
        Self(["", "-wal", "-shm"].into_iter().map(stamp).collect())
    }
}

/// The database file of an open engine.
#[derive(Debug, Clone)]
pub struct DatabaseFile {
    path: PathBuf,
    id: Option<FileId>,
    access: FileAccess,
    interrupt: Interrupt,
}

impl DatabaseFile {
    /// The file at a path that has just been opened.
    pub fn opened(path: &Path, access: FileAccess, interrupt: Interrupt) -> Self {
        Self { path: path.to_owned(), id: FileId::of(path), access, interrupt }
    }

    /// How its connections use it.
    pub fn access(&self) -> &FileAccess {
        &self.access
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

    /// Checks that the file was not deleted or replaced, nor changed if it must not be. Writes to a file that was would be lost with the process,
    /// and reads would not return what is at the path.
    ///
    /// # Errors
    ///
    /// `SQLITE_READONLY_DBMOVED`.
    pub fn check(&self) -> Result<(), Error> {
        match &self.access {
            FileAccess::Unchanging { of, stamp, .. } if Stamp::of(of) != *stamp => Err(Error::changed(of)),
            _ if FileId::of(&self.path) == self.id => Ok(()),
            _ => Err(Error::moved(&self.path)),
        }
    }
}

//! Identity of a file, found without opening it: closing a descriptor would drop the locks that the process holds
//! on the file.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::interrupt::Interrupt;
use crate::Error;
use crate::limits::{NAME_BYTES_MAX, PATH_BYTES_MAX, SUFFIX_BYTES_MAX};

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

/// Access of an engine's connections to its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileAccess {
    /// They read and write.
    Full,
    /// They only read. Others may write.
    ReadOnly,
    /// They only read, and nobody writes: the file itself, without locks and a log, or a copy of it. `of` must not change.
    Unchanging { of: PathBuf, stamp: Stamp, is_copy: bool },
}

/// State of a database's files by which a change is noticed without SQLite.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp([Option<FileStamp>; 3]);

/// Length, time of the last write, and identity of a file.
type FileStamp = (u64, Option<SystemTime>, Option<FileId>);

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
        Self(["", "-wal", "-shm"].map(stamp))
    }
}

/// Checks that a database may have a path, with every suffix that the names of the files beside it have. Otherwise what is
/// begun could not be ended: SQLite makes the file, and not its log; a restore is made, and not put in place.
///
/// # Errors
///
/// `SQLITE_CANTOPEN`.
pub fn check_length(path: &Path) -> Result<(), Error> {
    let check = |what, name: &OsStr, most: usize| {
        let (bytes, most) = (name.len(), most.saturating_sub(SUFFIX_BYTES_MAX));
        if bytes > most { Err(Error::long_name(path, what, bytes, most)) } else { Ok(()) }
    };
    check("name", path.file_name().unwrap_or_default(), name_bytes_max(path))?;
    check("path", path.as_os_str(), PATH_BYTES_MAX)
}

/// Longest name in the folder of a file.
#[cfg(unix)]
#[allow(unsafe_code, reason = "asks the system for a limit")]
fn name_bytes_max(path: &Path) -> usize {
    use std::os::unix::ffi::OsStrExt;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(name) = std::ffi::CString::new(folder.as_os_str().as_bytes()) else { return NAME_BYTES_MAX };
    // SAFETY: the path is a string that ends with a zero.
    let found = unsafe { libc::pathconf(name.as_ptr(), libc::_PC_NAME_MAX) };
    usize::try_from(found).unwrap_or(NAME_BYTES_MAX)
}

/// Longest name in the folder of a file.
#[cfg(not(unix))]
fn name_bytes_max(_path: &Path) -> usize {
    NAME_BYTES_MAX
}

/// Longest path of a database that Windows takes from any program, together with the suffix of a journal (`MAX_PATH`).
#[cfg(any(windows, test))]
const PLAIN_PATH_UNITS_MAX: usize = 250;

/// The path by which Windows opens a file, whatever its length.
#[cfg(windows)]
pub fn for_system(path: &Path) -> std::borrow::Cow<'_, Path> {
    path.to_str().and_then(verbatim).map_or_else(|| path.into(), |long| PathBuf::from(long).into())
}

/// The path by which Windows opens a file whose path is too long for most programs: SQLite hands the system what it is given.
/// `None` if the path itself will do. It has to be without `.`, `..` and `/`, which mean nothing behind the prefix.
#[cfg(any(windows, test))]
fn verbatim(path: &str) -> Option<String> {
    let is_plain = |part: &str| !matches!(part, "." | "..") && !part.contains('/');
    if path.encode_utf16().count() <= PLAIN_PATH_UNITS_MAX || !path.split('\\').all(is_plain) {
        return None;
    }
    match path.as_bytes() {
        // Also the URIs that SQLite takes are none of these.
        [b'\\', b'\\', b'?' | b'.', b'\\', ..] => None,
        [b'\\', b'\\', ..] => Some(format!(r"\\?\UNC\{}", &path[2..])),
        [drive, b':', b'\\', ..] if drive.is_ascii_alphabetic() => Some(format!(r"\\?\{path}")),
        _ => None,
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

    /// Access of its connections.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_of_windows_has_the_prefix_that_lets_it_be_long_and_no_other_has() {
        let long = "x".repeat(PLAIN_PATH_UNITS_MAX);
        for (begin, prefixed) in [(r"C:\bots\", r"\\?\C:\bots\"), (r"\\server\share\", r"\\?\UNC\server\share\")] {
            assert_eq!(verbatim(&format!("{begin}{long}")), Some(format!("{prefixed}{long}")));
            assert_eq!(verbatim(&format!("{begin}bot.sqlite3")), None);
        }
        for begin in [
            r"\\?\C:\",
            r"\\?\UNC\server\share\",
            r"\\.\C:\",
            "C:",
            r"C:\bots\..\",
            r"C:\.\",
            "C:/bots/",
            r"C:\bots/",
            r"bots\",
            r"\bots\",
            "file:",
            "/data/",
            "",
        ] {
            assert_eq!(verbatim(&format!("{begin}{long}")), None, "{begin}");
        }
        // What counts are the units of UTF-16.
        let signs = PLAIN_PATH_UNITS_MAX - r"C:\".len();
        assert_eq!(verbatim(&format!(r"C:\{}", "\u{fc}".repeat(signs))), None);
        assert!(verbatim(&format!(r"C:\{}", "\u{fc}".repeat(signs + 1))).is_some());
    }
}

//! Durable changes of files and folders.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::thread;
use std::time::UNIX_EPOCH;

use crate::limits::{RENAME_ATTEMPTS, RENAME_PAUSE};

/// Syncs a folder's entries. Where a folder cannot be opened (Windows) there is nothing to sync.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// Renames a file or a folder. A file that has the new name is replaced.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    while_held(is_held, || fs::rename(from, to))
}

/// Returns true if Windows refuses a rename because another program has the file open: a virus scanner, say, which looks at
/// every new file for a moment. Then it may also be `ERROR_ACCESS_DENIED`.
fn is_held(error: &io::Error) -> bool {
    is_open_elsewhere(error) || cfg!(windows) && error.raw_os_error() == Some(5)
}

/// Returns true if Windows says so itself: `ERROR_SHARING_VIOLATION` and `ERROR_LOCK_VIOLATION`.
fn is_open_elsewhere(error: &io::Error) -> bool {
    cfg!(windows) && matches!(error.raw_os_error(), Some(32 | 33))
}

/// Does something to a file that may be held for a moment.
fn while_held<T>(is_held: impl Fn(&io::Error) -> bool, mut act: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 1..RENAME_ATTEMPTS {
        match act() {
            Err(error) if is_held(&error) => thread::sleep(RENAME_PAUSE),
            done => return done,
        }
    }
    act()
}

/// Folder of a file.
pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Modification time of a file in nanoseconds since 1970 UTC, as far as the file system tells.
pub fn written_ns(path: &Path) -> Option<u64> {
    let since_1970 = path.metadata().ok()?.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    u64::try_from(since_1970.as_nanos()).ok()
}

/// Removes a file, if it exists.
pub fn remove(path: &Path) -> io::Result<()> {
    match while_held(is_open_elsewhere, || fs::remove_file(path)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_for_a_moment_is_tried_again_and_nothing_else() {
        let try_with = |failures: u32, kind: io::ErrorKind| {
            let mut attempts = 0;
            let done = while_held(
                |error| error.kind() == io::ErrorKind::PermissionDenied,
                || {
                    attempts += 1;
                    if attempts > failures { Ok(()) } else { Err(kind.into()) }
                },
            );
            (done.is_ok(), attempts)
        };
        assert_eq!(try_with(0, io::ErrorKind::PermissionDenied), (true, 1));
        assert_eq!(try_with(2, io::ErrorKind::PermissionDenied), (true, 3));
        assert_eq!(try_with(u32::MAX, io::ErrorKind::PermissionDenied), (false, RENAME_ATTEMPTS));
        assert_eq!(try_with(2, io::ErrorKind::NotFound), (false, 1));
    }
}

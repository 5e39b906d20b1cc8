//! Renames that never overwrite, even against concurrent writers.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::disk::{folder_of, remove, sync_folder};

/// Renames a file durably. If the new name is taken, the error is `AlreadyExists`, and nothing has changed.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match by_link(from, to) {
        // The file system has no hard links.
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {}
        other => return other,
    }
    match at_once(from, to) {
        Err(error) if is_unknown(&error) => by_turns(from, to),
        other => other,
    }
}

/// Creates a hard link, which fails if the name is taken, and removes the old name.
fn by_link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    sync_folder(folder_of(to))?;
    // The new name exists. If the old one cannot be removed, it stays as a unique leftover.
    drop(remove(from));
    Ok(())
}

/// Returns true if the system or the file system does not support a call.
fn is_unknown(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::Unsupported | io::ErrorKind::InvalidInput)
}

/// Renames with a flag that forbids overwriting.
#[cfg(unix)]
fn at_once(from: &Path, to: &Path) -> io::Result<()> {
    use std::ffi::CString;
    use std::os::unix::ffi::OsStrExt;

    let [old, new] = [from, to].map(|path| CString::new(path.as_os_str().as_bytes()));
    exclusive::rename(&old?, &new?)?;
    sync_folder(folder_of(to))
}

/// Renames as the system does unless it is told to overwrite.
#[cfg(windows)]
fn at_once(from: &Path, to: &Path) -> io::Result<()> {
    use std::os::windows::ffi::OsStrExt;

    use crate::engine::sqlite::for_system;

    /// `MOVEFILE_WRITE_THROUGH` (winbase.h): it returns when the disk has the new name.
    const WRITE_THROUGH: u32 = 8;
    #[link(name = "kernel32")]
    unsafe extern "system" {
        fn MoveFileExW(from: *const u16, to: *const u16, flags: u32) -> i32;
    }
    let [from, to]: [Vec<u16>; 2] =
        [from, to].map(|path| for_system(path).as_os_str().encode_wide().chain([0]).collect());
    // SAFETY: both are strings that end with a zero.
    let done = unsafe { MoveFileExW(from.as_ptr(), to.as_ptr(), WRITE_THROUGH) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(unix)]
mod exclusive {
    use std::ffi::CStr;
    use std::io;

    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn rename(from: &CStr, to: &CStr) -> io::Result<()> {
        let here = libc::AT_FDCWD;
        // A raw system call, because not every C library has a function for it. SAFETY: both are strings that end
        // with a zero.
        let result = unsafe {
            libc::syscall(libc::SYS_renameat2, here, from.as_ptr(), here, to.as_ptr(), libc::RENAME_NOREPLACE)
        };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    #[cfg(target_vendor = "apple")]
    pub fn rename(from: &CStr, to: &CStr) -> io::Result<()> {
        // SAFETY: both are strings that end with a zero.
        let result = unsafe { libc::renamex_np(from.as_ptr(), to.as_ptr(), libc::RENAME_EXCL) };
        if result == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
    }

    #[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
    pub fn rename(_from: &CStr, _to: &CStr) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

/// Checks that the name is free and renames, under a lock of the folder, which excludes others that do the same. Within
/// this process one at a time, for Windows cannot lock a folder; it need not come to that there.
fn by_turns(from: &Path, to: &Path) -> io::Result<()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = crate::threads::lock(&TURN);
    let folder = if cfg!(unix) { Some(File::open(folder_of(to))?) } else { None };
    if let Some(folder) = &folder {
        folder.lock()?;
    }
    match to.symlink_metadata() {
        Ok(_) => return Err(io::ErrorKind::AlreadyExists.into()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::rename(from, to)?;
    sync_folder(folder_of(to))
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    type Rename = fn(&Path, &Path) -> io::Result<()>;

    /// All implementations for this system.
    fn ways() -> Vec<(&'static str, Rename)> {
        let mut ways: Vec<(&'static str, Rename)> =
            vec![("as it comes", rename_new), ("by a link", by_link), ("by turns", by_turns)];
        if cfg!(any(target_os = "linux", target_vendor = "apple", windows)) {
            ways.push(("at once", at_once));
        }
        ways
    }

    #[test]
    fn of_many_who_want_a_name_one_gets_it() {
        let folder = tempfile::tempdir().unwrap();
        for (name, way) in ways() {
            for round in 0..50 {
                let to = folder.path().join(format!("{name} {round}"));
                let renamed: Vec<usize> = thread::scope(|scope| {
                    let threads: Vec<_> = (0..8)
                        .map(|number| {
                            let (folder, to) = (folder.path(), &to);
                            scope.spawn(move || {
                                let from = folder.join(format!("{name} {round} {number}"));
                                fs::write(&from, [number]).unwrap();
                                match way(&from, to) {
                                    Ok(()) => {
                                        assert!(!from.exists());
                                        Some(usize::from(number))
                                    }
                                    Err(error) => {
                                        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists, "{name}: {error}");
                                        assert_eq!(fs::read(&from).unwrap(), [number]);
                                        None
                                    }
                                }
                            })
                        })
                        .collect();
                    threads.into_iter().filter_map(|thread| thread.join().unwrap()).collect()
                });
                assert_eq!(renamed.len(), 1, "{name}");
                assert_eq!(usize::from(fs::read(&to).unwrap()[0]), renamed[0], "{name}");
            }
        }
    }

    #[test]
    fn what_cannot_be_renamed_is_reported() {
        let folder = tempfile::tempdir().unwrap();
        for (name, way) in ways() {
            let error = way(&folder.path().join("missing"), &folder.path().join("new")).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::NotFound, "{name}");
        }
    }
}

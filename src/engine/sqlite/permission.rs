//! Owner of a database, and the reason why it cannot be opened: the folder or file that the process may not use, its owner,
//! and the permission that is needed.

use std::ffi::CString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Path, PathBuf};

use crate::Error;

/// Suffixes of the database and of the files that SQLite keeps beside it.
const FILES: [&str; 4] = ["", "-wal", "-shm", "-journal"];

/// Beginnings of the codes that a missing permission may lead to.
const CODES: [&str; 4] = ["SQLITE_CANTOPEN", "SQLITE_READONLY", "SQLITE_PERM", "SQLITE_IOERR"];

const NEEDED: &str =
    "SQLite makes -wal and -shm files beside a database, so the process must be allowed to write to its folder";

/// Gives a database that root has just made to the owner of its folder, as what is made beside a database has its
/// owner: a bot of that user could not use it otherwise.
pub fn give_to_owner_of_folder(database: &Path) {
    if effective_uid() == 0
        && let Ok(database) = database.canonicalize()
        && let Some(Ok(owner)) = database.parent().map(fs::metadata)
    {
        // Some network file systems refuse this; then the file stays root's.
        let _ = lchown(database, Some(owner.uid()), Some(owner.gid()));
    }
}

/// The error of a file that could not be opened, with the reason if it is a permission. The code stays.
pub fn explain(database: &Path, error: Error) -> Error {
    if !CODES.iter().any(|code| error.code().starts_with(code)) || error.code() == "SQLITE_READONLY_DBMOVED" {
        return error;
    }
    match reason(database) {
        Some(reason) => Error::not_permitted(error.code(), reason),
        None => error,
    }
}

/// The error of a file that could not be opened to be read, with the reason if it is a permission. The code stays.
pub fn explain_reading(database: &Path, error: Error) -> Error {
    let unreadable = FILES.iter().find_map(|suffix| {
        let mut file = database.canonicalize().unwrap_or_else(|_| database.to_owned()).into_os_string();
        file.push(suffix);
        let file = PathBuf::from(file);
        let refusal = refused(&file, libc::R_OK)?;
        Some(format!("{} may not be read by {}", file.display(), process(&file, &refusal)))
    });
    match unreadable {
        Some(reason) if CODES.iter().any(|code| error.code().starts_with(code)) => {
            Error::not_permitted(error.code(), reason)
        }
        _ => error,
    }
}

/// The error of a file that cannot be opened for lack of a permission, if it is so.
pub fn not_permitted(database: &Path) -> Option<Error> {
    reason(database).map(|reason| Error::not_permitted("SQLITE_CANTOPEN", reason))
}

/// SQLite keeps its files beside the file that a link leads to.
fn reason(database: &Path) -> Option<String> {
    let path = database.canonicalize().or_else(|_| std::path::absolute(database));
    obstacle(&path.ok()?)
}

/// Reason why the process cannot use a database, if there is one.
fn obstacle(database: &Path) -> Option<String> {
    if let Some(reason) = refusal_to_make(database) {
        let alone =
            if is_mounted_alone(database) { ". The file is mounted alone; mount its folder instead" } else { "" };
        return Some(format!("{reason}. {NEEDED}{alone}"));
    }
    FILES.iter().find_map(|suffix| {
        let mut file = database.as_os_str().to_owned();
        file.push(suffix);
        let file = PathBuf::from(file);
        let error = refused(&file, libc::R_OK | libc::W_OK)?;
        Some(format!("{} may not be read and written by {}", file.display(), process(&file, &error)))
    })
}

/// Reason why the process may not make a file: the folder that it may not enter or write, and whose that is. `None` if it may,
/// or if its folder does not exist.
pub fn refusal_to_make(file: &Path) -> Option<String> {
    let folder = file.parent()?;
    let mut above: Vec<&Path> = folder.ancestors().collect();
    above.reverse();
    if let Some((outer, error)) = above.into_iter().find_map(|outer| Some((outer, refused(outer, libc::X_OK)?))) {
        return Some(format!("the folder {} may not be entered by {}", outer.display(), process(outer, &error)));
    }
    let error = refused(folder, libc::W_OK | libc::R_OK)?;
    Some(format!("the folder {} may not be written by {}", folder.display(), process(folder, &error)))
}

/// Error with which the process may not use a path in this way; `None` if it may, or if there is none.
fn refused(path: &Path, mode: libc::c_int) -> Option<io::Error> {
    let name = CString::new(path.as_os_str().as_bytes()).ok()?;
    // SAFETY: the path is a string that ends with a zero.
    let result = unsafe { libc::faccessat(libc::AT_FDCWD, name.as_ptr(), mode, libc::AT_EACCESS) };
    let error = io::Error::last_os_error();
    let is_permission = matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem);
    (result != 0 && is_permission).then_some(error)
}

/// The process, and whose a path is.
fn process(path: &Path, error: &io::Error) -> String {
    let uid = effective_uid();
    let owner = match fs::metadata(path) {
        _ if error.kind() == io::ErrorKind::ReadOnlyFilesystem => "its file system is mounted read-only".to_owned(),
        Ok(metadata) => owner(&metadata),
        Err(_) => error.to_string(),
    };
    format!("this process, which runs as uid {uid}: {owner}")
}

fn effective_uid() -> u32 {
    // SAFETY: asks for an id, which cannot fail.
    unsafe { libc::geteuid() }
}

fn owner(metadata: &Metadata) -> String {
    let (uid, gid, mode) = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
    format!("it belongs to uid {uid}, gid {gid}, and its mode is {mode:03o}")
}

/// Returns true if a file is itself a place where something is mounted, as far as the system tells.
fn is_mounted_alone(file: &Path) -> bool {
    // Spaces and the like are written as octal numbers there (proc_pid_mountinfo(5)).
    let escaped: Vec<u8> = file.as_os_str().as_bytes().iter().flat_map(|byte| escape(*byte)).collect();
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    mounts.split(|byte| *byte == b'\n').any(|line| line.split(|byte| *byte == b' ').nth(4) == Some(&escaped[..]))
}

fn escape(byte: u8) -> Vec<u8> {
    match byte {
        b' ' | b'\t' | b'\n' | b'\\' => format!("\\{byte:03o}").into_bytes(),
        other => vec![other],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_no_permission_explains_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.sqlite3");
        for error in [Error::not_a_database(), Error::busy(), Error::no_parent(&database)] {
            let explained = explain(&database, error.clone());
            assert_eq!((explained.code(), explained.to_string()), (error.code(), error.to_string()));
        }
    }

    #[test]
    fn a_name_is_compared_as_the_list_of_mounts_writes_it() {
        let escaped: Vec<u8> = "/a b\\c".bytes().flat_map(escape).collect();
        assert_eq!(escaped, b"/a\\040b\\134c");
        assert!(!is_mounted_alone(Path::new("/a b\\c")));
        if cfg!(target_os = "linux") {
            assert!(is_mounted_alone(Path::new("/proc")));
        }
    }
}

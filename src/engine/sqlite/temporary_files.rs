//! Temporary files of SQLite (sorting, `CREATE INDEX`, `VACUUM`): in the folder of the database that they serve.
//!
//! SQLite itself looks for a folder in the environment and then among those of the system. In a container with a
//! read-only root there is none, and a thread that reads the environment while JavaScript changes it ends the process.
//! `sqlite3_temp_directory` is one for all databases of a process. So each folder with databases gets a VFS, a copy
//! of SQLite's own that names temporary files itself.

use std::collections::BTreeMap;
use std::ffi::{CStr, CString, OsStr, c_char, c_int};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::Mutex;

use rusqlite::ffi;

use crate::threads;

/// Folders of the system, for a database whose own folder cannot be written.
const SYSTEM_FOLDERS: [&str; 2] = ["/var/tmp", "/tmp"];

/// Room for the name of a temporary file. A longer name is not used; SQLite opens no database with one either.
const NAME_BYTES: usize = 768;

/// Zeros at the end of a name, where SQLite looks for the parameters of a URI.
const NAME_END: [u8; 4] = [0; 4];

/// Largest alignment of what SQLite allocates.
const ALIGNMENT: usize = 16;

type SystemOpen =
    unsafe extern "C" fn(*mut ffi::sqlite3_vfs, *const c_char, *mut ffi::sqlite3_file, c_int, *mut c_int) -> c_int;

/// VFS for the databases of a folder.
#[repr(C)]
struct FolderVfs {
    /// Copy of SQLite's own, with [`open`] in place of its `xOpen`. First, so that a pointer to it is one to the whole.
    vfs: ffi::sqlite3_vfs,
    /// `xOpen` of SQLite's own.
    open: SystemOpen,
    /// Place of a temporary file's name in the memory that SQLite allocates for a file. SQLite keeps a pointer to it.
    name_offset: usize,
    /// Folders for temporary files, in the order in which they are tried.
    folders: Vec<PathBuf>,
}

/// Name of the VFS for a database, which lives as long as the process. `None` leaves the choice to SQLite.
pub fn vfs_beside(database: &Path) -> Option<&'static CStr> {
    static NAMES: Mutex<BTreeMap<PathBuf, &'static CStr>> = Mutex::new(BTreeMap::new());
    let folder = folder_of(database)?;
    let mut names = threads::lock(&NAMES);
    if let Some(name) = names.get(&folder) {
        return Some(name);
    }
    let name = register(&folder, names.len())?;
    names.insert(folder, name);
    Some(name)
}

/// Folder of a database, or of the file that a link leads to.
fn folder_of(database: &Path) -> Option<PathBuf> {
    let found = database.canonicalize().ok().and_then(|file| file.parent().map(Path::to_owned));
    found.or_else(|| std::path::absolute(database).ok()?.parent()?.canonicalize().ok())
}

fn register(folder: &Path, number: usize) -> Option<&'static CStr> {
    let name: &'static CStr = Box::leak(CString::new(format!("rootcellar-{number}")).ok()?.into_boxed_c_str());
    let system = SYSTEM_FOLDERS.iter().map(PathBuf::from);
    let folders = [folder.to_owned()].into_iter().chain(system).collect();
    // SAFETY: SQLite's own VFS lives as long as the process, and so does what is registered: it is never freed.
    // `xOpen` may be replaced because all that it does with another name than none is left to SQLite's.
    unsafe {
        let mut vfs = *ffi::sqlite3_vfs_find(ptr::null()).as_ref()?;
        let system_open = vfs.xOpen?;
        let name_offset = usize::try_from(vfs.szOsFile).ok()?.next_multiple_of(ALIGNMENT);
        vfs.szOsFile = c_int::try_from(name_offset + NAME_BYTES).ok()?;
        vfs.zName = name.as_ptr();
        vfs.pNext = ptr::null_mut();
        vfs.xOpen = Some(open);
        let registered = Box::into_raw(Box::new(FolderVfs { vfs, open: system_open, name_offset, folders }));
        (ffi::sqlite3_vfs_register(registered.cast(), 0) == ffi::SQLITE_OK).then_some(name)
    }
}

/// `xOpen`: names a file that has no name, and leaves the rest to SQLite's own.
unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    flags_out: *mut c_int,
) -> c_int {
    // SAFETY: only `register` names this function, as a part of a `FolderVfs` that is never freed or changed.
    let this = unsafe { &*vfs.cast::<FolderVfs>() };
    if !name.is_null() {
        // SAFETY: as SQLite called it. Its own functions take the copy for itself.
        return unsafe { (this.open)(vfs, name, file, flags, flags_out) };
    }
    for folder in &this.folders {
        let name = temporary_name(folder);
        if name.len() > NAME_BYTES {
            continue;
        }
        // SAFETY: SQLite allocates `szOsFile` bytes for a file, which end with room for the name, and keeps them until
        // the file is closed. The rest is as SQLite called it.
        let result = unsafe {
            let kept = file.cast::<u8>().add(this.name_offset);
            ptr::copy_nonoverlapping(name.as_ptr(), kept, name.len());
            (this.open)(vfs, kept.cast(), file, flags, flags_out)
        };
        if result == ffi::SQLITE_OK {
            return result;
        }
    }
    ffi::SQLITE_IOERR_GETTEMPPATH
}

/// Path of a file that does not exist, with zeros at its end. It begins as SQLite's own do.
fn temporary_name(folder: &Path) -> Vec<u8> {
    let mut random = [0u8; 8];
    // SAFETY: there is room for that many bytes.
    unsafe { ffi::sqlite3_randomness(8, random.as_mut_ptr().cast()) };
    let path = folder.join(format!("etilqs_{:016x}", u64::from_ne_bytes(random)));
    [OsStr::as_bytes(path.as_os_str()), &NAME_END].concat()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::fs;

    use rusqlite::{Connection, OpenFlags};

    use super::*;

    fn open_beside(path: &Path) -> Connection {
        Connection::open_with_flags_and_vfs(path, OpenFlags::default(), vfs_beside(path).unwrap()).unwrap()
    }

    /// Sorts more than SQLite keeps in memory, and returns the folders of the temporary files that are open meanwhile.
    fn folders_while_sorting(connection: &Connection, folder: &Path) -> Vec<PathBuf> {
        let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
            SELECT hex(randomblob(200)) AS text FROM n ORDER BY text";
        connection.pragma_update(None, "cache_size", 10).unwrap();
        let mut statement = connection.prepare(sql).unwrap();
        let mut rows = statement.query([]).unwrap();
        assert!(rows.next().unwrap().is_some());
        // Temporary files are unlinked as soon as they are open.
        let open =
            fs::read_dir("/proc/self/fd").unwrap().flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        let temporary = open.filter(|path| path.starts_with(folder) && path.to_string_lossy().contains("/etilqs_"));
        let found = temporary.map(|path| path.parent().unwrap().to_owned()).collect();
        assert!(rows.next().unwrap().is_some());
        found
    }

    #[test]
    fn each_database_has_its_temporary_files_beside_it() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let databases = ["one", "other"].map(|name| {
            let folder = root.join(name);
            fs::create_dir(&folder).unwrap();
            (open_beside(&folder.join("a.sqlite3")), folder)
        });
        for (connection, folder) in &databases {
            let found = folders_while_sorting(connection, &root);
            assert!(!found.is_empty());
            assert!(found.iter().all(|one| one == folder), "{found:?}");
        }
        for (connection, folder) in databases {
            drop(connection);
            let left: Vec<_> = fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.file_name()).collect();
            assert_eq!(left, ["a.sqlite3"]);
        }
    }

    #[test]
    fn a_database_that_is_a_link_has_them_beside_its_target() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        for name in ["app", "volume"] {
            fs::create_dir(root.join(name)).unwrap();
        }
        let (link, target) = (root.join("app/a.sqlite3"), root.join("volume/a.sqlite3"));
        fs::write(&target, b"").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let found = folders_while_sorting(&open_beside(&link), &root);
        assert!(!found.is_empty());
        assert!(found.iter().all(|one| *one == root.join("volume")), "{found:?}");
    }

    #[test]
    fn a_folder_that_has_gone_does_not_keep_from_sorting() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("folder");
        fs::create_dir(&folder).unwrap();
        let connection = open_beside(&folder.join("a.sqlite3"));
        fs::rename(&folder, root.path().join("elsewhere")).unwrap();
        assert_eq!(folders_while_sorting(&connection, &folder), Vec::<PathBuf>::new());
    }

    #[test]
    fn the_name_ends_with_zeros_and_differs_each_time() {
        let (one, other) = (temporary_name(Path::new("/a")), temporary_name(Path::new("/a")));
        assert!(one.starts_with(b"/a/etilqs_") && one.ends_with(&NAME_END));
        assert_ne!(one, other);
    }
}

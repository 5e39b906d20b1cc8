//! Descriptors of files with locks: those in use, and idle ones that are kept open for reuse.

use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, c_int};
use std::mem::MaybeUninit;
use std::sync::{Mutex, MutexGuard};

use super::ofd::{self, F_OFD_SETLK};
use crate::engine::sqlite::file::FileId;
use crate::threads;

/// Smallest descriptor that SQLite accepts (`SQLITE_MINIMUM_FILE_DESCRIPTOR`): the others are the process's
/// standard streams.
const DESCRIPTOR_MIN: c_int = 3;

static DESCRIPTORS: Mutex<Option<Descriptors>> = Mutex::new(None);

/// Open descriptors of one file.
struct OpenFile {
    /// A descriptor that carries all locks, and can write where the process may: a write lock needs that.
    lock_descriptor: c_int,
    /// Number of descriptors that SQLite uses.
    in_use: usize,
    /// Descriptors that SQLite has closed, with their access mode.
    idle: Vec<(c_int, c_int)>,
}

impl OpenFile {
    fn begin_use(&mut self, descriptor: c_int) {
        // A file that was read-only may be writable now. A write lock needs a descriptor that can write.
        if self.in_use == 0
            && access_mode(self.lock_descriptor) == libc::O_RDONLY
            && let Some(duplicate) = duplicate(descriptor)
        {
            self.idle.push((std::mem::replace(&mut self.lock_descriptor, duplicate), libc::O_RDONLY));
        }
        self.in_use += 1;
    }
}

/// All files with locks.
#[derive(Default)]
pub struct Descriptors {
    files: HashMap<FileId, OpenFile>,
    in_use: HashMap<c_int, FileId>,
}

/// The only [`Descriptors`], locked.
pub struct Locked(MutexGuard<'static, Option<Descriptors>>);

impl Descriptors {
    /// Locks them. Nothing that runs under this lock calls SQLite or waits.
    pub fn lock() -> Locked {
        Locked(threads::lock(&DESCRIPTORS))
    }
}

impl Locked {
    fn get(&mut self) -> &mut Descriptors {
        self.0.get_or_insert_default()
    }

    /// `open(2)`. Returns an idle descriptor of the same file if there is one.
    pub fn open(&mut self, path: &CStr, flags: c_int, mode: c_int) -> c_int {
        if !carries_locks(path, flags) {
            return system_open(path, flags, mode);
        }
        let this = self.get();
        this.close_unneeded();
        if let Some(descriptor) = this.reuse(path, flags) {
            return descriptor;
        }
        let descriptor = system_open(path, flags, mode);
        if descriptor >= DESCRIPTOR_MIN {
            this.track(descriptor, path, flags);
        }
        descriptor
    }

    /// `close(2)`, deferred while it might drop locks of another copy of SQLite.
    pub fn close(&mut self, descriptor: c_int) -> c_int {
        let this = self.get();
        let Some(id) = this.in_use.remove(&descriptor) else {
            return system_close(descriptor);
        };
        if !ofd::hold() {
            // Without these locks a close releases the locks, as it does without the shim.
            return system_close(descriptor);
        }
        if let Some(file) = this.files.get_mut(&id) {
            file.in_use -= 1;
            file.idle.push((descriptor, access_mode(descriptor)));
            if file.in_use == 0 {
                // SQLite counts on the close to release what it still holds.
                set_lock(file.lock_descriptor, LockType::None);
            }
        }
        this.close_unneeded();
        0
    }

    /// The descriptor through which to take locks, if this is one of a file with locks.
    pub fn lock_descriptor(&mut self, descriptor: c_int) -> Option<c_int> {
        let this = self.get();
        let id = this.in_use.get(&descriptor)?;
        Some(this.files.get(id)?.lock_descriptor)
    }
}

impl Locked {
    /// Number of descriptors of a file that are not this copy's.
    pub fn count_foreign(&mut self, id: &FileId) -> usize {
        self.get().foreign_files().filter(|file| file == id).count()
    }
}

impl Descriptors {
    /// Reuses an idle descriptor of the file at a path.
    fn reuse(&mut self, path: &CStr, flags: c_int) -> Option<c_int> {
        let id = file_id(|stat| {
            // SAFETY: the path is valid, and `stat` has room for the result.
            unsafe { libc::stat(path.as_ptr(), stat) }
        })?;
        let file = self.files.get_mut(&id)?;
        let index = file.idle.iter().position(|(_, mode)| *mode == flags & libc::O_ACCMODE)?;
        let (descriptor, _) = file.idle.swap_remove(index);
        file.begin_use(descriptor);
        self.in_use.insert(descriptor, id);
        Some(descriptor)
    }

    /// Tracks an opened descriptor. One that cannot be tracked is used like any other.
    fn track(&mut self, descriptor: c_int, path: &CStr, flags: c_int) {
        let Some(id) = descriptor_file_id(descriptor) else { return };
        if let Some(file) = self.files.get_mut(&id) {
            file.begin_use(descriptor);
        } else if let Some(lock_descriptor) =
            writable(descriptor, &id, path, flags).or_else(|| duplicate(descriptor))
        {
            self.files.insert(id.clone(), OpenFile { lock_descriptor, in_use: 1, idle: Vec::new() });
        } else {
            return;
        }
        self.in_use.insert(descriptor, id);
    }

    /// Closes the descriptors of files that SQLite no longer uses and that nobody has locked.
    ///
    /// A lock on the whole file proves that nobody has locked it, and keeps others from doing so until the last
    /// descriptor is closed. If somebody has, the descriptors stay open until the next attempt.
    fn close_unneeded(&mut self) {
        self.files.retain(|_, file| {
            let keep = file.in_use > 0 || !set_lock(file.lock_descriptor, LockType::Write);
            if !keep {
                for (descriptor, _) in &file.idle {
                    system_close(*descriptor);
                }
                system_close(file.lock_descriptor);
            }
            keep
        });
    }

    /// The files of descriptors in this process that are not this module's, one for each descriptor.
    fn foreign_files(&self) -> impl Iterator<Item = FileId> {
        let own: HashSet<c_int> = self
            .files
            .values()
            .flat_map(|file| file.idle.iter().map(|(descriptor, _)| *descriptor).chain([file.lock_descriptor]))
            .chain(self.in_use.keys().copied())
            .collect();
        open_descriptors().filter(move |descriptor| !own.contains(descriptor)).filter_map(descriptor_file_id)
    }
}

/// Returns `true` if SQLite may lock a file: any but logs, journals and temporary files.
fn carries_locks(path: &CStr, flags: c_int) -> bool {
    let path = path.to_bytes();
    flags & libc::O_EXCL == 0 && !path.ends_with(b"-wal") && !path.ends_with(b"-journal")
}

/// Descriptors of this process. Both Linux and macOS list them in a folder.
fn open_descriptors() -> impl Iterator<Item = c_int> {
    std::fs::read_dir("/dev/fd")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn descriptor_file_id(descriptor: c_int) -> Option<FileId> {
    file_id(|stat| {
        // SAFETY: `stat` has room for the result.
        unsafe { libc::fstat(descriptor, stat) }
    })
}

/// Identity of a regular file, by `stat(2)` or `fstat(2)`.
fn file_id(call: impl FnOnce(*mut libc::stat) -> c_int) -> Option<FileId> {
    let stat = status(call)?;
    let is_file = stat.st_mode & libc::S_IFMT == libc::S_IFREG;
    // The types differ between systems, and each is no wider than this.
    #[allow(clippy::cast_sign_loss, clippy::cast_lossless, clippy::unnecessary_cast)]
    is_file.then_some(FileId::Inode(stat.st_dev as u64, stat.st_ino as u64))
}

fn status(call: impl FnOnce(*mut libc::stat) -> c_int) -> Option<libc::stat> {
    let mut stat = MaybeUninit::uninit();
    // SAFETY: a call that succeeds has filled it in.
    if call(stat.as_mut_ptr()) == 0 { Some(unsafe { stat.assume_init() }) } else { None }
}

fn duplicate(descriptor: c_int) -> Option<c_int> {
    // SAFETY: the descriptor is open.
    let duplicate = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, DESCRIPTOR_MIN) };
    (duplicate != -1).then_some(duplicate)
}

/// Another descriptor of a file that was opened to read only, which can write. None if that is not allowed.
fn writable(descriptor: c_int, id: &FileId, path: &CStr, flags: c_int) -> Option<c_int> {
    if access_mode(descriptor) != libc::O_RDONLY {
        return None;
    }
    let writable = system_open(path, libc::O_RDWR | libc::O_CLOEXEC | flags & libc::O_NOFOLLOW, 0);
    // One of a file that has just taken the place stays open: closing it might drop the locks of another copy of SQLite.
    (writable >= DESCRIPTOR_MIN && descriptor_file_id(writable).as_ref() == Some(id)).then_some(writable)
}

fn access_mode(descriptor: c_int) -> c_int {
    // SAFETY: asks for the flags of a descriptor, which changes nothing.
    unsafe { libc::fcntl(descriptor, libc::F_GETFL) & libc::O_ACCMODE }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum LockType {
    Write,
    None,
}

/// Sets the lock of an open file description on the whole file. Returns `true` if it succeeded.
fn set_lock(descriptor: c_int, lock_type: LockType) -> bool {
    // SAFETY: all zeros is a valid `flock`: from the beginning of the file to its end.
    let mut lock: libc::flock = unsafe { MaybeUninit::zeroed().assume_init() };
    #[allow(
        clippy::cast_possible_truncation,
        clippy::unnecessary_cast,
        reason = "the types differ between systems"
    )]
    {
        lock.l_type = if lock_type == LockType::Write { libc::F_WRLCK as _ } else { libc::F_UNLCK as _ };
        lock.l_whence = libc::SEEK_SET as _;
    }
    // SAFETY: the argument is a `flock` as the command wants it.
    unsafe { libc::fcntl(descriptor, F_OFD_SETLK, &raw mut lock) != -1 }
}

fn system_open(path: &CStr, flags: c_int, mode: c_int) -> c_int {
    // SAFETY: the path is valid. The mode is passed as the variadic argument that `open` takes it by.
    unsafe { libc::open(path.as_ptr(), flags, mode) }
}

fn system_close(descriptor: c_int) -> c_int {
    // SAFETY: the descriptor is SQLite's or this module's, and nobody uses it any more.
    unsafe { libc::close(descriptor) }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use rusqlite::Connection;

    use super::*;
    use crate::engine::sqlite::open_detached;

    fn is_tracked(path: &Path) -> bool {
        let id = FileId::of(path).unwrap();
        Descriptors::lock().get().files.contains_key(&id)
    }

    #[test]
    fn a_file_that_is_only_read_is_let_go_of() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.sqlite3");
        Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        let read = || {
            let connection = open_detached(&path).unwrap();
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0)).unwrap();
            assert!(is_tracked(&path));
        };
        read();
        assert!(!is_tracked(&path));
        // Also where nothing may be written, unless permissions do not count.
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o400)).unwrap();
        read();
        let may_write = std::fs::OpenOptions::new().write(true).open(&path).is_ok();
        assert_ne!(is_tracked(&path), may_write);
    }
}

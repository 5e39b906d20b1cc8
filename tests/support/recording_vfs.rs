//! A VFS over SQLite's own that records what it is asked to do to the files of a folder.
//!
//! The files themselves are where they always are. Nothing is ever synced: no test cuts the power, it builds from
//! the recording what a power loss would have left.

use std::collections::HashMap;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, Once, OnceLock, PoisonError};

use rusqlite::ffi;

/// Tells files apart that had the same name one after the other.
pub type FileId = usize;

/// Recorded event. They are in order.
#[derive(Debug, Clone)]
pub enum Event {
    /// The recording began with these files, all of them on disk.
    Found(Vec<(String, Vec<u8>)>),
    /// A name was given to a new, empty file.
    Create { name: String, file: FileId },
    /// A name was taken away; `synced` if the folder was synced with it.
    Delete { name: String, synced: bool },
    /// Bytes were written.
    Write { file: FileId, offset: usize, bytes: Vec<u8> },
    /// The length was set.
    Truncate { file: FileId, length: usize },
    /// Everything that was written is on disk; with `folder`, so are the names.
    Sync { file: FileId, folder: bool },
    /// The scenario sent so many commands, in all.
    Sent(usize),
    /// So many commands are acknowledged, in all.
    Acknowledged(usize),
}

/// A recording of a folder, from [`Recording::start`] until it is stopped.
pub struct Recording {
    folder: PathBuf,
    has_shared_memory: bool,
    state: Mutex<State>,
}

struct State {
    events: Vec<Event>,
    names: HashMap<String, FileId>,
    files: usize,
}

static RECORDINGS: Mutex<Vec<Arc<Recording>>> = Mutex::new(Vec::new());

impl Recording {
    /// Records the files of a folder, which are in their present state on disk. Without shared memory SQLite has
    /// no write-ahead log there.
    pub fn start(folder: &Path, has_shared_memory: bool) -> Arc<Self> {
        install();
        let folder = folder.canonicalize().unwrap();
        let read = |entry: std::io::Result<std::fs::DirEntry>| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let bytes = std::fs::read(folder.join(&name)).unwrap();
            (name, bytes)
        };
        let found: Vec<_> = std::fs::read_dir(&folder).unwrap().map(read).collect();
        let names: HashMap<_, _> = found.iter().enumerate().map(|(file, (name, _))| (name.clone(), file)).collect();
        let state = State { files: names.len(), names, events: vec![Event::Found(found)] };
        let recording = Arc::new(Self { folder, has_shared_memory, state: Mutex::new(state) });
        lock(&RECORDINGS).push(Arc::clone(&recording));
        recording
    }

    /// Adds something that the scenario did or learned.
    pub fn note(&self, event: Event) {
        lock(&self.state).events.push(event);
    }

    /// Ends the recording.
    pub fn stop(self: Arc<Self>) -> Vec<Event> {
        lock(&RECORDINGS).retain(|other| !Arc::ptr_eq(other, &self));
        std::mem::take(&mut lock(&self.state).events)
    }

    /// The recording of the file at a path, with the file's name.
    fn of(path: &CStr) -> Option<(Arc<Self>, String)> {
        let path = Path::new(path.to_str().ok()?);
        let name = path.file_name()?.to_str()?.to_owned();
        let recordings = lock(&RECORDINGS);
        let recording = recordings.iter().find(|recording| Some(recording.folder.as_path()) == path.parent())?;
        Some((Arc::clone(recording), name))
    }
}

impl State {
    fn create(&mut self, name: String) -> FileId {
        let file = self.files;
        self.files += 1;
        self.names.insert(name.clone(), file);
        self.events.push(Event::Create { name, file });
        file
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SQLite's own VFS.
struct System(*mut ffi::sqlite3_vfs);

// SAFETY: SQLite calls a VFS from any thread.
unsafe impl Send for System {}
// SAFETY: as above.
unsafe impl Sync for System {}

static SYSTEM: OnceLock<System> = OnceLock::new();

/// Makes this VFS the process's default, from which every connection that is opened later has its files.
pub fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        // SAFETY: SQLite's default VFS lives as long as the process, and so does the one that is made here. Those
        // of its functions that are kept do not look at the VFS that they are called by.
        unsafe {
            assert_eq!(ffi::sqlite3_initialize(), ffi::SQLITE_OK);
            let system = ffi::sqlite3_vfs_find(ptr::null());
            let mut vfs = *system;
            SYSTEM.get_or_init(|| System(system));
            vfs.pNext = ptr::null_mut();
            vfs.zName = c"recording".as_ptr();
            vfs.szOsFile += c_int::try_from(size_of::<File>()).unwrap();
            vfs.xOpen = Some(open);
            vfs.xDelete = Some(delete);
            assert_eq!(ffi::sqlite3_vfs_register(Box::leak(Box::new(vfs)), 1), ffi::SQLITE_OK);
        }
    });
}

fn system() -> *mut ffi::sqlite3_vfs {
    SYSTEM.get().unwrap().0
}

/// An open file. SQLite allocates it, with room for the file of its own VFS behind it.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    recorded: Option<Recorded>,
}

struct Recorded {
    recording: Arc<Recording>,
    file: FileId,
    /// The first sync also syncs the folder (`UNIXFILE_DIRSYNC` in SQLite's `os_unix.c`).
    syncs_folder: bool,
}

impl File {
    /// The file of SQLite's own VFS.
    fn system(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
        // SAFETY: every file that this module's functions get was allocated with `szOsFile` bytes.
        unsafe { file.cast::<Self>().add(1).cast() }
    }

    /// The methods of SQLite's own VFS.
    fn methods(file: *mut ffi::sqlite3_file) -> &'static ffi::sqlite3_io_methods {
        // SAFETY: the file is open, and its methods are static.
        unsafe { &*(*Self::system(file)).pMethods }
    }

    /// Adds what happened to the recording of this file, if there is one.
    fn record(file: *mut ffi::sqlite3_file, event: impl FnOnce(&mut Recorded) -> Event) {
        // SAFETY: the file is open, and SQLite uses it from one thread at a time.
        if let Some(recorded) = unsafe { &mut (*file.cast::<Self>()).recorded } {
            let event = event(recorded);
            recorded.recording.note(event);
        }
    }
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: the name is null or valid.
    let found = (!name.is_null()).then(|| Recording::of(unsafe { CStr::from_ptr(name) })).flatten();
    // Held meanwhile, so that nobody else makes or deletes the file.
    let mut state = found.as_ref().map(|(recording, _)| lock(&recording.state));
    // SAFETY: SQLite's own VFS gets what it would have got, and a file with as much room as it asked for.
    let result = unsafe { (*system()).xOpen.unwrap()(system(), name, File::system(file), flags, out_flags) };
    let is_log =
        flags & (ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL | ffi::SQLITE_OPEN_SUPER_JOURNAL) != 0;
    let recorded = found.as_ref().zip(state.as_mut()).filter(|_| result == ffi::SQLITE_OK).map(
        |((recording, name), state)| Recorded {
            recording: Arc::clone(recording),
            file: state.names.get(name).copied().unwrap_or_else(|| state.create(name.clone())),
            syncs_folder: is_log && flags & ffi::SQLITE_OPEN_CREATE != 0,
        },
    );
    let has_shared_memory = found.as_ref().is_none_or(|(recording, _)| recording.has_shared_memory);
    // SAFETY: the memory is the file's, and so far nothing of ours is in it.
    unsafe {
        let is_open = !(*File::system(file)).pMethods.is_null();
        let methods = match (is_open, has_shared_memory) {
            (false, _) => ptr::null(),
            (true, true) => &raw const METHODS,
            (true, false) => &raw const METHODS_WITHOUT_SHARED_MEMORY,
        };
        file.cast::<File>().write(File { base: ffi::sqlite3_file { pMethods: methods }, recorded });
    }
    result
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_folder: c_int) -> c_int {
    // SAFETY: SQLite names a file.
    let found = Recording::of(unsafe { CStr::from_ptr(name) });
    let mut state = found.as_ref().map(|(recording, _)| lock(&recording.state));
    // SAFETY: as SQLite called it, but that the folder need not be synced.
    let result = unsafe { (*system()).xDelete.unwrap()(system(), name, 0) };
    if let (ffi::SQLITE_OK, Some(state), Some((_, name))) = (result, &mut state, &found) {
        state.names.remove(name);
        state.events.push(Event::Delete { name: name.clone(), synced: sync_folder != 0 });
    }
    result
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: the file is open, and not used any more.
    unsafe {
        (*file.cast::<File>()).recorded = None;
        File::methods(file).xClose.unwrap()(File::system(file))
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    bytes: *const c_void,
    length: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: as SQLite called it.
    let result = unsafe { File::methods(file).xWrite.unwrap()(File::system(file), bytes, length, offset) };
    if result == ffi::SQLITE_OK {
        // SAFETY: SQLite has so many bytes to write.
        let bytes = unsafe { std::slice::from_raw_parts(bytes.cast(), usize::try_from(length).unwrap()) }.to_vec();
        let offset = usize::try_from(offset).unwrap();
        File::record(file, |recorded| Event::Write { file: recorded.file, offset, bytes });
    }
    result
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: ffi::sqlite3_int64) -> c_int {
    // SAFETY: as SQLite called it.
    let result = unsafe { File::methods(file).xTruncate.unwrap()(File::system(file), length) };
    if result == ffi::SQLITE_OK {
        let length = usize::try_from(length).unwrap();
        File::record(file, |recorded| Event::Truncate { file: recorded.file, length });
    }
    result
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    File::record(file, |recorded| Event::Sync {
        file: recorded.file,
        folder: std::mem::take(&mut recorded.syncs_folder),
    });
    ffi::SQLITE_OK
}

/// Property that every disk is assumed to have, and no more: bytes beside those that are written stay as they are.
unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE
}

/// Methods that hand on to SQLite's own.
macro_rules! hand_on {
    ($($name:ident => $method:ident($($argument:ident: $kind:ty),*) -> $result:ty;)*) => {
        $(unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file, $($argument: $kind),*) -> $result {
            // SAFETY: as SQLite called it.
            unsafe { File::methods(file).$method.unwrap()(File::system(file), $($argument),*) }
        })*
    };
}

hand_on! {
    read => xRead(bytes: *mut c_void, length: c_int, offset: ffi::sqlite3_int64) -> c_int;
    file_size => xFileSize(size: *mut ffi::sqlite3_int64) -> c_int;
    lock_file => xLock(level: c_int) -> c_int;
    unlock_file => xUnlock(level: c_int) -> c_int;
    check_reserved_lock => xCheckReservedLock(result: *mut c_int) -> c_int;
    file_control => xFileControl(operation: c_int, argument: *mut c_void) -> c_int;
    sector_size => xSectorSize() -> c_int;
    shm_map => xShmMap(region: c_int, size: c_int, extend: c_int, memory: *mut *mut c_void) -> c_int;
    shm_lock => xShmLock(offset: c_int, count: c_int, flags: c_int) -> c_int;
    shm_barrier => xShmBarrier() -> ();
    shm_unmap => xShmUnmap(delete: c_int) -> c_int;
}

static METHODS_WITHOUT_SHARED_MEMORY: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock_file),
    xUnlock: Some(unlock_file),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    ..METHODS_WITHOUT_SHARED_MEMORY
};

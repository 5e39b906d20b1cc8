//! Registry of open stores: one engine and one backup thread for each file of a process.

use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use super::handle::{LastBackup, Service};
use crate::backup::destination::Destination;
use crate::backup::events::{BackupEvent, Observer, Observers, ServiceOptions};
use crate::backup::fs::temporary::Temporary;
use crate::backup::local::state_dir::StateDir;
use crate::backup::recover::prepare::{Recovered, prepare};
use crate::clock::now_ms;
use crate::engine::sqlite::stray_log::{self, StrayLog};
use crate::engine::sqlite::{Engine, FileId, check_length, is_open, open_shared};
use crate::{Error, threads};

/// File with backups that is open, or was.
struct Registered {
    /// Identity of the file, where the system has one.
    id: Option<FileId>,
    service: Weak<Service>,
    /// Destination of its backups, which outlives the service until the last backup is made.
    destination: Weak<dyn Destination>,
}

static REGISTERED: Mutex<Vec<Registered>> = Mutex::new(Vec::new());

/// Open store.
#[derive(Debug)]
pub struct Opened {
    /// Engine.
    pub engine: Arc<Engine>,
    /// Backup service, if there is one.
    pub service: Option<Arc<Service>>,
    /// Write-ahead log of another file that was set aside before.
    pub stray_log: Option<StrayLog>,
}

impl Opened {
    /// A file without backups that nobody else in the process shares.
    #[must_use]
    pub fn alone(engine: Engine) -> Self {
        Self { engine: Arc::new(engine), service: None, stray_log: None }
    }
}

/// Opens a file, restores it before if necessary, and starts its backups. Later openings in the same process share
/// both, with the options of the first.
///
/// # Errors
///
/// As [`open_shared`] and [`prepare`].
pub fn open_store(
    path: &Path,
    options: Option<ServiceOptions>,
    observer: &Arc<dyn Observer>,
) -> Result<Opened, Error> {
    check_length(path)?;
    let Some(options) = options else { return open_alone(path) };
    if let Some(service) = service_of(path) {
        return share(path, service, observer);
    }
    if !path.parent().is_none_or(|parent| parent.as_os_str().is_empty() || parent.exists()) || path.is_dir() {
        // The engine reports this.
        return open_alone(path);
    }
    let locked = StateDir::beside(path).and_then(|state_dir| Ok((state_dir.lock_for_opening()?, state_dir)));
    let (opening, state_dir) = match locked {
        Ok(locked) => locked,
        Err(error) => return open_without_backups(path, error, observer),
    };
    if let Some(service) = service_of(path) {
        return share(path, service, observer);
    }
    let observers = Arc::new(Observers::default());
    observers.add(observer);
    let stray_log = set_stray_log_aside(path)?;
    let recovered = if is_open(path) {
        // An open file is neither inspected nor replaced.
        Recovered { restored: None, lock: state_dir.lock_for_backups()? }
    } else {
        prepare(path, &state_dir, &opening, &options.destination, stray_log.as_ref(), now_ms(), &observers)?
    };
    if let Some(restored) = recovered.restored {
        observers.tell(&BackupEvent::Restored(restored));
    }
    let engine = match open_shared(path) {
        Ok(engine) => engine,
        Err(error) => {
            drop(recovered.lock);
            state_dir.remove_if_unused(opening);
            return Err(error);
        }
    };
    // The file may have been made just now.
    state_dir.restrict();
    options.destination.belong_to(path);
    let destination = Arc::downgrade(&options.destination);
    let service =
        Arc::new(Service::start(path, state_dir, options, recovered.lock, observers, engine.restarts().clone())?);
    let mut served = threads::lock(&REGISTERED);
    served.retain(|one| one.destination.strong_count() > 0);
    served.push(Registered { id: FileId::of(path), service: Arc::downgrade(&service), destination });
    Ok(Opened { engine, service: Some(service), stray_log })
}

/// Opens a file without backups.
fn open_alone(path: &Path) -> Result<Opened, Error> {
    let stray_log = set_stray_log_aside(path)?;
    Ok(Opened { engine: open_shared(path)?, service: None, stray_log })
}

/// Sets aside the log of another file, unless the file is open in this process.
fn set_stray_log_aside(path: &Path) -> Result<Option<StrayLog>, Error> {
    if is_open(path) {
        return Ok(None);
    }
    stray_log::set_stray_log_aside(path).map_err(|error| Error::stray_log(path, &error))
}

/// Opens a file whose state folder cannot be used, and reports that there are no backups of it. A file that is missing or
/// empty may be one that has to be restored, which cannot be told here: that is an error.
fn open_without_backups(path: &Path, error: Error, observer: &Arc<dyn Observer>) -> Result<Opened, Error> {
    let has_content = path.metadata().is_ok_and(|metadata| metadata.len() > 0);
    if !has_content && Temporary::create(path).is_ok() {
        return Err(error);
    }
    // Opening first: if the folder is not writable, its error says more than the one about new files.
    let opened = open_alone(path)?;
    if !has_content {
        // A permission that is missing for the file as well is said of the file.
        #[cfg(unix)]
        let error = crate::engine::sqlite::not_permitted(path).unwrap_or(error);
        return Err(error);
    }
    observer.happened(&BackupEvent::Failure(error));
    Ok(opened)
}

fn share(path: &Path, service: Arc<Service>, observer: &Arc<dyn Observer>) -> Result<Opened, Error> {
    service.observers().add(observer);
    Ok(Opened { engine: open_shared(path)?, service: Some(service), stray_log: None })
}

/// Returns the backup service of a file that is open in this process.
fn service_of(path: &Path) -> Option<Arc<Service>> {
    find(path, |served| served.service.upgrade())
}

/// Returns the destination of a file that is open in this process, whatever options the caller has.
#[must_use]
pub fn destination_of(path: &Path) -> Option<Arc<dyn Destination>> {
    find(path, |served| served.destination.upgrade())
}

/// Searches the newest entry of a file, which may have been closed and opened again.
fn find<T>(path: &Path, what: impl Fn(&Registered) -> Option<T>) -> Option<T> {
    let id = FileId::of(path);
    id.as_ref()?;
    threads::lock(&REGISTERED).iter().rev().filter(|served| served.id == id).find_map(what)
}

/// Begins the last backup of every open file.
#[must_use]
pub fn begin_last_backups() -> Vec<LastBackup> {
    let registered = threads::lock(&REGISTERED);
    registered.iter().filter_map(|served| Some(served.service.upgrade()?.finish())).collect()
}

/// The backups of a store, if it is the last that has them.
#[must_use]
pub fn take_last(service: Arc<Service>) -> Option<Service> {
    // Under the lock, so that nobody who goes through all of them misses this one.
    let _registered = threads::lock(&REGISTERED);
    Arc::into_inner(service)
}

/// Returns true if no open file has backups.
#[must_use]
pub fn is_none_open() -> bool {
    threads::lock(&REGISTERED).iter().all(|served| served.service.strong_count() == 0)
}

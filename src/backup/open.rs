//! Opens a store with its backups: one engine and one backup thread for each file of a process.

use std::path::Path;
use std::sync::{Arc, Mutex, Weak};
use std::thread;
use std::time::Duration;

use super::destination::Destination;
use super::opening::{Outcome, Prepared, prepare};
use super::place::Place;
use super::service::{Event, LastBackup, Observer, Observers, Options, Service, is_any_closing};
use crate::clock::now_ms;
use crate::engine::sqlite::{Engine, FileId, is_open, open_shared};
use crate::{Error, threads};

static SERVICES: Mutex<Vec<(FileId, Weak<Service>)>> = Mutex::new(Vec::new());

/// Every service, of files too that cannot be told from others.
static OPEN: Mutex<Vec<Weak<Service>>> = Mutex::new(Vec::new());

/// Where the backups of each go. Not those of `SERVICES`, which are locked while a file is being restored.
static DESTINATIONS: Mutex<Vec<(FileId, Weak<dyn Destination>)>> = Mutex::new(Vec::new());

/// How often it is looked whether the last file that is being closed is closed.
const CLOSING_PAUSE: Duration = Duration::from_millis(5);

/// A store that is open.
#[derive(Debug)]
pub struct Opened {
    /// Its engine.
    pub engine: Arc<Engine>,
    /// Its backups, if there are any.
    pub service: Option<Arc<Service>>,
}

/// Opens a file, restored before if need be, and begins to make backups of it. Who opens it later in the same process
/// shares both, with the options of the first.
///
/// # Errors
///
/// As [`open_shared`] and [`prepare`].
pub fn open_store(path: &Path, options: Option<Options>, observer: &Arc<dyn Observer>) -> Result<Opened, Error> {
    let Some(options) = options else { return Ok(Opened { engine: open_shared(path)?, service: None }) };
    let mut services = threads::lock(&SERVICES);
    services.retain(|(_, service)| service.strong_count() > 0);
    if let Some(service) = find(&services, path) {
        service.observers().add(observer);
        return Ok(Opened { engine: open_shared(path)?, service: Some(service) });
    }
    let observers = Arc::new(Observers::default());
    observers.add(observer);
    if !path.parent().is_none_or(|parent| parent.as_os_str().is_empty() || parent.exists()) || path.is_dir() {
        // For the engine to report.
        return Ok(Opened { engine: open_shared(path)?, service: None });
    }
    let place = match Place::beside(path) {
        Ok(place) => place,
        // What keeps a folder from being made may keep the file from being opened, and that says more.
        Err(error) => return open_shared(path).and(Err(error)),
    };
    let prepared = if is_open(path) {
        // What is in use is neither looked at nor replaced.
        Prepared { outcome: Outcome::Kept, lock: place.lock_for_backups()? }
    } else {
        prepare(path, &place, &options.destination, now_ms(), &observers)?
    };
    if matches!(prepared.outcome, Outcome::Restored(_)) {
        observers.tell(&Event::Opened(prepared.outcome));
    }
    let engine = open_shared(path).inspect_err(|_| place.remove_if_unused())?;
    let destination = Arc::downgrade(&options.destination);
    let service = Arc::new(Service::start(path, place, options, prepared.lock, observers)?);
    let mut open = threads::lock(&OPEN);
    open.retain(|service| service.strong_count() > 0);
    open.push(Arc::downgrade(&service));
    drop(open);
    if let Some(id) = FileId::of(path) {
        let mut destinations = threads::lock(&DESTINATIONS);
        destinations.retain(|(_, destination)| destination.strong_count() > 0);
        destinations.push((id.clone(), destination));
        services.push((id, Arc::downgrade(&service)));
    }
    Ok(Opened { engine, service: Some(service) })
}

/// Where the backups of a file go that is open in this process, whatever the options of who asks.
#[must_use]
pub fn destination_of(path: &Path) -> Option<Arc<dyn Destination>> {
    let id = FileId::of(path)?;
    // The newest: the file may have been closed and opened again.
    threads::lock(&DESTINATIONS).iter().rev().filter(|(known, _)| *known == id).find_map(|(_, one)| one.upgrade())
}

/// Lets every open file make its last backup, because the process is ending. Blocks, for no longer than the longest that
/// the options allow.
pub fn make_last_backups() {
    // Not those of `SERVICES`, which are locked while a file is being restored.
    let open: Vec<Arc<Service>> = threads::lock(&OPEN).iter().filter_map(Weak::upgrade).collect();
    let last: Vec<LastBackup> = open.iter().map(|service| service.finish()).collect();
    drop(open);
    last.into_iter().for_each(LastBackup::wait);
    while is_any_closing() {
        thread::sleep(CLOSING_PAUSE);
    }
}

/// Ceases to catch signals if no file with backups is open any more, and waits for that if it is to be `joined`.
#[cfg(unix)]
pub fn release_signals(joined: bool) {
    super::signals::release(joined, || threads::lock(&OPEN).iter().all(|service| service.strong_count() == 0));
}

/// There are no signals.
#[cfg(not(unix))]
pub fn release_signals(_joined: bool) {}

fn find(services: &[(FileId, Weak<Service>)], path: &Path) -> Option<Arc<Service>> {
    let id = FileId::of(path)?;
    services.iter().find(|(known, _)| *known == id)?.1.upgrade()
}

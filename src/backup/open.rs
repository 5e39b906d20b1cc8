//! Opens a store with its backups: one engine and one backup thread for each file of a process.

use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use super::opening::{Outcome, Prepared, prepare};
use super::place::Place;
use super::service::{Event, Observer, Observers, Options, Service};
use crate::clock::now_ms;
use crate::engine::sqlite::{Engine, FileId, is_open, open_shared};
use crate::{Error, threads};

static SERVICES: Mutex<Vec<(FileId, Weak<Service>)>> = Mutex::new(Vec::new());

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
    let service = Arc::new(Service::start(path, place, options, prepared.lock, observers)?);
    if let Some(id) = FileId::of(path) {
        services.push((id, Arc::downgrade(&service)));
    }
    Ok(Opened { engine, service: Some(service) })
}

fn find(services: &[(FileId, Weak<Service>)], path: &Path) -> Option<Arc<Service>> {
    let id = FileId::of(path)?;
    services.iter().find(|(known, _)| *known == id)?.1.upgrade()
}

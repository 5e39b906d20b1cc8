//! Registry: one engine per file in a process, whoever opens it and by whatever path.

use std::path::Path;
use std::sync::{Arc, Mutex, Weak};

use super::engine::Engine;
use super::file::FileId;
use crate::{Error, threads};

static ENGINES: Mutex<Vec<(FileId, Weak<Engine>)>> = Mutex::new(Vec::new());

/// The process's engine of a file. It is opened if there is none yet. Blocks as [`Engine::open`] does.
///
/// # Errors
///
/// As [`Engine::open`].
pub fn open_shared(path: &Path) -> Result<Arc<Engine>, Error> {
    let mut engines = threads::lock(&ENGINES);
    engines.retain(|(_, engine)| engine.strong_count() > 0);
    if let Some(engine) = find(&engines, path) {
        return Ok(engine);
    }
    let engine = Arc::new(Engine::open(path)?);
    if let Some(id) = engine.file.id() {
        engines.push((id.clone(), Arc::downgrade(&engine)));
    }
    Ok(engine)
}

/// Returns `true` if the process has an engine of a file.
pub fn is_open(path: &Path) -> bool {
    find(&threads::lock(&ENGINES), path).is_some()
}

fn find(engines: &[(FileId, Weak<Engine>)], path: &Path) -> Option<Arc<Engine>> {
    let id = FileId::of(path)?;
    engines.iter().find(|(known, _)| *known == id)?.1.upgrade()
}

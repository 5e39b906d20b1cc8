//! One engine per file in a process, whoever opens it and under whatever name.

use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::Engine;
use crate::Error;

/// What tells files apart: two names of one file have the same.
#[derive(PartialEq, Eq)]
enum FileId {
    #[cfg(unix)]
    Inode { device: u64, inode: u64 },
    #[cfg(not(unix))]
    Path(PathBuf),
}

static ENGINES: Mutex<Vec<(FileId, Weak<Engine>)>> = Mutex::new(Vec::new());

/// The process's engine of a file, opened if nobody has yet. Blocks as [`Engine::open`] does.
///
/// # Errors
///
/// As [`Engine::open`].
pub fn open_shared(path: &Path) -> Result<Arc<Engine>, Error> {
    let mut engines = ENGINES.lock().unwrap_or_else(PoisonError::into_inner);
    engines.retain(|(_, engine)| engine.strong_count() > 0);
    if let Some(engine) = find(&engines, path) {
        return Ok(engine);
    }
    let engine = Arc::new(Engine::open(path)?);
    if let Some(id) = file_id(path) {
        engines.push((id, Arc::downgrade(&engine)));
    }
    Ok(engine)
}

fn find(engines: &[(FileId, Weak<Engine>)], path: &Path) -> Option<Arc<Engine>> {
    let id = file_id(path)?;
    engines.iter().find(|(known, _)| *known == id)?.1.upgrade()
}

/// Looks at the file without opening it: closing a descriptor would drop the locks that the process holds on it.
#[cfg(unix)]
fn file_id(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt;
    let metadata = path.metadata().ok()?;
    Some(FileId::Inode { device: metadata.dev(), inode: metadata.ino() })
}

#[cfg(not(unix))]
fn file_id(path: &Path) -> Option<FileId> {
    path.canonicalize().ok().map(FileId::Path)
}

//! Registry: one engine per file in a process, whoever opens it and by whatever path.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, Weak};

use super::engine::Engine;
use super::file::FileId;
use crate::{Error, threads};

static REGISTRY: Mutex<Registry> = Mutex::new(Registry { open: Vec::new(), opening: Vec::new() });

/// Engines of the process. Nothing that waits for a file runs under the lock of this.
struct Registry {
    open: Vec<(FileId, Weak<Engine>)>,
    opening: Vec<(OpeningFile, Arc<OpenAttempt>)>,
}

/// File that is being opened.
struct OpeningFile {
    /// Path with its links followed, because there may be no file yet.
    path: PathBuf,
    /// Identity, if the file exists: SQLite must not open it by two names at once, of which each has a log of its own.
    id: Option<FileId>,
}

impl OpeningFile {
    fn at(path: &Path) -> Self {
        Self { path: resolve(path), id: FileId::of(path) }
    }

    fn is_same(&self, other: &Self) -> bool {
        self.path == other.path || self.id.is_some() && self.id == other.id
    }
}

/// Attempt to open a file. Everybody who asks for the file meanwhile shares its outcome.
#[derive(Default)]
struct OpenAttempt {
    outcome: Mutex<Option<Result<Weak<Engine>, Error>>>,
    is_over: Condvar,
}

/// The process's engine of a file. It is opened if there is none yet. Blocks as [`Engine::open`] does.
///
/// # Errors
///
/// As [`Engine::open`].
pub fn open_shared(path: &Path) -> Result<Arc<Engine>, Error> {
    loop {
        match enter(path) {
            Entered::Open(engine) => return Ok(engine),
            Entered::Waiting(opening) => match opening.wait() {
                Err(error) => return Err(error),
                // Unless it is closed again already.
                Ok(engine) => {
                    if let Some(engine) = engine.upgrade() {
                        return Ok(engine);
                    }
                }
            },
            Entered::First(attempt) => return attempt.open(path),
        }
    }
}

/// Returns `true` if the process has an engine of a file. Waits for an attempt to open it that is under way.
pub fn is_open(path: &Path) -> bool {
    let file = OpeningFile::at(path);
    let opening = threads::lock(&REGISTRY).find_opening(&file);
    if let Some(opening) = opening {
        drop(opening.wait());
    }
    FileId::of(path).is_some_and(|id| threads::lock(&REGISTRY).has(&id))
}

/// State of a file that somebody asks for.
enum Entered {
    Open(Arc<Engine>),
    Waiting(Arc<OpenAttempt>),
    First(Attempt),
}

fn enter(path: &Path) -> Entered {
    let file = OpeningFile::at(path);
    let mut registry = threads::lock(&REGISTRY);
    registry.open.retain(|(_, engine)| engine.strong_count() > 0);
    if let Some(engine) = file.id.as_ref().and_then(|id| registry.find(id)) {
        return Entered::Open(engine);
    }
    if let Some(opening) = registry.find_opening(&file) {
        return Entered::Waiting(opening);
    }
    let opening = Arc::new(OpenAttempt::default());
    registry.opening.push((file, Arc::clone(&opening)));
    Entered::First(Attempt { opening, outcome: None })
}

/// Path with its links followed; where the file does not exist, with those of its folder.
fn resolve(path: &Path) -> PathBuf {
    let through_folder = || {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(folder.canonicalize().ok()?.join(path.file_name()?))
    };
    path.canonicalize().ok().or_else(through_folder).unwrap_or_else(|| path.to_owned())
}

impl Registry {
    fn find(&self, id: &FileId) -> Option<Arc<Engine>> {
        self.open.iter().filter(|(known, _)| known == id).find_map(|(_, engine)| engine.upgrade())
    }

    /// Returns `true` if a file is open, without keeping it open: whoever closes it meanwhile has to be the last who has it.
    fn has(&self, id: &FileId) -> bool {
        self.open.iter().any(|(known, engine)| known == id && engine.strong_count() > 0)
    }

    fn find_opening(&self, file: &OpeningFile) -> Option<Arc<OpenAttempt>> {
        let (_, opening) = self.opening.iter().find(|(opening, _)| opening.is_same(file))?;
        Some(Arc::clone(opening))
    }
}

impl OpenAttempt {
    fn wait(&self) -> Result<Weak<Engine>, Error> {
        let mut outcome = threads::lock(&self.outcome);
        loop {
            if let Some(outcome) = &*outcome {
                return outcome.clone();
            }
            outcome = self.is_over.wait(outcome).unwrap_or_else(std::sync::PoisonError::into_inner);
        }
    }
}

/// Attempt that is the caller's to make.
struct Attempt {
    opening: Arc<OpenAttempt>,
    outcome: Option<Result<Weak<Engine>, Error>>,
}

impl Attempt {
    fn open(mut self, path: &Path) -> Result<Arc<Engine>, Error> {
        let engine = Engine::open(path).map(|engine| register(Arc::new(engine)));
        self.outcome = Some(engine.as_ref().map(Arc::downgrade).map_err(Error::clone));
        engine
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        threads::lock(&REGISTRY).opening.retain(|(_, opening)| !Arc::ptr_eq(opening, &self.opening));
        let panicked = || Err(Error::internal("a thread panicked while it opened the file"));
        *threads::lock(&self.opening.outcome) = Some(self.outcome.take().unwrap_or_else(panicked));
        self.opening.is_over.notify_all();
    }
}

/// Registers an engine, or returns the one that is registered: before the file existed, it could not be told that another
/// name leads to it.
fn register(engine: Arc<Engine>) -> Arc<Engine> {
    let Some(id) = engine.file.id().cloned() else { return engine };
    let mut registry = threads::lock(&REGISTRY);
    if let Some(first) = registry.find(&id) {
        drop(registry);
        if let Some(engine) = Arc::into_inner(engine) {
            engine.close();
        }
        return first;
    }
    registry.open.push((id, Arc::downgrade(&engine)));
    engine
}

//! Opens what power losses left, and compares it with what was acknowledged.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::path::Path;
use std::sync::{Mutex, mpsc};
use std::thread;

use fastrand::Rng;
use rootcellar::batch::Batch;
use rootcellar::engine::sqlite::Engine;
use rootcellar::engine::sqlite::stray_log::is_stray;
use rootcellar::engine::sqlite::wal::file_mark::boot;
use rootcellar::kv::Address;
use rusqlite::Connection;
use twox_hash::XxHash3_64;

use crate::commands::set;
use crate::history::{History, NOW_MS, state};
use crate::power_loss::{Disk, Image, Survivors};
use crate::recording_vfs::Event;
use crate::rounds::rounds;

/// The name of the database file.
pub const FILE: &str = "bot.sqlite3";

/// Files that a power loss left, and its moment.
pub struct Loss {
    point: usize,
    pub survivors: Survivors,
    seed: u64,
    acknowledged: usize,
    sent: usize,
    image: u64,
}

impl Loss {
    /// The image, and whether it is also what is left when only the process is killed.
    fn key(&self) -> (u64, bool) {
        (self.image, self.survivors == Survivors::All)
    }
}

/// The outcome of [`examine`].
#[derive(Default)]
pub struct Findings {
    points: usize,
    images: usize,
    distinct: usize,
    /// Images that are no sound store, or not one in a state that was allowed.
    pub damaged: Vec<String>,
    pub lost: Vec<String>,
}

impl Findings {
    pub fn add(&mut self, other: Self) {
        self.points += other.points;
        self.images += other.images;
        self.distinct += other.distinct;
        self.damaged.extend(other.damaged);
        self.lost.extend(other.lost);
    }

    fn bad(&self) -> usize {
        self.damaged.len() + self.lost.len()
    }

    #[track_caller]
    pub fn assert_none(&self) {
        let first = self.damaged.first().or(self.lost.first());
        assert!(first.is_none(), "{} of {} images, first: {}", self.bad(), self.images, first.unwrap());
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { points, images, distinct, .. } = self;
        let (damaged, lost) = (self.damaged.len(), self.lost.len());
        write!(f, "{points} points, {images} images ({distinct} different), {damaged} damaged, {lost} not allowed")
    }
}

/// Opens what a power loss left after each event, and compares it with the history.
pub fn examine(events: &[Event], history: &History, random_images: usize, seed: u64) -> Findings {
    examine_from(0, events, history, random_images, seed)
}

/// [`examine`] for the events from some place on.
pub fn examine_from(
    first: usize,
    events: &[Event],
    history: &History,
    random_images: usize,
    seed: u64,
) -> Findings {
    let mut losses = Vec::new();
    let states = Mutex::new(HashMap::new());
    let (work, queue) = mpsc::sync_channel::<((u64, bool), Image)>(8);
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from).min(8) {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().recv();
                    let Ok((key, image)) = next else { return };
                    let found = reopen(&image, key.1);
                    states.lock().unwrap().insert(key, found);
                }
            });
        }
        let mut queued = HashSet::new();
        power_losses(first, events, random_images, seed, |loss, image| {
            if queued.insert(loss.key()) {
                work.send((loss.key(), image)).unwrap();
            }
            losses.push(loss);
        });
        drop(work);
    });
    let states = states.into_inner().unwrap();
    let mut findings = Findings {
        points: losses.iter().map(|loss| loss.point).collect::<HashSet<_>>().len(),
        images: losses.len(),
        distinct: states.len(),
        ..Findings::default()
    };
    for loss in losses {
        let key = loss.key();
        let Loss { point, survivors, seed, acknowledged, sent, .. } = loss;
        let place = format!(
            "{survivors:?} of what was not synced after event {point} ({}), seed {seed}, \
             {acknowledged} commands acknowledged and {sent} sent",
            name(&events[point])
        );
        match &states[&key] {
            Err(error) => findings.damaged.push(format!("{place}: {error}")),
            Ok(state) if !history.allows(state, acknowledged, sent) => {
                findings.lost.push(format!("{place}: {state:.2000}"));
            }
            Ok(_) => {}
        }
    }
    findings
}

/// Calls `visit` with everything that is tried.
pub fn power_losses(
    first: usize,
    events: &[Event],
    random_images: usize,
    seed: u64,
    mut visit: impl FnMut(Loss, Image),
) {
    let mut disk = Disk::default();
    let (mut acknowledged, mut sent) = (0, 0);
    let mut seeds = Rng::with_seed(seed);
    // A few rounds look at every third point only, beginning anywhere.
    let stride = rounds(3, 1, 1);
    let offset = seeds.usize(..stride);
    for (point, event) in events.iter().enumerate() {
        disk.apply(event);
        match event {
            Event::Sent(total) => sent = *total,
            Event::Acknowledged(total) => acknowledged = *total,
            _ => {}
        }
        if point < first || !(point + offset).is_multiple_of(stride) {
            continue;
        }
        let some = std::iter::repeat_n(Survivors::Some, random_images);
        for survivors in [Survivors::Nothing, Survivors::All, Survivors::AllButTorn].into_iter().chain(some) {
            let seed = seeds.u64(..);
            let image = disk.image(survivors, &mut Rng::with_seed(seed));
            visit(Loss { point, survivors, seed, acknowledged, sent, image: hash_of(&image) }, image);
        }
    }
}

fn hash_of(image: &Image) -> u64 {
    let parts = image.iter().flat_map(|(name, bytes)| [name.as_bytes(), bytes]);
    parts.fold(0, XxHash3_64::oneshot_with_seed)
}

fn name(event: &Event) -> String {
    match event {
        Event::Write { file, offset, bytes } => format!("{} bytes written to file {file} at {offset}", bytes.len()),
        other => format!("{other:?}"),
    }
}

/// Writes the files to a folder.
pub fn put(image: &Image, folder: &Path) {
    for (name, bytes) in image {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

/// Opens the store, and says what is in it, or what is wrong with it.
fn reopen(image: &Image, is_kill: bool) -> Result<String, String> {
    let folder = tempfile::tempdir().unwrap();
    put(image, folder.path());
    // A leftover index of the log is of no use, and must do no harm.
    if image.contains_key(&format!("{FILE}-wal")) {
        std::fs::write(folder.path().join(format!("{FILE}-shm")), vec![0xa5; 32 << 10]).unwrap();
    }
    let path = folder.path().join(FILE);
    // A log without its file is another's: there was nothing in either.
    if image.get(FILE).is_some_and(|file| !file.is_empty()) {
        let boots = [Some([0xb0; 16]), is_kill.then(boot)];
        for boot in boots.into_iter().flatten() {
            if is_stray(&path, boot) {
                return Err(format!("its log was taken for another file's, by a process of the boot {boot:x?}"));
            }
        }
    }
    let engine = Engine::open(&path).map_err(|error| format!("opening: {} {error}", error.code()))?;
    let found = look_into(&engine, &path);
    engine.close();
    found
}

fn look_into(engine: &Engine, path: &Path) -> Result<String, String> {
    let found = state(engine).map_err(|error| format!("reading: {} {error}", error.code()))?;
    let check: String = Connection::open(path)
        .and_then(|connection| connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)))
        .map_err(|error| format!("integrity_check: {error}"))?;
    if check != "ok" {
        return Err(format!("integrity_check: {check}"));
    }
    let outcome = engine.execute(Batch::new(vec![set("probe", "1")], NOW_MS));
    let probe = engine.reader().and_then(|reader| reader.get(&Address::new("probe"), NOW_MS));
    match (outcome.stopped, probe) {
        (None, Ok(Some(_))) => Ok(found),
        (stopped, probe) => Err(format!("the next write: {stopped:?}, {probe:?}")),
    }
}

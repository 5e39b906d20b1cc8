//! A bot that writes a little every second: every capture, merge and removal is made, of a real file to a real folder.
//! Only the clock is pretended.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rootcellar::backup::capture::wal_capture::WalCapture;
use rootcellar::backup::catalog::files::BackupFile;
use rootcellar::backup::catalog::plan::Target;
use rootcellar::backup::destination::{Destination, Folder};
use rootcellar::backup::publish::publisher::Publisher;
use rootcellar::backup::restore::image::restore;
use rootcellar::batch::{Batch, Command};
use rootcellar::engine::sqlite::Engine;
use rootcellar::kv::{Address, Entry};
use rootcellar::limits::{BACKUP_RETENTION, MAINTENANCE_INTERVAL};

/// Midnight, so that the intervals of a day end with it.
pub const START_MS: i64 = 1_735_689_600_000;

const SECOND_MS: i64 = 1_000;

/// Result of a day.
#[derive(Debug)]
pub struct Played {
    /// The backups in the end.
    pub files: Vec<BackupFile>,
    /// Most bytes that they took, at any moment.
    pub most_bytes: u64,
    /// The size of the database.
    pub database_bytes: u64,
}

/// Kind of the values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Values {
    /// Objects as JSON, which are compressed to a quarter.
    Objects,
    /// Random letters, which cannot be compressed.
    Random,
}

/// Plays so many seconds of a bot whose store has so many keys, in an empty folder. Each second one key at random gets
/// another value.
pub fn play(folder: &Path, keys: usize, values: Values, seconds: i64) -> Played {
    let database = folder.join("store.sqlite3");
    let state = folder.join("state");
    std::fs::create_dir_all(&state).unwrap();
    let destination: Arc<dyn Destination> = Arc::new(Folder::new(&folder.join("backups")));

    let engine = Engine::open(&database).unwrap();
    write(&engine, Command::SetMany((0..keys).map(|index| entry(index, values, 0)).collect()), START_MS);
    let capture = Box::new(WalCapture::open(&database).unwrap());
    let mut publisher = Publisher::new(&state, Arc::clone(&destination), capture).unwrap();
    publisher.run(START_MS).unwrap().unwrap();

    let maintenance_s = i64::try_from(MAINTENANCE_INTERVAL.as_secs()).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let mut most_bytes = 0;
    for second in 1..=seconds {
        let now_ms = START_MS + second * SECOND_MS;
        write(&engine, Command::Set(entry(random.usize(..keys), values, second)), now_ms);
        publisher.run(now_ms).unwrap().unwrap();
        if second % maintenance_s == 0 {
            most_bytes = most_bytes.max(total_bytes(&destination.list().unwrap()));
            publisher.maintain(now_ms, Duration::ZERO, BACKUP_RETENTION).unwrap();
        }
    }

    let files = destination.list().unwrap();
    let output = folder.join("restored.sqlite3");
    let restored = restore(&*destination, &files, Target::Newest, &output, &mut |_| {}).unwrap();
    assert!(restored.is_newest && restored.skipped.is_empty());
    engine.close();
    Played { most_bytes: most_bytes.max(total_bytes(&files)), files, database_bytes: restored.bytes }
}

/// Bytes of all files together.
pub fn total_bytes(files: &[BackupFile]) -> u64 {
    files.iter().map(|file| file.bytes).sum()
}

fn entry(index: usize, values: Values, version: i64) -> Entry {
    let value = match values {
        Values::Objects => object(index, version),
        Values::Random => format!("\"{}\"", letters(index, version)),
    };
    Entry::new(Address::new(&format!("group:{:03}:member:{index:09}", index / 1_000)), &value)
}

fn object(index: usize, version: i64) -> String {
    let (level, xp, joined_at) = (version % 100, 1_000 + version % 9_000, 1_760_000_000_000 + version);
    format!(
        r#"{{"id":{index},"name":"Ada Lovelace of Root","level":{level},"xp":{xp},"roles":["member","gardener"],"joinedAt":{joined_at}}}"#
    )
}

/// As many as an object takes, the same for the same version of a key.
fn letters(index: usize, version: i64) -> String {
    let mut random = fastrand::Rng::with_seed((index as u64) << 32 | version.cast_unsigned());
    (0..110).map(|_| random.alphanumeric()).collect()
}

fn write(engine: &Engine, command: Command, now_ms: i64) {
    assert_eq!(engine.execute(Batch::new(vec![command], now_ms)).committed, 1);
}

//! A day of backups of a bot that writes a little every second: every capture, merge and removal is made, of a real file
//! to a real folder, only the clock is pretended. Prints what is at the destination in the end.
//!
//! `cargo bench --no-default-features --bench day -- <folder> <keys> <seconds>`; `benchmark/` calls it.

use std::path::Path;
use std::sync::Arc;

use rootcellar::backup::capture::PageDiff;
use rootcellar::backup::destination::{Destination, Folder};
use rootcellar::backup::plan::Target;
use rootcellar::backup::publisher::Publisher;
use rootcellar::backup::restore::restore;
use rootcellar::engine::sqlite::Engine;
use rootcellar::kv::{Address, Batch, Command, Entry};
use rootcellar::limits::{BACKUP_RETENTION, MAINTENANCE_INTERVAL};

/// Midnight, as every interval of a day then begins at one of its own.
const START_MS: i64 = 1_735_689_600_000;

const SECOND_MS: i64 = 1_000;

fn entry(index: usize, version: i64) -> Entry {
    let value = format!(
        r#"{{"id":{index},"name":"Ada Lovelace of Root","level":{},"xp":{},"roles":["member","gardener"],"joinedAt":{}}}"#,
        version % 100,
        1_000 + version % 9_000,
        1_760_000_000_000 + version,
    );
    Entry::new(Address::new(&format!("group:{:03}:member:{index:09}", index / 1_000)), &value)
}

fn write(engine: &Engine, command: Command, now_ms: i64) {
    assert_eq!(engine.execute(Batch::new(vec![command], now_ms)).committed, 1);
}

fn total_bytes(destination: &dyn Destination) -> u64 {
    destination.list().unwrap().iter().map(|file| file.bytes).sum()
}

fn play(folder: &Path, keys: usize, seconds: i64) {
    let database = folder.join("store.sqlite3");
    let state = folder.join("state");
    std::fs::create_dir_all(&state).unwrap();
    let destination: Arc<dyn Destination> = Arc::new(Folder::new(&folder.join("backups")));

    let engine = Engine::open(&database).unwrap();
    write(&engine, Command::SetMany((0..keys).map(|index| entry(index, 0)).collect()), START_MS);
    let capture = Box::new(PageDiff::open(&database).unwrap());
    let mut publisher = Publisher::new(&database, &state, Arc::clone(&destination), capture).unwrap();
    publisher.run(START_MS).unwrap().unwrap();

    let maintenance_s = i64::try_from(MAINTENANCE_INTERVAL.as_secs()).unwrap();
    let mut random = fastrand::Rng::with_seed(1);
    let mut most_bytes = 0;
    for second in 1..=seconds {
        let now_ms = START_MS + second * SECOND_MS;
        write(&engine, Command::Set(entry(random.usize(..keys), second)), now_ms);
        publisher.run(now_ms).unwrap().unwrap();
        if second % maintenance_s == 0 {
            most_bytes = most_bytes.max(total_bytes(&*destination));
            publisher.maintain(now_ms, BACKUP_RETENTION).unwrap();
        }
    }

    let files = destination.list().unwrap();
    let output = folder.join("restored.sqlite3");
    let restored = restore(&*destination, &files, Target::Newest, &output, &mut |_| {}).unwrap();
    assert!(restored.is_newest && restored.skipped.is_empty());
    println!(
        r#"{{"databaseBytes":{},"bytes":{},"mostBytes":{most_bytes},"files":{}}}"#,
        restored.bytes,
        total_bytes(&*destination),
        files.len(),
    );
    engine.close();
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [folder, keys, seconds] = arguments.as_slice() else { panic!("<folder> <keys> <seconds>") };
    play(Path::new(folder), keys.parse().unwrap(), seconds.parse().unwrap());
}

//! Power losses: at every write and sync of a scenario, what a disk may have kept of it is a store that is sound,
//! and in a state that the acknowledgements allow.
//!
//! `ROOTCELLAR_TEST_ROUNDS` multiplies the images, `ROOTCELLAR_TEST_SEED` repeats a run's choices.

#[path = "support/commands.rs"]
mod commands;
#[path = "support/examination.rs"]
mod examination;
#[path = "support/history.rs"]
mod history;
#[path = "support/key_model.rs"]
mod key_model;
#[path = "support/power_loss.rs"]
mod power_loss;
#[path = "support/recording_vfs.rs"]
mod recording_vfs;
#[path = "support/rounds.rs"]
mod rounds;
#[path = "support/rows.rs"]
mod rows;

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rootcellar::batch::Command;
use rootcellar::engine::sqlite::Engine;
use rootcellar::kv::{Address, Entry, Increment, KeyRange, SwapPart, Then};
use rusqlite::Connection;

use commands::{set, swap};
use examination::{FILE, Findings, examine, examine_from, power_losses, put};
use history::{Client, History, state};
use power_loss::Survivors;
use recording_vfs::{Event, Recording};
use rounds::rounds;

/// Journal mode by which SQLite keeps a file sound.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// A write-ahead log.
    Wal,
    /// A rollback journal, deleted at each commit; the engine's mode where there is no shared memory.
    Delete,
}

impl Mode {
    fn has_shared_memory(self) -> bool {
        matches!(self, Self::Wal)
    }
}

/// Number of things to try: of `count`, a few are a quarter, and a long run twenty times as many.
fn times(count: usize) -> usize {
    rounds(count.div_ceil(4), count, count * 20)
}

fn seed() -> u64 {
    std::env::var("ROOTCELLAR_TEST_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap())
}

/// Prints a figure, also where the test's output is not shown.
fn print(figure: &str) {
    std::io::stdout().write_all(format!("torn files, {figure}\n").as_bytes()).unwrap();
}

fn many(prefix: &str, numbers: std::ops::Range<usize>, value: &str) -> Command {
    let entry = |number| Entry::new(Address::new(&format!("{prefix}:{number:03}")), value);
    Command::SetMany(numbers.map(entry).collect())
}

fn delete_like(pattern: &str) -> Command {
    Command::DeleteLike { community: None, pattern: pattern.to_owned() }
}

fn increment(key: &str, by: f64) -> Command {
    let (min, max) = (f64::NEG_INFINITY, f64::INFINITY);
    Command::Increment(Increment { address: Address::new(key), by, min, max, expires_at: None })
}

fn delete_range(from: &str, to: &str) -> Command {
    let range = KeyRange { from: from.to_owned(), to: Some(to.to_owned()) };
    Command::DeleteRange { community: None, range }
}

/// A transfer between keys of a group, of which one goes.
fn transfer(from: &str, to: &str) -> Command {
    let part = |key: String, expected: &str, then| SwapPart {
        address: Address::new(&key),
        expected: Some(expected.to_owned()).into(),
        then,
    };
    let stored = (22..25).map(|number| part(format!("group:{number:03}"), from, Then::Store(to.to_owned())));
    let others = [part("group:025".into(), from, Then::Delete), part("group:026".into(), from, Then::Keep)];
    Command::SwapMany(stored.chain(others).collect())
}

fn text(length: usize) -> String {
    format!("\"{}\"", "x".repeat(length))
}

/// A store's life from its first opening: every command, batches that become one transaction, commands that fail
/// among others that do not, a log that is started over and emptied, a file that shrinks, a second opening.
fn life(path: &Path, recording: &Arc<Recording>) -> History {
    let mut history = History::new();
    let mut client = Client::open(path, recording, &mut history);
    client.run(vec![set("a", "1")]);
    client.run(vec![set("b", "1"), set("a", "2")]);
    let address = Address { community: Some("c".into()), key: "a".into() };
    client.run(vec![Command::Set(Entry::new(address.clone(), "3"))]);
    client.run(vec![many("many", 0..150, &text(120))]);
    let past = Entry { expires_at: Some(1_000), ..Entry::new(Address::new("expired"), "1") };
    client.run(vec![Command::Set(past)]);

    // Sent without waiting, so that several of them share a transaction.
    for number in 0..8 {
        let value = number.to_string();
        client.send(vec![set("a", &value), many("group", number * 3..number * 3 + 10, &value), set("b", &value)]);
    }
    client.wait();
    client.run(vec![swap("counter", None, "1"), swap("counter", Some("1"), "2")]);
    client.run(vec![swap("counter", Some("2"), "3")]);
    client.run(vec![increment("n", 1.0), increment("n", 0.5), Command::GetAndDelete(Address::new("n"))]);
    client.run(vec![transfer("7", "\"moved\""), increment("n", 2.0)]);
    client.run(vec![Command::SetIfAbsent(Entry::new(Address::new("n"), "9"))]);
    client.run(vec![Command::Expire { address: Address::new("group:020"), expires_at: Some(1_000) }]);

    let other = Connection::open(path).unwrap();
    // With less, a journal that was removed may come back beside a file that VACUUM has cut off since.
    other.pragma_update(None, "synchronous", "EXTRA").unwrap();
    other
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON __rootapp_kv WHEN NEW.key = 'bad:005' \
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .unwrap();
    client.send_expecting(vec![set("a", "\"kept\""), many("bad", 0..8, "1"), set("b", "\"not run\"")], 1);
    client.send(vec![set("b", "\"next\"")]);
    client.send_expecting(vec![swap("counter", Some("2"), "4"), set("b", "\"not run\"")], 0);
    client.wait();
    client.send_expecting(vec![set("b", "\"n\""), increment("b", 1.0)], 1);
    client.send_expecting(vec![transfer("7", "\"again\"")], 0);
    client.wait();
    client.run(vec![delete_range("group:021", "group:024"), set("large", &text(30_000))]);
    client.run(vec![set("large", "0"), Command::Delete(Address::new("b"))]);
    client.run(vec![delete_like("many:0%"), many("group", 0..5, "\"after\"")]);

    // The log starts over, and what is written next lies over what was in it.
    other.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
    client.run(vec![many("many", 90..120, &text(200))]);
    client.run(vec![set("a", "7")]);
    other.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
    client.run(vec![set("a", "8"), Command::Delete(address)]);
    other.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).unwrap();
    client.run(vec![delete_like("%:1%")]);
    other.execute_batch("VACUUM").unwrap();
    client.run(vec![set("a", "9")]);
    drop(other);
    client.close();

    let mut client = Client::open(path, recording, &mut history);
    client.run(vec![set("a", "10"), many("late", 0..20, "1")]);
    client.send(vec![delete_like("late:01_"), set("c", "1")]);
    client.close();
    history
}

/// Writes of a connection of the test's own to an empty store of the engine's, recorded.
fn record_connection(mode: Mode, write: impl Fn(&Connection, &Recording, &mut History)) -> (Vec<Event>, History) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    let recording = Recording::start(folder.path(), mode.has_shared_memory());
    Engine::open(&path).unwrap().close();
    let connection = Connection::open(&path).unwrap();
    let mut history = History::new();
    write(&connection, &recording, &mut history);
    drop(connection);
    (recording.stop(), history)
}

/// Writes entries one by one, and says of each that it is on disk.
fn insert(connection: &Connection, recording: &Recording, history: &mut History) {
    for number in 0..8 {
        let (key, value) = (format!("key {number}"), text(300));
        history.run(&set(&key, &value));
        recording.note(Event::Sent(history.commands()));
        connection.execute("INSERT INTO __rootapp_kv (key, value) VALUES (?1, ?2)", [key, value]).unwrap();
        recording.note(Event::Acknowledged(history.commands()));
    }
}

/// The scenario in a mode, recorded.
fn record(mode: Mode) -> (Vec<Event>, History) {
    let folder = tempfile::tempdir().unwrap();
    let recording = Recording::start(folder.path(), mode.has_shared_memory());
    let history = life(&folder.path().join(FILE), &recording);
    let events = recording.stop();
    let has_log = events.iter().any(|event| matches!(event, Event::Create { name, .. } if name.ends_with("-wal")));
    assert_eq!(has_log, mode.has_shared_memory());
    (events, history)
}

fn every_point_of_a_life_is_recovered(mode: Mode) {
    let (start, seed) = (Instant::now(), seed());
    let (events, history) = record(mode);
    let findings = examine(&events, &history, times(3), seed);
    print(&format!("{mode:?}: {findings}, seed {seed}, {:.1} s", start.elapsed().as_secs_f64()));
    findings.assert_none();
}

#[test]
fn a_power_loss_while_the_writer_empties_its_log_leaves_what_was_acknowledged() {
    let (start, seed) = (Instant::now(), seed());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE);
    // SQLite counts pages. With small ones there is less to write.
    Connection::open(&path).unwrap().execute_batch("PRAGMA page_size = 512; VACUUM").unwrap();
    let recording = Recording::start(folder.path(), true);
    let mut history = History::new();
    let mut client = Client::open(&path, &recording, &mut history);
    let written = || path.metadata().unwrap().modified().unwrap();
    for round in 0..60 {
        client.run(vec![many("key", 0..20, &text(200 + round)), set("round", &round.to_string())]);
        // Until the log is copied into the file, which it is soon.
        let before = written();
        while round == 40 && written() == before {
            thread::sleep(Duration::from_millis(20));
            client.run(vec![set("pause", "1")]);
        }
    }
    client.close();
    let events = recording.stop();

    let position = |wanted: &dyn Fn(&Event) -> bool| events.iter().position(wanted).unwrap();
    let acknowledged = position(&|event| matches!(event, Event::Acknowledged(1..)));
    // The database was the first file.
    let checkpoint = acknowledged
        + events[acknowledged..].iter().position(|event| matches!(event, Event::Write { file: 0, .. })).unwrap();
    let last = position(&|event| matches!(event, Event::Acknowledged(total) if *total == history.commands()));
    assert!(checkpoint < last, "the log was emptied at the end only");
    let first = checkpoint - 20;
    let findings = examine_from(first, &events, &history, times(1), seed);
    print(&format!("a checkpoint: {findings}, seed {seed}, {:.1} s", start.elapsed().as_secs_f64()));
    findings.assert_none();
}

/// Power losses while a store is opened after a power loss.
fn every_point_of_a_recovery_is_recovered(mode: Mode) {
    let (start, seed) = (Instant::now(), seed());
    let mut rng = Rng::with_seed(seed);
    let (events, _) = record(mode);
    let mut images = Vec::new();
    power_losses(0, &events, 1, seed, |loss, image| {
        if matches!(loss.survivors, Survivors::Some) {
            images.push(image);
        }
    });
    rng.shuffle(&mut images);
    images.truncate(times(12));

    let mut findings = Findings::default();
    for image in &images {
        let folder = tempfile::tempdir().unwrap();
        put(image, folder.path());
        let recording = Recording::start(folder.path(), mode.has_shared_memory());
        let engine = Engine::open(&folder.path().join(FILE)).unwrap();
        let history = History::of(state(&engine).unwrap());
        engine.close();
        findings.add(examine(&recording.stop(), &history, 2, rng.u64(..)));
    }
    let (recoveries, seconds) = (images.len(), start.elapsed().as_secs_f64());
    print(&format!("{mode:?}, {recoveries} recoveries: {findings}, seed {seed}, {seconds:.1} s"));
    findings.assert_none();
}

#[test]
fn a_power_loss_at_any_write_or_sync_leaves_what_was_acknowledged_in_wal_mode() {
    every_point_of_a_life_is_recovered(Mode::Wal);
}

#[test]
fn a_power_loss_at_any_write_or_sync_leaves_what_was_acknowledged_in_rollback_mode() {
    every_point_of_a_life_is_recovered(Mode::Delete);
}

#[test]
fn a_power_loss_during_the_recovery_from_a_power_loss_changes_nothing_in_wal_mode() {
    every_point_of_a_recovery_is_recovered(Mode::Wal);
}

#[test]
fn a_power_loss_during_the_recovery_from_a_power_loss_changes_nothing_in_rollback_mode() {
    every_point_of_a_recovery_is_recovered(Mode::Delete);
}

#[test]
fn a_store_that_does_not_sync_is_found_out() {
    for mode in [Mode::Wal, Mode::Delete] {
        let (events, history) = record_connection(mode, |connection, recording, history| {
            connection.pragma_update(None, "synchronous", "OFF").unwrap();
            insert(connection, recording, history);
        });
        let findings = examine(&events, &history, 0, 1);
        print(&format!("{mode:?}, synchronous=OFF: {findings}"));
        assert!(!findings.lost.is_empty());

        let (events, history) = record_connection(mode, |connection, recording, history| {
            connection.pragma_update(None, "synchronous", "EXTRA").unwrap();
            insert(connection, recording, history);
        });
        let findings = examine(&events, &history, 0, 1);
        print(&format!("{mode:?}, synchronous=EXTRA: {findings}"));
        findings.assert_none();
    }
}

#[test]
fn a_disk_that_lies_about_syncs_is_found_out() {
    for mode in [Mode::Wal, Mode::Delete] {
        let (events, history) = record(mode);
        let mut unsynced: Vec<Event> =
            events.into_iter().filter(|event| !matches!(event, Event::Sync { .. })).collect();
        // It lies from the start, and what is lost of that is lost later on, too.
        unsynced.truncate(rounds(unsynced.len() / 3, unsynced.len(), unsynced.len()));
        let findings = examine(&unsynced, &history, 0, 1);
        print(&format!("{mode:?}, a disk that lies: {findings}"));
        assert!(!findings.damaged.is_empty() && !findings.lost.is_empty());
    }
}

#[test]
fn an_array_that_is_written_entry_by_entry_is_found_out() {
    let (events, history) = record_connection(Mode::Wal, |connection, recording, history| {
        history.run(&many("half", 0..5, "1"));
        recording.note(Event::Sent(1));
        for number in 0..5 {
            let key = format!("half:{number:03}");
            connection.execute("INSERT INTO __rootapp_kv (key, value) VALUES (?1, '1')", [key]).unwrap();
        }
        recording.note(Event::Acknowledged(1));
    });
    let findings = examine(&events, &history, 0, 1);
    assert!(findings.damaged.is_empty() && !findings.lost.is_empty(), "{findings}");
}

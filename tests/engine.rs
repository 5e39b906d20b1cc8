//! Promises of the engine beyond single operations.

#[path = "support/commands.rs"]
mod commands;
#[path = "support/rows.rs"]
mod rows;

use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use rootcellar::Reply;
use rootcellar::batch::{Batch, ClientId, Command, Stop};
use rootcellar::engine::sqlite::{Engine, Scope, Select, Watched, open_shared};
use rootcellar::kv::{Address, Entry, RowFormat};
use rootcellar::limits::READERS_MAX;
use rusqlite::Connection;

use commands::{set, swap};

const NOW_MS: i64 = 1_800_000_000_000;

fn get(engine: &Engine, key: &str) -> Option<String> {
    engine.reader().unwrap().get(&Address::new(key), NOW_MS).unwrap()
}

fn select(engine: &Engine, pattern: &str) -> String {
    let question = Select { community: None, pattern: pattern.into(), now_ms: NOW_MS, format: RowFormat::Entry };
    rows::to_json(&rows::select(engine, question).unwrap())
}

/// A file with rows that only the SDK, or nobody at all, would write.
fn foreign(path: &std::path::Path, rows: &str) {
    drop(Engine::open(path).map(Engine::close));
    let connection = Connection::open(path).unwrap();
    connection.execute_batch(&format!("INSERT INTO __rootapp_kv (key, value, expires_at) VALUES {rows}")).unwrap();
}

#[test]
fn a_batch_stops_at_a_swap_that_met_another_value_and_keeps_what_came_before() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(&folder.path().join("a.sqlite3")).unwrap();
    let commands = vec![set("a", "1"), swap("a", Some("2"), "3"), set("b", "1")];
    let outcome = engine.execute(Batch::new(commands, NOW_MS));
    assert_eq!(outcome.committed, 1);
    assert!(matches!(outcome.stopped, Some(Stop::Conflict)));
    assert_eq!((get(&engine, "a").as_deref(), get(&engine, "b")), (Some("1"), None));
}

#[test]
fn a_command_that_fails_leaves_its_neighbours_in_peace() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite3");
    let engine = Engine::open(&path).unwrap();
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "CREATE TRIGGER refuse BEFORE INSERT ON __rootapp_kv WHEN NEW.key = 'bad' \
             BEGIN SELECT RAISE(ABORT, 'refused'); END",
        )
        .unwrap();
    let many = Command::SetMany(vec![
        Entry::new(Address::new("c"), "1"),
        Entry::new(Address::new("bad"), "1"),
        Entry::new(Address::new("d"), "1"),
    ]);
    let outcome = engine.execute(Batch::new(vec![set("a", "1"), many, set("b", "1")], NOW_MS));
    assert_eq!(outcome.committed, 1);
    let Some(Stop::Command(error)) = outcome.stopped else { panic!("{outcome:?}") };
    assert_eq!(error.code(), "SQLITE_CONSTRAINT_TRIGGER");
    assert_eq!(engine.execute(Batch::new(vec![set("b", "1")], NOW_MS)).committed, 1);
    assert_eq!(select(&engine, "%"), r#"[{"key":"a","value":1},{"key":"b","value":1}]"#);
}

#[test]
fn of_the_rows_that_the_sdk_leaves_the_newest_counts_and_a_write_leaves_one() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite3");
    foreign(&path, "('a', '1', NULL), ('b', '1', NULL), ('a', '2', NULL), ('a', '3', NULL)");
    let engine = Engine::open(&path).unwrap();
    assert_eq!(get(&engine, "a").as_deref(), Some("3"));
    assert_eq!(select(&engine, "%"), r#"[{"key":"a","value":3},{"key":"b","value":1}]"#);
    assert_eq!(engine.execute(Batch::new(vec![swap("a", Some("3"), "4")], NOW_MS)).committed, 1);
    assert_eq!(select(&engine, "%"), r#"[{"key":"a","value":4},{"key":"b","value":1}]"#);
    let rows: i64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT count(*) FROM __rootapp_kv", [], |row| row.get(0))
        .unwrap();
    assert_eq!(rows, 2);
}

#[test]
fn an_expired_row_does_not_bring_an_older_one_back_not_even_when_it_is_purged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite3");
    foreign(
        &path,
        "('a', '\"old\"', NULL), ('a', '\"new\"', 1000), ('b', '\"old\"', 1000), ('b', '\"new\"', NULL)",
    );
    let engine = Engine::open(&path).unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        assert_eq!((get(&engine, "a"), get(&engine, "b").as_deref()), (None, Some("\"new\"")));
        assert_eq!(select(&engine, "%"), r#"[{"key":"b","value":"new"}]"#);
        let rows: i64 = Connection::open(&path)
            .unwrap()
            .query_row("SELECT count(*) FROM __rootapp_kv", [], |row| row.get(0))
            .unwrap();
        if rows == 1 {
            break;
        }
        assert!(Instant::now() < deadline, "not purged at opening");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn foreign_columns_of_any_type_are_read_or_refused_by_name() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite3");
    foreign(
        &path,
        "('text expiry', '1', '2030-01-01'), ('blob expiry', '1', x'00'), ('real expiry', '1', 1e300), \
         ('past real', '1', 0.5), ('blob value', x'31', NULL), ('number', 5, NULL)",
    );
    let engine = Engine::open(&path).unwrap();
    for key in ["text expiry", "blob expiry", "real expiry", "blob value"] {
        assert_eq!(get(&engine, key).as_deref(), Some("1"), "{key}");
    }
    assert_eq!(get(&engine, "past real"), None);
    assert_eq!(get(&engine, "number").as_deref(), Some("5"));
    Connection::open(&path)
        .unwrap()
        .execute_batch("UPDATE __rootapp_kv SET value = x'ff' WHERE key = 'blob value'")
        .unwrap();
    assert_eq!(get(&engine, "blob value").as_deref(), Some(""), "no text, and no JSON");
}

#[test]
fn rows_of_many_slices_are_in_the_order_of_insertion_and_one_of_each_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite3");
    let row = |number: usize, value: &str| format!("('k{number:04}', '{value}', NULL)");
    let descending = (0..1_000).rev().map(|number| row(number, "1"));
    // A value that is no JSON does no harm if a newer one took its place.
    let repeated = [row(700, "no JSON"), row(700, "2"), row(3, "2"), "('K0003', '3', NULL)".to_owned()];
    foreign(&path, &descending.chain(repeated).collect::<Vec<_>>().join(","));
    let engine = Engine::open(&path).unwrap();
    let question = Select { community: None, pattern: "k%".into(), now_ms: NOW_MS, format: RowFormat::Entry };
    let found = rows::select(&engine, question).unwrap();
    let value = |number| if number == 700 || number == 3 { "2" } else { "1" };
    let expected = (0..1_000).rev().map(|number| (format!("k{number:04}"), value(number)));
    let expected: Vec<_> = expected.chain([("K0003".to_owned(), "3")]).collect();
    assert_eq!(found.iter().map(|row| (row.key.clone(), row.value.as_str())).collect::<Vec<_>>(), expected);
}

#[test]
fn a_lock_held_by_others_is_waited_for_and_then_reported_and_the_next_batch_works() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite3");
    let engine = Engine::open(&path).unwrap();
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let since = Instant::now();
    let outcome = engine.execute(Batch::new(vec![set("a", "1"), set("b", "1")], NOW_MS));
    assert!(since.elapsed() >= Duration::from_secs(4), "{:?}", since.elapsed());
    let Some(Stop::Transaction(error)) = outcome.stopped else { panic!("{outcome:?}") };
    assert_eq!((outcome.committed, error.code()), (0, "SQLITE_BUSY"));
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(engine.execute(Batch::new(vec![set("a", "1")], NOW_MS)).committed, 1);
}

#[test]
fn a_file_opened_twice_is_one_engine_until_the_last_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite3");
    let one = open_shared(&path).unwrap();
    let two = open_shared(&folder.path().join(".").join("a.sqlite3")).unwrap();
    assert!(std::sync::Arc::ptr_eq(&one, &two));
    drop(two);
    std::sync::Arc::into_inner(one).unwrap().close();
    assert!(!folder.path().join("a.sqlite3-wal").exists(), "the last to leave empties the log");
}

#[test]
fn more_selects_than_readers_are_all_answered() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(&folder.path().join("a.sqlite3")).unwrap();
    assert_eq!(engine.execute(Batch::new(vec![set("a", "1")], NOW_MS)).committed, 1);
    let question = Select { community: None, pattern: "%".into(), now_ms: NOW_MS, format: RowFormat::Value };
    let answers: Vec<_> = (0..100).map(|_| rows::start(&engine, question.clone())).collect();
    engine.close();
    for answer in answers {
        let row = rows::Row { key: String::new(), value: "1".into(), expires_at: None };
        assert_eq!(answer.recv().unwrap().unwrap(), [row]);
    }
}

/// Keeps every reader busy until the result is dropped.
fn occupy_readers(engine: &Engine) -> Vec<Sender<()>> {
    let occupy = |_| {
        let (release, released) = mpsc::channel();
        let all = Select { community: None, pattern: "%".into(), now_ms: NOW_MS, format: RowFormat::Entry };
        engine.select(all, drop, Reply::new(move |_| _ = released.recv()));
        release
    };
    (0..READERS_MAX).map(occupy).collect()
}

/// Watches all keys as soon as a reader is free. The result lives as long as the watch.
fn watch(engine: &Engine, number: u32, begun: impl FnOnce() + Send + 'static) -> Weak<()> {
    let kept = Arc::new(());
    let is_kept = Arc::downgrade(&kept);
    let tell = Box::new(move |_| drop(Arc::clone(&kept)));
    let watched = Watched::new(None, Scope::new(None, String::new(), None));
    assert!(!engine.watch((ClientId(1), number), watched, NOW_MS, || {}, begun, tell));
    is_kept
}

#[test]
fn a_watch_that_is_ended_before_its_keys_were_read_is_kept_by_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(&folder.path().join("a.sqlite3")).unwrap();
    let busy = occupy_readers(&engine);
    let (begun, has_begun) = mpsc::channel();
    let ended = watch(&engine, 1, || panic!("it was ended"));
    let goes_on = watch(&engine, 2, move || begun.send(()).unwrap());
    engine.watcher().remove((ClientId(1), 1));
    drop(busy);
    has_begun.recv_timeout(Duration::from_secs(60)).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while ended.strong_count() > 0 && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!((ended.strong_count(), goes_on.strong_count()), (0, 1));

    let busy = occupy_readers(&engine);
    let unread = watch(&engine, 3, || panic!("all were ended"));
    let releases = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        drop(busy);
    });
    engine.close();
    releases.join().unwrap();
    assert_eq!((unread.strong_count(), goes_on.strong_count()), (0, 0));
}

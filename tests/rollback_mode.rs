//! A folder without shared memory, as some network and container file systems are: there is no write-ahead log, and
//! who reads and who writes wait for each other.

#[path = "support/recording_vfs.rs"]
#[allow(dead_code, reason = "what is recorded is of no use here")]
mod recording_vfs;
#[path = "support/rows.rs"]
#[allow(dead_code, reason = "values are compared as they are")]
mod rows;

use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rootcellar::batch::{Batch, Command};
use rootcellar::engine::sqlite::{Engine, Select};
use rootcellar::kv::{Address, Entry, RowFormat};
use rootcellar::{Error, Reply};
use rusqlite::Connection;

use recording_vfs::Recording;
use rows::Row;

const FILE: &str = "bot.sqlite3";
const NOW_MS: i64 = 1_800_000_000_000;

fn set(key: &str, value: &str) -> Batch {
    Batch::new(vec![Command::Set(Entry::new(Address::new(key), value))], NOW_MS)
}

fn select(engine: &Engine) -> mpsc::Receiver<Result<Vec<Row>, Error>> {
    rows::start(engine, Select { community: None, pattern: "%".into(), now_ms: NOW_MS, format: RowFormat::Value })
}

/// An open engine in a folder without shared memory.
fn engine() -> (tempfile::TempDir, Engine) {
    let folder = tempfile::tempdir().unwrap();
    Recording::start(folder.path(), false);
    let engine = Engine::open(&folder.path().join(FILE)).unwrap();
    assert!(engine.execute(set("a", "1")).stopped.is_none());
    (folder, engine)
}

#[test]
fn a_select_waits_for_a_lock_of_others() {
    let (folder, engine) = engine();
    let other = Connection::open(folder.path().join(FILE)).unwrap();
    assert_eq!(other.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0)).unwrap(), "delete");
    for round in ["the first, with a connection that has read nothing yet", "the second"] {
        other.execute_batch("BEGIN EXCLUSIVE").unwrap();
        let answers = select(&engine);
        thread::sleep(Duration::from_millis(50));
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(answers.recv().unwrap().unwrap()[0].value, "1", "{round}");
    }
    engine.close();
}

#[test]
fn selects_beside_writes_are_all_answered() {
    let (_folder, engine) = engine();
    let (outcome, outcomes) = mpsc::channel();
    let mut answers = Vec::new();
    for number in 0..300 {
        let outcome = outcome.clone();
        let reply = Reply::new(move |result| outcome.send(result).unwrap());
        engine.submit(set("a", &number.to_string()), reply);
        answers.push(select(&engine));
        if number % 10 == 0 {
            thread::sleep(Duration::from_millis(1));
        }
    }
    for answer in answers {
        assert_eq!(answer.recv().unwrap().unwrap().len(), 1);
    }
    drop(outcome);
    assert!(outcomes.iter().all(|result| result.unwrap().committed == 1));
    engine.close();
}

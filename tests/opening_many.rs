//! Several files opened at a time, and one file by several.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use rootcellar::engine::sqlite::{Engine, open_shared};
use rootcellar::limits::BUSY_TIMEOUT;
use rusqlite::Connection;

const OPENERS: usize = 8;

/// Makes a database whose lock another connection holds.
fn locked(path: &Path) -> Connection {
    let connection = Connection::open(path).unwrap();
    connection.execute_batch("CREATE TABLE t (a); BEGIN EXCLUSIVE; INSERT INTO t VALUES (1)").unwrap();
    connection
}

#[test]
fn a_file_opens_while_others_wait_for_locks() {
    // On a busy machine it may take longer than the others wait.
    let was_in_time = (0..5).any(|_| opens_while_others_wait());
    assert!(was_in_time, "the free file was opened behind all others");
}

/// Opens a file while others wait for locks. Returns `false` if that took longer than they wait.
fn opens_while_others_wait() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: String| folder.path().join(name);
    let holders: Vec<Connection> = (0..6).map(|number| locked(&at(format!("locked {number}")))).collect();
    let barrier = Arc::new(Barrier::new(holders.len() + 1));
    let waiting: Vec<_> = (0..holders.len())
        .map(|number| {
            let (path, barrier) = (at(format!("locked {number}")), Arc::clone(&barrier));
            thread::spawn(move || {
                barrier.wait();
                open_shared(&path)
            })
        })
        .collect();
    let since = Instant::now();
    barrier.wait();
    // Whoever comes first, none keeps this one from being opened.
    open_shared(&at("free".to_owned())).unwrap();
    let are_waiting = waiting.iter().any(|thread| !thread.is_finished());
    for holder in holders {
        holder.execute_batch("COMMIT").unwrap();
    }
    let is_late = since.elapsed() >= BUSY_TIMEOUT;
    let opened: Vec<_> = waiting.into_iter().map(|thread| thread.join().unwrap()).collect();
    if is_late {
        return false;
    }
    assert!(are_waiting, "the free file was opened behind all others");
    for engine in opened {
        engine.unwrap();
    }
    true
}

#[test]
fn a_locked_file_is_waited_for_once_by_all_who_ask_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("locked");
    let holder = locked(&path);
    let barrier = Barrier::new(OPENERS);
    let since = Instant::now();
    let errors: Vec<_> = thread::scope(|scope| {
        let openers: Vec<_> = (0..OPENERS)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    open_shared(&path).unwrap_err()
                })
            })
            .collect();
        openers.into_iter().map(|opener| opener.join().unwrap()).collect()
    });
    assert!(errors.iter().all(rootcellar::Error::is_busy), "{errors:?}");
    // One after the other, they would wait for 5 s each.
    assert!(since.elapsed().as_secs() < 5 * (OPENERS as u64 - 1), "{:?}", since.elapsed());
    holder.execute_batch("COMMIT").unwrap();
    open_shared(&path).unwrap();
}

#[test]
fn one_file_has_one_engine_by_whatever_names_it_is_opened_at_once() {
    let folder = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let real = folder.path().join(format!("real {round}"));
        std::fs::create_dir(&real).unwrap();
        let path = real.join("a.sqlite3");
        let mut names: Vec<PathBuf> = vec![path.clone(), real.join(".").join("a.sqlite3")];
        #[cfg(unix)]
        {
            let link = folder.path().join(format!("link {round}"));
            std::os::unix::fs::symlink(&real, &link).unwrap();
            names.push(link.join("a.sqlite3"));
            let file_link = real.join("link.sqlite3");
            std::os::unix::fs::symlink(&path, &file_link).unwrap();
            names.push(file_link);
            if round % 2 == 0 {
                drop(Connection::open(&path).unwrap().execute_batch("CREATE TABLE t (a)"));
                let hard = real.join("hard.sqlite3");
                std::fs::hard_link(&path, &hard).unwrap();
                names.push(hard);
            }
        }
        let barrier = Barrier::new(OPENERS);
        let engines: Vec<Arc<Engine>> = thread::scope(|scope| {
            let openers: Vec<_> = (0..OPENERS)
                .map(|number| {
                    let (name, barrier) = (&names[number % names.len()], &barrier);
                    scope.spawn(move || {
                        barrier.wait();
                        open_shared(name).unwrap()
                    })
                })
                .collect();
            openers.into_iter().map(|opener| opener.join().unwrap()).collect()
        });
        assert!(engines.iter().all(|engine| Arc::ptr_eq(engine, &engines[0])), "round {round}");
    }
}

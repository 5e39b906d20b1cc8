//! A destination that others write to, or that loses what it had.

#[path = "support/machine.rs"]
mod machine;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use machine::{EVERYTHING, Machine, remove};
use rootcellar::backup::capture::wal_capture::WalCapture;
use rootcellar::backup::catalog::plan::Target;
use rootcellar::backup::destination::Folder;
use rootcellar::backup::publish::publisher::Publisher;
use rootcellar::backup::restore::image::restore;
use rootcellar::backup::{catalog::files::BackupFile, destination::Destination};
use rusqlite::Connection;
use tempfile::TempDir;

const START_MS: i64 = 1_735_689_600_000;
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A database of one row on a machine, and where its backups go.
struct Bot {
    folder: TempDir,
    connection: Connection,
    destination: Arc<Folder>,
}

impl Bot {
    fn new(destination: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(folder.path().join("a.sqlite3")).unwrap();
        connection
            .execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (v); INSERT INTO t VALUES ('')")
            .unwrap();
        std::fs::create_dir(folder.path().join("state")).unwrap();
        Self { folder, connection, destination: Arc::new(Folder::new(destination)) }
    }

    /// A copy on another machine, with everything that is known of its backups.
    fn copy(&self, destination: &Path) -> Self {
        let copy = Self::new(destination);
        drop(copy.connection);
        self.connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        for name in ["a.sqlite3", "state/pages"] {
            std::fs::copy(self.folder.path().join(name), copy.folder.path().join(name)).unwrap();
        }
        let connection = Connection::open(copy.folder.path().join("a.sqlite3")).unwrap();
        Self { connection, ..copy }
    }

    /// A copy that has gone on at the destination for a minute.
    fn overtaken(&self, destination: &Path) -> (Self, Publisher) {
        let copy = self.copy(destination);
        let mut publisher = copy.publisher();
        for second in 1..=60 {
            copy.write(&format!("new {second}"));
            publisher.run(START_MS + second * 1000).unwrap();
        }
        (copy, publisher)
    }

    fn publisher(&self) -> Publisher {
        let capture = Box::new(WalCapture::open(&self.folder.path().join("a.sqlite3")).unwrap());
        Publisher::new(&self.folder.path().join("state"), self.destination.clone(), capture).unwrap()
    }

    /// Gives the database an identity, as one that the store has opened has.
    fn identify(&self, identity: i64) {
        let table = "CREATE TABLE __rootcellar_schema (version INTEGER NOT NULL)";
        self.connection.execute_batch(table).unwrap();
        self.connection.execute("INSERT INTO __rootcellar_schema VALUES (2), (?1)", [identity]).unwrap();
    }

    fn write(&self, value: &str) {
        self.connection.execute("UPDATE t SET v = ?", [value]).unwrap();
    }

    fn files(&self) -> Vec<BackupFile> {
        let mut files = self.destination.list().unwrap();
        files.sort_by_key(|file| file.name.file_name());
        files
    }

    /// Value that the newest backup has.
    fn restored(&self) -> String {
        let output = self.folder.path().join("restored.sqlite3");
        restore(&*self.destination, &self.files(), Target::Newest, &output, &mut |_| {}).unwrap();
        Connection::open(output).unwrap().query_row("SELECT v FROM t", [], |row| row.get(0)).unwrap()
    }
}

#[test]
fn who_was_overtaken_publishes_nothing_although_the_names_are_free_again() {
    let backups = tempfile::tempdir().unwrap();
    let old = Bot::new(backups.path());
    let mut publisher = old.publisher();
    publisher.run(START_MS).unwrap();
    let (new, mut successor) = old.overtaken(backups.path());
    // Captures are merged, and removed when they are old.
    while successor.maintain(START_MS + 3_600_000, Duration::ZERO, WEEK).unwrap() {}
    let captured = |file: &&BackupFile| file.name.level.get() == 0;
    assert!(new.files().iter().filter(captured).count() < 5);

    let before = new.files();
    old.write("old");
    for _ in 0..2 {
        assert_eq!(publisher.run(START_MS + 3_700_000).unwrap_err().code(), "ERR_BACKUP_CONFLICT");
        assert!(!publisher.maintain(START_MS + 3_700_000, Duration::ZERO, WEEK).unwrap());
    }
    drop(publisher);
    let mut again = old.publisher();
    assert_eq!(again.run(START_MS + 3_800_000).unwrap_err().code(), "ERR_BACKUP_CONFLICT");
    assert_eq!(new.files(), before);
    new.write("last");
    successor.run(START_MS + 3_900_000).unwrap();
    assert_eq!(new.restored(), "last");
}

#[test]
fn who_was_overtaken_leaves_the_backups_of_the_other_as_they_are() {
    let backups = tempfile::tempdir().unwrap();
    let old = Bot::new(backups.path());
    let mut publisher = old.publisher();
    publisher.run(START_MS).unwrap();
    let (new, _successor) = old.overtaken(backups.path());
    let before = new.files();
    let error = publisher.maintain(START_MS + 3_600_000, Duration::ZERO, Duration::ZERO).unwrap_err();
    assert_eq!(error.code(), "ERR_BACKUP_CONFLICT");
    assert_eq!(new.files(), before);
}

#[test]
fn a_destination_that_has_lost_backups_gets_everything_anew_and_says_so() {
    for is_reopened in [false, true] {
        for lost in ["everything", "the first"] {
            let backups = tempfile::tempdir().unwrap();
            let bot = Bot::new(backups.path());
            let mut publisher = bot.publisher();
            for second in 0..3 {
                bot.write(&format!("{second}"));
                publisher.run(START_MS + second * 1000).unwrap();
            }
            match lost {
                "everything" => std::fs::remove_dir_all(backups.path()).unwrap(),
                _ => bot.destination.remove(bot.files()[0].name).unwrap(),
            }
            if is_reopened {
                drop(publisher);
                publisher = bot.publisher();
            } else {
                bot.write("later");
            }
            publisher.run(START_MS + 4000).unwrap();
            if !is_reopened && lost == "the first" {
                // A backup that is missing before the last is found where backups are merged.
                publisher.maintain(START_MS + 5000, Duration::ZERO, WEEK).unwrap();
                assert!(publisher.has_work().unwrap());
                publisher.run(START_MS + 6000).unwrap();
            }
            assert_eq!(bot.restored(), if is_reopened { "2" } else { "later" }, "{lost}");
            let told = publisher.take_problem().map(|error| error.code().to_owned());
            assert_eq!(told.as_deref(), Some("ERR_BACKUP_DAMAGED"), "{lost}");
            assert!(publisher.take_problem().is_none());
            publisher.maintain(START_MS + 7000, Duration::ZERO, WEEK).unwrap();
            assert!(publisher.take_problem().is_none());
        }
    }
}

#[test]
fn what_was_staged_and_removed_by_somebody_is_captured_anew() {
    let folder = tempfile::tempdir().unwrap();
    let backups = folder.path().join("backups");
    let bot = Bot::new(&backups);
    let mut publisher = bot.publisher();
    publisher.run(START_MS).unwrap();
    // A file where the captures go: nothing gets its name.
    let level = backups.join("ltx/0");
    std::fs::rename(&level, folder.path().join("away")).unwrap();
    std::fs::write(&level, b"").unwrap();
    bot.write("staged");
    publisher.run(START_MS + 1000).unwrap_err();
    std::fs::remove_dir_all(&backups).unwrap();
    drop(publisher.run(START_MS + 2000));
    publisher.run(START_MS + 3000).unwrap();
    assert_eq!(bot.restored(), "staged");
}

/// A machine whose last backup, "late", was not at the destination when its process was killed. Where that backup is,
/// and where it belongs.
fn killed_during_an_upload(folder: &Path) -> (Bot, [PathBuf; 2]) {
    let bot = Bot::new(&folder.join("backups"));
    let mut publisher = bot.publisher();
    publisher.run(START_MS).unwrap();
    bot.write("late");
    let late = publisher.run(START_MS + 1000).unwrap().unwrap().file.name;
    let [away, place] = [folder.join("away"), bot.destination.path(late)];
    std::fs::rename(&place, &away).unwrap();
    (bot, [away, place])
}

#[test]
fn an_upload_that_arrives_when_its_process_was_killed_is_not_taken_for_anothers() {
    for first in ["written", "maintained", "neither"] {
        let folder = tempfile::tempdir().unwrap();
        let (bot, [away, place]) = killed_during_an_upload(folder.path());
        let mut publisher = bot.publisher();
        let late = std::fs::read(&away).unwrap();
        std::fs::rename(&away, &place).unwrap();
        match first {
            "written" => bot.write("later"),
            "maintained" => drop(publisher.maintain(START_MS + 2000, Duration::ZERO, WEEK).unwrap()),
            _ => {}
        }
        let made = publisher.run(START_MS + 3000).unwrap().unwrap();
        assert_eq!(made.file.name.max.get(), 3, "{first}");
        assert_eq!(bot.restored(), if first == "written" { "later" } else { "late" });
        assert_eq!(std::fs::read(&place).unwrap(), late);
        bot.write("last");
        publisher.run(START_MS + 4000).unwrap();
        drop(publisher);
        assert_eq!(bot.publisher().run(START_MS + 5000).unwrap(), None, "{first}");
        assert_eq!(bot.restored(), "last");
    }
}

#[test]
fn another_machines_backup_of_the_name_of_a_late_one_is_a_conflict() {
    let folder = tempfile::tempdir().unwrap();
    let (bot, [_, place]) = killed_during_an_upload(folder.path());
    let copy = bot.copy(&folder.path().join("backups"));
    let mut publisher = bot.publisher();
    // With the same content, at another time.
    copy.publisher().run(START_MS + 2000).unwrap();
    assert!(place.exists());
    bot.write("later");
    assert_eq!(publisher.run(START_MS + 3000).unwrap_err().code(), "ERR_BACKUP_CONFLICT");
    assert_eq!(copy.restored(), "late");
}

#[test]
fn a_file_that_is_of_another_database_than_the_backups_adds_nothing_to_them() {
    const FIRST: i64 = -(1 << 40);
    const OTHER: i64 = i64::MIN;
    for is_merged in [false, true] {
        let backups = tempfile::tempdir().unwrap();
        let first = Bot::new(backups.path());
        first.identify(FIRST);
        let mut publisher = first.publisher();
        for second in 0..60 {
            first.write(&format!("first {second}"));
            publisher.run(START_MS + second * 1000).unwrap();
        }
        while is_merged && publisher.maintain(START_MS + 3_600_000, Duration::ZERO, WEEK).unwrap() {}
        let before = first.files();

        let other = Bot::new(backups.path());
        other.identify(OTHER);
        other.write("other");
        for _ in 0..2 {
            let mut others = other.publisher();
            assert_eq!(others.run(START_MS + 3_700_000).unwrap_err().code(), "ERR_BACKUP_CONFLICT");
            assert!(!others.maintain(START_MS + 3_700_000, Duration::ZERO, WEEK).unwrap());
        }
        assert_eq!(first.files(), before, "merged: {is_merged}");

        // Its own copy of which nothing is known, and a file that has no identity, may well be what the backups are of.
        for identity in [Some(FIRST), None] {
            let copy = Bot::new(backups.path());
            if let Some(identity) = identity {
                copy.identify(identity);
            }
            copy.write("moved");
            assert!(copy.publisher().run(START_MS + 3_800_000).unwrap().is_some());
            assert_eq!(copy.restored(), "moved");
        }
        // Now nothing says what the backups are of.
        assert!(other.publisher().run(START_MS + 3_900_000).unwrap().is_some());
        assert_eq!(other.restored(), "other");
    }
}

#[test]
fn what_is_known_of_the_pages_may_be_removed_at_any_time() {
    let backups = tempfile::tempdir().unwrap();
    let bot = Bot::new(backups.path());
    let mut publisher = bot.publisher();
    publisher.run(START_MS).unwrap();
    std::fs::remove_dir_all(bot.folder.path().join("state")).unwrap();
    // So many that everything is recorded again.
    for second in 1..=20 {
        bot.connection.execute_batch("CREATE TABLE IF NOT EXISTS u (v); DELETE FROM u").unwrap();
        bot.connection.execute("INSERT INTO u VALUES (randomblob(4000000))", []).unwrap();
        publisher.run(START_MS + second * 1000).unwrap();
    }
    assert!(bot.folder.path().join("state/pages").exists());
}

#[test]
fn a_file_that_has_met_another_writer_is_never_replaced_by_what_that_has_made() {
    let machine = Machine::slow();
    let store = machine.open();
    store.set("key", "1");
    store.back_up();
    // A copy of the machine, in a process of its own.
    let copy = tempfile::tempdir().unwrap();
    store.hold_log(&machine);
    for name in ["bot.sqlite3", "bot.sqlite3-wal", "bot.sqlite3.backup-state/pages"] {
        std::fs::create_dir_all(copy.path().join("bot.sqlite3.backup-state")).unwrap();
        std::fs::copy(machine.path(name), copy.path().join(name)).unwrap();
    }
    store.let_go_of_log();
    let connection = Connection::open(copy.path().join("bot.sqlite3")).unwrap();
    let capture = Box::new(WalCapture::open(&copy.path().join("bot.sqlite3")).unwrap());
    let state = copy.path().join("bot.sqlite3.backup-state");
    let mut other = Publisher::new(&state, Arc::new(machine.destination()), capture).unwrap();
    for value in 2..=4 {
        connection.execute("UPDATE __rootapp_kv SET value = ?", [value.to_string()]).unwrap();
        other.run(START_MS).unwrap();
    }
    store.set("key", "5");
    assert_eq!(store.try_back_up().unwrap_err().code(), "ERR_BACKUP_CONFLICT");
    store.set("key", "6");
    store.close();

    let store = machine.open();
    assert!(store.restored().is_none());
    assert_eq!(store.get("key").as_deref(), Some("6"));
    assert_eq!(store.try_back_up().unwrap_err().code(), "ERR_BACKUP_CONFLICT");
    store.close();

    // Without its file the machine gets what there is, and is in step with it.
    remove(&machine, &["bot.sqlite3"]);
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("4"));
    store.set("key", "7");
    store.back_up();
    store.close();
}

#[test]
fn an_old_copy_that_was_opened_while_the_destination_did_not_answer_does_not_become_the_newest_state() {
    let machine = Machine::slow();
    let store = machine.open();
    store.set("key", "1");
    store.close();
    let names = ["bot.sqlite3", "bot.sqlite3.backup-state/pages"];
    let old = names.map(|name| std::fs::read(machine.path(name)).unwrap());
    let store = machine.open();
    store.set("key", "2");
    store.close();
    for (name, bytes) in names.iter().zip(old) {
        std::fs::write(machine.path(name), bytes).unwrap();
    }
    let level = machine.path("backups/ltx/0");
    std::fs::rename(&level, machine.path("away")).unwrap();
    std::fs::write(&level, b"").unwrap();
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("1"));
    std::fs::remove_file(&level).unwrap();
    std::fs::rename(machine.path("away"), &level).unwrap();
    assert_eq!(store.try_back_up().unwrap_err().code(), "ERR_BACKUP_CONFLICT");
    store.close();

    let store = machine.open();
    assert!(store.restored().is_some());
    assert_eq!(store.get("key").as_deref(), Some("2"));
    store.close();
}

#[test]
fn a_destination_that_was_away_for_a_while_does_not_make_an_old_copy_of_the_file() {
    for lost in [5, 2] {
        let machine = Machine::slow();
        let store = machine.open();
        for value in 1..=5 {
            store.set("key", &value.to_string());
            store.back_up();
        }
        store.close();
        // As a disk that is not mounted; or one that went back to what it was.
        let away = machine.path("away");
        std::fs::rename(&machine.destination, &away).unwrap();
        for name in ["ltx/0"].iter().filter(|_| lost < 5) {
            std::fs::create_dir_all(machine.destination.join(name)).unwrap();
            for number in 1..=5 - lost {
                let file = format!("{name}/{number:016x}-{number:016x}.ltx");
                std::fs::copy(away.join(&file), machine.destination.join(&file)).unwrap();
            }
        }
        let store = machine.open();
        store.set("key", "6");
        store.back_up();
        assert_eq!(store.failures(), ["ERR_BACKUP_DAMAGED"], "{lost} lost");
        store.close();
        std::fs::remove_dir_all(&machine.destination).unwrap();
        std::fs::rename(&away, &machine.destination).unwrap();

        let store = machine.open();
        assert!(store.restored().is_none(), "{lost} lost");
        assert_eq!(store.get("key").as_deref(), Some("6"));
        store.set("key", "7");
        store.back_up();
        store.close();
        remove(&machine, &EVERYTHING);
        let store = machine.open();
        assert_eq!(store.get("key").as_deref(), Some("7"));
        store.close();
    }
}

//! Stores with backups that are opened, closed, killed and damaged.

#[path = "support/machine.rs"]
mod machine;

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use machine::{EVERYTHING, Machine, remove, wait};
use rootcellar::backup::catalog::files::{FileName, Level};
use rootcellar::backup::catalog::plan::Target;
use rootcellar::backup::destination::Destination;
use rootcellar::engine::sqlite::wal::frames::read_mark;
use rootcellar::ltx::Txid;

/// Damage of a file's bytes, with a name.
type Damage = (&'static str, fn(&mut Vec<u8>));

#[test]
fn a_new_machine_gets_what_the_old_one_had() {
    let machine = Machine::new();
    let store = machine.open();
    assert!(store.restored().is_none());
    store.set("key", "1");
    store.close();
    remove(&machine, &EVERYTHING);

    let store = machine.open();
    let restored = store.restored().unwrap();
    assert!(restored.is_newest && restored.set_aside.is_none());
    assert_eq!(store.get("key").as_deref(), Some("1"));
    store.set("key", "2");
    store.close();
    // It goes on where it was.
    let store = machine.open();
    assert!(store.restored().is_none());
    assert_eq!(store.get("key").as_deref(), Some("2"));
    store.close();
    assert_eq!(machine.set_aside(), [""; 0]);
}

#[test]
fn a_change_is_safe_soon_without_being_asked_for() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.back_up();
    store.set("key", "2");
    let start = Instant::now();
    while machine.destination().list().unwrap().len() < 2 {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(5));
    }
    store.close();
}

#[test]
fn a_file_of_which_nothing_is_known_is_kept_and_backed_up_as_a_whole() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.close();
    remove(&machine, &["bot.sqlite3.backup-state"]);
    let store = machine.open();
    assert!(store.restored().is_none());
    store.set("key", "2");
    store.close();
    remove(&machine, &EVERYTHING);
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("2"));
    store.close();
}

#[test]
fn an_old_disk_is_set_aside_for_the_newer_backup() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.close();
    let old =
        ["bot.sqlite3", "bot.sqlite3.backup-state/pages"].map(|name| std::fs::read(machine.path(name)).unwrap());
    let store = machine.open();
    store.set("key", "2");
    store.close();
    std::fs::write(machine.path("bot.sqlite3"), &old[0]).unwrap();
    std::fs::write(machine.path("bot.sqlite3.backup-state/pages"), &old[1]).unwrap();

    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("2"));
    let aside = store.restored().unwrap().set_aside.unwrap();
    assert_eq!(std::fs::read(aside).unwrap(), old[0]);
    assert!(machine.set_aside().iter().all(|name| name.contains(".stale-")));
    store.close();
}

#[test]
fn a_file_is_no_old_copy_of_another_database() {
    let [machine, other] = [Machine::new(), Machine::new()];
    let store = machine.open();
    store.set("key", "1");
    store.close();
    for value in ["2", "3", "4"] {
        let store = other.open();
        store.set("key", value);
        store.close();
    }
    std::fs::remove_dir_all(&machine.destination).unwrap();
    std::fs::rename(&other.destination, &machine.destination).unwrap();
    for value in ["1", "5"] {
        let store = machine.open();
        assert!(store.restored().is_none());
        assert_eq!(store.get("key").as_deref(), Some(value));
        store.set("key", "5");
        store.close();
    }
    assert_eq!(machine.set_aside(), [""; 0]);
    remove(&machine, &EVERYTHING);
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("4"));
    store.close();
}

#[test]
fn what_a_kill_left_is_kept_and_backed_up() {
    let machine = Machine::slow();
    let store = machine.open();
    store.set("key", "1");
    store.back_up();
    store.set("key", "2");
    store.kill(&machine);
    let store = machine.open();
    assert!(store.restored().is_none());
    assert_eq!(store.get("key").as_deref(), Some("2"));
    store.close();
    remove(&machine, &EVERYTHING);
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("2"));
    store.close();
}

#[test]
fn a_damaged_file_is_set_aside_and_restored_whatever_the_damage() {
    let damages: [Damage; 5] = [
        ("emptied", Vec::clear),
        ("no database", |bytes| bytes[..16].fill(b'x')),
        ("cut off", |bytes| bytes.truncate(bytes.len() / 2)),
        ("a few bytes", |bytes| bytes.truncate(100)),
        ("a page of noise", |bytes| bytes[4096..8192].fill(0xa5)),
    ];
    for (name, damage) in damages {
        let machine = Machine::new();
        let store = machine.open();
        for key in 0..50 {
            store.set(&format!("key {key}"), &format!("\"{}\"", "x".repeat(500)));
        }
        store.close();
        assert!(!machine.path("bot.sqlite3-wal").exists(), "{name}: the log is in the file");
        let mut bytes = std::fs::read(machine.path("bot.sqlite3")).unwrap();
        damage(&mut bytes);
        std::fs::write(machine.path("bot.sqlite3"), &bytes).unwrap();
        let store = machine.open();
        let restored = store.restored().unwrap_or_else(|| panic!("{name}"));
        assert_eq!(std::fs::read(restored.set_aside.unwrap()).unwrap(), bytes, "{name}");
        assert!(store.get("key 49").is_some(), "{name}");
        store.close();
    }
}

#[test]
fn a_log_that_lost_what_was_backed_up_is_noticed() {
    let damages: [Damage; 4] = [
        ("emptied", Vec::clear),
        ("its header", |bytes| bytes[0] ^= 0xff),
        ("its last frame", |bytes| *bytes.last_mut().unwrap() ^= 0xff),
        ("cut off", |bytes| bytes.truncate(bytes.len().saturating_sub(5000))),
    ];
    for (name, damage) in damages {
        let machine = Machine::slow();
        let store = machine.open();
        store.set("key", "1");
        store.hold_log(&machine);
        store.back_up();
        // Longer than the time of a file lies behind the clock.
        std::thread::sleep(Duration::from_millis(50));
        store.set("key", "2");
        store.back_up();
        store.kill(&machine);
        let mut bytes = std::fs::read(machine.path("bot.sqlite3-wal")).unwrap();
        // The bytes after the committed frames are left of an earlier log.
        let frames = read_mark(&machine.path("bot.sqlite3")).unwrap().frames;
        bytes.truncate(32 + frames as usize * (24 + 4096));
        damage(&mut bytes);
        std::fs::write(machine.path("bot.sqlite3-wal"), &bytes).unwrap();
        let store = machine.open();
        assert_eq!(store.get("key").as_deref(), Some("2"), "{name}");
        assert!(store.restored().is_some(), "{name}");
        store.close();
    }
}

#[test]
fn a_file_that_cannot_be_opened_is_left_alone_with_what_is_beside_it() {
    let machine = Machine::new();
    std::fs::write(machine.path("bot.sqlite3"), "no database, and no backup of one either").unwrap();
    assert_eq!(machine.try_open().err().unwrap().code(), "SQLITE_NOTADB");
    let names: Vec<_> =
        std::fs::read_dir(machine.folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["bot.sqlite3"]);
}

#[test]
fn a_missing_file_is_never_begun_anew_while_the_destination_does_not_answer() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.close();
    remove(&machine, &EVERYTHING);
    let level = machine.path("backups/ltx/0");
    std::fs::rename(&level, machine.path("away")).unwrap();
    std::fs::write(&level, b"").unwrap();
    assert_eq!(machine.try_open().err().unwrap().code(), "ERR_BACKUP_DESTINATION");
    assert!(!machine.path("bot.sqlite3").exists());
    std::fs::remove_file(&level).unwrap();
    std::fs::rename(machine.path("away"), &level).unwrap();
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("1"));
    store.close();
}

/// Makes an index of a closed store differ from its table.
fn make_inconsistent(machine: &Machine) {
    let mut bytes = std::fs::read(machine.path("bot.sqlite3")).unwrap();
    let place = bytes.windows(8).position(|window| window == b"findable").unwrap();
    bytes[place] = b'F';
    std::fs::write(machine.path("bot.sqlite3"), bytes).unwrap();
}

#[test]
fn a_key_that_its_index_does_not_know_any_more_is_restored() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("findable", "1");
    store.close();
    make_inconsistent(&machine);
    let store = machine.open();
    assert!(store.restored().is_some() && store.failures().is_empty());
    assert_eq!(store.get("findable").as_deref(), Some("1"));
    store.close();
}

#[test]
fn a_program_that_has_the_file_open_longer_may_go_on_writing_to_its_first_page() {
    for mode in ["WAL", "DELETE"] {
        let machine = Machine::new();
        let store = machine.open();
        store.set("key", "1");
        let other = rusqlite::Connection::open(machine.path("bot.sqlite3")).unwrap();
        other.execute_batch("PRAGMA user_version = 1").unwrap();
        store.close();
        other.execute_batch(&format!("PRAGMA journal_mode = {mode}; PRAGMA user_version = 2")).unwrap();
        drop(other);
        let store = machine.open();
        assert!(store.restored().is_none(), "{mode}: {:?}", store.restored());
        store.close();
        let other = rusqlite::Connection::open(machine.path("bot.sqlite3")).unwrap();
        let version: i64 = other.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, 2, "{mode}");
    }
}

#[test]
fn a_file_whose_backups_are_no_better_is_kept_and_that_is_told() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("findable", "1");
    store.set("other", "2");
    store.close();
    make_inconsistent(&machine);
    remove(&machine, &["bot.sqlite3.backup-state", "backups"]);
    // There is no backup, and those that are made from now on are as it is.
    let store = machine.open();
    assert_eq!(store.failures(), ["ERR_BACKUP_DAMAGED"]);
    store.set("third", "3");
    store.back_up();
    store.kill(&machine);
    let store = machine.open();
    assert!(store.restored().is_none());
    assert_eq!(store.failures(), ["ERR_BACKUP_DAMAGED"]);
    assert_eq!((store.get("other").as_deref(), store.get("third").as_deref()), (Some("2"), Some("3")));
    store.close();
    assert_eq!(machine.set_aside(), [""; 0]);
}

#[test]
fn a_file_whose_newest_backup_is_damaged_is_no_old_copy_and_is_backed_up_as_a_whole() {
    let damages: [Damage; 4] = [
        ("flipped", |bytes| *bytes.last_mut().unwrap() ^= 4),
        ("cut", |bytes| bytes.truncate(bytes.len() / 2)),
        ("longer", |bytes| bytes.push(0)),
        ("zeros", |bytes| bytes.fill(0)),
    ];
    for (what, damage) in damages {
        for is_merged in [false, true] {
            let machine = Machine::slow();
            let store = machine.open();
            for key in 0..3 {
                store.set(&format!("key {key}"), "1");
                store.back_up();
            }
            store.set("unsaved", "1");
            store.kill(&machine);
            let files = machine.destination().list().unwrap();
            let newest = files.iter().max_by_key(|file| file.name.max).unwrap().name;
            let path = machine.destination().path(newest);
            if is_merged {
                let merged = machine.destination().path(FileName { level: Level::new(1).unwrap(), ..newest });
                std::fs::create_dir_all(merged.parent().unwrap()).unwrap();
                std::fs::copy(&path, merged).unwrap();
            }
            let mut bytes = std::fs::read(&path).unwrap();
            damage(&mut bytes);
            std::fs::write(&path, bytes).unwrap();

            let store = machine.open();
            assert!(store.restored().is_none(), "{what}: {:?}", store.restored());
            assert_eq!(store.get("unsaved").as_deref(), Some("1"), "{what}");
            store.set("later", "1");
            store.back_up();
            assert!(!store.failures().contains(&"ERR_BACKUP_CONFLICT"), "{what}: {:?}", store.failures());
            store.close();
            remove(&machine, &EVERYTHING);
            let store = machine.open();
            assert!(store.restored().unwrap().is_newest, "{what}");
            assert_eq!(store.get("later").as_deref(), Some("1"), "{what}");
            store.close();
        }
    }
}

#[test]
fn a_sound_file_is_opened_although_none_of_its_backups_can_be_used() {
    let machine = Machine::slow();
    let store = machine.open();
    store.set("key", "1");
    store.back_up();
    store.close();
    let destination = machine.destination();
    for file in destination.list().unwrap() {
        std::fs::write(destination.path(file.name), b"").unwrap();
    }
    std::fs::write(destination.path(FileName::captured(Txid::new(9).unwrap())), b"").unwrap();
    let store = machine.open();
    assert!(store.restored().is_none());
    assert_eq!(store.get("key").as_deref(), Some("1"));
    assert!(store.failures().contains(&"ERR_BACKUP_DAMAGED"), "{:?}", store.failures());
    store.back_up();
    store.close();
    remove(&machine, &EVERYTHING);
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("1"));
    store.close();
}

/// A journal with a sound header, which says that the database had no page.
fn emptying_journal() -> Vec<u8> {
    // sqlite.org/fileformat.html, "The Rollback Journal": records, a nonce, pages before, sector and page size.
    let mut journal = vec![0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    for number in [0_u32, 7, 0, 512, 4096] {
        journal.extend(number.to_be_bytes());
    }
    journal.resize(512, 0);
    journal
}

#[test]
fn a_journal_that_takes_every_page_away_is_damage() {
    let machine = Machine::slow();
    let store = machine.open();
    store.set("key", "1");
    store.close();
    std::fs::write(machine.path("bot.sqlite3-journal"), emptying_journal()).unwrap();
    let store = machine.open();
    assert_eq!(store.restored().unwrap().reason.as_deref(), Some("it was empty"));
    assert_eq!(store.get("key").as_deref(), Some("1"));
    store.close();
}

#[test]
fn a_file_that_is_gone_with_its_backups_is_not_begun_anew() {
    for damage in ["removed", "emptied"] {
        let machine = Machine::new();
        let store = machine.open();
        store.set("key", "1");
        store.close();
        // A disk that is not mounted looks like this.
        std::fs::rename(machine.path("backups"), machine.path("away")).unwrap();
        match damage {
            "removed" => std::fs::remove_file(machine.path("bot.sqlite3")).unwrap(),
            _ => std::fs::write(machine.path("bot.sqlite3"), b"").unwrap(),
        }
        let error = machine.try_open().err().unwrap();
        assert_eq!(error.code(), "ERR_BACKUP_NOT_FOUND", "{damage}");
        assert!(error.to_string().contains("bot.sqlite3.backup-state"), "{error}");
        std::fs::rename(machine.path("away"), machine.path("backups")).unwrap();
        let store = machine.open();
        assert_eq!(store.get("key").as_deref(), Some("1"), "{damage}");
        store.close();
    }
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.close();
    remove(&machine, &EVERYTHING);
    remove(&machine, &["backups"]);
    let store = machine.open();
    assert_eq!(store.get("key"), None);
    store.close();
}

#[test]
fn a_backup_that_was_made_here_and_is_not_there_any_more_is_told() {
    let machine = Machine::new();
    let store = machine.open();
    for number in 0..3 {
        store.set("key", &number.to_string());
        store.back_up();
    }
    store.close();
    let files = machine.destination().list().unwrap();
    let last = files.iter().max_by_key(|file| file.name.max).unwrap().name;
    std::fs::remove_file(machine.destination().path(last)).unwrap();
    std::fs::write(machine.path("bot.sqlite3"), b"no database").unwrap();
    let store = machine.open();
    let restored = store.restored().unwrap();
    assert_eq!(store.get("key").as_deref(), Some("1"));
    assert!(!restored.is_newest);
    assert_eq!(restored.skipped.iter().map(|skipped| skipped.name).collect::<Vec<_>>(), [last]);
    store.set("key", "9");
    store.close();
    remove(&machine, &EVERYTHING);
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("9"));
    store.close();
}

#[test]
fn a_restore_while_the_store_is_open_is_seen_at_once_and_can_be_undone() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    let first = store.back_up();
    store.set("key", "2");
    store.set("other", "2");
    let other = rusqlite::Connection::open(machine.path("bot.sqlite3")).unwrap();
    let count = || other.query_row("SELECT count(*) FROM __rootapp_kv", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 2);

    let service = store.opened.service.as_ref().unwrap();
    let target = |number| Target::Txid(rootcellar::ltx::Txid::new(number).unwrap());
    let restored = wait(|reply| service.restore(target(first), Arc::default(), reply)).unwrap();
    assert_eq!(store.get("key").as_deref(), Some("1"));
    assert_eq!((store.get("other"), count()), (None, 1));
    assert!(service.status().position > restored.undo, "{restored:?}");

    wait(|reply| service.restore(Target::Txid(restored.undo.unwrap()), Arc::default(), reply)).unwrap();
    assert_eq!(store.get("other").as_deref(), Some("2"));
    store.set("key", "3");
    drop(other);
    store.close();
    remove(&machine, &EVERYTHING);
    let store = machine.open();
    assert_eq!(store.get("key").as_deref(), Some("3"));
    store.close();
}

#[test]
fn the_newest_state_is_verified_and_restored_elsewhere() {
    let machine = Machine::new();
    let store = machine.open();
    store.set("key", "1");
    store.back_up();
    let service = store.opened.service.as_ref().unwrap();
    let verified = wait(|reply| service.verify(reply)).unwrap();
    assert!(verified.is_complete());
    let elsewhere = machine.path("elsewhere.sqlite3");
    wait(|reply| service.restore_to(Target::Newest, &elsewhere, false, reply)).unwrap();
    let again = wait(|reply| service.restore_to(Target::Newest, &elsewhere, false, reply)).unwrap_err();
    assert_eq!(again.code(), "ERR_FILE_EXISTS");
    wait(|reply| service.restore_to(Target::Newest, &elsewhere, true, reply)).unwrap();
    assert_eq!(wait(|reply| service.list(reply)).unwrap().len(), machine.destination().list().unwrap().len());
    store.close();
}

#[test]
fn a_damaged_file_that_somebody_has_open_is_not_set_aside() {
    let machine = Machine::slow();
    let store = machine.open();
    for number in 0..200 {
        store.set(&format!("key {number}"), &"x".repeat(500));
    }
    store.close();
    let path = machine.path("bot.sqlite3");
    // Without backups of its own: it does not have the right to make them.
    let other = rusqlite::Connection::open(&path).unwrap();
    other.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).unwrap();
    let mut file = std::fs::File::options().write(true).open(&path).unwrap();
    let middle = file.metadata().unwrap().len() / 2;
    file.seek(SeekFrom::Start(middle)).unwrap();
    file.write_all(&[0xff; 4096]).unwrap();
    // It is not closed: whoever has it open in this process would lose its locks.
    std::mem::forget(file);
    assert_eq!(machine.try_open().map(drop).unwrap_err().code(), "ERR_FILE_IN_USE");
    assert_eq!(machine.set_aside(), [""; 0]);
    drop(other);
    let store = machine.open();
    assert!(store.restored().unwrap().is_newest);
    assert_eq!(machine.set_aside().len(), 1);
    store.close();
}

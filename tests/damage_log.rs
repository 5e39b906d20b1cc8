//! The write-ahead log that a killed process left is damaged in every place, and the file is opened: what was backed up
//! is there, and of what was not all that comes before the damage.

#[path = "support/machine.rs"]
mod machine;

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use fastrand::Rng;
use machine::{Image, Machine};
use rootcellar::engine::sqlite::wal::frames::read_mark;

const LOG: &str = "bot.sqlite3-wal";

/// Numbers of keys that were backed up, and that were written.
const BACKED_UP: usize = 12;
const WRITTEN: usize = 20;

/// The lengths of a log's parts (sqlite.org/fileformat.html, "WAL File Format").
const HEADER_BYTES: usize = 32;
const FRAME_HEADER_BYTES: usize = 24;
const FRAME_BYTES: usize = FRAME_HEADER_BYTES + 4096;

/// A machine whose process was killed, and everything on it.
struct Killed {
    machine: Machine,
    image: Image,
    log: Vec<u8>,
    /// End of the frames that were backed up.
    backed_up_bytes: usize,
    /// True if the next time files are copied without their times.
    is_copied: AtomicBool,
}

fn value(key: usize) -> String {
    format!("\"{}\"", key.to_string().repeat(50))
}

impl Killed {
    fn new() -> Self {
        let machine = Machine::in_memory();
        let store = machine.open();
        store.hold_log(&machine);
        for key in 0..BACKED_UP {
            store.set(&format!("key {key}"), &value(key));
        }
        store.back_up();
        let end = |frames: u32| HEADER_BYTES + frames as usize * FRAME_BYTES;
        let path = machine.path("bot.sqlite3");
        let backed_up_bytes = end(read_mark(&path).unwrap().frames);
        for key in BACKED_UP..WRITTEN {
            store.set(&format!("key {key}"), &value(key));
        }
        store.kill(&machine);
        // The bytes after the committed frames are room, or left of an earlier log.
        let mut log = std::fs::read(machine.path(LOG)).unwrap();
        log.truncate(end(read_mark(&path).unwrap().frames));
        std::fs::write(machine.path(LOG), &log).unwrap();
        let image = Image::of(&machine);
        Self { machine, image, log, backed_up_bytes, is_copied: AtomicBool::new(false) }
    }

    /// Opens the store after something was done to it, every other time to a copy. Returns how many keys it has, and whether
    /// it was restored.
    fn open_after(&self, damage: impl FnOnce(&Machine)) -> (usize, bool) {
        if self.is_copied.fetch_not(Ordering::Relaxed) {
            self.image.copy_back(&self.machine);
        } else {
            self.image.put_back(&self.machine);
        }
        damage(&self.machine);
        let store = self.machine.open();
        let found: Vec<_> = (0..WRITTEN).map(|key| store.get(&format!("key {key}"))).collect();
        let restored = store.restored();
        store.close();
        if let Some(restored) = &restored {
            assert!(restored.is_newest && restored.set_aside.is_some(), "{restored:?}");
        }
        let keys = found.iter().take_while(|value| value.is_some()).count();
        for (key, found) in found.into_iter().enumerate() {
            assert_eq!(found, (key < keys).then(|| value(key)), "key {key}");
        }
        (keys, restored.is_some())
    }
}

#[test]
fn whatever_byte_of_a_log_is_damaged_what_was_backed_up_is_there() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    thread::scope(|scope| {
        for (header_share, mut rng) in
            [(0..HEADER_BYTES / 2, rng.fork()), (HEADER_BYTES / 2..HEADER_BYTES, rng.fork())]
        {
            scope.spawn(move || {
                let killed = Killed::new();
                // Logs of the same writes may differ in length.
                let frames = (killed.log.len() - HEADER_BYTES) / FRAME_BYTES;
                let mut places: Vec<usize> = header_share.collect();
                for _ in 0..2 {
                    let frame = HEADER_BYTES + rng.usize(0..frames) * FRAME_BYTES;
                    places.extend((frame..frame + FRAME_HEADER_BYTES).step_by(2));
                    places.extend([frame + FRAME_HEADER_BYTES, frame + rng.usize(FRAME_HEADER_BYTES..FRAME_BYTES)]);
                }
                for place in places {
                    let mut log = killed.log.clone();
                    log[place] ^= 1 << rng.u8(0..8);
                    let (keys, restored) = killed.open_after(|machine| {
                        std::fs::write(machine.path(LOG), &log).unwrap();
                    });
                    let hits_backed_up = place < killed.backed_up_bytes;
                    assert_eq!(restored, hits_backed_up, "byte {place}");
                    assert!(
                        if restored { keys == BACKED_UP } else { keys >= BACKED_UP },
                        "byte {place}: {keys} keys"
                    );
                }
            });
        }
    });
}

#[test]
fn wherever_a_log_is_cut_off_what_was_backed_up_is_there() {
    let killed = Killed::new();
    let frames = killed.log.len() / FRAME_BYTES;
    let within_frames = [1, FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + 1, FRAME_BYTES - 1];
    let cut_frames = [0, frames / 2, frames - 1].map(|frame| HEADER_BYTES + frame * FRAME_BYTES);
    let lengths = cut_frames.iter().flat_map(|frame| within_frames.map(|length| frame + length));
    for length in [0, 1, HEADER_BYTES - 1, HEADER_BYTES].into_iter().chain(lengths).chain(cut_frames) {
        let (keys, restored) = killed.open_after(|machine| {
            std::fs::write(machine.path(LOG), &killed.log[..length]).unwrap();
        });
        assert_eq!(restored, length < killed.backed_up_bytes, "{length} bytes");
        assert!(keys >= BACKED_UP, "{length} bytes: {keys} keys");
    }
    let whole = killed.open_after(|_| {});
    assert_eq!(whole, (WRITTEN, false));
    let removed = killed.open_after(|machine| std::fs::remove_file(machine.path(LOG)).unwrap());
    assert_eq!(removed, (BACKED_UP, true));
}

#[test]
fn what_a_log_has_lost_is_noticed_although_nothing_below_it_was_backed_up() {
    for are_times_kept in [true, false] {
        let machine = Machine::in_memory();
        let store = machine.open();
        store.set("key", "0");
        store.back_up();
        store.set("key", "1");
        let path = machine.path("bot.sqlite3");
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
        drop(other);
        store.hold_log(&machine);
        store.set("key", "2");
        store.back_up();
        store.kill(&machine);
        if !are_times_kept {
            Image::of(&machine).copy_back(&machine);
        }
        std::fs::remove_file(machine.path(LOG)).unwrap();
        let store = machine.open();
        assert_eq!(store.get("key").as_deref(), Some("2"), "with the times of files: {are_times_kept}");
        assert!(store.restored().is_some());
        store.close();
    }
}

#[test]
fn the_log_of_another_database_is_not_taken_for_the_own() {
    let killed = Killed::new();
    let other = Machine::in_memory();
    let store = other.open();
    store.hold_log(&other);
    store.set("another", "1");
    store.kill(&other);
    let others = std::fs::read(other.path(LOG)).unwrap();
    assert!(read_mark(&other.path("bot.sqlite3")).unwrap().frames > 0);
    let swapped = killed.open_after(|machine| std::fs::write(machine.path(LOG), &others).unwrap());
    assert_eq!(swapped, (BACKED_UP, true));

    // Nor is one that lies beside a file which was closed, and had none.
    let closed = Machine::in_memory();
    // Each time that it is opened it counts further than a new one has.
    let large = format!("\"{}\"", "x".repeat(5000));
    for session in 0..5 {
        let store = closed.open();
        store.set(&format!("key {session}"), &large);
        store.close();
    }
    std::fs::write(closed.path(LOG), &others).unwrap();
    let store = closed.open();
    // The file is sound, and used as it is; the log is kept beside it.
    assert!(store.restored().is_none());
    assert_eq!((store.get("another"), store.get("key 4")), (None, Some(large)));
    store.close();
    let folder = closed.path(LOG);
    let kept = std::fs::read_dir(folder.parent().unwrap()).unwrap().map(|entry| entry.unwrap().path());
    let kept: Vec<_> = kept.filter(|path| path.to_string_lossy().contains("-wal.")).collect();
    assert_eq!(kept.iter().map(|path| std::fs::read(path).unwrap()).collect::<Vec<_>>(), [others]);
}

#[test]
fn what_another_program_left_in_a_log_is_kept() {
    for mode in ["a closed file", "a file that was killed, and closed by the other"] {
        let machine = Machine::in_memory();
        let store = machine.open();
        store.set("key", "1");
        store.back_up();
        match mode {
            "a closed file" => store.close(),
            _ => store.kill(&machine),
        }
        let path = machine.path("bot.sqlite3");
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch("PRAGMA wal_checkpoint(TRUNCATE); CREATE TABLE others (x)").unwrap();
        for number in 0..30 {
            other.execute("INSERT INTO others VALUES (?1 || zeroblob(3000))", [number]).unwrap();
        }
        // As if the other had been killed.
        let image = Image::of(&machine);
        drop(other);
        image.put_back(&machine);
        assert!(read_mark(&path).unwrap().frames > 0);
        std::fs::remove_file(machine.path("bot.sqlite3-shm")).unwrap();
        let store = machine.open();
        assert!(store.restored().is_none(), "{mode}: {:?}", store.restored());
        let connection = rusqlite::Connection::open(&path).unwrap();
        let rows: i64 = connection.query_row("SELECT count(*) FROM others", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 30, "{mode}");
        drop(connection);
        store.close();
    }
}

#[test]
fn what_is_left_of_shared_memory_is_not_believed() {
    let killed = Killed::new();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    for bytes in [0, 1, 136, 32 << 10, 64 << 10] {
        let garbage: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(bytes).collect();
        let found = killed.open_after(|machine| std::fs::write(machine.path("bot.sqlite3-shm"), &garbage).unwrap());
        assert_eq!(found, (WRITTEN, false), "{bytes} bytes");
    }
}

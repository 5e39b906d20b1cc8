//! Backups are damaged in every place, exchanged, copied and taken away, on a machine that has nothing else: the newest
//! state that can still be reached is restored, and what could not be used is told.

#[path = "support/machine.rs"]
mod machine;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use fastrand::Rng;
use machine::{EVERYTHING, Image, Machine, content, remove};
use rootcellar::backup::capture::page_diff::PageDiff;
use rootcellar::backup::catalog::files::{BackupFile, FileName, Level};
use rootcellar::backup::catalog::plan::{Target, plan};
use rootcellar::backup::destination::{Destination, Folder};
use rootcellar::backup::publish::publisher::Publisher;
use rootcellar::backup::restore::image::restore;
use rootcellar::backup::restore::restored::Restored;
use rootcellar::ltx::{HEADER_BYTES, Txid};
use rusqlite::Connection;

const START_MS: i64 = 1_735_689_600_000;
const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Length of the end of a backup in bytes: the size of its index, and two checksums.
const TRAILER_BYTES: usize = 24;

/// Offset in the header of a backup of the database's number of pages.
const COMMIT_OFFSET: usize = 12;

/// Number of places of a backup that are tried in a run.
const PLACES_MAX: usize = 40;

/// A destination with backups of every kind: some that can be done without, and some that cannot.
struct Destined {
    machine: Machine,
    folder: Folder,
    image: Image,
    files: Vec<BackupFile>,
    /// Contents of the database after each transaction.
    states: BTreeMap<Txid, String>,
}

impl Destined {
    fn new() -> Self {
        let machine = Machine::in_memory();
        let folder = machine.destination();
        let database = machine.path("source.sqlite3");
        let connection = Connection::open(&database).unwrap();
        connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (x, y)").unwrap();
        std::fs::create_dir(machine.path("state")).unwrap();
        let capture = Box::new(PageDiff::open(&database).unwrap());
        let destination = std::sync::Arc::new(folder.clone());
        let mut publisher = Publisher::new(&machine.path("state"), destination, capture).unwrap();
        let mut states = BTreeMap::new();
        for round in 0..14 {
            let insert = format!("INSERT INTO t VALUES ({round}, randomblob(3000))");
            connection.execute_batch(&insert).unwrap();
            let now_ms = START_MS + round * 10_000;
            if round == 4 {
                publisher.want_snapshot();
            }
            publisher.run(now_ms).unwrap();
            states.insert(publisher.newest().unwrap(), content(&database).unwrap());
            publisher.maintain(now_ms, Duration::ZERO, WEEK).unwrap();
        }
        drop((publisher, connection));
        remove(&machine, &["source.sqlite3", "state"]);
        let files = folder.list().unwrap();
        let image = Image::of(&machine);
        Self { machine, folder, image, files, states }
    }

    fn newest(&self) -> Txid {
        *self.states.last_key_value().unwrap().0
    }

    fn path(&self, name: FileName) -> PathBuf {
        self.folder.path(name)
    }

    fn read(&self, name: FileName) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// Restores as it would be with these files alone; `None` if they lead nowhere.
    fn reachable(&self, without: &[FileName]) -> Option<Txid> {
        let left: Vec<BackupFile> =
            self.files.iter().filter(|file| !without.contains(&file.name)).copied().collect();
        plan(&left, Target::Newest)?.txid()
    }

    /// Restores what there is now. Whatever comes of it is a state that was captured.
    fn restore(&self) -> Result<Restored, rootcellar::Error> {
        let output = self.machine.path("restored.sqlite3");
        let files = self.folder.list().unwrap();
        let restored = restore(&self.folder, &files, Target::Newest, &output, &mut |_| {})?;
        assert_eq!(content(&output).unwrap(), self.states[&restored.txid]);
        Ok(restored)
    }

    /// Checks what is restored when these files cannot be used.
    fn check_without(&self, unusable: &[FileName], what: &str) {
        match (self.restore(), self.reachable(unusable)) {
            (Ok(restored), Some(txid)) => {
                assert_eq!(restored.txid, txid, "{what}");
                assert_eq!(restored.is_newest, txid == self.newest(), "{what}");
                let tells = restored.skipped.iter().any(|skipped| unusable.contains(&skipped.name));
                assert!(tells || restored.is_newest, "{what}: {:?}", restored.skipped);
            }
            (Err(error), None) => assert_eq!(error.code(), "ERR_BACKUP_DAMAGED", "{what}"),
            (restored, txid) => panic!("{what}: {restored:?} instead of {txid:?}"),
        }
    }

    /// One file of each level, and the newest, on which nothing but itself leads to the newest state.
    fn samples(&self, rng: &mut Rng) -> Vec<FileName> {
        let mut samples: Vec<FileName> = Level::all()
            .filter_map(|level| {
                let of_level: Vec<_> = self.files.iter().filter(|file| file.name.level == level).collect();
                (!of_level.is_empty()).then(|| of_level[rng.usize(0..of_level.len())].name)
            })
            .collect();
        assert!(samples.len() >= 3, "{samples:?}");
        samples.push(FileName::captured(self.newest()));
        samples
    }
}

fn seeded() -> Rng {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    Rng::with_seed(seed)
}

/// The most memory that this process has had at once, where the system tells.
fn peak_memory_bytes() -> u64 {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return 0 };
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1024
}

#[test]
fn whatever_byte_of_a_backup_is_damaged_it_is_left_out() {
    let mut rng = seeded();
    let destined = Destined::new();
    for name in destined.samples(&mut rng) {
        let whole = destined.read(name);
        let end = whole.len() - TRAILER_BYTES;
        // The header, that of the first page, the pages, the end of the index, and the trailer.
        let mut places: Vec<usize> = (0..HEADER_BYTES + 8).chain(end - 12..whole.len()).collect();
        places.extend((0..20).map(|_| rng.usize(HEADER_BYTES..end)));
        rng.shuffle(&mut places);
        places.truncate(PLACES_MAX);
        for place in places {
            let mut bytes = whole.clone();
            bytes[place] ^= 1 << rng.u8(0..8);
            std::fs::write(destined.path(name), &bytes).unwrap();
            destined.check_without(&[name], &format!("{name}, byte {place}"));
        }
        std::fs::write(destined.path(name), &whole).unwrap();
    }
}

#[test]
fn a_backup_with_another_size_of_the_database_is_left_out_and_takes_no_memory() {
    let mut rng = seeded();
    let destined = Destined::new();
    let before = peak_memory_bytes();
    for name in destined.samples(&mut rng) {
        let whole = destined.read(name);
        // Every other one, so that two runs have all.
        for bit in (rng.usize(0..2)..32).step_by(2) {
            let mut bytes = whole.clone();
            bytes[COMMIT_OFFSET + 3 - bit / 8] ^= 1 << (bit % 8);
            std::fs::write(destined.path(name), &bytes).unwrap();
            destined.check_without(&[name], &format!("{name}, bit {bit} of the size"));
            // The size, and the number of the first page.
            bytes[HEADER_BYTES + 3 - bit / 8] ^= 1 << (bit % 8);
            std::fs::write(destined.path(name), &bytes).unwrap();
            destined.check_without(&[name], &format!("{name}, bit {bit} of the size and of a page's number"));
        }
        std::fs::write(destined.path(name), &whole).unwrap();
    }
    let grown = peak_memory_bytes() - before;
    assert!(grown < 64 << 20, "{grown} bytes");
}

#[test]
fn a_backup_of_another_length_is_left_out() {
    let mut rng = seeded();
    let destined = Destined::new();
    for name in destined.samples(&mut rng) {
        let whole = destined.read(name);
        let end = whole.len() - TRAILER_BYTES;
        let lengths = [0, 1, HEADER_BYTES - 1, HEADER_BYTES, HEADER_BYTES + 6, rng.usize(HEADER_BYTES..end), end];
        for length in lengths.into_iter().chain(end..whole.len()) {
            std::fs::write(destined.path(name), &whole[..length]).unwrap();
            destined.check_without(&[name], &format!("{name}, {length} bytes"));
        }
        std::fs::write(destined.path(name), [&whole[..], &[0]].concat()).unwrap();
        destined.check_without(&[name], &format!("{name}, a byte too long"));
        std::fs::write(destined.path(name), &whole).unwrap();
    }
}

#[test]
fn a_backup_under_another_name_is_left_out() {
    let destined = Destined::new();
    let mut names: Vec<FileName> = destined.files.iter().map(|file| file.name).collect();
    names.sort();
    for pair in names.windows(2) {
        let [one, other] = [destined.read(pair[0]), destined.read(pair[1])];
        std::fs::write(destined.path(pair[0]), &other).unwrap();
        std::fs::write(destined.path(pair[1]), &one).unwrap();
        destined.check_without(pair, &format!("{} and {} exchanged", pair[0], pair[1]));
        destined.image.put_back(&destined.machine);
    }
    // A name that promises more than there is.
    let beyond = destined.newest().next();
    for level in Level::increments() {
        let name = FileName { level, min: destined.newest(), max: beyond };
        std::fs::create_dir_all(destined.path(name).parent().unwrap()).unwrap();
        std::fs::copy(destined.path(FileName::captured(destined.newest())), destined.path(name)).unwrap();
        let restored = destined.restore().unwrap();
        assert_eq!((restored.txid, restored.is_newest), (destined.newest(), false), "{name}");
        assert!(restored.skipped.iter().any(|skipped| skipped.name == name));
        std::fs::remove_file(destined.path(name)).unwrap();
    }
}

#[test]
fn a_copy_of_a_backup_on_another_level_does_no_harm() {
    let destined = Destined::new();
    for file in &destined.files {
        for level in Level::increments().filter(|level| *level != file.name.level) {
            let name = FileName { level, ..file.name };
            if destined.path(name).exists() {
                continue;
            }
            std::fs::create_dir_all(destined.path(name).parent().unwrap()).unwrap();
            std::fs::copy(destined.path(file.name), destined.path(name)).unwrap();
            let restored = destined.restore().unwrap();
            assert_eq!((restored.txid, restored.is_newest), (destined.newest(), true), "{name}");
            std::fs::remove_file(destined.path(name)).unwrap();
        }
    }
}

#[test]
fn whatever_is_missing_the_rest_leads_as_far_as_it_can() {
    let mut rng = seeded();
    let destined = Destined::new();
    let names: Vec<FileName> = destined.files.iter().map(|file| file.name).collect();
    for round in 0..60 {
        let mut missing = names.clone();
        rng.shuffle(&mut missing);
        missing.truncate(if round < names.len() { 1 } else { rng.usize(2..names.len()) });
        if round < names.len() {
            missing = vec![names[round]];
        }
        for name in &missing {
            std::fs::remove_file(destined.path(*name)).unwrap();
        }
        let what = format!("without {missing:?}");
        match (destined.restore(), destined.reachable(&missing)) {
            (Ok(restored), Some(txid)) => {
                assert_eq!(restored.txid, txid, "{what}");
                let listed = destined.folder.list().unwrap();
                let newest = listed.iter().map(|file| file.name.max).max().unwrap();
                assert_eq!(restored.is_newest, txid == newest, "{what}");
                assert!(restored.is_newest || !restored.skipped.is_empty(), "{what}");
            }
            (Err(_), None) => {}
            (restored, txid) => panic!("{what}: {restored:?} instead of {txid:?}"),
        }
        destined.image.put_back(&destined.machine);
    }
}

#[test]
fn what_was_merged_and_removed_after_it_was_listed_is_read_from_what_it_was_merged_into() {
    let destined = Destined::new();
    let is_captured = |file: &&BackupFile| file.name.level == Level::CAPTURED;
    let listed: Vec<BackupFile> = destined.files.iter().filter(is_captured).copied().collect();
    let merged = destined.files.iter().filter(|file| file.name.level.get() == 1);
    let last = merged.map(|file| file.name.max).max().unwrap();
    for file in listed.iter().filter(|file| file.name.max <= last) {
        std::fs::remove_file(destined.path(file.name)).unwrap();
    }
    let output = destined.machine.path("restored.sqlite3");
    let restored = restore(&destined.folder, &listed, Target::Newest, &output, &mut |_| {}).unwrap();
    assert_eq!((restored.txid, restored.is_newest), (destined.newest(), true));
    assert!(restored.skipped.is_empty(), "{:?}", restored.skipped);
    assert_eq!(content(&output).unwrap(), destined.states[&restored.txid]);
}

#[test]
fn a_store_is_opened_as_the_newest_state_that_is_left_or_not_at_all() {
    let destined = Destined::new();
    let last = destined.newest();
    let before = Txid::new(last.get() - 1).unwrap();
    let open = |machine: &Machine| {
        let opened = machine.try_open();
        let held = opened.as_ref().ok().map(|_| content(&machine.path("bot.sqlite3")).unwrap());
        let restored = opened.as_ref().ok().and_then(machine::Store::restored);
        let code = opened.as_ref().err().map(rootcellar::Error::code);
        if let Ok(store) = opened {
            store.close();
        }
        (held, restored, code)
    };
    std::fs::write(destined.path(FileName::captured(before)), b"").unwrap();
    let (held, restored, _) = open(&destined.machine);
    let restored = restored.unwrap();
    assert!(restored.txid < before && !restored.is_newest);
    let skipped: Vec<FileName> = restored.skipped.iter().map(|skipped| skipped.name).collect();
    assert_eq!(skipped, [FileName::captured(before), FileName::captured(last)]);
    assert!(held.unwrap().contains(destined.states[&restored.txid].lines().last().unwrap()));

    destined.image.put_back(&destined.machine);
    remove(&destined.machine, &EVERYTHING);
    for file in &destined.files {
        std::fs::write(destined.path(file.name), b"").unwrap();
    }
    let (held, _, code) = open(&destined.machine);
    assert_eq!((held, code), (None, Some("ERR_BACKUP_DAMAGED")));
    assert!(!destined.machine.path("bot.sqlite3").exists());
}

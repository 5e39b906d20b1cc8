//! A file that was closed as it should be is damaged in every place, and opened: what it held is there again.

#[path = "support/machine.rs"]
mod machine;

use std::collections::BTreeMap;
use std::thread;

use fastrand::Rng;
use machine::{Image, Machine, content};

const PAGE_BYTES: usize = 4096;

/// The length of the header of a database (sqlite.org/fileformat.html, "The Database Header").
const HEADER_BYTES: usize = 100;

/// Number of machines at work.
const MACHINES: usize = 2;

/// A closed database with pages of every kind, its backups, and what is in it.
struct Closed {
    machine: Machine,
    image: Image,
    bytes: Vec<u8>,
    content: String,
}

/// Outcome of opening a damaged file.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// It held what it had held.
    Same {
        restored: bool,
    },
    /// One row held something else, without a word.
    OneRowDiffers,
    Lost(String),
}

impl Closed {
    fn new() -> Self {
        let machine = Machine::in_memory();
        let store = machine.open();
        for key in 0..60 {
            store.set(&format!("key {key}"), &format!("\"{}\"", "x".repeat(300)));
        }
        let connection = rusqlite::Connection::open(machine.path("bot.sqlite3")).unwrap();
        connection
            .execute_batch(
                "CREATE TABLE items (id INTEGER PRIMARY KEY, name TEXT NOT NULL, flag INTEGER, note BLOB);
                 CREATE INDEX items_by_name ON items (name DESC, flag);
                 CREATE TABLE pairs (a TEXT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID;
                 CREATE TABLE dropped (x);
                 WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
                 INSERT INTO items SELECT i, 'item ' || i || hex(zeroblob(30)), i % 2, zeroblob(i % 9) FROM n;
                 INSERT INTO items VALUES (1000, 'large', 1, zeroblob(30000));
                 INSERT INTO pairs SELECT name, 'b' FROM items;
                 INSERT INTO dropped VALUES (zeroblob(40000));
                 DROP TABLE dropped;
                 PRAGMA user_version = 7;
                 PRAGMA application_id = 9;",
            )
            .unwrap();
        drop(connection);
        store.close();
        let image = Image::of(&machine);
        let bytes = image.bytes(&machine, "bot.sqlite3");
        let content = content(&machine.path("bot.sqlite3")).unwrap();
        Self { machine, image, bytes, content }
    }

    /// Opens the file with one byte changed.
    fn open_with(&self, place: usize, byte: u8) -> Outcome {
        self.image.put_back(&self.machine);
        let mut bytes = self.bytes.clone();
        bytes[place] = byte;
        std::fs::write(self.machine.path("bot.sqlite3"), &bytes).unwrap();
        let store = match self.machine.try_open() {
            Ok(store) => store,
            Err(error) => return Outcome::Lost(format!("{}: {error}", error.code())),
        };
        let found = content(&self.machine.path("bot.sqlite3"));
        let restored = store.restored();
        store.close();
        if let Some(restored) = &restored {
            assert_eq!(std::fs::read(restored.set_aside.as_ref().unwrap()).unwrap(), bytes);
            assert!(restored.is_newest && restored.skipped.is_empty());
        }
        match found {
            Ok(found) if found == self.content => Outcome::Same { restored: restored.is_some() },
            Ok(found) if restored.is_none() && differing_lines(&found, &self.content) == Some(1) => {
                Outcome::OneRowDiffers
            }
            Ok(_) => Outcome::Lost("it held something else".to_owned()),
            Err(error) => Outcome::Lost(error.to_string()),
        }
    }
}

/// In how many lines two texts differ, if they have as many.
fn differing_lines(one: &str, other: &str) -> Option<usize> {
    let differing = one.lines().zip(other.lines()).filter(|(one, other)| one != other).count();
    (one.lines().count() == other.lines().count()).then_some(differing)
}

/// Tries every damage, a place and what is there then, and returns what became of each.
fn try_all(damages: &[(usize, u8)]) -> Vec<(usize, u8, Outcome)> {
    thread::scope(|scope| {
        let workers: Vec<_> = damages
            .chunks(damages.len().div_ceil(MACHINES))
            .map(|share| {
                scope.spawn(move || {
                    let closed = Closed::new();
                    let outcome = |&(place, byte): &(usize, u8)| (place, byte, closed.open_with(place, byte));
                    share.iter().map(outcome).collect::<Vec<_>>()
                })
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
    })
}

/// Other values for a byte: one bit, and its lowest bit, all of them, or nothing.
fn changes(rng: &mut Rng, byte: u8) -> Vec<u8> {
    let mut values = vec![byte ^ (1 << rng.u8(0..8)), [byte ^ 0xff, byte ^ 1, 0][rng.usize(0..3)]];
    values.retain(|value| *value != byte);
    values.dedup();
    values
}

/// One of [`changes`].
fn change(rng: &mut Rng, byte: u8) -> u8 {
    let values = changes(rng, byte);
    values[rng.usize(0..values.len())]
}

#[test]
fn whatever_byte_of_the_header_is_damaged_nothing_is_lost() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let bytes = Closed::new().bytes;
    let damages: Vec<(usize, u8)> = (0..HEADER_BYTES)
        .flat_map(|place| changes(&mut rng, bytes[place]).into_iter().map(move |value| (place, value)))
        .collect();
    for (place, value, outcome) in try_all(&damages) {
        assert!(matches!(outcome, Outcome::Same { .. }), "byte {place}, {} to {value}: {outcome:?}", bytes[place]);
    }
}

/// Kind of a page, by its first byte; those of no b-tree are overflow and free pages.
fn kind(page: &[u8]) -> &'static str {
    match page[0] {
        2 => "interior of an index",
        5 => "interior of a table",
        10 => "leaf of an index",
        13 => "leaf of a table",
        _ => "no b-tree",
    }
}

#[test]
fn whatever_byte_of_a_page_is_damaged_no_row_is_lost() {
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let bytes = Closed::new().bytes;
    let mut pages: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (number, page) in bytes.chunks(PAGE_BYTES).enumerate().skip(1) {
        pages.entry(kind(page)).or_default().push(number);
    }
    assert_eq!(pages.len(), 5, "{pages:?}");
    let mut damages = Vec::new();
    for numbers in pages.values_mut() {
        rng.shuffle(numbers);
        for number in numbers.iter().take(3) {
            // Its header, the first pointers to its cells, and places anywhere.
            let header = (0..12).filter(|_| rng.u8(0..3) == 0).collect::<Vec<_>>();
            let anywhere = [12 + rng.usize(0..6), rng.usize(18..PAGE_BYTES), rng.usize(18..PAGE_BYTES)];
            for place in header.into_iter().chain(anywhere) {
                let place = number * PAGE_BYTES + place;
                damages.push((place, change(&mut rng, bytes[place])));
            }
        }
    }
    // The root of the schema: a table that has another name is a table that is gone.
    for _ in 0..20 {
        let place = rng.usize(HEADER_BYTES..PAGE_BYTES);
        damages.push((place, change(&mut rng, bytes[place])));
    }
    let mut unnoticed = 0;
    for (place, value, outcome) in try_all(&damages) {
        let page = &bytes[place / PAGE_BYTES * PAGE_BYTES..][..PAGE_BYTES];
        // The tree of a table without row ids is that of an index, whose interior has values as well.
        let kinds = ["leaf of a table", "no b-tree", "leaf of an index", "interior of an index"];
        let holds_values = place >= PAGE_BYTES && kinds.contains(&kind(page));
        match outcome {
            Outcome::Same { .. } => {}
            Outcome::OneRowDiffers if holds_values => unnoticed += 1,
            other => panic!("{}, byte {place}, {} to {value}: {other:?}", kind(page), bytes[place]),
        }
    }
    println!("{unnoticed} of {} damages changed a value that nothing tells from a written one", damages.len());
}

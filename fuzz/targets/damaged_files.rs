//! Files with wrong bytes in them. A store reads what it can, and says what it cannot; what it says is the last word
//! only on the rows that are damaged, which nobody can tell.

use std::path::Path;
use std::sync::OnceLock;

use rootcellar::batch::Command;
use rootcellar::engine::sqlite::Engine;
use rootcellar::kv::{Address, Entry};

use super::input::Input;
use super::stores::{NOW_MS, assert_reported, execute, folder, select};

/// Wrong places in a file.
const DAMAGES_MAX: usize = 16;

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut file = sound_file().clone();
    let log = input.below(4) == 0;
    if input.below(8) == 7 {
        file.truncate(place(&mut input, file.len()));
    }
    for _ in 0..input.below(DAMAGES_MAX) {
        let place = place(&mut input, file.len());
        let bytes = input.bytes();
        let end = file.len().min(place + bytes.len());
        file[place..end].copy_from_slice(&bytes[..end - place]);
    }
    let folder = folder();
    let path = folder.path().join("bot.sqlite3");
    std::fs::write(&path, file).unwrap();
    if log {
        std::fs::write(folder.path().join("bot.sqlite3-wal"), input.rest()).unwrap();
    }
    if let Ok(engine) = assert_reported(Engine::open(&path)) {
        use_store(&engine);
        engine.close();
    }
}

/// Where to do damage: mostly in the headers of pages, where everything depends on it.
fn place(input: &mut Input, length: usize) -> usize {
    const PAGE_BYTES: usize = 4096;
    let [high, low] = [input.byte(), input.byte()].map(usize::from);
    let place = if high % 2 == 0 { high / 2 * PAGE_BYTES + low } else { high * 256 + low };
    place % length.max(1)
}

fn use_store(engine: &Engine) {
    for key in ["key 0", "key 99", "none"] {
        let address = Address::new(key);
        drop(assert_reported(engine.reader().and_then(|reader| reader.get(&address, NOW_MS))));
        drop(assert_reported(execute(engine, Command::Set(Entry::new(address.clone(), "2")))));
        drop(assert_reported(execute(engine, Command::Delete(address))));
    }
    for pattern in ["%", "key 1%"] {
        drop(assert_reported(select(engine, None, pattern)));
    }
    let pattern = "key 2%".to_owned();
    drop(assert_reported(execute(engine, Command::DeleteLike { community: None, pattern })));
}

/// A store of some pages.
fn sound_file() -> &'static Vec<u8> {
    static FILE: OnceLock<Vec<u8>> = OnceLock::new();
    FILE.get_or_init(|| {
        let folder = folder();
        let path = folder.path().join("bot.sqlite3");
        fill(&path);
        std::fs::read(&path).unwrap()
    })
}

fn fill(path: &Path) {
    let engine = Engine::open(path).unwrap();
    let entry = |number: i64| Entry {
        expires_at: (number % 3 == 0).then_some(NOW_MS + number),
        ..Entry::new(Address::new(&format!("key {number}")), &format!("\"{}\"", "x".repeat(100)))
    };
    execute(&engine, Command::SetMany((0..200).map(entry).collect())).unwrap();
    let large = Entry::new(Address::new("large"), &format!("\"{}\"", "x".repeat(10_000)));
    execute(&engine, Command::Set(large)).unwrap();
    engine.close();
}

//! Rows that an array stores, beside those that its entries store one by one.

#[path = "support/rounds.rs"]
mod rounds;

use std::path::Path;

use fastrand::Rng;
use rootcellar::batch::{Batch, Command};
use rootcellar::engine::sqlite::Engine;
use rootcellar::kv::{Address, Entry};
use rusqlite::Connection;
use rusqlite::types::Value;

use rounds::rounds;

const NOW_MS: i64 = 4_000_000_000_000;

/// Changes of a file before.
const PREPARED: [&str; 6] = [
    "",
    "",
    // Several rows of a key, as the SDK leaves them, some expired.
    "INSERT INTO __rootapp_kv (key, value, expires_at) SELECT key, '\"older\"', NULL FROM __rootapp_kv \
        WHERE community_id IS NULL AND rowid % 3 = 0;
    UPDATE __rootapp_kv SET expires_at = 4000000000000 WHERE rowid % 5 = 0;",
    "DROP INDEX `__rootapp_kv_community_id_key_unique`;",
    "DROP INDEX `__rootapp_kv_community_id_key_unique`;
    CREATE UNIQUE INDEX `__rootapp_kv_community_id_key_unique` ON __rootapp_kv (community_id, key COLLATE NOCASE);",
    "INSERT INTO __rootapp_kv (key, value) VALUES (x'ff', '1'), (CAST(x'6bff' AS TEXT), '1');
    CREATE TRIGGER more AFTER INSERT ON __rootapp_kv WHEN NEW.key LIKE '%0' BEGIN
        INSERT INTO __rootapp_kv (key, value) VALUES (NEW.key || '0', '1'); END;",
];

fn key(random: &mut Rng, keys: usize) -> String {
    let key = format!("k{:03}{}", random.usize(..keys), random.choice(["", "", "\u{e9}", "0"]).unwrap());
    if random.u8(..6) == 0 { key.to_uppercase() } else { key }
}

fn entries(random: &mut Rng, count: usize, version: usize, ascend: bool) -> Vec<Entry> {
    let keys = random.usize(1..300);
    let community = random.bool().then(|| "c".to_owned());
    let mut entries: Vec<Entry> = (0..count)
        .map(|index| {
            let address = Address { community: community.clone(), key: key(random, keys) };
            let expires_at = random.choice([None, None, Some(NOW_MS + 1), Some(NOW_MS)]).unwrap();
            Entry { address, value: format!("{}", version * 1_000 + index), expires_at }
        })
        .collect();
    if ascend {
        entries.sort_by(|one, other| one.address.cmp(&other.address));
        entries.dedup_by(|one, other| one.address == other.address);
    }
    entries
}

fn rows(connection: &Connection) -> Vec<Vec<Value>> {
    let sql = "SELECT rowid, community_id, hex(key), value, expires_at FROM __rootapp_kv ORDER BY rowid";
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| (0..5).map(|column| row.get(column)).collect());
    rows.unwrap().map(Result::unwrap).collect()
}

fn made(path: &Path, encoding: &str, before: &[Entry], prepared: &str) -> (Engine, Connection) {
    let connection = Connection::open(path).unwrap();
    connection.pragma_update(None, "encoding", encoding).unwrap();
    let engine = Engine::open(path).unwrap();
    assert_eq!(
        engine.execute(Batch::new(before.iter().cloned().map(Command::Set).collect(), NOW_MS)).committed,
        before.len()
    );
    // This may fail, because some keys differ in their case alone.
    let _ = connection.execute_batch(prepared);
    (engine, connection)
}

#[test]
fn an_array_leaves_the_rows_that_its_entries_leave_one_by_one() {
    let seed =
        std::env::var("ROOTCELLAR_TEST_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
    println!("ROOTCELLAR_TEST_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    for round in 0..rounds(36, 300, 3_000) {
        let folder = tempfile::tempdir().unwrap();
        let prepared = PREPARED[round % PREPARED.len()];
        let encoding = if random.u8(..4) == 0 { "UTF-16le" } else { "UTF-8" };
        let count = random.usize(..60);
        let before = entries(&mut random, count, 0, false);
        let stores =
            ["array", "one by one"].map(|name| made(&folder.path().join(name), encoding, &before, prepared));
        for version in 1..4 {
            let (count, ascend) = (random.usize(1..100), random.u8(..4) > 0);
            let entries = entries(&mut random, count, version, ascend);
            let commands = entries.iter().cloned().map(Command::Set).collect();
            let array = stores[0].0.execute(Batch::new(vec![Command::SetMany(entries.clone())], NOW_MS));
            let singly = stores[1].0.execute(Batch::new(commands, NOW_MS));
            let is_stored = singly.stopped.is_none();
            assert_eq!(array.stopped.is_none(), is_stored, "{prepared}: {array:?}, {singly:?}");
            if !is_stored {
                break;
            }
            assert_eq!(rows(&stores[0].1), rows(&stores[1].1), "{encoding}, {prepared}, {entries:#?}");
        }
        for (engine, connection) in stores {
            drop(connection);
            engine.close();
        }
    }
}

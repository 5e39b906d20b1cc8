//! Files whose tables are not what they are expected to be. A store opens such a file, or leaves it as it is and says
//! why; and it says why it cannot read or write it.

use rootcellar::batch::Command;
use rootcellar::engine::sqlite::Engine;
use rootcellar::kv::{Address, Entry};
use rusqlite::Connection;

use super::input::Input;
use super::stores::{Cell, NOW_MS, SDK_TABLE, assert_reported, execute, folder, select};

/// What may stand where the key-value table should.
const KEY_VALUE_TABLES: [&str; 10] = [
    "",
    SDK_TABLE,
    "CREATE TABLE __rootapp_kv (key);",
    "CREATE TABLE __rootapp_kv (key PRIMARY KEY, community_id, value, expires_at) WITHOUT ROWID;",
    "CREATE TABLE __rootapp_kv (key, community_id, value, expires_at AS (1));",
    "CREATE TABLE __rootapp_kv (key, community_id, value, expires_at, more NOT NULL);",
    "CREATE TABLE __rootapp_kv (rowid, key, community_id, value, expires_at);",
    "CREATE VIEW __rootapp_kv AS SELECT 'a' AS key, NULL AS community_id, '1' AS value, NULL AS expires_at;",
    "CREATE TABLE other (key); CREATE INDEX __rootapp_kv ON other (key);",
    "CREATE TABLE __rootapp_kv (key UNIQUE, community_id CHECK (community_id IS NULL), value, expires_at) STRICT;",
];

/// What may stand where the version should.
const VERSION_TABLES: [&str; 7] = [
    "",
    "CREATE TABLE __rootcellar_schema (version integer not null);",
    "CREATE TABLE __rootcellar_schema (version);",
    "CREATE TABLE __rootcellar_schema (other);",
    "CREATE VIEW __rootcellar_schema AS SELECT 1 AS version;",
    "CREATE TABLE __rootcellar_schema (version UNIQUE);",
    "CREATE TABLE other_still (key); CREATE INDEX __rootcellar_schema ON other_still (key);",
];

const OTHERS: [&str; 5] = [
    "",
    "CREATE TABLE __rootcellar_kv_expires_at (a);",
    "CREATE TABLE more (a); CREATE INDEX __rootcellar_kv_community_id_key_nocase ON more (a);",
    "CREATE TRIGGER refuse BEFORE INSERT ON __rootapp_kv BEGIN SELECT RAISE(ROLLBACK, 'refused'); END;",
    "CREATE TRIGGER more AFTER UPDATE ON __rootapp_kv BEGIN DELETE FROM __rootapp_kv; END;",
];

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let folder = folder();
    let path = folder.path().join("bot.sqlite3");
    let connection = Connection::open(&path).unwrap();
    for choices in [&KEY_VALUE_TABLES[..], &VERSION_TABLES, &OTHERS] {
        // What does not go together is left out.
        drop(connection.execute_batch(choices[input.below(choices.len())]));
    }
    for _ in 0..input.below(4) {
        let version = match input.below(6) {
            0 => Cell::Null,
            1 => Cell::Integer(i64::from(input.byte()) - 128),
            2 => Cell::Integer(i64::from_le_bytes(input.eight_bytes())),
            3 => Cell::Real(f64::from_le_bytes(input.eight_bytes())),
            4 => Cell::Text(input.bytes().to_owned()),
            _ => Cell::Blob(input.bytes().to_owned()),
        };
        drop(connection.execute("INSERT INTO __rootcellar_schema VALUES (?1)", [version]));
    }
    let before = schema(&connection);
    match assert_reported(Engine::open(&path)) {
        Ok(engine) => {
            use_store(&engine);
            engine.close();
        }
        Err(_) => assert_eq!(schema(&connection), before, "the store was refused, and changed"),
    }
}

fn use_store(engine: &Engine) {
    let address = Address::new("a");
    for _ in 0..2 {
        let set = execute(engine, Command::Set(Entry::new(address.clone(), "1")));
        drop(assert_reported(set));
        drop(assert_reported(select(engine, None, "%")));
        drop(assert_reported(engine.reader().unwrap().get(&address, NOW_MS)));
    }
    drop(assert_reported(execute(engine, Command::Delete(address))));
    let all = Command::DeleteLike { community: None, pattern: "%".into() };
    drop(assert_reported(execute(engine, all)));
}

fn schema(connection: &Connection) -> Vec<String> {
    let mut statement = connection.prepare("SELECT coalesce(sql, name) FROM sqlite_schema").unwrap();
    statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
}

//! Keys that a pattern finds and deletes, beside what SQLite's `LIKE` says of every row, whoever made the table.

#[path = "support/rounds.rs"]
mod rounds;
#[allow(dead_code, reason = "rows are compared one by one")]
#[path = "support/rows.rs"]
mod rows;

use std::path::Path;

use fastrand::Rng;
use rootcellar::batch::{Batch, Command};
use rootcellar::engine::sqlite::{Engine, Select};
use rootcellar::kv::RowFormat;
use rusqlite::{Connection, params};

use rounds::rounds;

const NOW_MS: i64 = 1_800_000_000_000;

/// Few letters make many matches. `@`, `[` and `` ` `` lie beside the letters.
const LETTERS: &[char] = &[
    'a',
    'A',
    'b',
    'B',
    'z',
    'Z',
    '@',
    '[',
    '`',
    '{',
    ':',
    '0',
    '_',
    '%',
    '\\',
    '\u{7f}',
    '\u{e9}',
    '\u{c9}',
    '\u{212a}',
    '\u{fffd}',
    '\u{10ffff}',
];

const COMMUNITIES: [Option<&str>; 4] = [None, Some("c"), Some("C"), Some("")];

const SDK_TABLE: &str = "CREATE TABLE `__rootapp_kv` (`key` varchar(255) not null, `community_id` varchar(255), \
    `value` varchar(255) not null, `expires_at` datetime);";
const SDK_INDEX: &str = "CREATE UNIQUE INDEX `__rootapp_kv_community_id_key_unique` \
    ON `__rootapp_kv` (`community_id`, `key`);";
const OLD_INDEX: &str = "CREATE INDEX __rootcellar_kv_community_id_key_nocase \
    ON __rootapp_kv (community_id, key COLLATE NOCASE);";

/// Files that a store may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Own,
    /// The SDK's, with several rows of a key.
    Sdk,
    /// The table of a version with an index for either case.
    Old,
    /// Without an index of keys.
    Bare,
    /// Whose columns compare letters of either case as equal.
    NoCase,
    Utf16,
    /// With an index of keys alone.
    KeysAlone,
}

const TABLES: [Table; 7] =
    [Table::Own, Table::Sdk, Table::Old, Table::Bare, Table::NoCase, Table::Utf16, Table::KeysAlone];

fn make(path: &Path, table: Table) -> Connection {
    let connection = Connection::open(path).unwrap();
    if table == Table::Utf16 {
        connection.pragma_update(None, "encoding", "UTF-16le").unwrap();
    }
    match table {
        Table::Own | Table::Utf16 => {}
        Table::Sdk => connection.execute_batch(&format!("{SDK_TABLE}{SDK_INDEX}")).unwrap(),
        Table::Old => connection.execute_batch(&format!("{SDK_TABLE}{SDK_INDEX}{OLD_INDEX}")).unwrap(),
        Table::Bare | Table::KeysAlone => connection.execute_batch(SDK_TABLE).unwrap(),
        Table::NoCase => connection
            .execute_batch("CREATE TABLE __rootapp_kv (key TEXT COLLATE NOCASE, community_id, value, expires_at)")
            .unwrap(),
    }
    Engine::open(path).unwrap().close();
    match table {
        Table::Bare => connection.execute_batch("DROP INDEX `__rootapp_kv_community_id_key_unique`").unwrap(),
        Table::KeysAlone => connection.execute_batch("CREATE INDEX keys_alone ON __rootapp_kv (key)").unwrap(),
        _ => {}
    }
    connection
}

fn text(random: &mut Rng, letters: &[char], length_max: usize) -> String {
    let used = random.usize(2..=letters.len());
    let from = random.usize(0..=letters.len() - used);
    (0..random.usize(0..=length_max)).map(|_| letters[from + random.usize(0..used)]).collect()
}

/// A pattern: a random one, or one that begins as a key does, in any case.
fn pattern(random: &mut Rng, keys: &[String]) -> String {
    let Some(key) = random.choice(keys).filter(|_| random.u8(..4) > 0) else { return text(random, LETTERS, 6) };
    let taken = random.usize(0..=key.chars().count());
    let mut pattern = String::new();
    for c in key.chars().take(taken) {
        if matches!(c, '_' | '%' | '\\') && random.u8(..4) > 0 {
            pattern.push('\\');
        }
        pattern.push(match random.u8(..12) {
            0 => '_',
            1 => '%',
            2..6 => c.to_ascii_uppercase(),
            6..9 => c.to_ascii_lowercase(),
            _ => c,
        });
    }
    if random.u8(..8) > 0 {
        pattern.push('%');
    }
    pattern
}

/// A pattern in the words of `LIKE ... ESCAPE '\'`, where a backslash escapes whatever follows.
fn in_sqlite(pattern: &str) -> String {
    let mut like = String::new();
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        like.push(c);
        if c == '\\' {
            like.push(chars.next_if(|next| matches!(next, '%' | '_' | '\\')).unwrap_or('\\'));
        }
    }
    like
}

/// Rowids of the rows that match, by the definition.
fn matching(connection: &Connection, community: Option<&str>, pattern: &str) -> Vec<i64> {
    let sql = "SELECT rowid FROM __rootapp_kv WHERE community_id IS ?1 AND +key LIKE ?2 ESCAPE '\\' ORDER BY rowid";
    let mut statement = connection.prepare_cached(sql).unwrap();
    let rows = statement.query_map(params![community, in_sqlite(pattern)], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Keys of those rows, each once at the place of its oldest row, with the value of its newest.
fn expected(connection: &Connection, rowids: &[i64]) -> Vec<(String, String)> {
    let mut statement = connection.prepare_cached("SELECT key, value FROM __rootapp_kv WHERE rowid = ?1").unwrap();
    let mut rows: Vec<(String, String)> = Vec::new();
    for rowid in rowids {
        let (key, value) = statement.query_row([rowid], |row| Ok((row.get::<_, String>(0)?, row.get(1)?))).unwrap();
        match rows.iter_mut().find(|row| row.0 == key) {
            Some(row) => row.1 = value,
            None => rows.push((key, value)),
        }
    }
    rows
}

fn found(engine: &Engine, community: Option<&str>, pattern: &str) -> Vec<(String, String)> {
    let community = community.map(str::to_owned);
    let select = Select { community, pattern: pattern.to_owned(), now_ms: NOW_MS, format: RowFormat::Entry };
    rows::select(engine, select).unwrap().into_iter().map(|row| (row.key, row.value)).collect()
}

/// Rows of a table, and patterns; each pattern is compared with every row.
fn compare(table: Table, rows: usize, patterns: usize, random: &mut Rng) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.sqlite3");
    let connection = make(&path, table);
    let length = random.usize(2..=8);
    let keys: Vec<String> = (0..rows).map(|_| text(random, LETTERS, length)).collect();
    connection.execute_batch("BEGIN").unwrap();
    for (index, key) in keys.iter().enumerate() {
        let sql = "INSERT OR IGNORE INTO __rootapp_kv (community_id, key, value) VALUES (?1, ?2, ?3)";
        let community = if table == Table::Sdk { None } else { random.choice(COMMUNITIES).unwrap() };
        connection.execute(sql, params![community, key, index.to_string()]).unwrap();
    }
    connection.execute_batch("COMMIT").unwrap();
    let engine = Engine::open(&path).unwrap();
    let mut matches = 0;
    for index in 0..patterns {
        let (pattern, community) = (pattern(random, &keys), random.choice(COMMUNITIES).unwrap());
        let rowids = matching(&connection, community, &pattern);
        matches += rowids.len();
        let expected = expected(&connection, &rowids);
        assert_eq!(found(&engine, community, &pattern), expected, "{table:?}, {community:?}, {pattern:?}");
        if index % 50 == 0 && rowids.len() < rows / 10 {
            delete(&engine, &connection, community, &pattern, &rowids);
        }
    }
    engine.close();
    matches
}

fn delete(engine: &Engine, connection: &Connection, community: Option<&str>, pattern: &str, rowids: &[i64]) {
    let all = |connection: &Connection| -> Vec<i64> {
        let mut statement = connection.prepare_cached("SELECT rowid FROM __rootapp_kv ORDER BY rowid").unwrap();
        statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    let mut left = all(connection);
    left.retain(|rowid| !rowids.contains(rowid));
    let command = Command::DeleteLike { community: community.map(str::to_owned), pattern: pattern.to_owned() };
    assert_eq!(engine.execute(Batch::new(vec![command], NOW_MS)).committed, 1);
    assert_eq!(all(connection), left, "{community:?}, {pattern:?}");
}

#[test]
fn a_million_keys_and_patterns_are_what_like_says_of_every_row() {
    let seed =
        std::env::var("ROOTCELLAR_TEST_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap());
    println!("ROOTCELLAR_TEST_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    for _ in 0..rounds(1, 10, 300) {
        let mut matches = 0;
        for table in TABLES {
            matches += compare(table, 500, 300, &mut random);
        }
        assert!(matches > 2_000, "{matches}");
    }
}

#[test]
fn the_index_of_an_older_version_goes_and_that_version_still_finds_its_keys() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.sqlite3");
    drop(make(&path, Table::Own));
    let connection = Connection::open(&path).unwrap();
    connection.execute_batch(OLD_INDEX).unwrap();
    let sql = "INSERT INTO __rootapp_kv (community_id, key, value) VALUES (?1, ?2, '1')";
    for key in ["user:1", "USER:2", "users", "use"] {
        connection.execute(sql, params!["c", key]).unwrap();
    }
    let objects = || -> Vec<(String, i64)> {
        let sql = "SELECT name, (SELECT max(version) FROM __rootcellar_schema) FROM sqlite_schema \
            WHERE tbl_name = '__rootapp_kv' ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let before = objects();
    let engine = Engine::open(&path).unwrap();
    assert_eq!(found(&engine, Some("c"), "User:%").len(), 2);
    let (index, kept): (Vec<_>, Vec<_>) = before.into_iter().partition(|object| object.0.ends_with("_nocase"));
    assert_eq!(index.len(), 1);
    assert_eq!(objects(), kept, "the version is the same, which an older one accepts");
    // The words of that version.
    let old = "SELECT count(*) FROM main.__rootapp_kv \
        WHERE community_id IS ?1 AND key COLLATE NOCASE >= ?2 AND key COLLATE NOCASE < ?3";
    let count: i64 = connection.query_row(old, params!["c", "user:", "user;"], |row| row.get(0)).unwrap();
    assert_eq!(count, 2);
    engine.close();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn the_index_of_an_older_version_waits_while_the_file_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bot.sqlite3");
    let connection = make(&path, Table::Own);
    connection.execute_batch(OLD_INDEX).unwrap();
    let count = || -> i64 {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%nocase'";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    connection.execute_batch("BEGIN IMMEDIATE").unwrap();
    let engine = Engine::open(&path).unwrap();
    assert_eq!(found(&engine, None, "a%"), []);
    connection.execute_batch("ROLLBACK").unwrap();
    engine.close();
    assert_eq!(count(), 1);
    Engine::open(&path).unwrap().close();
    assert_eq!(count(), 0);
}

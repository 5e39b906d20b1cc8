//! A key-value table that anybody may have written: columns of any type with anything in them, several rows of one
//! key. The store's answers, and the rows that it leaves, are those of [`Rows`].

use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rootcellar::batch::Command;
use rootcellar::engine::sqlite::Engine;
use rootcellar::kv::{Address, Entry, Increment, KeyRange, NewExpiry, Swap, SwapPart, Then};
use rusqlite::Connection;

use super::input::Input;
use super::row_model::Rows;
use super::stores::{Cell, NOW_MS, SDK_TABLE, assert_reported, execute_telling, folder, select};

const UNTYPED_TABLE: &str = "CREATE TABLE __rootapp_kv (key, community_id, value, expires_at);";
const OTHER_TABLE: &str =
    "CREATE TABLE __rootapp_kv (key BLOB, community_id REAL, value INTEGER, expires_at TEXT);";

const ROWS_MAX: usize = 8;
const OPERATIONS_MAX: usize = 8;

const KEYS: [&[u8]; 12] = [
    b"a",
    b"A",
    b"ab",
    b"",
    b"a\0b",
    b"a\xff",
    b"\xff",
    "\u{fffd}".as_bytes(),
    "\u{10ffff}".as_bytes(),
    b"_%",
    b"5",
    b"b",
];
const PATTERNS: [&str; 12] =
    ["%", "a%", "A_", "", "_", "a\0%", "\u{fffd}%", "%\u{fffd}", "\u{10ffff}%", r"\_\%", "5%", "%b"];
const VALUES: [&[u8]; 8] = [b"1", b"[1]", b"{\"a\":\"b\"}", b"not JSON", b"1,2", b"", b"\xff", b"\"\xed\xa0\x80\""];
const TIMES: [i64; 10] =
    [NOW_MS, NOW_MS + 1, NOW_MS - 1, 0, 1_000, -1, i64::MIN, i64::MAX, 8_640_000_000_000_001, 1 << 53];
const REALS: [f64; 8] = [32e12, 32e12 + 0.5, 32e12 - 0.5, 0.5, -0.5, 1e300, f64::NEG_INFINITY, f64::NAN];

pub fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let folder = folder();
    let path = folder.path().join("bot.sqlite3");
    let connection = Connection::open(&path).unwrap();
    let is_utf8 = input.below(4) < 2;
    let encoding = input.one_of(&["UTF-8", "UTF-16le", "UTF-16be"]);
    let mut texts = Texts { is_utf8, input };
    if !is_utf8 {
        connection.pragma_update(None, "encoding", encoding).unwrap();
    }
    let table = texts.input.one_of(&[SDK_TABLE, SDK_TABLE, UNTYPED_TABLE, OTHER_TABLE]);
    connection.execute_batch(table).unwrap();
    for _ in 0..texts.input.below(ROWS_MAX + 1) {
        let row = [texts.community_cell(), texts.key_cell(), texts.value_cell(), texts.expiry_cell()];
        let sql = "INSERT INTO __rootapp_kv (community_id, key, value, expires_at) VALUES (?1, ?2, ?3, ?4)";
        // The table may refuse a NULL.
        drop(connection.execute(sql, rusqlite::params_from_iter(row)));
    }
    let is_modelled = table != OTHER_TABLE;
    let before = Rows::read(&connection);
    match assert_reported(Engine::open(&path)) {
        Ok(engine) => {
            wait_for_purge(&connection);
            if is_modelled {
                for community in [None, Some("c"), Some("")] {
                    let all = |rows: &Rows| rows.select(community, "%").map_err(|error| error.code());
                    assert_eq!(all(&Rows::read(&connection)), all(&before), "after the purge of {before:#?}");
                }
            }
            operate(&engine, &connection, &mut texts, is_modelled);
            engine.close();
        }
        // Two rows of one key and community keep the SDK's index from being made.
        Err(error) => assert_eq!(error.code(), "SQLITE_CONSTRAINT_UNIQUE"),
    }
}

/// Waits until everything is gone that the machine's clock calls expired. A row without a key never goes.
fn wait_for_purge(connection: &Connection) {
    let now_ms = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
    let left = "SELECT count(*) FROM __rootapp_kv WHERE key IS NOT NULL AND expires_at <= ?1 \
        AND typeof(expires_at) IN ('integer', 'real')";
    let deadline = Instant::now() + Duration::from_secs(10);
    while connection.query_row(left, [now_ms], |row| row.get::<_, i64>(0)).unwrap() > 0 {
        assert!(Instant::now() < deadline, "what has expired is not purged");
        thread::sleep(Duration::from_micros(200));
    }
}

/// Runs operations. `is_modelled` unless the table's types make something else of what is compared.
fn operate(engine: &Engine, connection: &Connection, texts: &mut Texts, is_modelled: bool) {
    let reader = engine.reader().unwrap();
    for _ in 0..OPERATIONS_MAX {
        if texts.input.is_empty() {
            return;
        }
        let mut rows = Rows::read(connection);
        let address = texts.address();
        let read = assert_reported(reader.get(&address, NOW_MS)).unwrap();
        if is_modelled {
            assert_eq!(read, rows.get(&address), "get {address:?} of {rows:#?}");
        }
        let pattern = texts.pattern();
        let community = address.community.as_deref();
        let command = match texts.input.below(13) {
            0 => {
                let found = assert_reported(select(engine, community, &pattern)).map_err(|error| error.code());
                let expected = rows.select(community, &pattern).map_err(|error| error.code());
                if is_modelled {
                    assert_eq!(found, expected, "select {pattern:?} of {rows:#?}");
                }
                continue;
            }
            1 => Command::Set(texts.entry(address.clone())),
            2 => Command::SetMany(vec![
                texts.entry(address.clone()),
                Entry::new(texts.address(), "2"),
                texts.entry(address.clone()),
            ]),
            3 => {
                let Entry { value, expires_at, .. } = texts.entry(address.clone());
                let expected = texts.input.one_of(&[read, None, Some("1".into())]);
                let expiry = match expires_at {
                    Some(time) => NewExpiry::At(time),
                    None => texts.input.one_of(&[NewExpiry::Kept, NewExpiry::Never]),
                };
                Command::Swap(Swap { address: address.clone(), expected: expected.into(), value, expiry })
            }
            4 => Command::Delete(address.clone()),
            5 => Command::DeleteLike { community: address.community.clone(), pattern: pattern.clone() },
            6 | 7 => {
                let by = texts.input.one_of(&[1.0, -2.5, 0.0, 1e308, 9_007_199_254_740_991.0]);
                let (min, max) = texts.input.one_of(&[(f64::NEG_INFINITY, f64::INFINITY), (0.0, 2.0)]);
                let expires_at = texts.entry(address.clone()).expires_at;
                Command::Increment(Increment { address: address.clone(), by, min, max, expires_at })
            }
            8 => Command::SetIfAbsent(texts.entry(address.clone())),
            9 => Command::GetAndDelete(address.clone()),
            10 => {
                let expires_at = texts.entry(address.clone()).expires_at;
                Command::Expire { address: address.clone(), expires_at }
            }
            11 => {
                let to = texts.input.one_of(&[None, Some("b"), Some("\u{10ffff}")]).map(str::to_owned);
                let range = KeyRange { from: address.key.clone(), to };
                Command::DeleteRange { community: address.community.clone(), range }
            }
            _ => Command::SwapMany(texts.parts(&rows)),
        };
        let before = rows.clone();
        let told = assert_reported(execute_telling(engine, command.clone())).map_err(|error| error.code());
        if is_modelled {
            let after = Rows::read(connection);
            let expected = rows.run(&command, &after);
            assert_eq!((told, after), (expected, rows), "{command:?} of {before:#?}");
        }
    }
}

/// What an input says to store and to ask.
struct Texts<'a> {
    /// Otherwise SQLite replaces whatever is no text, and two characters that are never used, when it stores it.
    is_utf8: bool,
    input: Input<'a>,
}

impl Texts<'_> {
    fn text(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).into_owned();
        if self.is_utf8 { text } else { text.replace(['\u{fffe}', '\u{ffff}'], "\u{fffd}") }
    }

    fn text_cell(&self, bytes: &[u8]) -> Cell {
        if self.is_utf8 { Cell::Text(bytes.to_owned()) } else { Cell::text(&self.text(bytes)) }
    }

    /// One of several, or what the input holds.
    fn bytes(&mut self, usual: &[&'static [u8]]) -> Vec<u8> {
        match self.input.below(usual.len() + 1) {
            0 => self.input.bytes().to_owned(),
            number => usual[number - 1].to_owned(),
        }
    }

    fn community(&mut self) -> Option<String> {
        self.input.one_of(&[None, None, None, Some("c"), Some("")]).map(str::to_owned)
    }

    fn community_cell(&mut self) -> Cell {
        match self.input.below(8) {
            6 => Cell::Blob(b"c".to_vec()),
            7 => Cell::Integer(5),
            _ => self.community().map_or(Cell::Null, |community| Cell::text(&community)),
        }
    }

    fn address(&mut self) -> Address {
        let community = self.community();
        let key = self.bytes(&KEYS);
        Address { community, key: self.text(&key) }
    }

    /// Changes of some keys, each once, which mostly hold what is expected.
    fn parts(&mut self, rows: &Rows) -> Vec<SwapPart> {
        let mut parts: Vec<SwapPart> = Vec::new();
        for _ in 0..=self.input.below(3) {
            let address = self.address();
            let Entry { value, .. } = self.entry(address.clone());
            let expected = match self.input.below(4) {
                0 => None,
                _ => rows.get(&address),
            };
            let then = self.input.one_of(&[Then::Keep, Then::Delete, Then::Store(value)]);
            if parts.iter().all(|part| part.address != address) {
                parts.push(SwapPart { address, expected: expected.into(), then });
            }
        }
        parts
    }

    fn key_cell(&mut self) -> Cell {
        let key = self.bytes(&KEYS);
        match self.input.below(8) {
            4 => Cell::Blob(key),
            5 => Cell::Integer(5),
            6 => Cell::Real(0.5),
            7 => Cell::Null,
            _ => self.text_cell(&key),
        }
    }

    fn value_cell(&mut self) -> Cell {
        let value = self.bytes(&VALUES);
        match self.input.below(8) {
            4 => Cell::Blob(value),
            5 => Cell::Integer(5),
            6 => Cell::Real(0.5),
            7 => Cell::Null,
            _ => self.text_cell(&value),
        }
    }

    fn expiry_cell(&mut self) -> Cell {
        match self.input.below(9) {
            0..3 => Cell::Null,
            3 => Cell::Integer(self.input.one_of(&TIMES)),
            4 => Cell::Integer(i64::from_le_bytes(self.input.eight_bytes())),
            5 => Cell::Real(self.input.one_of(&REALS)),
            6 => Cell::Real(f64::from_le_bytes(self.input.eight_bytes())),
            7 => {
                let bytes = self.bytes(&[b"1000", b"1e300", b"2030-01-01", b"\xff"]);
                self.text_cell(&bytes)
            }
            _ => Cell::Blob(self.input.bytes().to_owned()),
        }
    }

    fn entry(&mut self, address: Address) -> Entry {
        let number = self.input.byte();
        let expires_at = self.input.one_of(&[None, None, Some(NOW_MS), Some(NOW_MS + 1), Some(i64::MAX)]);
        Entry { expires_at, ..Entry::new(address, &number.to_string()) }
    }

    fn pattern(&mut self) -> String {
        match self.input.below(PATTERNS.len() + 1) {
            0 => {
                let bytes = self.input.bytes();
                self.text(bytes)
            }
            number => PATTERNS[number - 1].to_owned(),
        }
    }
}

//! Mark of a database file, by which its own write-ahead log is told from that of another file.
//!
//! SQLite replays any valid log that it finds beside a file, and mixes the two if another file was copied over the first.
//! So the file has a table with a random token, and each log begins by writing a new token there. However much of the log
//! was copied into the file, the file's token is either the one before that log or the new one.

use std::sync::OnceLock;

use rusqlite::{Connection, OptionalExtension};
use twox_hash::XxHash3_64;

use super::index_header::{WalIndex, WalProgress};
use super::raw_file::RawFile;

/// Bytes of the header of a database file (sqlite.org/fileformat.html, "The Database Header").
pub const FILE_HEADER_BYTES: usize = 100;

const MAGIC: [u8; 16] = *b"rootcellar-mark1";
const MARK_BYTES: usize = MAGIC.len() + 4 + 3 * size_of::<FileToken>() + FILE_HEADER_BYTES + 8;

/// Bytes before the mark in its page: the cell header of row 1, with NULL in the first column and a BLOB of the mark's size
/// in the second (sqlite.org/fileformat.html, "B-tree Pages" and "Record Format").
const CELL_PREFIX: [u8; 7] = [0x81, 0x34, 0x01, 0x04, 0x00, 0x82, 0x6c];

/// Type byte of a table leaf page (same document, "B-tree Pages").
const TABLE_LEAF: u8 = 0x0d;

/// The table of the mark, which has one row.
pub const CREATE_TABLE: &str =
    "CREATE TABLE IF NOT EXISTS __rootcellar_file (id INTEGER PRIMARY KEY, mark BLOB NOT NULL);\n";
const ROOT_PAGE: &str =
    "SELECT rootpage FROM main.sqlite_schema WHERE type = 'table' AND name = '__rootcellar_file'";
const READ_MARK: &str = "SELECT mark FROM main.__rootcellar_file WHERE id = 1";
const WRITE_MARK: &str = "INSERT INTO main.__rootcellar_file (id, mark) VALUES (1, ?1) \
    ON CONFLICT (id) DO UPDATE SET mark = excluded.mark";
const RANDOM: &str = "SELECT randomblob(16)";

/// A token, or the identity of the machine's boot.
pub type FileToken = [u8; 16];

/// Placeholder for an unknown token or boot.
pub const UNKNOWN: FileToken = [0; 16];

/// Mark of a file, as stored in its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileMark {
    /// Number of the page that holds the mark.
    pub page: u32,
    /// `FileToken` in the file itself when this mark was made; [`UNKNOWN`] if there was none.
    pub base: FileToken,
    /// `FileToken` of this mark.
    pub token: FileToken,
    /// Boot of the machine at that time. Within one boot, everything written to the file can be read from it.
    pub boot: FileToken,
    /// Database header in the file itself at that time.
    pub header: [u8; FILE_HEADER_BYTES],
}

impl FileMark {
    fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(MARK_BYTES);
        bytes.extend(MAGIC);
        bytes.extend(self.page.to_be_bytes());
        bytes.extend(self.base);
        bytes.extend(self.token);
        bytes.extend(self.boot);
        bytes.extend(self.header);
        bytes.extend(XxHash3_64::oneshot(&bytes).to_be_bytes());
        bytes
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, checksum) = bytes.split_at_checked(MARK_BYTES - 8).filter(|_| bytes.len() == MARK_BYTES)?;
        let mut rest = body.strip_prefix(&MAGIC)?;
        if checksum != XxHash3_64::oneshot(body).to_be_bytes() {
            return None;
        }
        let page = u32::from_be_bytes(take(&mut rest)?);
        let (base, token, boot, header) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
        Some(Self { page, base, token, boot, header })
    }

    /// Finds the mark in page `number`. Ignores old pages of the table, and pages of other tables.
    #[must_use]
    pub fn find(number: u32, page: &[u8]) -> Option<Self> {
        if page.first() != Some(&TABLE_LEAF) || page.get(3..5)? != [0, 1] {
            return None;
        }
        let cell = match u16::from_be_bytes(page.get(8..10)?.try_into().ok()?) {
            0 => 65_536,
            offset => usize::from(offset),
        };
        let mark = page.get(cell..)?.strip_prefix(&CELL_PREFIX)?.get(..MARK_BYTES)?;
        Self::decode(mark).filter(|mark| mark.page == number)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(*taken)
}

/// Keeper of the mark: renews it for the writer, each time the last one has been copied from the log into the file.
#[derive(Debug)]
pub struct MarkKeeper {
    sources: Option<(RawFile, WalIndex)>,
    /// Checkpoint progress at the last look: until it changes, the mark need not be looked at again.
    seen: Option<([u32; 2], u32)>,
    has_begun: bool,
}

impl MarkKeeper {
    /// Keeper for a writing connection, which must stay open while the keeper is used.
    pub fn new(connection: &Connection) -> Self {
        let sources = RawFile::database(connection).zip(WalIndex::of_log(connection));
        Self { sources, seen: None, has_begun: false }
    }

    /// Keeper for a connection that only reads: it makes no marks.
    #[must_use]
    pub fn idle() -> Self {
        Self { sources: None, seen: None, has_begun: true }
    }

    /// Renews the mark if necessary, in a transaction that is about to write. A failure is ignored unless it has ended the
    /// transaction.
    ///
    /// # Errors
    ///
    /// With SQLite's code, if the transaction has ended.
    pub fn before_write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if !self.is_due() {
            return Ok(());
        }
        let renewed = self.renew(connection);
        if renewed.is_err() {
            self.failed();
        }
        if connection.is_autocommit() { renewed } else { Ok(()) }
    }

    /// Reports that the transaction was not committed.
    pub fn failed(&mut self) {
        self.seen = None;
    }

    /// Returns `true` if a checkpoint has progressed since the last look, so that the mark may have to be renewed.
    #[must_use]
    pub fn is_due(&self) -> bool {
        let Some((_, wal_index)) = &self.sources else { return false };
        let WalProgress { salts, copied, .. } = wal_index.progress();
        self.seen != Some((salts, copied))
    }

    /// Lets [`Self::begin`] return `true` once more, because nothing could be done.
    pub fn begin_again(&mut self) {
        self.has_begun = false;
    }

    /// Returns `true` the first time, if there is a log to make marks for.
    pub fn begin(&mut self) -> bool {
        !std::mem::replace(&mut self.has_begun, true) && self.sources.is_some()
    }

    /// Returns `true` if everything that is in the log is in the file.
    #[must_use]
    pub fn is_log_copied(&self) -> bool {
        let Some((_, wal_index)) = &self.sources else { return true };
        let WalProgress { frames, copied, .. } = wal_index.progress();
        copied >= frames
    }

    fn renew(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let Some((file, wal_index)) = &self.sources else { return Ok(()) };
        let WalProgress { salts, frames, copied } = wal_index.progress();
        let Some(page) = page_of(connection)? else {
            // The table was removed by somebody: there is no mark until the next opening.
            self.seen = Some((salts, copied));
            return Ok(());
        };
        let page_bytes = u64::from(wal_index.header().page_bytes());
        let in_file = usize::try_from(page_bytes)
            .ok()
            .and_then(|bytes| file.read(bytes, u64::from(page - 1) * page_bytes))
            .and_then(|bytes| FileMark::find(page, &bytes));
        let last: Option<Vec<u8>> =
            connection.prepare_cached(READ_MARK)?.query_row([], |row| row.get(0)).optional()?;
        let last = last.and_then(|last| FileMark::decode(&last));
        let is_in_file = in_file.as_ref().map(|mark| mark.token) == last.as_ref().map(|mark| mark.token);
        if (is_in_file || copied >= frames || last.is_none())
            && let Some(header) = file.read(FILE_HEADER_BYTES, 0).and_then(|header| header.try_into().ok())
        {
            let token = connection.prepare_cached(RANDOM)?.query_row([], |row| row.get(0))?;
            let base = in_file.map_or(UNKNOWN, |mark| mark.token);
            let mark = FileMark { page, base, token, boot: boot(), header };
            connection.prepare_cached(WRITE_MARK)?.execute([mark.encode()])?;
        }
        self.seen = Some((salts, copied));
        Ok(())
    }
}

/// Makes the first mark of a file, in the transaction that makes its table.
///
/// # Errors
///
/// With SQLite's code.
pub fn make_first(connection: &Connection) -> rusqlite::Result<()> {
    MarkKeeper::new(connection).renew(connection)
}

/// The page that the mark of a file is in, if it has one.
///
/// # Errors
///
/// With SQLite's code.
pub fn page_of(connection: &Connection) -> rusqlite::Result<Option<u32>> {
    connection.prepare_cached(ROOT_PAGE)?.query_row([], |row| row.get(0)).optional()
}

/// Removes the mark of a file, if it has one.
///
/// # Errors
///
/// With SQLite's code.
pub fn remove(connection: &Connection) -> rusqlite::Result<()> {
    if page_of(connection)?.is_some() {
        connection.execute("DELETE FROM main.__rootcellar_file", [])?;
    }
    Ok(())
}

/// The boot of this machine; [`UNKNOWN`] where the system does not identify it.
pub fn boot() -> FileToken {
    static BOOT: OnceLock<FileToken> = OnceLock::new();
    *BOOT.get_or_init(|| read_boot().unwrap_or(UNKNOWN))
}

#[cfg(any(target_os = "linux", target_os = "android", target_vendor = "apple"))]
fn token_of(text: &[u8]) -> FileToken {
    let mut token = UNKNOWN;
    let (first, second) = token.split_at_mut(8);
    first.copy_from_slice(&XxHash3_64::oneshot_with_seed(1, text).to_be_bytes());
    second.copy_from_slice(&XxHash3_64::oneshot_with_seed(2, text).to_be_bytes());
    token
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn read_boot() -> Option<FileToken> {
    let text = std::fs::read("/proc/sys/kernel/random/boot_id").ok()?;
    (!text.is_empty()).then(|| token_of(&text))
}

#[cfg(target_vendor = "apple")]
#[allow(unsafe_code, reason = "asks the system")]
fn read_boot() -> Option<FileToken> {
    let mut text = [0_u8; 64];
    let mut length = text.len();
    // SAFETY: the name ends with a zero, and there is room for as many bytes as are said.
    let read = unsafe {
        libc::sysctlbyname(
            c"kern.bootsessionuuid".as_ptr(),
            text.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    (read == 0 && length > 0).then(|| token_of(&text[..length.min(64)]))
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_vendor = "apple")))]
fn read_boot() -> Option<FileToken> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mark(page: u32) -> FileMark {
        FileMark { page, base: [1; 16], token: [2; 16], boot: [3; 16], header: [4; FILE_HEADER_BYTES] }
    }

    #[test]
    fn it_is_found_in_its_own_page_alone() {
        for page_size in ["512", "4096", "65536"] {
            let folder = tempfile::tempdir().unwrap();
            let connection = Connection::open(folder.path().join("a.sqlite3")).unwrap();
            connection.pragma_update(None, "page_size", page_size).unwrap();
            connection.execute_batch(CREATE_TABLE).unwrap();
            let page: u32 = connection.query_row(ROOT_PAGE, [], |row| row.get(0)).unwrap();
            connection.execute(WRITE_MARK, [mark(7).encode()]).unwrap();
            connection.execute(WRITE_MARK, [mark(page).encode()]).unwrap();
            connection.execute_batch("CREATE TABLE copied AS SELECT * FROM __rootcellar_file").unwrap();
            let pages = |number: u32| -> Vec<u8> {
                let sql = "SELECT data FROM sqlite_dbpage WHERE pgno = ?1";
                connection.query_row(sql, [number], |row| row.get(0)).unwrap()
            };
            assert_eq!(FileMark::find(page, &pages(page)), Some(mark(page)));
            assert_eq!(FileMark::find(page + 1, &pages(page)), None);
            let count: u32 = connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
            assert_eq!((1..=count).filter(|number| FileMark::find(*number, &pages(*number)).is_some()).count(), 1);
        }
    }

    #[test]
    fn a_damaged_one_is_none() {
        let bytes = mark(2).encode();
        assert_eq!(FileMark::decode(&bytes), Some(mark(2)));
        for place in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[place] ^= 1;
            assert_eq!(FileMark::decode(&damaged), None);
            assert_eq!(FileMark::decode(&bytes[..place]), None);
        }
    }
}

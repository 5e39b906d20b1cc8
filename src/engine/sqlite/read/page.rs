//! A page: the first live entries of a range of keys.
//!
//! Rows come in the order of the unique index, which is that of the keys' bytes in a file whose texts are UTF-8; of equal
//! keys, which a file of SDK 0.17.0 may have, the newest row comes last. So a page costs what it holds, wherever it is.

use crate::Error;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::engine::sqlite::table::range_rows::{RangeRow, RangeRows};
use crate::kv::{EntryWriter, RowFormat, is_expired};
use crate::reads::PageQuery;

/// Reads a page. Returns the last slice, and passes those before it to `send`.
pub fn page(connection: &UserConnection, query: &PageQuery, mut send: impl FnMut(String)) -> Result<String, Error> {
    let has_values = query.format != RowFormat::Key;
    let mut slices = EntryWriter::new(query.format);
    let (mut entries, mut bytes) = (0, 0);
    let mut has_more = false;
    let rows = RangeRows { community: query.community.as_deref(), range: &query.range, has_values };
    rows.newest_of_each_key(connection, query.is_reverse, |RangeRow { key, value, expires_at }| {
        if is_expired(expires_at, query.now_ms) {
            return Ok(true);
        }
        if entries == query.limit || (entries > 0 && bytes >= query.bytes_max) {
            has_more = true;
            return Ok(false);
        }
        let value = if has_values { value.ok_or_else(|| Error::not_json(key))? } else { "" };
        slices.push(key, value, expires_at)?.into_iter().for_each(&mut send);
        entries += 1;
        bytes += key.len() + value.len();
        Ok(true)
    })?;
    Ok(slices.finish_page(has_more))
}

//! The values of given keys.

use super::point_read::find;
use crate::Error;
use crate::engine::sqlite::guard::user_connection::UserConnection;
use crate::kv::{Address, EntryWriter, RowFormat};
use crate::reads::ValuesQuery;

/// Reads the live values. Returns the last slice, and passes those before it to `send`. The order in the last one has for
/// each value the index of its key.
pub fn values(
    connection: &UserConnection,
    query: &ValuesQuery,
    mut send: impl FnMut(String),
) -> Result<String, Error> {
    let mut slices = EntryWriter::new(RowFormat::Value);
    let mut indexes = Vec::new();
    let mut address = Address { community: query.community.clone(), key: String::new() };
    for (index, key) in query.keys.iter().enumerate() {
        address.key.clone_from(key);
        if let Some(text) = find(connection, &address, query.now_ms)?.text {
            slices.push(key, &text, None)?.into_iter().for_each(&mut send);
            indexes.push(index);
        }
    }
    Ok(slices.finish(Some(&indexes)))
}

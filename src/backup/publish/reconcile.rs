//! Comparison of the last recorded capture with the destination.

use super::file_check::is_whole;
use std::cmp::Ordering;

use crate::Error;
use crate::backup::catalog::files::{BackupFile, FileName, newest_txid};
use crate::backup::destination::Destination;
use crate::backup::local::conflict;
use crate::backup::local::state_file::{Known, Loaded, Position};
use crate::ltx::{Decoder, PageSize, Txid};

/// Position of a database in the destination's chain of backups.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChainPosition {
    /// The last capture is the destination's newest transaction.
    InStep,
    /// The last capture did not arrive; the one before is the destination's newest transaction.
    Unpublished,
    /// The destination has newer backups that this database never contained: it is an old copy.
    Behind,
    /// The destination has lost the last capture and more.
    Ahead,
    /// The relation is unknown.
    Unknown,
}

/// Compares the last capture with the destination's newest transaction, and with the checksum of its own file there,
/// if that exists.
#[must_use]
pub fn locate(position: Option<&Position>, newest: Option<Txid>, checksum: Option<u64>) -> ChainPosition {
    let Some(position) = position else { return ChainPosition::Unknown };
    let differs = checksum.is_some_and(|checksum| position.checksum != 0 && checksum != position.checksum);
    match newest.cmp(&Some(position.txid)) {
        Ordering::Equal if differs => ChainPosition::Behind,
        Ordering::Equal => ChainPosition::InStep,
        Ordering::Greater => ChainPosition::Behind,
        Ordering::Less if newest.map_or(Txid::FIRST, Txid::next) == position.txid => ChainPosition::Unpublished,
        Ordering::Less => ChainPosition::Ahead,
    }
}

/// Returns the newest transaction of a destination and its page size. If the header cannot be read, any page size
/// will do: the next capture is a snapshot then, because the state of others is unknown, too.
pub fn newest_file(destination: &dyn Destination, files: &[BackupFile]) -> Option<(Txid, PageSize)> {
    let newest = newest_txid(files)?;
    let smallest = PageSize::new(512).ok()?;
    let page_size = files.iter().filter(|file| file.name.max == newest).find_map(|file| {
        Decoder::new(destination.open(file.name).ok()?).ok().map(|decoder| decoder.header().page_size)
    });
    Some((newest, page_size.unwrap_or(smallest)))
}

/// Identity of the database that a destination's newest file is of, if it says so.
pub fn identity_of(destination: &dyn Destination, files: &[BackupFile]) -> Option<u64> {
    let decoder = Decoder::new(destination.open(end_of(files)?.name).ok()?).ok()?;
    Some(decoder.header().node_id).filter(|identity| *identity != 0)
}

/// Returns the lowest-level file among those that end with the newest transaction.
pub fn end_of(files: &[BackupFile]) -> Option<&BackupFile> {
    let newest = newest_txid(files);
    files.iter().filter(|file| Some(file.name.max) == newest).min_by_key(|file| file.name.level)
}

/// Returns the recorded state that corresponds to the end of the destination; `None` if there is none.
///
/// # Errors
///
/// `ERR_BACKUP_CONFLICT` if the destination has newer backups that this database never contained.
pub fn reconcile(
    destination: &dyn Destination,
    files: &[BackupFile],
    loaded: Loaded,
) -> Result<Option<Known>, Error> {
    let Loaded { known, before_last, .. } = loaded;
    if known.destination != destination.describe() {
        return Ok(None);
    }
    match chain_position(destination, files, &known.position) {
        ChainPosition::InStep | ChainPosition::Ahead => Ok(Some(known)),
        ChainPosition::Unpublished => Ok(before_last),
        ChainPosition::Unknown => Ok(None),
        ChainPosition::Behind => {
            Err(conflict::error(destination, "newer backups, which this file was never restored from"))
        }
    }
}

/// Determines the position of a database in a destination's chain of backups.
pub fn chain_position(destination: &dyn Destination, files: &[BackupFile], position: &Position) -> ChainPosition {
    let name = FileName::captured(position.txid);
    let there = files.iter().find(|file| file.name == name);
    let checksum = there.and_then(|file| destination.checksum(file));
    // A damaged or unreadable file is not taken for another writer's.
    let checksum = checksum
        .filter(|checksum| *checksum == position.checksum || is_whole(destination, name).unwrap_or_default());
    locate(Some(position), newest_txid(files), checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captured(txid: u64) -> Position {
        let txid = Txid::new(txid).unwrap();
        Position { txid, checksum: txid.get() * 7, time_ms: 9, wal: None, written_ns: None }
    }

    #[test]
    fn the_destination_tells_where_a_database_stands() {
        let txid = |number| Some(Txid::new(number).unwrap());
        let position = captured(5);
        let stands = |newest, checksum| locate(Some(&position), newest, checksum);
        assert_eq!(stands(txid(5), Some(35)), ChainPosition::InStep);
        assert_eq!(stands(txid(5), None), ChainPosition::InStep);
        assert_eq!(stands(txid(5), Some(36)), ChainPosition::Behind);
        assert_eq!(stands(txid(6), None), ChainPosition::Behind);
        assert_eq!(stands(txid(4), None), ChainPosition::Unpublished);
        assert_eq!(stands(txid(3), None), ChainPosition::Ahead);
        assert_eq!(stands(None, None), ChainPosition::Ahead);
        assert_eq!(locate(Some(&captured(1)), None, None), ChainPosition::Unpublished);
        assert_eq!(locate(None, txid(5), None), ChainPosition::Unknown);
    }
}

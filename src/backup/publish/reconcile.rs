//! Where a database stands against its destination.

use super::ltx_file::is_whole;
use crate::Error;
use crate::backup::catalog::files::{BackupFile, FileName, newest_txid};
use crate::backup::destination::Destination;
use crate::backup::local::conflict;
use crate::backup::local::state_file::{Known, Loaded, Position, Standing, standing};
use crate::ltx::{Decoder, PageSize, Txid};

/// The newest transaction of a destination, and the size of its pages. A file whose header cannot be read says nothing
/// of its pages; the next capture is a snapshot then, for the state of others is not known either.
pub fn newest_file(destination: &dyn Destination, files: &[BackupFile]) -> Option<(Txid, PageSize)> {
    let newest = newest_txid(files)?;
    let smallest = PageSize::new(512).ok()?;
    let page_size = files.iter().filter(|file| file.name.max == newest).find_map(|file| {
        Decoder::new(destination.open(file.name).ok()?).ok().map(|decoder| decoder.header().page_size)
    });
    Some((newest, page_size.unwrap_or(smallest)))
}

/// A file that the destination ends with, of the lowest level.
pub fn end_of(files: &[BackupFile]) -> Option<&BackupFile> {
    let newest = newest_txid(files);
    files.iter().filter(|file| Some(file.name.max) == newest).min_by_key(|file| file.name.level)
}

/// What is known of the state that the destination ends with; `None` if nothing is.
///
/// # Errors
///
/// `ERR_BACKUP_CONFLICT` if the destination has newer backups, which this database never was.
pub fn reconcile(
    destination: &dyn Destination,
    files: &[BackupFile],
    loaded: Loaded,
) -> Result<Option<Known>, Error> {
    let Loaded { known, before_last, .. } = loaded;
    if known.destination != destination.describe() {
        return Ok(None);
    }
    match standing_at(destination, files, &known.position) {
        Standing::InStep | Standing::Ahead => Ok(Some(known)),
        Standing::Unpublished => Ok(before_last),
        Standing::Unknown => Ok(None),
        Standing::Behind => {
            Err(conflict::error(destination, "newer backups, which this file was never restored from"))
        }
    }
}

/// Where a database stands against a destination.
pub fn standing_at(destination: &dyn Destination, files: &[BackupFile], position: &Position) -> Standing {
    let name = FileName::captured(position.txid);
    let there = files.iter().find(|file| file.name == name);
    let checksum = there.and_then(|file| destination.checksum(file));
    // One that is damaged, or cannot be read now, is not another's.
    let checksum = checksum
        .filter(|checksum| *checksum == position.checksum || is_whole(destination, name).unwrap_or_default());
    standing(Some(position), newest_txid(files), checksum)
}

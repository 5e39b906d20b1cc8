//! A proof that a restore would succeed.

use std::path::Path;

use super::image::{Skipped, cannot_write, restore};
use super::progress::RestoreProgress;
use crate::Error;
use crate::backup::catalog::plan::Target;
use crate::backup::destination::Destination;
use crate::backup::fs::temporary::Temporary;
use crate::ltx::Txid;

/// A proof that the newest state can be restored.
#[derive(Debug, Clone)]
pub struct Verified {
    /// The newest state that can.
    pub txid: Txid,
    /// When it was captured, in milliseconds since 1970 UTC.
    pub time_ms: i64,
    /// The size of the database in bytes.
    pub bytes: u64,
    /// How many backups it is made of.
    pub files: usize,
    /// Whether it is the newest there is, and nothing had to be left out.
    pub is_complete: bool,
    /// Backups that were left out.
    pub skipped: Vec<Skipped>,
}

/// Restores the newest state to a file that is removed again.
///
/// # Errors
///
/// As [`restore`].
pub fn verify(
    destination: &dyn Destination,
    folder: &Path,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<Verified, Error> {
    let temporary = Temporary::create(&folder.join("rootcellar-verified"));
    let temporary = temporary.map_err(|error| cannot_write(folder, &error))?;
    let restored = restore(destination, &destination.list()?, Target::Newest, temporary.path(), progress)?;
    Ok(Verified {
        txid: restored.txid,
        time_ms: restored.time_ms,
        bytes: restored.bytes,
        files: restored.files,
        is_complete: restored.is_newest && restored.skipped.is_empty(),
        skipped: restored.skipped,
    })
}

//! Trial restore, which proves that the backups can be used.

use std::path::Path;

use super::image::{cannot_write, restore};
use super::progress::RestoreProgress;
use super::restored::Restored;
use crate::Error;
use crate::backup::catalog::plan::Target;
use crate::backup::destination::Destination;
use crate::backup::fs::temporary::Temporary;

/// Restores the newest state to a temporary file.
///
/// # Errors
///
/// As [`restore`].
pub fn verify(
    destination: &dyn Destination,
    folder: &Path,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<Restored, Error> {
    let temporary = Temporary::create(&folder.join("rootcellar-verified"));
    let temporary = temporary.map_err(|error| cannot_write(folder, &error))?;
    restore(destination, &destination.list()?, Target::Newest, temporary.path(), progress)
}

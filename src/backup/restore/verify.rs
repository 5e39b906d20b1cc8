//! Trial restore, which proves that the backups can be used.

use std::path::Path;
use std::sync::Arc;

use super::image::{Care, cannot_write, restore_with};
use super::progress::RestoreProgress;
use super::restored::Restored;
use crate::Error;
use crate::backup::catalog::plan::Target;
use crate::backup::destination::Destination;
use crate::backup::fs::temporary::Temporary;
use crate::sql::Cancel;

/// Restores the newest state to a temporary file.
///
/// # Errors
///
/// As [`restore_with`].
pub fn verify(
    destination: &dyn Destination,
    folder: &Path,
    cancel: &Arc<Cancel>,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<Restored, Error> {
    let temporary = Temporary::create(&folder.join("rootcellar-verified"));
    let temporary = temporary.map_err(|error| cannot_write(folder, &error))?;
    let care = Care { is_brief: false, cancel: Some(cancel) };
    restore_with(destination, &destination.list()?, Target::Newest, temporary.path(), care, progress)
}

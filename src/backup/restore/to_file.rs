//! Restore to another file.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::image::{Care, cannot_write, restore_with};
use super::listing::timed;
use super::output::{check_output, is_in_use};
use super::progress::RestoreProgress;
use super::restored::Restored;
use crate::backup::catalog::plan::Target;
use crate::backup::destination::Destination;
use crate::backup::fs::access::Access;
use crate::backup::fs::disk;
use crate::backup::fs::paths::{COMPANIONS, with_suffix};
use crate::backup::fs::rename::rename_new;
use crate::backup::fs::temporary::Temporary;
use crate::sql::Cancel;
use crate::{BackupProblem, Error};

/// Restores to another file, which appears whole or not at all.
///
/// # Errors
///
/// As [`restore_with`]; `ERR_FILE_EXISTS` if the file exists and may not be overwritten, is not a regular file or is in
/// use, or as [`check_output`].
pub fn restore_to(
    destination: &dyn Destination,
    target: Target,
    output: &Path,
    overwrites: bool,
    cancel: &Arc<Cancel>,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<Restored, Error> {
    check_output(Some(destination), output)?;
    let exists = || {
        Error::backup(
            BackupProblem::Exists,
            format!("{} exists, or a log of it; it was left alone", output.display()),
        )
    };
    // A leftover log would be replayed into the new file.
    let is_there =
        |path: &Path| path.exists() || COMPANIONS.iter().any(|companion| with_suffix(path, companion).exists());
    if is_there(output) && !overwrites {
        return Err(exists());
    }
    if output.exists() && !output.is_file() {
        let message = format!("{} is no file; it was left alone", output.display());
        return Err(Error::backup(BackupProblem::Exists, message));
    }
    refuse_open(output)?;
    let files = timed(destination, target)?;
    let made = MadeFolders::of(disk::folder_of(output)).map_err(|error| cannot_write(output, &error))?;
    let temporary = Temporary::create(&with_suffix(output, ".restoring"));
    let temporary = temporary.map_err(|error| cannot_write(output, &error))?;
    let care = Care { is_brief: false, cancel: Some(cancel) };
    let restored = restore_with(destination, &files, target, temporary.path(), care, progress)?;
    // As the file that it replaces, or as the backups: nobody else may read it than may read those.
    let access = Access::of(output).or_else(|| destination.root().and_then(Access::of));
    if let Some(access) = access.or_else(|| Access::of_database(output)) {
        access.apply(temporary.path()).map_err(|error| cannot_write(output, &error))?;
    }
    let place = || {
        if !overwrites {
            return rename_new(temporary.path(), output);
        }
        for companion in COMPANIONS {
            disk::remove(&with_suffix(output, companion))?;
        }
        disk::rename(temporary.path(), output)?;
        disk::sync_folder(disk::folder_of(output))
    };
    // Somebody may have opened it since, or made it anew.
    refuse_open(output)?;
    place().map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists { exists() } else { cannot_write(output, &error) }
    })?;
    made.keep();
    Ok(restored)
}

/// Refuses a database that somebody has open.
fn refuse_open(output: &Path) -> Result<(), Error> {
    if !output.is_file() || !is_in_use(output) {
        return Ok(());
    }
    let message = format!("{} is open in another process; it was left alone", output.display());
    Err(Error::backup(BackupProblem::Exists, message))
}

/// Folders that were made for the output. They are removed if it is not made.
struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    fn of(folder: &Path) -> std::io::Result<Self> {
        let is_missing = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let missing = folder.ancestors().take_while(is_missing).map(Path::to_owned).collect();
        let made = Self(missing);
        fs::create_dir_all(folder)?;
        Ok(made)
    }

    fn keep(mut self) {
        self.0.clear();
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for folder in &self.0 {
            // It stays if something else is in it.
            drop(fs::remove_dir(folder));
        }
    }
}

//! Rules for the output file of a restore or an export: it must not replace parts of a database or of its backups.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;

use crate::backup::destination::Destination;
use crate::backup::fs::paths::{COMPANIONS, with_suffix};
use crate::backup::local::state_dir::STATE_SUFFIX;
use crate::engine::sqlite::open_own_reader;
use crate::{BackupProblem, Error};

/// Checks an output path, whether a file exists there or not.
///
/// # Errors
///
/// `ERR_FILE_EXISTS` if the path names a log of a database, or lies within a destination or a state folder.
pub fn check_output(destination: Option<&dyn Destination>, output: &Path) -> Result<(), Error> {
    let refused = |what: &str| {
        let message = format!("{} {what}; name another file", output.display());
        Err(Error::backup(BackupProblem::Exists, message))
    };
    if COMPANIONS.iter().any(|companion| ends_with(output, companion)) {
        return refused("has the name of a log, which SQLite keeps beside a database");
    }
    let output = placed(output);
    if output.ancestors().any(|folder| ends_with(folder, STATE_SUFFIX)) {
        return refused("lies where backups keep what is known of a database");
    }
    let root = destination.and_then(Destination::root);
    if root.is_some_and(|root| output.starts_with(placed(root)) || output.starts_with(real(root))) {
        return refused("lies in the folder of the backups");
    }
    Ok(())
}

/// Returns true if somebody has a database open, because it cannot be locked exclusively. False for other files.
pub fn is_in_use(path: &Path) -> bool {
    is_locked(path, false)
}

/// [`is_in_use`] that changes nothing: otherwise SQLite copies a log into the database, or removes it if the database is
/// empty. The log may be another database's.
pub fn is_in_use_as_it_is(path: &Path) -> bool {
    let has_log = with_suffix(path, "-wal").exists();
    path.metadata().is_ok_and(|file| file.len() > 0) && is_locked(path, has_log)
}

/// Error of a database that is not set aside because somebody has it open.
#[must_use]
pub fn in_use(path: &Path) -> Error {
    let message = format!("{} is open; end the process that has it open first", path.display());
    Error::backup(BackupProblem::InUse, message)
}

/// Error of a database that was removed while a process that makes its backups has it open.
#[must_use]
pub fn removed_while_open(path: &Path) -> Error {
    let message = format!(
        "{} was removed while a process has it open; end that process, then the file is restored from its backups",
        path.display()
    );
    Error::backup(BackupProblem::InUse, message)
}

fn is_locked(path: &Path, keeps_log: bool) -> bool {
    let lock = || -> Result<(), Error> {
        let connection = open_own_reader(path, Duration::ZERO)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keeps_log)?;
        // Has to be set before the first read, so that a database with a log is locked exclusively, too.
        connection.pragma_update(None, "query_only", false)?;
        connection.execute_batch(
            "PRAGMA locking_mode = EXCLUSIVE; SELECT count(*) FROM sqlite_schema; BEGIN EXCLUSIVE; ROLLBACK",
        )?;
        Ok(())
    };
    lock().is_err_and(|error| error.is_busy())
}

fn ends_with(path: &Path, suffix: &str) -> bool {
    // Some file systems are case-insensitive.
    path.file_name().is_some_and(|name| name.to_string_lossy().to_lowercase().ends_with(suffix))
}

/// Resolves links in the folder of a path, but not in the last component.
fn placed(path: &Path) -> PathBuf {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) => real(folder).join(name),
        _ => path.to_owned(),
    }
}

/// Resolves links in a path, as far as it exists.
fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| placed(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backup::destination::Folder;

    fn is_refused(destination: &Folder, output: &Path) -> bool {
        let checked = check_output(Some(destination), output);
        checked.is_err_and(|error| error.code() == "ERR_FILE_EXISTS")
    }

    #[test]
    fn what_belongs_to_a_database_is_refused_whether_it_is_there_or_not() {
        let folder = tempfile::tempdir().unwrap();
        let destination = Folder::new(&folder.path().join("backups"));
        for name in
            ["g.sqlite3-wal", "g-shm", "g-journal", "G-WAL", "g.backup-state", "g.backup-state/a", "backups"]
        {
            assert!(is_refused(&destination, &folder.path().join(name)), "{name}");
        }
        for name in ["g.sqlite3", "wal", "backups.sqlite3", "backups-2/a"] {
            assert!(!is_refused(&destination, &folder.path().join(name)), "{name}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_lead_nowhere_else() {
        let folder = tempfile::tempdir().unwrap();
        let backups = folder.path().join("backups");
        std::fs::create_dir_all(backups.join("ltx/0")).unwrap();
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&backups, &link).unwrap();
        for root in [&backups, &link] {
            let destination = Folder::new(root);
            for output in ["backups/a", "link/a", "link/ltx/0/a", "link/new/a", "backups/../link/a"] {
                assert!(is_refused(&destination, &folder.path().join(output)), "{output}");
            }
            assert!(!is_refused(&destination, &folder.path().join("a")));
        }
        assert!(is_refused(&Folder::new(&link), &link));
    }
}

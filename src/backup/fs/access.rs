//! Owner and mode of files beside a database. They are those of the database, as for SQLite's log (`findCreateFileMode` in
//! its `os_unix.c`): files that root creates in a container stay usable for the bot's user, and private data stays private
//! in backups.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use super::disk::{folder_of, sync_folder};
use super::paths::with_suffix;

/// Suffix of the state folder, which remembers the owner of a database that is lost.
const STATE_SUFFIX: &str = ".backup-state";

/// Read and write permissions of owner, group and others.
#[cfg(unix)]
const FILE_BITS: u32 = 0o666;

/// Owner and permissions of a file. Systems without them have nothing to apply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Access {
    /// Permissions; `None` for those that a new file has anyway.
    #[cfg(unix)]
    mode: Option<u32>,
    #[cfg(unix)]
    owner: (u32, u32),
}

impl Access {
    /// Access of a database; where it is missing, of its state folder, else the owner of the folder that it lies in.
    #[must_use]
    pub fn of_database(database: &Path) -> Option<Self> {
        Self::of(database)
            .or_else(|| Self::of(&with_suffix(database, STATE_SUFFIX)))
            .or_else(|| Self::of(folder_of(database)).map(Self::owner_alone))
    }

    /// Access of an existing file; of a folder, that of the files in it.
    #[cfg(unix)]
    #[must_use]
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let metadata = path.metadata().ok()?;
        Some(Self { mode: Some(metadata.mode() & FILE_BITS), owner: (metadata.uid(), metadata.gid()) })
    }

    /// Nothing to tell on this system.
    #[cfg(not(unix))]
    #[must_use]
    pub fn of(_path: &Path) -> Option<Self> {
        None
    }

    #[cfg(unix)]
    fn owner_alone(self) -> Self {
        Self { mode: None, ..self }
    }

    #[cfg(not(unix))]
    fn owner_alone(self) -> Self {
        self
    }

    /// Removes permissions from a folder that files with this access do not have.
    ///
    /// # Errors
    ///
    /// If the permissions cannot be set.
    pub fn restrict(self, folder: &Path) -> io::Result<()> {
        #[cfg(unix)]
        if let (Some(wanted), Some(Self { mode: Some(mode), .. })) = (self.mode, Self::of(folder))
            && mode & !wanted != 0
        {
            return Self { mode: Some(mode & wanted), ..self }.apply(folder);
        }
        let _ = folder;
        Ok(())
    }

    /// Gives a file this owner and these permissions. Only root can change an owner; for everybody else the files are
    /// their own anyway.
    ///
    /// # Errors
    ///
    /// If the permissions cannot be set.
    #[cfg(unix)]
    pub fn apply(self, path: &Path) -> io::Result<()> {
        use std::os::unix::fs::{MetadataExt, PermissionsExt, lchown};
        let metadata = path.symlink_metadata()?;
        if (metadata.uid(), metadata.gid()) != self.owner {
            let (uid, gid) = self.owner;
            // Before the mode: a change of owner removes bits of it.
            match lchown(path, Some(uid), Some(gid)) {
                Err(error) if error.kind() != io::ErrorKind::PermissionDenied => return Err(error),
                _ => {}
            }
        }
        let Some(mode) = self.mode else { return Ok(()) };
        // Folders: whoever may read may also enter.
        let mode = mode | if metadata.is_dir() { (mode & 0o444) >> 2 } else { 0 };
        if metadata.mode() & 0o777 == mode {
            return Ok(());
        }
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
    }

    /// Nothing to set on this system.
    ///
    /// # Errors
    ///
    /// None.
    #[cfg(not(unix))]
    pub fn apply(self, _path: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// Creates a folder for users' data with its parents, durably. Those that are new get the given access, and a
/// `.gitignore`, so that no copy of the data gets into a repository, and from there into the database of whoever clones it.
///
/// # Errors
///
/// If a folder cannot be created.
pub fn make_folder(folder: &Path, access: Option<Access>) -> io::Result<()> {
    if folder.is_dir() {
        return Ok(());
    }
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty());
    let is_below_new = match parent {
        Some(parent) if !parent.is_dir() => {
            make_folder(parent, access)?;
            true
        }
        _ => false,
    };
    match fs::create_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        created => created?,
    }
    if let Some(access) = access {
        access.apply(folder)?;
    }
    if !is_below_new {
        ignore(folder, access)?;
    }
    parent.map_or(Ok(()), sync_folder)
}

/// Makes git ignore everything in a folder.
fn ignore(folder: &Path, access: Option<Access>) -> io::Result<()> {
    let path = folder.join(".gitignore");
    match File::create_new(&path) {
        Ok(mut file) => {
            io::Write::write_all(&mut file, b"*\n")?;
            access.map_or(Ok(()), |access| access.apply(&path))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().mode() & 0o777
    }

    #[test]
    fn what_is_made_beside_a_database_has_its_mode() {
        for (database_mode, folder_mode) in [(0o600, 0o700), (0o640, 0o750), (0o644, 0o755), (0o660, 0o770)] {
            let folder = tempfile::tempdir().unwrap();
            let database = folder.path().join("a.sqlite3");
            fs::write(&database, b"").unwrap();
            fs::set_permissions(&database, fs::Permissions::from_mode(database_mode)).unwrap();
            let access = Access::of_database(&database);
            let made = folder.path().join("backups/of/it");
            make_folder(&made, access).unwrap();
            assert_eq!(mode(&made), folder_mode);
            assert_eq!(mode(&folder.path().join("backups")), folder_mode);
            assert_eq!(mode(&folder.path().join("backups/.gitignore")), database_mode);
            assert!(!made.join(".gitignore").exists(), "the topmost is enough");
            assert_eq!(Access::of(&made), access, "files in it can take theirs from it");
        }
    }

    #[test]
    fn a_lost_database_gets_the_access_that_its_state_folder_has() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("a.sqlite3");
        fs::write(&database, b"").unwrap();
        fs::set_permissions(&database, fs::Permissions::from_mode(0o600)).unwrap();
        let access = Access::of_database(&database);
        make_folder(&with_suffix(&database, STATE_SUFFIX), access).unwrap();
        fs::remove_file(&database).unwrap();
        assert_eq!(Access::of_database(&database), access);
    }

    #[test]
    fn a_gitignore_that_is_there_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".gitignore"), b"mine").unwrap();
        make_folder(&folder.path().join("a"), None).unwrap();
        assert_eq!(fs::read(folder.path().join(".gitignore")).unwrap(), b"mine");
        assert_eq!(fs::read(folder.path().join("a/.gitignore")).unwrap(), b"*\n");
    }
}

//! Folders, in the layout of Litestream's file replicas: `<root>/ltx/<level>/<min>-<max>.ltx`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::foreign::{Foreign, unread};
use super::interface::{Created, Destination};
use crate::backup::catalog::files::{BackupFile, FileName, Level};
use crate::backup::fs::access::{Access, make_folder};
use crate::backup::fs::rename::rename_new;
use crate::backup::fs::temporary::is_abandoned;
use crate::{BackupProblem, Error};

/// Local folder, created with the first backup.
#[derive(Debug, Clone)]
pub struct Folder {
    root: PathBuf,
    description: String,
    /// Access of the database whose backups these are.
    access: Arc<OnceLock<Access>>,
    foreign: Foreign,
}

impl Folder {
    /// Creates the destination in a folder.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        let description = root.display().to_string();
        Self { root: root.to_owned(), description, access: Arc::default(), foreign: Foreign::default() }
    }

    fn level(&self, level: Level) -> PathBuf {
        self.root.join("ltx").join(level.to_string())
    }

    /// Path of a file.
    #[must_use]
    pub fn path(&self, name: FileName) -> PathBuf {
        self.level(name.level).join(name.file_name())
    }

    fn list_level(
        &self,
        level: Level,
        files: &mut Vec<BackupFile>,
        foreign: &mut BTreeSet<String>,
    ) -> io::Result<()> {
        let folder = self.level(level);
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return leads_somewhere(&folder),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            foreign.extend(unread(level, &entry.file_name().to_string_lossy()));
            let Some(name) = entry.file_name().to_str().and_then(|name| FileName::parse(level, name)) else {
                continue;
            };
            match entry.metadata() {
                Ok(metadata) if metadata.is_file() => {
                    let time_ms = to_ms(metadata.modified()?);
                    files.push(BackupFile { name, bytes: metadata.len(), time_ms });
                }
                // Removed meanwhile, or not a file.
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn place(&self, name: FileName, staged: &Path, time_ms: i64) -> io::Result<Created> {
        let folder = self.level(name.level);
        make_folder(&folder, self.access.get().copied())?;
        if let Some(access) = self.access.get().copied().or_else(|| Access::of(&folder)) {
            access.apply(staged)?;
        }
        // Litestream takes the mtime for a file's time. It is set before the file gets its name, which therefore
        // never shows another.
        let file = File::options().write(true).open(staged)?;
        file.set_modified(from_ms(time_ms))?;
        file.sync_all()?;
        drop(file);
        let path = folder.join(name.file_name());
        match rename_new(staged, &path) {
            Ok(()) => Ok(Created::New),
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
            Err(_) if path.symlink_metadata().is_ok_and(|there| !there.is_file()) => {
                let message = format!("{} is in the way, and is no file", name.file_name());
                Err(io::Error::new(io::ErrorKind::AlreadyExists, message))
            }
            Err(_) => Ok(Created::Exists),
        }
    }

    fn failed(&self, what: &str, error: &io::Error) -> Error {
        Error::backup(
            BackupProblem::Destination,
            format!("cannot {what} the backup folder {}: {error}", self.description),
        )
    }
}

impl Destination for Folder {
    fn describe(&self) -> &str {
        &self.description
    }

    fn belong_to(&self, database: &Path) {
        if let Some(access) = Access::of_database(database) {
            // Later openings find the same database.
            let _ = self.access.set(access);
        }
    }

    fn list(&self) -> Result<Vec<BackupFile>, Error> {
        let (mut files, mut foreign) = (Vec::new(), BTreeSet::new());
        for level in Level::all() {
            self.list_level(level, &mut files, &mut foreign).map_err(|error| self.failed("list", &error))?;
        }
        self.foreign.pass_over(self, files, foreign)
    }

    fn foreign(&self) -> Vec<String> {
        self.foreign.names()
    }

    fn staging(&self) -> Result<Option<PathBuf>, Error> {
        let folder = self.root.join("ltx");
        make_folder(&folder, self.access.get().copied()).map_err(|error| self.failed("write to", &error))?;
        Ok(Some(folder))
    }

    fn create(&self, name: FileName, staged: &Path, time_ms: i64) -> Result<Created, Error> {
        self.place(name, staged, time_ms).map_err(|error| self.failed("write to", &error))
    }

    fn open(&self, name: FileName) -> Result<Box<dyn Read + Send>, Error> {
        match File::open(self.path(name)) {
            Ok(file) => Ok(Box::new(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Err(Error::backup(BackupProblem::NotFound, format!("there is no {name} in {}", self.description)))
            }
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    fn remove(&self, name: FileName) -> Result<(), Error> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(self.failed("write to", &error)),
            _ => Ok(()),
        }
    }

    fn checksum(&self, file: &BackupFile) -> Option<u64> {
        let mut bytes = [0; 8];
        let mut file = File::open(self.path(file.name)).ok()?;
        file.seek(SeekFrom::End(-8)).ok()?;
        file.read_exact(&mut bytes).ok()?;
        Some(u64::from_be_bytes(bytes))
    }

    fn root(&self) -> Option<&Path> {
        Some(&self.root)
    }

    fn sweep(&self) {
        let entries = fs::read_dir(self.root.join("ltx")).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            // A younger file may belong to another writer that is still at work.
            if path.extension().is_some_and(|extension| extension == "tmp") && is_abandoned(&path) {
                drop(fs::remove_file(path));
            }
        }
    }
}

fn to_ms(time: SystemTime) -> i64 {
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
    }
}

fn from_ms(time_ms: i64) -> SystemTime {
    let distance = Duration::from_millis(time_ms.unsigned_abs());
    let time = if time_ms < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}

/// Fails if a folder is missing because a link on the way to it leads nowhere: what is mounted there is not.
fn leads_somewhere(folder: &Path) -> io::Result<()> {
    let there = folder.ancestors().find_map(|path| Some((path, path.symlink_metadata().ok()?)));
    match there {
        Some((link, found)) if found.is_symlink() => {
            let message = format!("the link {} leads nowhere", link.display());
            Err(io::Error::new(io::ErrorKind::NotFound, message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ltx::Txid;

    fn staged(folder: &Folder, content: &[u8]) -> PathBuf {
        let path = folder.staging().unwrap().unwrap().join("staged.tmp");
        fs::write(&path, content).unwrap();
        path
    }

    #[test]
    fn a_file_has_its_name_and_its_time_at_once_and_is_never_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let folder = Folder::new(&directory.path().join("made/by itself"));
        assert_eq!(folder.list().unwrap(), []);

        let name = FileName::captured(Txid::FIRST);
        let first = staged(&folder, b"first");
        assert_eq!(folder.create(name, &first, 1_735_689_600_123).unwrap(), Created::New);
        assert!(!first.exists());
        let listed = folder.list().unwrap();
        assert_eq!(listed, [BackupFile { name, bytes: 5, time_ms: 1_735_689_600_123 }]);

        let second = staged(&folder, b"second");
        assert_eq!(folder.create(name, &second, 0).unwrap(), Created::Exists);
        assert_eq!(fs::read(folder.path(name)).unwrap(), b"first");
        assert!(second.exists());

        folder.remove(name).unwrap();
        folder.remove(name).unwrap();
        assert_eq!(folder.list().unwrap(), []);
    }

    #[test]
    fn what_was_never_finished_is_swept_away_when_it_is_old() {
        let directory = tempfile::tempdir().unwrap();
        let folder = Folder::new(directory.path());
        let [young, old] = ["young.tmp", "old.tmp"].map(|name| folder.staging().unwrap().unwrap().join(name));
        fs::write(&young, b"").unwrap();
        File::create(&old).unwrap().set_modified(UNIX_EPOCH).unwrap();
        folder.sweep();
        assert!(young.exists() && !old.exists());
    }

    #[test]
    fn what_is_no_backup_is_not_listed() {
        let directory = tempfile::tempdir().unwrap();
        let folder = Folder::new(directory.path());
        let level = folder.level(Level::CAPTURED);
        fs::create_dir_all(level.join("0000000000000001-0000000000000001.ltx")).unwrap();
        fs::write(level.join("0000000000000002-0000000000000002.ltx.tmp"), b"").unwrap();
        fs::create_dir_all(directory.path().join("ltx/lost+found")).unwrap();
        assert_eq!(folder.list().unwrap(), []);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_reported() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("file");
        fs::write(&file, b"").unwrap();
        let folder = Folder::new(&file.join("backups"));
        assert_eq!(folder.staging().unwrap_err().code(), "ERR_BACKUP_DESTINATION");
    }
}

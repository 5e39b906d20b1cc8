//! Folders for files that nobody else is to find, and that are gone when their process is.
//!
//! A process that is killed removes nothing. So each folder has a lock, which the system releases, and the next process that
//! makes such a folder removes those whose lock is free.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

/// Beginning of the names.
pub const NAME_START: &str = "rootcellar-private-";

const LOCK: &str = "lock";

/// Age of a folder without a lock at which its maker must be gone.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);

/// A folder that is removed when this is dropped.
#[derive(Debug)]
pub struct PrivateFolder {
    path: PathBuf,
    /// None once this is being dropped.
    lock: Option<File>,
}

impl PrivateFolder {
    /// Makes the folder, and removes those of processes that are gone. Its name begins with [`NAME_START`].
    ///
    /// # Errors
    ///
    /// If there is one, or it cannot be made.
    pub fn make(path: &Path) -> io::Result<Self> {
        #[cfg_attr(not(unix), allow(unused_mut, reason = "a mode is set on Unix alone"))]
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)?;
        // The lock is taken before it has its name: nobody ever finds it free.
        let unlocked = path.join("lock.new");
        let lock = File::create_new(&unlocked)?;
        lock.lock()?;
        fs::rename(unlocked, path.join(LOCK))?;
        sweep(path);
        Ok(Self { path: path.to_owned(), lock: Some(lock) })
    }

    /// Makes a folder of a name of its own in another.
    ///
    /// # Errors
    ///
    /// If it cannot be made.
    pub fn make_in(base: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos();
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::make(&base.join(format!("{NAME_START}{}-{count}-{since:x}", std::process::id())))
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        // Windows may keep the name of a removed file, and with it the folder, until the file is closed.
        drop(self.lock.take());
        // The next process removes what is left.
        drop(fs::remove_dir_all(&self.path));
    }
}

/// Removes the folders beside this one whose processes are gone, and that belong to the same user: not one that somebody else
/// has put there.
fn sweep(own: &Path) {
    let owner = owner_of(own);
    for entry in own.parent().and_then(|base| fs::read_dir(base).ok()).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_one = entry.file_name().to_str().is_some_and(|name| name.starts_with(NAME_START)) && path != own;
        if is_one && entry.file_type().is_ok_and(|kind| kind.is_dir()) && owner_of(&path) == owner {
            remove_if_abandoned(&path);
        }
    }
}

fn remove_if_abandoned(path: &Path) {
    match File::options().write(true).open(path.join(LOCK)) {
        Ok(lock) if lock.try_lock().is_ok() => {
            // Nobody takes it again, and it must not be open: see `drop`.
            drop(lock);
            drop(fs::remove_dir_all(path));
        }
        // Without a lock it may be one that is just being made.
        Err(error) if error.kind() == io::ErrorKind::NotFound && is_old(path) => drop(fs::remove_dir_all(path)),
        _ => {}
    }
}

fn is_old(path: &Path) -> bool {
    let made = path.metadata().and_then(|metadata| metadata.modified());
    made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age >= ABANDONED_AFTER))
}

/// The user whose a folder is; nobody where others cannot write to the folder that it is in.
fn owner_of(path: &Path) -> Option<u32> {
    #[cfg(unix)]
    return path.symlink_metadata().ok().map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata));
    #[cfg(not(unix))]
    return path.exists().then_some(0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_whose_process_is_gone_is_removed_and_others_stay() {
        let base = tempfile::tempdir().unwrap();
        let held = PrivateFolder::make_in(base.path()).unwrap();
        let abandoned = base.path().join(format!("{NAME_START}abandoned"));
        fs::create_dir(&abandoned).unwrap();
        fs::write(abandoned.join(LOCK), b"").unwrap();
        let being_made = base.path().join(format!("{NAME_START}being-made"));
        fs::create_dir(&being_made).unwrap();
        let other = base.path().join("other");
        fs::create_dir(&other).unwrap();
        let next = PrivateFolder::make_in(base.path()).unwrap();
        assert!(held.path().exists() && being_made.exists() && other.exists());
        assert!(!abandoned.exists());
        let path = next.path().to_owned();
        drop(next);
        assert!(!path.exists());
    }
}

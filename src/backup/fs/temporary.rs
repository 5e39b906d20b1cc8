//! Temporary files.

use std::collections::hash_map::RandomState;
use std::fs::{self, File};
use std::hash::BuildHasher;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::disk;

/// Age at which an unfinished file counts as abandoned: its writer may still be at work before that.
pub const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// Number of random digits in a name.
const RANDOM_DIGITS: usize = 16;

/// Temporary file with a unique name. Removed when dropped, unless it was renamed.
#[derive(Debug)]
pub struct Temporary(PathBuf);

impl Temporary {
    /// Creates an empty file `<path>-<process>-<number>-<random>.tmp`, and removes abandoned ones of the same path.
    pub fn create(path: &Path) -> io::Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        sweep(path);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let random = RandomState::new().hash_one(count);
        let mut name = path.as_os_str().to_owned();
        name.push(format!("-{}-{count}-{random:0RANDOM_DIGITS$x}.tmp", std::process::id()));
        let temporary = Self(name.into());
        new_private(&temporary.0)?;
        Ok(temporary)
    }

    /// Removes all of a path, whose makers are gone: only one process at a time makes them.
    pub fn remove_all(path: &Path) {
        each(path, |path| drop(disk::remove(path)));
    }

    /// Path of the file.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        drop(disk::remove(&self.0));
    }
}

/// Returns true if a file is too old for anybody to be still writing it.
pub fn is_abandoned(path: &Path) -> bool {
    let age = path.metadata().and_then(|metadata| metadata.modified()).map(|modified| modified.elapsed());
    matches!(age, Ok(Ok(age)) if age > ABANDONED_AFTER)
}

fn sweep(path: &Path) {
    each(path, |path| {
        if is_abandoned(path) {
            drop(disk::remove(path));
        }
    });
}

/// Visits the temporary files of a path.
fn each(path: &Path, visit: impl Fn(&Path)) {
    let Some(begin) = path.file_name().and_then(|name| name.to_str()) else { return };
    for entry in fs::read_dir(disk::folder_of(path)).into_iter().flatten().flatten() {
        if entry.file_name().to_str().is_some_and(|name| is_temporary(begin, name)) {
            visit(&entry.path());
        }
    }
}

/// Creates a file that only its owner may read, until its maker knows who else may.
fn new_private(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).map(drop)
}

/// Returns true if only [`Temporary::create`] makes such a name.
fn is_temporary(begin: &str, name: &str) -> bool {
    let unique = name.strip_prefix(begin).and_then(|rest| rest.strip_prefix('-')?.strip_suffix(".tmp"));
    let Some(parts) = unique.map(|unique| unique.split('-').collect::<Vec<_>>()) else { return false };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_random = |text: &str| text.len() == RANDOM_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    matches!(parts[..], [process, count, random] if is_number(process) && is_number(count) && is_random(random))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn each_has_a_name_of_its_own_and_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let (one, other) = (Temporary::create(&path).unwrap(), Temporary::create(&path).unwrap());
        assert_ne!(one.path(), other.path());
        drop((one, other));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_was_left_long_ago_is_removed_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let left = "a-77-0-0123456789abcdef.tmp";
        let others =
            ["a", "a-b.tmp", "a-77-0-0123456789abcdef", "a-77-0-notes.tmp", "ab-77-0-0123456789abcdef.tmp"];
        for name in others.into_iter().chain([left]) {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified(SystemTime::UNIX_EPOCH).unwrap();
        }
        let young = Temporary::create(&path).unwrap();
        drop(Temporary::create(&path).unwrap());
        assert!(young.path().exists());
        assert!(others.iter().all(|name| folder.path().join(name).exists()));
        assert!(!folder.path().join(left).exists());
    }
}

//! Files at a destination that have the name of a backup and cannot be one. They are passed over: to number on from
//! them would lead where no listing shows a backup.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::interface::Destination;
use crate::backup::catalog::files::{BackupFile, FileName, Level};
use crate::ltx::{Decoder, LtxError};
use crate::threads::lock;
use crate::{BackupProblem, Error};

/// Distance that nobody's numbers jump. A file that is further away has to say in its header that it is what its name
/// says.
const FAR: u64 = 1 << 32;

/// Number of such files that are asked.
const ASKED_MAX: usize = 16;

/// Foreign names at the last listing of a destination.
#[derive(Debug, Clone, Default)]
pub struct Foreign(Arc<Mutex<BTreeSet<String>>>);

impl Foreign {
    /// Returns the names.
    pub fn names(&self) -> Vec<String> {
        lock(&self.0).iter().cloned().collect()
    }

    /// Removes foreign files from a listing. `unread` are names that say that they are backups and cannot be read.
    ///
    /// # Errors
    ///
    /// `ERR_BACKUP_DESTINATION`.
    pub fn pass_over(
        &self,
        destination: &dyn Destination,
        mut files: Vec<BackupFile>,
        mut unread: BTreeSet<String>,
    ) -> Result<Vec<BackupFile>, Error> {
        let foreign = far_and_false(destination, &files)?;
        files.retain(|file| !foreign.contains(&file.name));
        unread.extend(foreign.iter().map(FileName::to_string));
        *lock(&self.0) = unread;
        Ok(files)
    }
}

/// Returns the names that are far from all before them and that their files do not confirm.
fn far_and_false(destination: &dyn Destination, files: &[BackupFile]) -> Result<BTreeSet<FileName>, Error> {
    let mut names: Vec<FileName> = files.iter().map(|file| file.name).collect();
    names.sort_by_key(|name| name.max);
    let (mut reached, mut asked) = (0, 0);
    let mut foreign = BTreeSet::new();
    for name in names {
        let is_far = name.max.get() - reached > FAR;
        if is_far {
            asked += 1;
        }
        if !is_far || (asked <= ASKED_MAX && is_true(destination, name)?) {
            reached = name.max.get();
        } else {
            foreign.insert(name);
        }
    }
    Ok(foreign)
}

/// Returns true if the header of a file confirms its name.
fn is_true(destination: &dyn Destination, name: FileName) -> Result<bool, Error> {
    let input = match destination.open(name) {
        Ok(input) => input,
        Err(error) if error.backup_problem() == Some(BackupProblem::NotFound) => return Ok(false),
        Err(error) => return Err(error),
    };
    match Decoder::new(input) {
        Ok(decoder) => Ok((decoder.header().min_txid, decoder.header().max_txid) == (name.min, name.max)),
        // The destination does not respond, which is no evidence against the file.
        Err(LtxError::Io(error)) if error.kind() == std::io::ErrorKind::NotConnected => {
            let message = format!("cannot read {}: {error}", destination.describe());
            Err(Error::backup(BackupProblem::Destination, message))
        }
        Err(_) => Ok(false),
    }
}

/// Returns a name for messages, without what a terminal would obey, if it says that it is a backup and cannot be read as
/// one.
pub fn unread(level: Level, name: &str) -> Option<String> {
    let is_one = name.strip_suffix(".ltx").is_some() && FileName::parse(level, name).is_none();
    is_one.then(|| format!("{level}/{}", name.replace(char::is_control, "\u{fffd}")))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::folder::Folder;
    use super::*;

    #[test]
    fn names_far_from_the_others_are_passed_over_unless_their_files_confirm_them() {
        let directory = tempfile::tempdir().unwrap();
        let folder = Folder::new(directory.path());
        let level = directory.path().join("ltx/0");
        fs::create_dir_all(&level).unwrap();
        let put = |number: u64| fs::write(level.join(format!("{number:016x}-{number:016x}.ltx")), "text").unwrap();
        for number in [1, 2, 5] {
            put(number);
        }
        let listed = |folder: &Folder| folder.list().unwrap().iter().map(|file| file.name.max.get()).max();
        assert_eq!((listed(&folder), folder.foreign()), (Some(5), vec![]));
        for number in [FAR + 6, 1 << 40, (1 << 62) - 1, (1 << 63) - 2, (1 << 63) - 1, 1 << 63, u64::MAX] {
            put(number);
            assert_eq!(listed(&folder), Some(5), "{number:x}");
            assert!(folder.foreign().contains(&format!("0/{number:016x}-{number:016x}.ltx")), "{number:x}");
        }
        fs::write(level.join("notes.txt"), "").unwrap();
        fs::write(level.join("notes.ltx"), "").unwrap();
        assert_eq!(listed(&folder), Some(5));
        assert_eq!(folder.foreign().len(), 8);
        for number in 0..100 {
            put((1 << 50) + number);
        }
        assert_eq!(listed(&folder), Some(5));
    }
}

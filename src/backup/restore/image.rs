//! Database image made of backups: a new file that passes every check, or none.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::integrity::{Depth, Verdict, check_database, is_damage};
use super::listing::timed;
use super::progress::{RestoreProgress, by_steps};
use super::restored::{Restored, Skipped};
use crate::backup::capture::page_hashes::PageTable;
use crate::backup::catalog::files::{BackupFile, FileName, newest_txid};
use crate::backup::catalog::plan::{Plan, Target, plan};
use crate::backup::destination::Destination;
use crate::engine::sqlite::open_detached;
use crate::limits::STEPS_BETWEEN_CANCEL_CHECKS;
use crate::ltx::{DatabaseChecksum, Decoder, Header, Trailer, Violation, chain, page_checksum};
use crate::sql::Cancel;
use crate::{BackupProblem, Error, ltx};

/// Buffer size of reads and writes.
const BUFFER_BYTES: usize = 1 << 18;

/// Largest number of listings: backups of a plan may be merged and removed before they are read.
const LISTINGS_MAX: u32 = 5;

/// Care that is taken of a restored file, and the token that cancels the restore.
#[derive(Debug, Clone, Copy, Default)]
pub struct Care<'a> {
    /// The file is read by this package alone, and removed then: it need not be on disk, and of its checks those of each
    /// backup suffice. They take a third of the time.
    pub is_brief: bool,
    /// Cancels the restore.
    pub cancel: Option<&'a Arc<Cancel>>,
}

/// Failure of one attempt.
enum AttemptError {
    /// A backup is unusable; the reason, as a part of a sentence. Others may lead to the same state, or to an earlier
    /// one.
    Unusable(FileName, String),
    /// A backup was listed, and is not there any more.
    Gone(FileName),
    /// Each backup is valid, but the resulting database is not; the reason, as a part of a sentence.
    Unsound(String),
    /// Other backups would not help.
    Fatal(Error),
}

impl From<Error> for AttemptError {
    fn from(error: Error) -> Self {
        Self::Fatal(error)
    }
}

/// Restores the newest state that the target allows and that passes every check. The file is durable when this
/// returns. What was merged and removed since `files` were listed is looked for in a new listing.
///
/// A requested transaction is restored exactly or not at all.
///
/// # Errors
///
/// `ERR_BACKUP_NOT_FOUND` if no backup leads to the target, `ERR_BACKUP_DAMAGED` if none is usable,
/// `ERR_BACKUP_DESTINATION`, `ERR_BACKUP_STATE` if the file cannot be written.
pub fn restore(
    destination: &dyn Destination,
    files: &[BackupFile],
    target: Target,
    output: &Path,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<Restored, Error> {
    restore_with(destination, files, target, output, Care::default(), progress)
}

/// [`restore`] with less care, or one that can be cancelled.
///
/// # Errors
///
/// As [`restore`]; `ABORT_ERR` if it was cancelled.
pub fn restore_with(
    destination: &dyn Destination,
    files: &[BackupFile],
    target: Target,
    output: &Path,
    care: Care,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<Restored, Error> {
    let mut newest = newest_txid(files);
    let mut listings = 1;
    let mut progress = by_steps(progress);
    let mut candidates = files.to_vec();
    let mut skipped: Vec<Skipped> = Vec::new();
    let mut gone: Vec<Skipped> = Vec::new();
    loop {
        let Some(plan) = plan(&candidates, target) else {
            skipped.append(&mut gone);
            return Err(nothing_left(destination, target, &skipped));
        };
        match attempt(destination, &plan, output, care, &mut progress) {
            Ok(mut restored) => {
                let unreachable = plan.unreachable.iter().map(|file| Skipped {
                    name: file.name,
                    reason: "a backup before it is missing or cannot be used".to_owned(),
                });
                // What was merged meanwhile leads as far.
                gone.retain(|skipped| skipped.name.max > restored.txid);
                restored.skipped = skipped.into_iter().chain(gone).chain(unreachable).collect();
                restored.is_newest = newest == Some(restored.txid);
                return Ok(restored);
            }
            Err(AttemptError::Unusable(name, reason)) => {
                candidates.retain(|file| file.name != name);
                skipped.push(Skipped { name, reason });
            }
            Err(AttemptError::Gone(name)) => {
                candidates.retain(|file| file.name != name);
                gone.push(Skipped { name, reason: "it is not there any more".to_owned() });
                if listings < LISTINGS_MAX {
                    listings += 1;
                    candidates = timed(destination, target)?;
                    newest = newest.max(newest_txid(&candidates));
                    candidates.retain(|file| skipped.iter().chain(&gone).all(|skipped| skipped.name != file.name));
                }
            }
            Err(AttemptError::Unsound(reason)) => {
                let name = first_unsound(destination, &plan, output, care, &mut progress)?;
                candidates.retain(|file| file.name != name);
                skipped.push(Skipped { name, reason });
            }
            Err(AttemptError::Fatal(error)) => return Err(error),
        }
    }
}

/// Finds the first backup of a plan whose addition makes the database fail its checks. A binary search, because each
/// attempt takes long.
fn first_unsound(
    destination: &dyn Destination,
    plan: &Plan,
    output: &Path,
    care: Care,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<FileName, Error> {
    let (mut first, mut last) = (0, plan.files.len() - 1);
    while first < last {
        let middle = usize::midpoint(first, last);
        let part = Plan { files: plan.files[..=middle].to_vec(), unreachable: Vec::new() };
        match attempt(destination, &part, output, care, progress) {
            Ok(_) => first = middle + 1,
            Err(AttemptError::Unsound(_)) => last = middle,
            Err(AttemptError::Unusable(name, _) | AttemptError::Gone(name)) => return Ok(name),
            Err(AttemptError::Fatal(error)) => return Err(error),
        }
    }
    Ok(plan.files[last].name)
}

fn nothing_left(destination: &dyn Destination, target: Target, skipped: &[Skipped]) -> Error {
    let place = destination.describe();
    let what = match target {
        Target::Newest => String::new(),
        Target::Txid(txid) => format!(" {txid}"),
        Target::Before(_) => " from before that time".to_owned(),
    };
    match skipped.first() {
        None => Error::backup(BackupProblem::NotFound, format!("there is no backup{what} in {place}")),
        Some(Skipped { name, reason }) => Error::backup(
            BackupProblem::Damaged,
            format!("no backup{what} in {place} passes its checks; {name}, for one: {reason}"),
        ),
    }
}

fn attempt(
    destination: &dyn Destination,
    plan: &Plan,
    output: &Path,
    care: Care,
    progress: &mut dyn FnMut(RestoreProgress),
) -> Result<Restored, AttemptError> {
    let go_on = || care.cancel.map_or(Ok(()), |cancel| cancel.check());
    let total_bytes = plan.files.iter().map(|file| file.bytes).fold(0, u64::saturating_add);
    let mut done_bytes: u64 = 0;
    let mut image = ImageFile::create(output)?;
    let mut before: Option<(Header, Trailer)> = None;
    for file in &plan.files {
        let unusable = |error: ltx::LtxError| match error {
            // The destination does not respond, which is no evidence against the backup.
            ltx::LtxError::Io(error) if error.kind() == std::io::ErrorKind::NotConnected => {
                let message = format!("cannot read {}: {error}", destination.describe());
                AttemptError::Fatal(Error::backup(BackupProblem::Destination, message))
            }
            ltx::LtxError::Io(error) if error.kind() == std::io::ErrorKind::NotFound => {
                AttemptError::Gone(file.name)
            }
            error => AttemptError::Unusable(file.name, error.to_string()),
        };
        let input = match destination.open(file.name) {
            Ok(input) => input,
            Err(error) if error.backup_problem() == Some(BackupProblem::NotFound) => {
                return Err(AttemptError::Gone(file.name));
            }
            Err(error) => return Err(error.into()),
        };
        let mut count = |bytes: u64| {
            progress(RestoreProgress {
                done_bytes: done_bytes.saturating_add(bytes).min(total_bytes),
                total_bytes,
            });
        };
        let input = Counting { input, bytes: 0, told: &mut count, cancel: care.cancel.map(Arc::as_ref) };
        let begun = Decoder::new(input);
        go_on()?;
        let decoder = begun.map_err(unusable)?;
        check_header(file.name, decoder.header(), before.as_ref()).map_err(unusable)?;
        let ends = image.apply(decoder);
        go_on()?;
        before = Some(ends?.map_err(unusable)?);
        done_bytes = done_bytes.saturating_add(file.bytes);
    }
    let Some((header, trailer)) = before else {
        return Err(Error::internal("a plan without files").into());
    };
    let unsound = |error: ltx::LtxError| AttemptError::Unsound(error.to_string());
    let (bytes, table) = image.finish(&header, care)?.map_err(unsound)?;
    if !care.is_brief {
        go_on()?;
        read_back(output, &header, trailer, &table)?.map_err(unsound)?;
        let checked = check_integrity(output, &header, care);
        // A check that was interrupted has found nothing.
        go_on()?;
        if let Some(problem) = checked? {
            return Err(AttemptError::Unsound(problem));
        }
    }
    Ok(Restored {
        txid: header.max_txid,
        time_ms: header.timestamp_ms,
        bytes,
        files: plan.files.len(),
        is_newest: false,
        skipped: Vec::new(),
        table,
        undo: None,
        reason: None,
        set_aside: None,
    })
}

/// Checks that a file is what its name says, and continues the one before.
fn check_header(name: FileName, header: &Header, before: Option<&(Header, Trailer)>) -> Result<(), ltx::LtxError> {
    if (header.min_txid, header.max_txid) != (name.min, name.max) {
        return Err(Violation::Txid.into());
    }
    match before {
        Some((before, trailer)) => chain(before, Some(*trailer), header),
        None if header.is_snapshot() => Ok(()),
        None => Err(Violation::NoSnapshot.into()),
    }
}

/// Database file that is being written.
struct ImageFile<'a> {
    path: &'a Path,
    output: BufWriter<File>,
    /// Current offset in the file.
    offset: u64,
    /// Hashes of the pages written so far, which have no gap.
    table: Option<PageTable>,
}

impl<'a> ImageFile<'a> {
    fn create(path: &'a Path) -> Result<Self, Error> {
        let mut options = File::options();
        options.write(true).create(true).truncate(true);
        // A link of this name is somebody else's.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, libc::O_NOFOLLOW);
        let file = options.open(path).map_err(|error| cannot_write(path, &error))?;
        let output = BufWriter::with_capacity(BUFFER_BYTES, file);
        Ok(Self { path, output, offset: 0, table: None })
    }

    /// Writes the pages of a backup. The inner error concerns the backup, the outer one the disk.
    ///
    /// The size in the header is not verified until the end. The file therefore grows only page by page, without
    /// gaps.
    fn apply<R: Read>(
        &mut self,
        mut decoder: Decoder<R>,
    ) -> Result<Result<(Header, Trailer), ltx::LtxError>, Error> {
        let header = decoder.header().clone();
        let mut page = vec![0; header.page_size.len()];
        let mut table = self.table.take().unwrap_or_else(|| PageTable::new(header.page_size));
        loop {
            match decoder.page(&mut page) {
                Ok(Some(number)) => {
                    let index = number as usize - 1;
                    if index > table.hashes.len() {
                        return Ok(Err(Violation::MissingPage.into()));
                    }
                    self.write(header.page_size.offset(number), &page)
                        .map_err(|error| cannot_write(self.path, &error))?;
                    let hash = table.hash(&page);
                    match table.hashes.get_mut(index) {
                        Some(known) => *known = hash,
                        None => table.hashes.push(hash),
                    }
                    if number + 1 == header.page_size.lock_page() && table.hashes.len() == number as usize {
                        // The lock page has no content, and no backup contains it.
                        table.hashes.push(0);
                    }
                }
                Ok(None) => break,
                Err(error) => return Ok(Err(error)),
            }
        }
        self.table = Some(table);
        let trailer = decoder.trailer().ok_or(ltx::LtxError::Invalid(Violation::Truncated));
        Ok(trailer.map(|trailer| (header, trailer)))
    }

    fn write(&mut self, offset: u64, page: &[u8]) -> std::io::Result<()> {
        if offset != self.offset {
            self.output.seek(SeekFrom::Start(offset))?;
        }
        self.offset = offset + page.len() as u64;
        self.output.write_all(page)
    }

    /// Sets the size of the file and syncs it. Returns the size and the page hashes.
    fn finish(self, header: &Header, care: Care) -> Result<Result<(u64, PageTable), ltx::LtxError>, Error> {
        let mut table = self.table.unwrap_or_else(|| PageTable::new(header.page_size));
        if table.hashes.len() < header.commit as usize {
            return Ok(Err(Violation::MissingPage.into()));
        }
        let bytes = u64::from(header.commit) * u64::from(header.page_size.get());
        let finish = || -> std::io::Result<()> {
            let file = self.output.into_inner()?;
            file.set_len(bytes)?;
            if care.is_brief { Ok(()) } else { file.sync_all() }
        };
        finish().map_err(|error| cannot_write(self.path, &error))?;
        table.hashes.truncate(header.commit as usize);
        Ok(Ok((bytes, table)))
    }
}

/// Reads the file back and compares it with what was written. The inner error is a mismatch with the checksum of the
/// last backup.
fn read_back(
    path: &Path,
    header: &Header,
    trailer: Trailer,
    written: &PageTable,
) -> Result<Result<(), ltx::LtxError>, Error> {
    let mut checksum = DatabaseChecksum::new();
    let mut page = vec![0; header.page_size.len()];
    let mut read = || -> std::io::Result<()> {
        let mut input = std::io::BufReader::with_capacity(BUFFER_BYTES, File::open(path)?);
        for number in 1..=header.commit {
            input.read_exact(&mut page)?;
            if number == header.page_size.lock_page() {
                continue;
            }
            if !written.matches(number, &page) {
                return Err(std::io::Error::other("it does not hold what was written to it"));
            }
            if trailer.post_apply_checksum != 0 {
                checksum.toggle(page_checksum(number, &page));
            }
        }
        Ok(())
    };
    read().map_err(|error| cannot_write(path, &error))?;
    let expected = trailer.post_apply_checksum;
    if expected != 0 && expected != checksum.get() {
        return Ok(Err(Violation::PostApplyChecksum.into()));
    }
    Ok(Ok(()))
}

/// Runs SQLite's check of every page and row. Returns what it finds, as a part of a sentence.
///
/// # Errors
///
/// `ERR_BACKUP_STATE` if the file cannot be checked, which is no evidence against the backups.
fn check_integrity(path: &Path, header: &Header, care: Care) -> Result<Option<String>, Error> {
    let check = || -> Result<Option<String>, Error> {
        let mut connection = open_detached(path)?;
        if let Some(cancel) = care.cancel {
            end_when_cancelled(&mut connection, cancel)?;
        }
        let number = |pragma: &str| connection.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        if number("page_size")? != i64::from(header.page_size.get())
            || number("page_count")? != i64::from(header.commit)
        {
            return Ok(Some("the database that it leads to has another size than it says".to_owned()));
        }
        Ok(match check_database(&connection, Depth::Rows)? {
            Verdict::Sound => None,
            Verdict::Inconsistent | Verdict::Damaged(_) => {
                Some("the database that it leads to is damaged".to_owned())
            }
        })
    };
    match check() {
        Err(error) if is_damage(&error) => {
            Ok(Some(format!("the database that it leads to cannot be read: {error}")))
        }
        Err(error) => {
            let message = format!("cannot check {}: {error}", path.display());
            Err(Error::backup(BackupProblem::State, message))
        }
        checked => checked,
    }
}

/// Error of a file that cannot be written.
#[must_use]
pub fn cannot_write(path: &Path, error: &std::io::Error) -> Error {
    Error::backup(BackupProblem::State, format!("cannot write {}: {error}", path.display()))
}

/// Reader that reports the number of bytes read, and reads nothing once it is cancelled.
struct Counting<'a, R> {
    input: R,
    bytes: u64,
    told: &'a mut dyn FnMut(u64),
    cancel: Option<&'a Cancel>,
}

impl<R: Read> Read for Counting<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.cancel.is_some_and(|cancel| cancel.check().is_err()) {
            return Err(std::io::Error::other("the restore was cancelled"));
        }
        let length = self.input.read(buffer)?;
        self.bytes += length as u64;
        (self.told)(self.bytes);
        Ok(length)
    }
}

/// Ends whatever runs on a connection once it is cancelled.
///
/// # Errors
///
/// With SQLite's code.
pub fn end_when_cancelled(connection: &mut Connection, cancel: &Arc<Cancel>) -> Result<(), Error> {
    let cancel = Arc::clone(cancel);
    Ok(connection.progress_handler(STEPS_BETWEEN_CANCEL_CHECKS, Some(move || cancel.check().is_err()))?)
}

//! Files that a power loss may leave, of those that were recorded.
//!
//! A disk keeps what was synced. Of what was not, it may have any part: a sector of 512 bytes has what it held
//! when it was last synced, or what any write since put there; writes are lost, kept and torn in any order. A name
//! that was given or taken away without a sync of the folder may or may not be there, each name for itself. Where
//! a file grew, the new part may be missing, or hold zeros or anything at all.

use std::collections::BTreeMap;

use fastrand::Rng;

use crate::recording_vfs::{Event, FileId};

const SECTOR_BYTES: usize = 512;

/// Files by name.
pub type Image = BTreeMap<String, Vec<u8>>;

/// Which part of what was not synced is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Survivors {
    /// Nothing.
    Nothing,
    /// All: the machine stopped, and the disk had time to write.
    All,
    /// All but the last write, which is torn.
    AllButTorn,
    /// Some, by chance.
    Some,
}

/// The disk at some moment.
#[derive(Default)]
pub struct Disk {
    files: BTreeMap<FileId, File>,
    names: BTreeMap<String, Name>,
}

#[derive(Default)]
struct File {
    synced: Vec<u8>,
    /// Changes since.
    pending: Vec<Change>,
}

enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

/// Which file has a name.
#[derive(Default)]
struct Name {
    synced: Option<FileId>,
    /// Changes since.
    pending: Vec<Option<FileId>>,
}

impl Disk {
    /// Carries an event out.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Found(files) => {
                for (file, (name, bytes)) in files.iter().enumerate() {
                    self.file(file).synced.clone_from(bytes);
                    self.name(name).synced = Some(file);
                }
            }
            Event::Create { name, file } => self.name(name).pending.push(Some(*file)),
            Event::Delete { name, synced } => {
                self.name(name).pending.push(None);
                if *synced {
                    self.sync_names();
                }
            }
            Event::Write { file, offset, bytes } => {
                self.file(*file).pending.push(Change::Write { offset: *offset, bytes: bytes.clone() });
            }
            Event::Truncate { file, length } => {
                self.file(*file).pending.push(Change::Truncate { length: *length });
            }
            Event::Sync { file, folder } => {
                let file = self.file(*file);
                apply_all(&file.pending, &mut file.synced);
                file.pending.clear();
                if *folder {
                    self.sync_names();
                }
            }
            Event::Sent(_) | Event::Acknowledged(_) => {}
        }
    }

    /// The files as a power loss at this moment may leave them.
    pub fn image(&self, survivors: Survivors, rng: &mut Rng) -> Image {
        self.names
            .iter()
            .filter_map(|(name, history)| {
                let file = self.files.get(&history.survivor(survivors, rng)?);
                Some((name.clone(), file.map(|file| file.survivor(survivors, rng)).unwrap_or_default()))
            })
            .collect()
    }

    fn file(&mut self, file: FileId) -> &mut File {
        self.files.entry(file).or_default()
    }

    fn name(&mut self, name: &str) -> &mut Name {
        self.names.entry(name.to_owned()).or_default()
    }

    fn sync_names(&mut self) {
        for name in self.names.values_mut() {
            name.synced = name.pending.pop().unwrap_or(name.synced);
            name.pending.clear();
        }
    }
}

impl Name {
    fn survivor(&self, survivors: Survivors, rng: &mut Rng) -> Option<FileId> {
        let kept = match survivors {
            Survivors::Nothing => 0,
            Survivors::All | Survivors::AllButTorn => self.pending.len(),
            Survivors::Some => rng.usize(0..=self.pending.len()),
        };
        kept.checked_sub(1).map_or(self.synced, |last| self.pending[last])
    }
}

impl File {
    fn survivor(&self, survivors: Survivors, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = self.synced.clone();
        match survivors {
            Survivors::Nothing => {}
            Survivors::All => apply_all(&self.pending, &mut bytes),
            Survivors::AllButTorn => {
                if let Some((last, others)) = self.pending.split_last() {
                    apply_all(others, &mut bytes);
                    let filler = Filler::new(rng, bytes.len().max(last.end()));
                    last.tear(&mut bytes, filler, rng);
                }
            }
            Survivors::Some => self.apply_some(&mut bytes, rng),
        }
        bytes
    }

    fn apply_some(&self, bytes: &mut Vec<u8>, rng: &mut Rng) {
        let cached_length = self.pending.iter().fold(bytes.len(), |length, change| match change {
            Change::Write { .. } => length.max(change.end()),
            Change::Truncate { length } => *length,
        });
        let filler = Filler::new(rng, cached_length);
        // A long list keeps nearly all, nearly none, or something between.
        let (kept, torn) = (rng.f64(), rng.f64() * 0.5);
        for change in &self.pending {
            if rng.f64() < torn {
                change.tear(bytes, filler, rng);
            } else if rng.f64() < kept {
                filler.grow(bytes, change.start(), rng);
                change.apply(bytes);
            }
        }
        if rng.bool() {
            filler.grow(bytes, cached_length, rng);
        }
    }
}

fn apply_all(changes: &[Change], file: &mut Vec<u8>) {
    for change in changes {
        change.apply(file);
    }
}

impl Change {
    fn start(&self) -> usize {
        match self {
            Self::Write { offset, .. } => *offset,
            Self::Truncate { length } => *length,
        }
    }

    fn end(&self) -> usize {
        match self {
            Self::Write { offset, bytes } => offset + bytes.len(),
            Self::Truncate { length } => *length,
        }
    }

    fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(file, *offset, bytes),
            Self::Truncate { length } => set_length(file, *length),
        }
    }

    /// Carries some of the sectors of a write out. A length is set or not.
    fn tear(&self, file: &mut Vec<u8>, filler: Filler, rng: &mut Rng) {
        let Self::Write { offset, bytes } = self else {
            if rng.bool() {
                self.apply(file);
            }
            return;
        };
        let mut from = 0;
        while from < bytes.len() {
            let to = bytes.len().min((offset + from) / SECTOR_BYTES * SECTOR_BYTES + SECTOR_BYTES - offset);
            if rng.bool() {
                filler.grow(file, offset + from, rng);
                put(file, offset + from, &bytes[from..to]);
            }
            from = to;
        }
    }
}

fn put(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        set_length(file, end);
    }
    file[offset..end].copy_from_slice(bytes);
}

/// Cuts a file off, or lengthens it by zeros. `Vec::resize` puts them there one by one unless it is optimised.
fn set_length(file: &mut Vec<u8>, length: usize) {
    file.truncate(length);
    file.extend_from_slice(&vec![0; length - file.len()]);
}

/// Content of a file where it grew and the written bytes are lost.
#[derive(Clone, Copy)]
struct Filler {
    is_garbage: bool,
    /// Length of the file before the power was lost. Beyond that nothing was written, and nothing is lost.
    cached_length: usize,
}

impl Filler {
    fn new(rng: &mut Rng, cached_length: usize) -> Self {
        Self { is_garbage: rng.bool(), cached_length }
    }

    /// Makes the file at least so long.
    fn grow(self, file: &mut Vec<u8>, length: usize, rng: &mut Rng) {
        let from = file.len();
        if from < length {
            set_length(file, length);
            let lost = from..length.min(self.cached_length).max(from);
            if self.is_garbage {
                rng.fill(&mut file[lost]);
            }
        }
    }
}

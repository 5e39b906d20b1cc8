//! Restarts of the log: the numbers of the pages that were in it, for captures and watches that follow the log.
//!
//! A connection that restarts the log overwrites what was in it. A capture that had not read all of it would have to compare
//! every page of the file. So a restart by this process records the numbers of the pages, and which log followed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use super::frames::{FRAME_HEADER_BYTES, FrameHeader, HEADER_BYTES, WalMark, Written};
use super::index_header::WalIndexHeader;
use super::raw_file::RawFile;
use super::shared_look::SharedLook;
use crate::threads::lock;

/// Logs and pages that are kept. A capture that is further behind compares every page.
const LOGS_MAX: usize = 256;
const PAGES_MAX: usize = 1 << 20;

/// Restarts of the log of a file since the last capture.
#[derive(Debug, Default)]
pub struct RestartLog(Mutex<RestartLogState>);

#[derive(Debug, Default)]
struct RestartLogState {
    /// Position of the last capture; `None` if nobody captures.
    needed: Option<WalMark>,
    /// Oldest first, each followed by the next, the last by the log of now.
    ended: Vec<EndedLog>,
}

/// A log that ended, or is about to.
#[derive(Debug)]
pub struct EndedLog {
    /// Position from which on its pages are known.
    from: WalMark,
    frames: u32,
    written: Written,
    /// Salts of the log that followed.
    next: [u32; 2],
}

/// Records for those who follow the log: its restarts, each at a position of its own, and the look for commits that they share.
#[derive(Debug, Clone, Default)]
pub struct RestartLogs {
    /// For captures.
    pub captures: Arc<RestartLog>,
    /// For watches.
    pub watches: Arc<RestartLog>,
    /// The look for commits, which a watch takes for all.
    pub look: Arc<SharedLook>,
}

/// A log that ended, or is about to, for each of them who needs it.
#[derive(Debug)]
pub struct EndedLogs([Option<EndedLog>; 2]);

impl RestartLogs {
    /// See [`RestartLog::read`].
    #[must_use]
    pub fn read(&self, log: &RawFile, header: WalIndexHeader) -> EndedLogs {
        EndedLogs([&self.captures, &self.watches].map(|restarts| restarts.read(log, header)))
    }

    /// See [`RestartLog::ended`].
    pub fn ended(&self, EndedLogs(logs): EndedLogs, next: [u32; 2]) {
        for (restarts, log) in [&self.captures, &self.watches].into_iter().zip(logs) {
            if let Some(log) = log {
                restarts.ended(log, next);
            }
        }
    }
}

impl RestartLog {
    /// Keeps what follows a position from now on, and nothing of before.
    pub fn need(&self, mark: Option<WalMark>) {
        let mut state = lock(&self.0);
        state.needed = mark;
        let first = mark.and_then(|mark| state.ended.iter().position(|log| log.from.salts == mark.salts));
        let unneeded = first.unwrap_or(state.ended.len());
        state.ended.drain(..unneeded);
    }

    /// [`RestartLog::need`], unless an earlier position is needed.
    pub fn need_at_least(&self, mark: Option<WalMark>) {
        let is_needed = lock(&self.0).needed.is_some();
        if !is_needed {
            self.need(mark);
        }
    }

    /// Reads the pages of a log that is about to be restarted, at a header that cannot change meanwhile without being
    /// noticed; `None` if nobody needs them.
    pub fn read(&self, log: &RawFile, header: WalIndexHeader) -> Option<EndedLog> {
        let from = {
            let state = lock(&self.0);
            let needed = state.needed?;
            let last = state.ended.last().map(|log| log.next);
            let follows = last.unwrap_or(needed.salts) == header.salts();
            let frames = if last.is_none() { needed.frames } else { 0 };
            follows.then_some(WalMark { salts: header.salts(), frames })
        };
        let from = from.filter(|from| from.frames <= header.frames());
        let written = from.and_then(|from| read_pages(log, header, from.frames));
        let Some((from, written)) = from.zip(written) else {
            // The restarts in between are unknown.
            *lock(&self.0) = RestartLogState::default();
            return None;
        };
        Some(EndedLog { from, frames: header.frames(), written, next: header.salts() })
    }

    /// Keeps a log of which it is certain that another followed, and which.
    pub fn ended(&self, log: EndedLog, next: [u32; 2]) {
        let mut state = lock(&self.0);
        // Somebody may have captured meanwhile.
        let is_last = state.ended.last().is_none_or(|last| last.next == log.from.salts);
        if next == log.from.salts || !is_last {
            return;
        }
        state.ended.push(EndedLog { next, ..log });
        let pages: usize = state.ended.iter().map(|log| log.written.pages.len()).sum();
        if state.ended.len() > LOGS_MAX || pages > PAGES_MAX {
            *state = RestartLogState::default();
        }
    }

    /// Pages that were written from a position to the end of its log and in the logs that followed, up to the one that is
    /// returned with them; `None` if they are not known.
    pub fn since(&self, mark: WalMark) -> Option<(Written, [u32; 2])> {
        let state = lock(&self.0);
        let first = state.ended.iter().position(|log| log.from.salts == mark.salts)?;
        let is_known = |log: &EndedLog| (log.from.frames..=log.frames).contains(&mark.frames);
        let logs = state.ended.get(first..).filter(|logs| is_known(&logs[0]))?;
        let mut written = Written { pages: BTreeSet::new(), least: u32::MAX };
        let mut salts = mark.salts;
        for log in logs {
            if log.from.salts != salts {
                return None;
            }
            written.add(&log.written);
            salts = log.next;
        }
        Some((written, salts))
    }
}

/// Reads the headers of the committed frames of a log behind the first ones.
fn read_pages(log: &RawFile, header: WalIndexHeader, first: u32) -> Option<Written> {
    let frame_bytes = (FRAME_HEADER_BYTES as u64) + u64::from(header.page_bytes());
    let mut written = Written { pages: BTreeSet::new(), least: u32::MAX };
    for frame in first..header.frames() {
        let bytes = log.read(FRAME_HEADER_BYTES, HEADER_BYTES as u64 + u64::from(frame) * frame_bytes)?;
        let found = FrameHeader::new(&bytes).filter(|found| found.salts == header.salts())?;
        written.pages.insert(found.page);
        written.least = written.least.min(found.commit.unwrap_or(u32::MAX));
    }
    Some(written)
}

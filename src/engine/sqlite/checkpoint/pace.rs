//! Schedule of checkpoints, as a function of the progress of the log and of the time.

use std::time::{Duration, Instant};

use crate::engine::sqlite::wal::index_header::WalProgress;
use crate::limits::{
    CHECKPOINT_AGE_MAX, CHECKPOINT_IDLE, CHECKPOINT_LOOK, CHECKPOINT_QUIET, CHECKPOINT_TICK, CHECKPOINTS_SOON,
};

/// Next action of the checkpointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Wait this long.
    Wait(Duration),
    /// Copy the log into the file.
    Copy,
    /// Empty the log.
    Empty,
}

/// Schedule of checkpoints, from the observed progress of the log.
///
/// The first commit after a pause is copied at once: most bots write now and then, so the file is complete again before
/// anybody looks. While commits follow each other, copies become rare, because a page that is written repeatedly needs one
/// copy only. A completely copied log is emptied when no commit has followed.
#[derive(Debug)]
pub struct Pace {
    seen: WalProgress,
    /// Time of the last growth of the log.
    grown: Instant,
    /// Time since which the file is incomplete; restarted by each copy that made progress.
    behind: Option<Instant>,
    /// Number of early copies made since the first commit after a pause.
    soon: usize,
    /// Time of the last attempt to copy or empty.
    tried: Option<Instant>,
}

impl Pace {
    /// Schedule for a log in an unknown state.
    pub fn new(now: Instant) -> Self {
        let seen = WalProgress { salts: [0; 2], frames: 0, copied: 0 };
        let soon = CHECKPOINTS_SOON.len();
        Self { seen, grown: now, behind: None, soon, tried: None }
    }

    /// Returns `true` if the file was complete when last seen.
    pub fn is_complete(&self) -> bool {
        self.behind.is_none()
    }

    /// Returns the next action.
    pub fn next(&mut self, now: Instant, log: WalProgress) -> Step {
        self.note(now, log);
        let Some(behind) = self.behind else {
            return if log.frames == 0 { Step::Wait(CHECKPOINT_LOOK) } else { self.next_emptying(now) };
        };
        let due = match CHECKPOINTS_SOON.get(self.soon) {
            Some(after) => behind + *after,
            None => (self.grown + CHECKPOINT_IDLE).min(behind + CHECKPOINT_AGE_MAX),
        };
        // A copy without progress was held up by a reader.
        let due = self.tried.map_or(due, |tried| due.max(tried + CHECKPOINT_TICK));
        if now < due {
            return Step::Wait((due - now).min(CHECKPOINT_TICK));
        }
        self.soon += 1;
        self.tried = Some(now);
        Step::Copy
    }

    /// Records the end of an attempt to empty the log.
    pub fn emptied(&mut self, now: Instant, is_empty: bool) {
        self.tried = Some(now).filter(|_| !is_empty);
    }

    fn next_emptying(&self, now: Instant) -> Step {
        let due = self.grown + CHECKPOINT_QUIET;
        // The log is in use: emptying can wait, because the file is complete.
        let due = self.tried.map_or(due, |tried| due.max(tried + CHECKPOINT_LOOK));
        if now < due { Step::Wait(due - now) } else { Step::Empty }
    }

    fn note(&mut self, now: Instant, log: WalProgress) {
        let has_grown = (log.salts, log.frames) != (self.seen.salts, self.seen.frames) && log.frames > 0;
        let is_brought_on = log.salts != self.seen.salts || log.copied != self.seen.copied;
        if has_grown {
            if now >= self.grown + CHECKPOINT_IDLE {
                self.soon = 0;
            }
            self.grown = now;
            self.tried = None;
        }
        if is_brought_on {
            self.tried = None;
        }
        self.behind = match self.behind {
            _ if log.copied >= log.frames => None,
            Some(behind) if !is_brought_on => Some(behind),
            _ => Some(now),
        };
        self.seen = log;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// A log and its checkpoints, at a time of its own.
    struct Simulated {
        pace: Pace,
        now: Instant,
        log: WalProgress,
        copies: u32,
        /// A reader that keeps what comes after these frames out of the file.
        held: Option<u32>,
    }

    impl Simulated {
        fn new() -> Self {
            let now = Instant::now();
            let log = WalProgress { salts: [1, 1], frames: 0, copied: 0 };
            Self { pace: Pace::new(now), now: now + Duration::from_secs(10), log, copies: 0, held: None }
        }

        /// Lets time pass in which a frame is committed now and then.
        fn pass(&mut self, time: Duration, commits_every: Option<Duration>) {
            let end = self.now + time;
            let mut next_commit = commits_every.map(|every| self.now + every);
            while self.now < end {
                if let (Some(next), Some(every)) = (next_commit, commits_every)
                    && self.now >= next
                {
                    self.log.frames += 1;
                    next_commit = Some(next + every);
                }
                self.step();
                self.now += MILLISECOND;
            }
        }

        fn step(&mut self) {
            match self.pace.next(self.now, self.log) {
                Step::Wait(wait) => assert!(wait > Duration::ZERO),
                Step::Copy => {
                    self.copies += 1;
                    self.log.copied = self.held.unwrap_or(u32::MAX).min(self.log.frames).max(self.log.copied);
                }
                Step::Empty => {
                    assert_eq!(self.log.copied, self.log.frames);
                    let is_empty = self.held.is_none();
                    if is_empty {
                        self.log = WalProgress { salts: [self.log.salts[0] + 1, 7], frames: 0, copied: 0 };
                    }
                    self.pace.emptied(self.now, is_empty);
                }
            }
        }
    }

    #[test]
    fn a_commit_after_a_pause_is_in_the_file_and_out_of_the_log_at_once() {
        let mut simulated = Simulated::new();
        simulated.pass(Duration::from_secs(1), None);
        simulated.log.frames = 3;
        simulated.pass(2 * CHECKPOINT_QUIET, None);
        assert_eq!((simulated.log.frames, simulated.copies), (0, 1));
    }

    #[test]
    fn commits_without_a_pause_are_copied_every_other_second() {
        let mut simulated = Simulated::new();
        simulated.pass(Duration::from_secs(60), Some(10 * MILLISECOND));
        assert!((25..45).contains(&simulated.copies), "{} copies", simulated.copies);
        assert!(simulated.log.frames - simulated.log.copied <= 210, "{:?}", simulated.log);
        simulated.pass(CHECKPOINT_IDLE + CHECKPOINT_TICK, None);
        assert_eq!(simulated.log.frames, 0);
    }

    #[test]
    fn what_a_reader_holds_up_is_tried_again_now_and_then_and_done_when_it_has_ended() {
        let mut simulated = Simulated::new();
        simulated.held = Some(1);
        simulated.log.frames = 5;
        simulated.pass(Duration::from_secs(60), None);
        assert_eq!(simulated.log.copied, 1);
        assert!(simulated.copies < 700, "{} copies", simulated.copies);
        simulated.held = Some(5);
        simulated.pass(CHECKPOINT_LOOK, None);
        assert_eq!((simulated.log.copied, simulated.log.frames), (5, 5));
        simulated.held = None;
        simulated.pass(2 * CHECKPOINT_LOOK, None);
        assert_eq!(simulated.log.frames, 0);
    }
}

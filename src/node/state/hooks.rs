//! Hooks: functions of the user that are called before and after backups.

use std::collections::HashMap;
use std::sync::mpsc;

use crate::backup::events::Hook;
use crate::node::convert::backups::HookName;

/// Hooks of one store, and their calls.
#[derive(Default)]
pub struct Hooks {
    /// Hooks that the user has given.
    pub names: Vec<HookName>,
    /// The environment is ending: no hook will be called again.
    pub is_ending: bool,
    pub last_number: u32,
    /// Senders to the threads that wait for the end of each call.
    pub waiting: HashMap<u32, mpsc::Sender<Option<String>>>,
    /// Calls that have not ended in time, and that nobody waits for.
    pub stuck: Vec<(Hook, mpsc::Receiver<Option<String>>)>,
}

impl Hooks {
    /// Returns `true` if a hook was called and still has not ended.
    pub fn is_stuck(&mut self, hook: Hook) -> bool {
        self.stuck.retain(|(_, ends)| matches!(ends.try_recv(), Err(mpsc::TryRecvError::Empty)));
        self.stuck.iter().any(|(stuck, _)| *stuck == hook)
    }
}

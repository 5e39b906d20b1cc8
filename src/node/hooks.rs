//! The functions of the user that are called before and after backups.

use std::collections::HashMap;
use std::sync::mpsc;

use super::convert::backups::HookName;
use crate::backup::events::Hook;

/// The functions of the user.
#[derive(Default)]
pub struct Hooks {
    /// Those that there are.
    pub names: Vec<HookName>,
    /// The environment is ending: none will ever be called again.
    pub is_ending: bool,
    pub last_number: u32,
    /// Who waits for the end of each.
    pub waiting: HashMap<u32, mpsc::Sender<Option<String>>>,
    /// Those that were not waited for any more.
    pub stuck: Vec<(Hook, mpsc::Receiver<Option<String>>)>,
}

impl Hooks {
    /// Whether a function was called and has still not ended.
    pub fn is_stuck(&mut self, hook: Hook) -> bool {
        self.stuck.retain(|(_, ends)| matches!(ends.try_recv(), Err(mpsc::TryRecvError::Empty)));
        self.stuck.iter().any(|(stuck, _)| *stuck == hook)
    }
}

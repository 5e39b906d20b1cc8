//! Checkpoints: a thread copies the log into the file soon after each commit, and the end of the process waits for it.

pub mod checkpointer;
pub mod control;
mod pace;

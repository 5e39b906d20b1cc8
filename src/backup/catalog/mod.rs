//! Pure functions of a destination's listing and the time: names, restore plans, and what is due.

pub mod compaction;
pub mod files;
pub mod plan;
pub mod retention;
pub mod schedule;

//! What a destination has, and what follows from that: functions of a listing and the time, which touch nothing.

pub mod compaction;
pub mod files;
pub mod plan;
pub mod retention;
pub mod schedule;

//! Reads beside the writer: of keys, of patterns and ranges, and the reader threads.

pub mod answer;
mod count;
mod page;
pub mod point_read;
pub mod pool;
pub mod read_only;
mod scan;
mod values;

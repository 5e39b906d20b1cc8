//! Reads beside the writer: of keys, of patterns, and the reader threads.

pub mod point_read;
pub mod pool;
pub mod scan;
pub mod select;

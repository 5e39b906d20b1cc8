//! Reads beside the writer.

pub mod point_read;
pub mod pool;
pub mod scan;
pub mod select;

//! Local files: names, and durable changes.

pub mod access;
#[cfg_attr(windows, allow(unsafe_code, reason = "calls the system for what the standard library has not"))]
pub mod deleted;
pub mod disk;
pub mod paths;
#[allow(unsafe_code, reason = "calls of the system that the standard library has not")]
pub mod rename;
pub mod replace;
pub mod temporary;

//! The lock that keeps deletes apart from commits.

/// Number of the advisory lock of commits. Every transaction that writes keys takes it together with others, as the last of its
/// locks: whoever holds it waits for no row.
pub const COMMITS: i64 = 8_245_935_278_387_129_709;

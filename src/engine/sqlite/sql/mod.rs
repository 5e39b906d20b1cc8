//! SQL of the user's on the connections of the engine.

mod bind;
mod cursor;
mod execute;
mod guard;
mod guarded;
#[allow(unsafe_code, reason = "asks SQLite what rusqlite has no function for")]
mod last_row;
mod lease;
mod policy;
mod prepare;
mod reads;
mod session_state;
mod tables;

pub use cursor::{CursorReply, OpenCursor, serve_cursor};
pub use execute::{run, run_alone};
pub use guard::Mode;
pub use guarded::Guarded;
pub use last_row::has_deferred_violations;
pub use lease::{Begin, Lease, LeaseKind, LeaseRequest, SavepointAction, serve as serve_lease};
pub use reads::{Description, Read, RowsReply};
pub use session_state::reset;

//! What a client can ask of the writer, and what it hears back.

use crate::kv::{Address, Entry, Expected, Swap};
use crate::{Error, sql};

/// One operation. Each takes effect as a whole or not at all.
#[derive(Debug, Clone)]
pub enum Command {
    /// Stores an entry, overwriting what the key held, expiry included.
    Set(Entry),
    /// Stores several, all or none; of equal keys the last wins.
    SetMany(Vec<Entry>),
    /// Stores a value if the key still holds what was expected.
    Swap(Swap),
    /// Removes a key.
    Delete(Address),
    /// Removes the keys of one scope that match a `LIKE` pattern.
    DeleteLike {
        /// The scope, as in [`Address::community`].
        community: Option<String>,
        /// The pattern, see [`crate::kv::Pattern`].
        pattern: String,
    },
    /// SQL of the user's, which keeps its place among the operations on keys.
    Sql(sql::Job),
}

impl BatchOutcome {
    /// Nothing was committed.
    #[must_use]
    pub fn stopped(stop: Stop) -> Self {
        Self { committed: 0, statements: Vec::new(), stopped: Some(stop) }
    }
}

impl Command {
    /// Bytes of text that the command carries.
    #[must_use]
    pub fn size(&self) -> usize {
        let entry = |entry: &Entry| entry.address.key.len() + entry.value.len();
        match self {
            Self::Set(one) => entry(one),
            Self::SetMany(entries) => entries.iter().map(entry).sum(),
            Self::Swap(swap) => {
                let expected = if let Expected::Value(value) = &swap.expected { value.len() } else { 0 };
                swap.address.key.len() + swap.value.len() + expected
            }
            Self::Delete(address) => address.key.len(),
            Self::DeleteLike { pattern, .. } => pattern.len(),
            Self::Sql(job) => job.size(),
        }
    }
}

/// Somebody who sends batches, and knows what is in them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientId(pub u64);

/// Where a batch comes from.
///
/// A client may send batches before it has heard how earlier ones ended. When one ends early, those behind it must not
/// overtake what it has left undone: the writer defers them, up to the first of a later `epoch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Who sends it.
    pub client: ClientId,
    /// How often the client had heard of a batch that ended early when it sent this one.
    pub epoch: u32,
}

/// Commands of one client, in the order in which they must take effect.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The commands.
    pub commands: Vec<Command>,
    /// The client's clock, milliseconds since 1970 UTC, which decides what is expired.
    pub now_ms: i64,
    /// Where it comes from; `None` for a client that waits for each batch and caches nothing.
    pub origin: Option<Origin>,
}

impl Batch {
    /// A batch as seen at `now_ms`.
    #[must_use]
    pub fn new(commands: Vec<Command>, now_ms: i64) -> Self {
        Self { commands, now_ms, origin: None }
    }

    /// The same batch, of an origin.
    #[must_use]
    pub fn of(self, origin: Origin) -> Self {
        Self { origin: Some(origin), ..self }
    }
}

/// How far a batch came: a prefix of it is on disk, nothing of the rest.
#[derive(Debug, Clone)]
pub struct BatchOutcome {
    /// How many commands, from the first, are committed.
    pub committed: usize,
    /// What each statement of the committed commands did, in their order.
    pub statements: Vec<sql::StatementOutcome>,
    /// Why it ended before its last command.
    pub stopped: Option<Stop>,
}

/// Why a batch ended early. "The next command" is the first that is not committed.
#[derive(Debug, Clone)]
pub enum Stop {
    /// The next command is a swap whose expectation no longer holds; it and what follows were not run.
    Conflict,
    /// The next command failed on its own; what follows was not run.
    Command(Error),
    /// What follows was not run, and should be sent again.
    Deferred,
    /// The next command cannot be carried out within a transaction; it and what follows were not run. It should be
    /// sent again, to be carried out alone.
    Alone,
    /// The transaction failed: every command from the next on is without effect.
    Transaction(Error),
}

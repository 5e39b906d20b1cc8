//! Batches: commands of a client to the writer, and their outcomes.

use crate::kv::{Address, Entry, Expected, Increment, KeyOutcome, KeyRange, Swap, SwapPart, Then};
use crate::{Error, sql};

/// One operation. Each takes effect as a whole or not at all.
#[derive(Debug, Clone)]
pub enum Command {
    /// Stores an entry. It replaces the value and the expiry that the key had.
    Set(Entry),
    /// Stores several entries, all or none. Of equal keys the last wins.
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
    /// Adds to a number. Tells the sum.
    Increment(Increment),
    /// Stores an entry if the key has no live value. Tells whether it did.
    SetIfAbsent(Entry),
    /// Removes a key. Tells the live value that it had.
    GetAndDelete(Address),
    /// Replaces the expiry of a key that is live. Tells whether it is.
    Expire {
        /// The address.
        address: Address,
        /// Milliseconds since 1970 UTC, or `None` for never.
        expires_at: Option<i64>,
    },
    /// Removes the keys of one scope from one on up to another, in the order of their bytes. Tells how many were live.
    DeleteRange {
        /// The scope, as in [`Address::community`].
        community: Option<String>,
        /// The keys.
        range: KeyRange,
    },
    /// Changes several keys if each still holds what was expected.
    SwapMany(Vec<SwapPart>),
    /// User SQL. It keeps its place in the order of the operations on keys.
    Sql(sql::Job),
}

impl BatchOutcome {
    /// The outcome of a batch of which nothing was committed.
    #[must_use]
    pub fn stopped(stop: Stop) -> Self {
        Self { committed: 0, statements: Vec::new(), keys: Vec::new(), stopped: Some(stop) }
    }
}

impl Command {
    /// Bytes of text that the command carries.
    #[must_use]
    pub fn size(&self) -> usize {
        let entry = |entry: &Entry| entry.address.key.len() + entry.value.len();
        let expected = |expected: &Expected| if let Expected::Value(value) = expected { value.len() } else { 0 };
        match self {
            Self::Set(one) | Self::SetIfAbsent(one) => entry(one),
            Self::SetMany(entries) => entries.iter().map(entry).sum(),
            Self::Swap(swap) => swap.address.key.len() + swap.value.len() + expected(&swap.expected),
            Self::SwapMany(parts) => {
                let then = |then: &Then| if let Then::Store(value) = then { value.len() } else { 0 };
                parts.iter().map(|part| part.address.key.len() + expected(&part.expected) + then(&part.then)).sum()
            }
            Self::Increment(Increment { address, .. })
            | Self::Expire { address, .. }
            | Self::Delete(address)
            | Self::GetAndDelete(address) => address.key.len(),
            Self::DeleteLike { pattern, .. } => pattern.len(),
            Self::DeleteRange { range, .. } => range.from.len() + range.to.as_ref().map_or(0, String::len),
            Self::Sql(job) => job.size(),
        }
    }
}

/// A client: sends batches, and may cache what they write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ClientId(pub u64);

/// Origin of a batch.
///
/// A client may send batches before it has heard how earlier ones ended. When a batch ends early, later ones must
/// not overtake the commands that it left undone. So the writer defers every batch of the same epoch; the client
/// sends its next ones with a later `epoch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// The sender.
    pub client: ClientId,
    /// Number of batches that had ended early, as far as the client knew when it sent this one.
    pub epoch: u32,
}

/// Commands of one client, in the order in which they take effect.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The commands.
    pub commands: Vec<Command>,
    /// The client's clock, milliseconds since 1970 UTC, which decides what is expired.
    pub now_ms: i64,
    /// Origin; `None` for a client that waits for each batch and caches nothing.
    pub origin: Option<Origin>,
}

impl Batch {
    /// A batch without an origin. `now_ms` is the client's clock, in milliseconds since 1970 UTC.
    #[must_use]
    pub fn new(commands: Vec<Command>, now_ms: i64) -> Self {
        Self { commands, now_ms, origin: None }
    }

    /// The same batch with an origin.
    #[must_use]
    pub fn of(self, origin: Origin) -> Self {
        Self { origin: Some(origin), ..self }
    }
}

/// Outcome of a batch: some of its commands, from the first on, are on disk, and nothing of the others.
#[derive(Debug, Clone)]
pub struct BatchOutcome {
    /// Number of committed commands, counted from the first.
    pub committed: usize,
    /// Outcomes of the statements of the committed commands, in order.
    pub statements: Vec<sql::StatementOutcome>,
    /// Results of the committed commands on keys, in order. [`Command`] says which commands have one.
    pub keys: Vec<KeyOutcome>,
    /// Reason why it ended before its last command.
    pub stopped: Option<Stop>,
}

/// Outcome of a command.
#[derive(Debug, Clone)]
pub enum CommandOutcome {
    /// There is nothing to tell.
    Nothing,
    /// Outcome of a command on keys that has something to tell.
    Key(KeyOutcome),
    /// Outcomes of SQL, one for each statement.
    Statements(Vec<sql::StatementOutcome>),
}

/// Reason why a batch ended early. "The next command" is the first that is not committed.
#[derive(Debug, Clone)]
pub enum Stop {
    /// The next command is a swap, and a key holds another value than it expects. Nothing from there on was run.
    Conflict,
    /// The next command failed. Nothing behind it was run.
    Command(Error),
    /// The rest was not run. The client should send it again.
    Deferred,
    /// The next command cannot run within a transaction. The client should send it again, to run alone.
    Alone,
    /// The transaction failed. Nothing from the next command on has an effect.
    Transaction(Error),
}

/// Action on the savepoint of a nested transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SavepointAction {
    /// Begins it.
    Begin,
    /// Ends it, and keeps its changes.
    Release,
    /// Ends it, and undoes its changes.
    Rollback,
}

//! Modes in which statements are compiled, and the facts found about each statement.

/// Mode in which a statement is compiled and runs: whose it is, and where. SQLite recompiles a statement while it runs
/// if the schema has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// This package itself, which may do anything. Triggers that its statements fire may not.
    #[default]
    Internal,
    /// User SQL that reads, on a reader.
    Reader,
    /// User SQL in a transaction with other batches.
    Group,
    /// User SQL that runs alone, outside any transaction of this package.
    Alone,
    /// User SQL in a user's transaction, which this package begins and ends.
    Transaction,
    /// User SQL on a reserved connection.
    Reserved,
    /// `VACUUM` while it runs, which copies every table in SQL of its own.
    Vacuum,
}

/// Facts about a statement, found while it was compiled.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself")]
pub struct StatementFacts {
    /// Reason of its refusal.
    pub refused: Option<String>,
    /// `BEGIN`, `COMMIT` or `ROLLBACK`.
    pub ends_transaction: bool,
    /// `ROLLBACK` of a whole transaction.
    pub rolls_back: bool,
    /// `SAVEPOINT`, `RELEASE` or `ROLLBACK TO`.
    pub is_savepoint: bool,
    /// `PRAGMA`.
    pub is_pragma: bool,
    /// `VACUUM`.
    pub is_vacuum: bool,
    /// `PRAGMA wal_checkpoint`.
    pub is_checkpoint: bool,
    /// `PRAGMA journal_mode` with a mode.
    pub sets_journal_mode: bool,
    /// It fails, or has no effect, within a transaction.
    pub needs_no_transaction: bool,
    /// It is allowed in this mode, and may not be in another.
    pub is_bound_to_mode: bool,
    /// It changes the state of the connection.
    pub sets_state: bool,
    /// It reads a pragma, which SQLite itself does not always count as a read.
    pub asks_pragma: bool,
    /// It makes a temporary table, view or trigger.
    pub makes_temporary: bool,
    /// It gives a table or a column another name, or changes the columns of a table.
    pub alters_table: bool,
    /// It makes a trigger.
    pub makes_trigger: bool,
    /// It makes a trigger on this table of the store's or the SDK's.
    pub reserved_table: Option<String>,
}

impl StatementFacts {
    /// Returns true if it begins or ends a transaction or a savepoint.
    #[must_use]
    pub const fn controls_transaction(&self) -> bool {
        self.ends_transaction || self.is_savepoint
    }
}

//! Modes in which statements are compiled, and the facts found about each statement.

/// Mode in which a statement is compiled: who runs it, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// This package itself, which may do anything.
    #[default]
    Internal,
    /// SQLite itself, while it runs a statement that was checked.
    Running,
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
}

/// Facts about a statement, found while it was compiled.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself")]
pub struct StatementFacts {
    /// Reason of its refusal.
    pub refused: Option<String>,
    /// `BEGIN`, `COMMIT` or `ROLLBACK`.
    pub ends_transaction: bool,
    /// `SAVEPOINT`, `RELEASE` or `ROLLBACK TO`.
    pub is_savepoint: bool,
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
}

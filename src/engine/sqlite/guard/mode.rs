//! Who a statement is compiled for, and what is seen of it.

/// Who a statement is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// This package itself, which may do anything.
    #[default]
    Internal,
    /// SQLite itself, while it runs a statement that was looked at.
    Running,
    /// A read of the user's, on a reader.
    Reader,
    /// A write of the user's, in a transaction with others.
    Group,
    /// A script of the user's that runs alone, outside any transaction of this package.
    Alone,
    /// A statement in a transaction of the user's that this package began and will end.
    Transaction,
    /// A statement on a connection that the user has reserved.
    Reserved,
}

/// What a statement turned out to be.
#[derive(Debug, Clone, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself")]
pub struct StatementFacts {
    /// Why it was refused.
    pub refused: Option<String>,
    /// `BEGIN`, `COMMIT` or `ROLLBACK`.
    pub ends_transaction: bool,
    /// `SAVEPOINT`, `RELEASE` or `ROLLBACK TO`.
    pub is_savepoint: bool,
    /// It does nothing, or fails, within a transaction.
    pub needs_no_transaction: bool,
    /// It was allowed to this mode, and may not be to another.
    pub is_bound_to_mode: bool,
    /// It sets a state of the connection.
    pub sets_state: bool,
    /// It asks for the value of a pragma, which SQLite itself does not always take for a read.
    pub asks_pragma: bool,
    /// It makes something temporary.
    pub makes_temporary: bool,
}

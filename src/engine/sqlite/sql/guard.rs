//! Looks at each statement while SQLite compiles it: refuses what would do harm, and notes what the caller has to
//! know of it.

use std::sync::{Arc, Mutex};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};

use super::policy::{self, CONNECTION_PRAGMAS};
use crate::threads::lock;

/// Who a statement is compiled for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// This package itself, which may do anything.
    #[default]
    Internal,
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
pub struct Seen {
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
    /// It makes something temporary.
    pub makes_temporary: bool,
}

#[derive(Debug, Default)]
struct State {
    mode: Mode,
    seen: Seen,
}

/// The guard of one connection.
#[derive(Debug, Clone, Default)]
pub struct Guard(Arc<Mutex<State>>);

impl Guard {
    /// What SQLite asks for each thing that a statement does.
    pub fn authorize(&self, context: AuthContext) -> Authorization {
        let mut state = lock(&self.0);
        let State { mode, seen } = &mut *state;
        if *mode == Mode::Internal {
            return Authorization::Allow;
        }
        note(seen, &context.action);
        match policy::refusal(context.action, *mode) {
            Some(why) => {
                seen.refused = Some(why);
                Authorization::Deny
            }
            None => Authorization::Allow,
        }
    }

    /// Compiles something in a mode, and tells what was seen of it.
    pub fn watch<T>(&self, mode: Mode, compile: impl FnOnce() -> T) -> (T, Seen) {
        *lock(&self.0) = State { mode, seen: Seen::default() };
        let compiled = compile();
        let State { seen, .. } = std::mem::take(&mut *lock(&self.0));
        (compiled, seen)
    }
}

fn note(seen: &mut Seen, action: &AuthAction) {
    match action {
        AuthAction::Transaction { .. } => {
            seen.ends_transaction = true;
            seen.is_bound_to_mode = true;
        }
        AuthAction::Savepoint { operation, .. } => {
            seen.is_savepoint = true;
            seen.is_bound_to_mode = true;
            seen.ends_transaction |= *operation == TransactionOperation::Unknown;
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            let name = pragma_name.to_ascii_lowercase();
            seen.is_bound_to_mode = true;
            seen.needs_no_transaction |= name == "wal_checkpoint";
            seen.sets_state |= pragma_value.is_some() && CONNECTION_PRAGMAS.iter().any(|(one, _)| *one == name);
        }
        AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateTempTrigger { .. } => {
            seen.makes_temporary = true;
            seen.is_bound_to_mode = true;
        }
        _ => {}
    }
}

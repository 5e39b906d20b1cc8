//! Authorizer: checks each statement while SQLite compiles it. It refuses harmful ones, and notes facts about the
//! others.

use std::sync::{Arc, Mutex};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};

use super::mode::{Mode, StatementFacts};
use super::own_tables;
use super::policy::{self, CONNECTION_PRAGMAS};
use crate::threads::lock;

#[derive(Debug, Default)]
struct AuthorizerState {
    mode: Mode,
    facts: StatementFacts,
    /// A statement was compiled that writes keys. It also counts when SQLite itself recompiles one.
    wrote_keys: bool,
}

/// Authorizer of one connection.
#[derive(Debug, Clone, Default)]
pub struct Authorizer(Arc<Mutex<AuthorizerState>>);

impl Authorizer {
    /// Callback of SQLite, for each action of a statement.
    pub fn authorize(&self, context: AuthContext) -> Authorization {
        let mut state = lock(&self.0);
        let AuthorizerState { mode, facts, wrote_keys } = &mut *state;
        if *mode == Mode::Internal {
            return Authorization::Allow;
        }
        if own_tables::writes_keys(&context.action) {
            *wrote_keys = true;
            // Such a statement is compiled anew each time, so that whoever runs it learns of it.
            facts.is_bound_to_mode = true;
        }
        if *mode == Mode::Running {
            return Authorization::Allow;
        }
        note(facts, &context.action);
        match policy::refusal(context.action, *mode) {
            Some(why) => {
                facts.refused = Some(why);
                Authorization::Deny
            }
            None => Authorization::Allow,
        }
    }

    /// Compiles a statement in a mode, and returns the facts about it.
    pub fn watch<T>(&self, mode: Mode, compile: impl FnOnce() -> T) -> (T, StatementFacts) {
        self.switch(mode);
        let compiled = compile();
        (compiled, self.switch(Mode::Internal))
    }

    /// Marks that user SQL runs, until the result is dropped.
    pub fn run(&self) -> RunningStatement<'_> {
        self.switch(Mode::Running);
        RunningStatement(self)
    }

    /// Sets the mode, and returns the facts that were found in the one before.
    fn switch(&self, mode: Mode) -> StatementFacts {
        let mut state = lock(&self.0);
        state.mode = mode;
        std::mem::take(&mut state.facts)
    }

    pub fn has_written_keys(&self) -> bool {
        lock(&self.0).wrote_keys
    }

    pub fn take_wrote_keys(&self) -> bool {
        std::mem::take(&mut lock(&self.0).wrote_keys)
    }
}

/// User SQL runs while this lives.
pub struct RunningStatement<'a>(&'a Authorizer);

impl Drop for RunningStatement<'_> {
    fn drop(&mut self) {
        self.0.switch(Mode::Internal);
    }
}

fn note(facts: &mut StatementFacts, action: &AuthAction) {
    match action {
        AuthAction::Transaction { .. } => {
            facts.ends_transaction = true;
            facts.is_bound_to_mode = true;
        }
        AuthAction::Savepoint { operation, .. } => {
            facts.is_savepoint = true;
            facts.is_bound_to_mode = true;
            facts.ends_transaction |= *operation == TransactionOperation::Unknown;
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            let name = pragma_name.to_ascii_lowercase();
            facts.is_bound_to_mode = true;
            facts.needs_no_transaction |= name == "wal_checkpoint";
            facts.asks_pragma = pragma_value.is_none();
            facts.sets_state |= pragma_value.is_some() && CONNECTION_PRAGMAS.iter().any(|(one, _)| *one == name);
        }
        AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateTempTrigger { .. } => {
            facts.makes_temporary = true;
            facts.is_bound_to_mode = true;
        }
        _ => {}
    }
}

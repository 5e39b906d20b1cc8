//! Authorizer: checks each statement while SQLite compiles it. It refuses harmful ones, and notes facts about the
//! others.

use std::path::Path;
use std::sync::{Arc, Mutex};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization, TransactionOperation};

use super::mode::{Mode, StatementFacts};
use super::policy::{self, CONNECTION_PRAGMAS};
use super::{own_tables, vacuum_into};
use crate::threads::lock;

#[derive(Debug, Default)]
struct AuthorizerState {
    mode: Mode,
    facts: StatementFacts,
    /// A statement was compiled that writes keys. It also counts when SQLite itself recompiles one.
    wrote_keys: bool,
    /// A statement was compiled that changes the schema. Kept like the one above.
    changed_schema: bool,
}

/// Authorizer of one connection.
#[derive(Debug, Clone, Default)]
pub struct Authorizer(Arc<Mutex<AuthorizerState>>);

impl Authorizer {
    /// Callback of SQLite, for each action of a statement on the file at `path`.
    pub fn authorize(&self, context: AuthContext, path: &Path) -> Authorization {
        let mut state = lock(&self.0);
        let AuthorizerState { mode, facts, wrote_keys, changed_schema } = &mut *state;
        let refusal = match mode {
            Mode::Internal => context.accessor.and_then(|by| own_tables::refusal_to_trigger(&context.action, by)),
            Mode::Vacuum => vacuum_into::refusal(&context.action, path),
            _ => {
                if own_tables::writes_keys(&context.action) {
                    *wrote_keys = true;
                    // Such a statement is compiled again each time, so that whoever runs it learns of it.
                    facts.is_bound_to_mode = true;
                }
                if changes_schema(&context.action) {
                    *changed_schema = true;
                    facts.is_bound_to_mode = true;
                }
                note(facts, &context);
                let table = facts.reserved_table.as_deref().filter(|_| own_tables::writes_temp_schema(&context));
                table.map(own_tables::temporary_trigger).or_else(|| policy::refusal(&context, *mode))
            }
        };
        match refusal {
            Some(why) => {
                facts.refused = Some(why);
                Authorization::Deny
            }
            None => Authorization::Allow,
        }
    }

    /// Compiles or runs a statement in a mode, and returns the facts about it.
    pub fn watch<T>(&self, mode: Mode, work: impl FnOnce() -> T) -> (T, StatementFacts) {
        self.switch(mode);
        let watching = Watching(self);
        let result = work();
        (result, watching.0.switch(Mode::Internal))
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

    pub fn take_changed_schema(&self) -> bool {
        std::mem::take(&mut lock(&self.0).changed_schema)
    }
}

/// Restores [`Mode::Internal`] when it is dropped, also by a panic.
struct Watching<'a>(&'a Authorizer);

impl Drop for Watching<'_> {
    fn drop(&mut self) {
        self.0.switch(Mode::Internal);
    }
}

fn note(facts: &mut StatementFacts, context: &AuthContext) {
    match &context.action {
        AuthAction::Transaction { operation } => {
            facts.ends_transaction = true;
            facts.rolls_back = *operation == TransactionOperation::Rollback;
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
            facts.is_pragma = true;
            facts.is_checkpoint |= name == "wal_checkpoint";
            facts.needs_no_transaction |= facts.is_checkpoint;
            facts.sets_journal_mode = name == "journal_mode" && pragma_value.is_some();
            facts.asks_pragma = pragma_value.is_none();
            facts.sets_state |= pragma_value.is_some() && CONNECTION_PRAGMAS.iter().any(|(one, _)| *one == name);
        }
        AuthAction::AlterTable { .. } => facts.alters_table = true,
        AuthAction::CreateTrigger { table_name, .. } | AuthAction::CreateTempTrigger { table_name, .. } => {
            facts.makes_trigger = true;
            facts.reserved_table = own_tables::is_reserved(table_name).then(|| (*table_name).to_owned());
        }
        _ => {}
    }
    if own_tables::makes_temporary(context) {
        facts.makes_temporary = true;
        facts.is_bound_to_mode = true;
    }
}

/// Returns `true` for an action that changes the schema, and thereby possibly the effect of other statements.
fn changes_schema(action: &AuthAction) -> bool {
    use AuthAction as A;
    matches!(
        action,
        A::CreateIndex { .. }
            | A::CreateTable { .. }
            | A::CreateTrigger { .. }
            | A::CreateView { .. }
            | A::CreateVtable { .. }
            | A::CreateTempTrigger { .. }
            | A::DropIndex { .. }
            | A::DropTable { .. }
            | A::DropTrigger { .. }
            | A::DropView { .. }
            | A::DropVtable { .. }
            | A::AlterTable { .. }
    )
}

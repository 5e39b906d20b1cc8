//! Tables of this package, which user SQL must not change.

use rusqlite::hooks::AuthAction;

use super::mode::Mode;

/// Prefix of what this package adds to the SDK's table, and of the table of migrations.
const OWN_PREFIX: &str = "__rootcellar_";

/// The key-value table. User SQL may write its rows, but not alter the table.
const KEY_VALUE_TABLE: &str = "__rootapp_kv";

/// Virtual table of the file's pages.
const PAGES_TABLE: &str = "sqlite_dbpage";

/// Reason to refuse an action on a table, if there is one.
pub fn refusal(action: AuthAction, mode: Mode) -> Option<String> {
    use AuthAction as A;
    match action {
        A::Insert { table_name } | A::Update { table_name, .. } | A::Delete { table_name } => {
            (is_own(table_name) || is_named(table_name, PAGES_TABLE)).then(|| own(table_name))
        }
        A::CreateTable { table_name } | A::CreateVtable { table_name, .. } | A::CreateView { view_name: table_name } => {
            is_own(table_name).then(|| own(table_name))
        }
        A::DropTable { table_name }
        | A::DropVtable { table_name, .. }
        | A::DropView { view_name: table_name }
        | A::AlterTable { table_name, .. } => is_ours(table_name).then(|| own(table_name)),
        A::CreateIndex { index_name, table_name } => {
            (is_own(index_name) || is_own(table_name)).then(|| own(table_name))
        }
        A::DropIndex { index_name, .. } => is_ours(index_name).then(|| own(index_name)),
        A::CreateTrigger { trigger_name, table_name } | A::CreateTempTrigger { trigger_name, table_name } => {
            (is_own(trigger_name) || is_own(table_name)).then(|| own(table_name))
        }
        A::CreateTempTable { .. } | A::CreateTempView { .. } if matches!(mode, Mode::Group | Mode::Alone | Mode::Reader) => {
            Some(
                "a temporary table or view exists on one connection only, where other statements would not find it; \
                 use it within transaction() or on a connection of reserve()"
                    .to_owned(),
            )
        }
        _ => None,
    }
}

/// Returns `true` if an action writes rows of the key-value table.
pub fn writes_keys(action: &AuthAction) -> bool {
    match action {
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } => is_named(table_name, KEY_VALUE_TABLE),
        _ => false,
    }
}

fn own(name: &str) -> String {
    format!("{name} belongs to the store, and is not for SQL to change")
}

fn is_own(name: &str) -> bool {
    name.get(..OWN_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN_PREFIX))
}

/// Returns `true` if a table or an index is this package's or the key-value table's.
fn is_ours(name: &str) -> bool {
    is_own(name)
        || name.get(..KEY_VALUE_TABLE.len()).is_some_and(|start| start.eq_ignore_ascii_case(KEY_VALUE_TABLE))
}

fn is_named(name: &str, other: &str) -> bool {
    name.eq_ignore_ascii_case(other)
}

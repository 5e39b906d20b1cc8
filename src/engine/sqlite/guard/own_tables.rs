//! Tables of this package and of the key-value store, which user SQL must not change.

use rusqlite::hooks::{AuthAction, AuthContext};

use super::mode::Mode;

/// Prefix of what this package adds to the SDK's table, and of the table of migrations. User SQL may only read these.
const OWN_PREFIX: &str = "__rootcellar_";

/// Prefix of the SDK's tables. User SQL may write their rows, but not alter the tables.
const SDK_PREFIX: &str = "__rootapp_";

const KEY_VALUE_TABLE: &str = "__rootapp_kv";

/// Names of the table of what is temporary.
const TEMP_SCHEMA_TABLES: &[&str] = &["sqlite_temp_master", "sqlite_temp_schema"];

/// Reason to refuse an action on a table, an index, a view or a trigger, if there is one.
pub fn refusal(context: &AuthContext, mode: Mode) -> Option<String> {
    use AuthAction as A;
    let is_for_one_statement = matches!(mode, Mode::Group | Mode::Alone | Mode::Reader);
    match &context.action {
        A::Insert { table_name }
        | A::Update { table_name, .. }
        | A::Delete { table_name }
        | A::CreateIndex { table_name, .. }
        | A::CreateTrigger { table_name, .. }
            if is_own(table_name) =>
        {
            Some(own(table_name))
        }
        A::CreateTable { table_name: name }
        | A::CreateTempTable { table_name: name }
        | A::CreateVtable { table_name: name, .. }
        | A::CreateView { view_name: name }
        | A::CreateTempView { view_name: name }
        | A::CreateIndex { index_name: name, .. }
        | A::CreateTempIndex { index_name: name, .. }
        | A::CreateTrigger { trigger_name: name, .. }
        | A::CreateTempTrigger { trigger_name: name, .. }
            if is_reserved(name) =>
        {
            Some(reserved(name))
        }
        A::DropTable { table_name: name }
        | A::DropVtable { table_name: name, .. }
        | A::DropView { view_name: name }
        | A::DropIndex { index_name: name, .. }
        | A::DropTrigger { trigger_name: name, .. }
        | A::AlterTable { table_name: name, .. }
            if is_reserved(name) =>
        {
            Some(own(name))
        }
        A::CreateTempTrigger { table_name, .. } if is_reserved(table_name) => Some(temporary_trigger(table_name)),
        _ if is_for_one_statement && makes_temporary(context) => Some(
            "what is temporary exists on one connection only, where other statements would not find it; use it within \
             transaction() or on a connection of reserve()"
                .to_owned(),
        ),
        _ => None,
    }
}

/// Reason to refuse an action of a user's trigger within a statement of this package, if there is one.
pub fn refusal_to_trigger(action: &AuthAction, trigger: &str) -> Option<String> {
    match action {
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name }
            if is_own(table_name) =>
        {
            Some(format!("the trigger {trigger} changes {table_name}, which belongs to the store; drop it"))
        }
        _ => None,
    }
}

/// Returns `true` if an action writes rows of the key-value table.
pub fn writes_keys(action: &AuthAction) -> bool {
    match action {
        AuthAction::Insert { table_name }
        | AuthAction::Update { table_name, .. }
        | AuthAction::Delete { table_name } => table_name.eq_ignore_ascii_case(KEY_VALUE_TABLE),
        _ => false,
    }
}

/// Returns `true` if an action creates a temporary table, view or trigger.
pub fn makes_temporary(context: &AuthContext) -> bool {
    use AuthAction as A;
    match &context.action {
        A::CreateTempTable { .. } | A::CreateTempView { .. } | A::CreateTempTrigger { .. } => true,
        A::CreateTable { .. } | A::CreateView { .. } | A::CreateVtable { .. } => is_in_temp(context),
        // All that SQLite tells of `CREATE TRIGGER temp.x`.
        A::Insert { .. } => writes_temp_schema(context),
        _ => false,
    }
}

/// Returns `true` if an action adds to the schema of what is temporary.
pub fn writes_temp_schema(context: &AuthContext) -> bool {
    let is_schema = |name: &str| TEMP_SCHEMA_TABLES.iter().any(|table| table.eq_ignore_ascii_case(name));
    matches!(&context.action, AuthAction::Insert { table_name } if is_schema(table_name))
}

fn is_in_temp(context: &AuthContext) -> bool {
    context.database_name.is_some_and(|name| name.eq_ignore_ascii_case("temp"))
}

/// Reason to refuse a temporary trigger on a table.
pub fn temporary_trigger(table: &str) -> String {
    format!("a temporary trigger on {table} would change what is stored behind the back of whoever stores it")
}

/// Reason to refuse a change of what exists.
pub fn own(name: &str) -> String {
    format!("{name} belongs to the store, and is not for SQL to change")
}

/// Reason to refuse a name.
pub fn reserved(name: &str) -> String {
    format!(
        "the name {name} is the store's to give, as all that begin with {OWN_PREFIX} or {SDK_PREFIX}; choose another"
    )
}

/// Returns `true` if a name has the prefix of this package.
pub fn is_own(name: &str) -> bool {
    begins_with(name, OWN_PREFIX)
}

/// Returns `true` if a name has the prefix of this package or of the SDK.
pub fn is_reserved(name: &str) -> bool {
    is_own(name) || begins_with(name, SDK_PREFIX)
}

/// Returns `true` if a name is reserved, or those of the tables would be in which a virtual table of this name keeps its data.
pub fn begins_reserved(name: &str) -> bool {
    is_reserved(&format!("{name}_"))
}

fn begins_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

//! Policy: actions that user SQL must not do, because they would end the file's durability, spoil its backup, or
//! damage this package's own tables.

use rusqlite::ffi;
use rusqlite::hooks::{AuthAction, AuthContext};

use super::mode::Mode;
use super::{modules, own_tables};

/// Pragmas that only report, or change what is stored in the file, whatever their argument.
const PRAGMAS_WITH_ARGUMENT: &[&str] = &[
    "application_id",
    "foreign_key_check",
    "foreign_key_list",
    "incremental_vacuum",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "optimize",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
    "wal_checkpoint",
];

/// Pragmas that may be set to the values that they have.
const PRAGMAS_AS_THEY_ARE: &[(&str, &[&str])] = &[
    ("foreign_keys", &["on", "1", "true", "yes"]),
    ("journal_mode", &["wal"]),
    ("locking_mode", &["normal"]),
    ("query_only", &["off", "0", "false", "no"]),
    ("writable_schema", &["off", "0", "false", "no"]),
];

/// Prefix of the names of this package's savepoints and functions.
const OWN_NAMES: &str = "__rootcellar";

/// Functions that read or set addresses of code.
const FUNCTIONS_REFUSED: &[&str] = &["fts3_tokenizer"];

/// Pragmas that belong to a connection, and the values that they are reset to.
pub const CONNECTION_PRAGMAS: &[(&str, &str)] = &[
    ("foreign_keys", "ON"),
    ("defer_foreign_keys", "OFF"),
    ("ignore_check_constraints", "OFF"),
    ("legacy_alter_table", "OFF"),
    ("recursive_triggers", "OFF"),
    ("reverse_unordered_selects", "OFF"),
];

/// Reason to refuse an action, if there is one.
pub fn refusal(context: &AuthContext, mode: Mode) -> Option<String> {
    match &context.action {
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::Unknown { code: ffi::SQLITE_ATTACH | ffi::SQLITE_DETACH, .. } => Some(
            "ATTACH and DETACH are not allowed: what is in another file would be missing from the backup"
                .to_owned(),
        ),
        AuthAction::Pragma { pragma_name, pragma_value: Some(value) } => pragma_refusal(pragma_name, value, mode),
        AuthAction::Savepoint { savepoint_name, .. } if is_own(savepoint_name) => {
            Some(format!("{OWN_NAMES} begins the names of the store's own savepoints; choose another"))
        }
        AuthAction::Function { function_name }
            if FUNCTIONS_REFUSED.iter().any(|name| name.eq_ignore_ascii_case(function_name)) =>
        {
            Some(format!("the function {function_name} is not allowed: it reads and sets addresses in memory"))
        }
        AuthAction::Function { function_name } if is_own(function_name) => {
            Some(format!("the function {function_name} is not allowed: it is the store's own"))
        }
        AuthAction::CreateVtable { module_name, .. } => {
            modules::refusal(module_name).or_else(|| own_tables::refusal(context, mode))
        }
        _ => own_tables::refusal(context, mode),
    }
}

fn is_own(name: &str) -> bool {
    name.get(..OWN_NAMES.len()).is_some_and(|start| start.eq_ignore_ascii_case(OWN_NAMES))
}

fn pragma_refusal(name: &str, value: &str, mode: Mode) -> Option<String> {
    let name = name.to_ascii_lowercase();
    let is_it = |one: &&str| *one == name;
    let as_it_is = |(one, values): &(&str, &[&str])| {
        *one == name && values.iter().any(|allowed| value.eq_ignore_ascii_case(allowed))
    };
    if PRAGMAS_WITH_ARGUMENT.iter().any(is_it)
        || (mode != Mode::Reader || name != "query_only") && PRAGMAS_AS_THEY_ARE.iter().any(as_it_is)
    {
        return None;
    }
    let of_connection = CONNECTION_PRAGMAS.iter().any(|(one, _)| *one == name);
    match mode {
        Mode::Internal | Mode::Alone | Mode::Reserved if of_connection => None,
        Mode::Transaction if name == "defer_foreign_keys" => None,
        _ if of_connection => Some(format!(
            "PRAGMA {name} sets a state of one connection, and would not last here; use a connection of reserve(), or \
             exec() with a script that also resets it"
        )),
        _ => Some(format!(
            "PRAGMA {name} may not be set: the store sets it itself, and durability, the backup or other users of the \
             file depend on it"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pragma(name: &str, value: &str, mode: Mode) -> bool {
        pragma_refusal(name, value, mode).is_none()
    }

    #[test]
    fn what_ends_durability_is_refused_everywhere() {
        for mode in [Mode::Reader, Mode::Group, Mode::Alone, Mode::Transaction, Mode::Reserved] {
            for (name, value) in [
                ("journal_mode", "OFF"),
                ("journal_mode", "DELETE"),
                ("JOURNAL_MODE", "memory"),
                ("locking_mode", "EXCLUSIVE"),
                ("writable_schema", "ON"),
                ("synchronous", "OFF"),
                ("schema_version", "1"),
                ("wal_autocheckpoint", "0"),
                ("mmap_size", "1"),
                ("trusted_schema", "0"),
            ] {
                assert!(!pragma(name, value, mode), "{name} {value} {mode:?}");
            }
        }
    }

    #[test]
    fn what_is_as_it_should_be_may_be_said_again() {
        assert!(pragma("journal_mode", "WAL", Mode::Group));
        assert!(pragma("foreign_keys", "on", Mode::Group));
        assert!(!pragma("foreign_keys", "off", Mode::Group));
        assert!(pragma("foreign_keys", "off", Mode::Reserved));
        assert!(!pragma("query_only", "off", Mode::Reader));
    }
}

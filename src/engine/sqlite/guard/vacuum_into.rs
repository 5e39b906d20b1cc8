//! Targets allowed for `VACUUM INTO`: new files whose names mean nothing to the store or its backups.

use std::path::Path;

use rusqlite::ffi;
use rusqlite::hooks::AuthAction;

/// Endings of names that have a meaning for SQLite or for backups.
const MEANINGFUL_ENDINGS: &[&str] = &["-journal", "-shm", "-wal", ".backup", ".backup-state", ".ltx"];

/// The folder of a destination that holds the backups.
const BACKUPS: &str = "ltx";

/// Reason why a running `VACUUM` of the database at `path` may not do something; `None` if it may. It attaches the file that it
/// writes to: without a name if that is temporary.
pub fn refusal(action: &AuthAction, path: &Path) -> Option<String> {
    match action {
        AuthAction::Attach { filename: "" } => None,
        AuthAction::Attach { filename } => refusal_of_target(filename, path),
        AuthAction::Unknown { code: ffi::SQLITE_ATTACH, .. } => Some(refused("is not named as a file")),
        _ => None,
    }
}

fn refusal_of_target(target: &str, database: &Path) -> Option<String> {
    if target.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("file:")) {
        return Some(refused("must be a plain path, not a URI"));
    }
    let target = Path::new(target);
    // Also a link that leads nowhere yet.
    if target.symlink_metadata().is_ok() {
        return Some(refused("exists"));
    }
    // Without a folder that is there SQLite will not write.
    let folder = folder_of(target)?;
    let given = target.file_name()?.to_string_lossy();
    let Some(name) = name_of_file(&given, cfg!(windows)) else {
        return Some(refused("has a name with a : for Windows, which takes that for a part of another file"));
    };
    let name = name.to_ascii_lowercase();
    let folder_names = folder.components().map(|part| part.as_os_str().to_string_lossy().to_ascii_lowercase());
    if folder_names.chain([name.clone()]).any(|name| is_meaningful(&name)) {
        return Some(refused("has a name that backups or SQLite give a meaning"));
    }
    let own_name = database.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    if folder_of(database).as_ref() == Some(&folder) && name.starts_with(&own_name) {
        return Some(refused("has a name that begins like the store's own files"));
    }
    None
}

/// The folder of a file, its links followed, if it is there.
fn folder_of(file: &Path) -> Option<std::path::PathBuf> {
    let folder = file.parent()?;
    if folder.as_os_str().is_empty() { Path::new(".") } else { folder }.canonicalize().ok()
}

/// The name that a file gets: Windows leaves out dots and spaces at its end. `None` if it would be a stream of another file.
fn name_of_file(given: &str, on_windows: bool) -> Option<&str> {
    match given {
        _ if !on_windows => Some(given),
        _ if given.contains(':') => None,
        _ => Some(given.trim_end_matches(['.', ' '])),
    }
}

fn is_meaningful(name: &str) -> bool {
    name == BACKUPS || MEANINGFUL_ENDINGS.iter().any(|ending| name.ends_with(ending))
}

fn refused(what: &str) -> String {
    format!("VACUUM INTO writes to a new file only: this one {what}; choose another name, or use backups.restore()")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_files_with_names_of_no_meaning_are_written() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        let database = folder.path().join("bot.sqlite3");
        for name in ["ltx", "LTX/0", "bot.sqlite3.backup/ltx/0", "bot.sqlite3.backup-state"] {
            std::fs::create_dir_all(at(name)).unwrap();
        }
        std::fs::write(at("empty"), "").unwrap();
        for name in [
            "empty",
            "bot.sqlite3",
            "bot.sqlite3-wal",
            "BOT.sqlite3-anything",
            "bot.sqlite3.restoring",
            "other-wal",
            "LTX/0/x",
            "ltx/info",
            "x/../ltx/info",
            "0000000000000001-0000000000000001.ltx",
            "bot.sqlite3.backup/x",
            "bot.sqlite3.backup-state/lock",
            "new.backup",
        ] {
            std::fs::create_dir_all(at("x")).unwrap();
            assert!(refusal_of_target(&at(name), &database).is_some(), "{name}");
        }
        assert!(refusal_of_target(&format!("file:{}", at("new")), &database).is_some());
        assert!(refusal_of_target(&format!("FILE:{}?mode=rwc", at("new")), &database).is_some());
        assert_eq!(refusal_of_target(&at("copy.sqlite3"), &database), None);
        assert_eq!(refusal_of_target(&at("x/bot.sqlite3"), &database), None);
    }

    #[test]
    fn a_name_is_judged_as_the_system_understands_it() {
        for (given, on_windows, elsewhere) in [
            ("copy.sqlite3", Some("copy.sqlite3"), "copy.sqlite3"),
            ("other-wal. .", Some("other-wal"), "other-wal. ."),
            ("copy.sqlite3:stream", None, "copy.sqlite3:stream"),
            ("other-wal::$DATA", None, "other-wal::$DATA"),
        ] {
            assert_eq!(name_of_file(given, true), on_windows);
            assert_eq!(name_of_file(given, false), Some(elsewhere));
        }
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_to_where_a_file_would_be_made() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("real/ltx")).unwrap();
        std::os::unix::fs::symlink(at("real/ltx"), at("harmless")).unwrap();
        std::os::unix::fs::symlink(at("real/ltx/new"), at("leads-there")).unwrap();
        let database = at("bot.sqlite3");
        assert!(refusal_of_target(at("harmless/copy").to_str().unwrap(), &database).is_some());
        assert!(refusal_of_target(at("leads-there").to_str().unwrap(), &database).is_some());
    }
}

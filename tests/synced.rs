//! Order of syncs: data is on disk before it has its name, and its name before anybody is told, as the system sees it.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use rootcellar::backup::capture::page_diff::PageDiff;
use rootcellar::backup::catalog::files::FileName;
use rootcellar::backup::catalog::plan::Target;
use rootcellar::backup::destination::{Destination, Folder};
use rootcellar::backup::events::Observers;
use rootcellar::backup::local::state_dir::StateDir;
use rootcellar::backup::publish::publisher::Publisher;
use rootcellar::backup::recover::prepare::prepare;
use rootcellar::backup::restore_to;
use rootcellar::ltx::Txid;

/// Set where a test runs itself to be watched: the folder to work in.
const WATCHED: &str = "ROOTCELLAR_TEST_WATCHED_FOLDER";

/// Requests to the system while a test's `work` was done in a folder, line by line: syncs, and changes of names. `None` in the
/// test that does the work, and where there is no strace.
fn watched(test: &str, work: impl FnOnce(&Path)) -> Option<Vec<String>> {
    if let Some(folder) = std::env::var_os(WATCHED) {
        work(Path::new(&folder));
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let watched = Command::new("strace")
        .args([
            "-f",
            "-y",
            "-s",
            "300",
            "-e",
            "trace=fsync,fdatasync,link,linkat,rename,renameat,renameat2,unlink,unlinkat",
        ])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test])
        .env(WATCHED, folder.path())
        .output();
    let Ok(watched) = watched else {
        println!("strace is not there: the order of syncs was not watched");
        return None;
    };
    let lines = String::from_utf8_lossy(&watched.stderr).into_owned();
    if !watched.status.success() && lines.contains("PTRACE") {
        println!("strace may not watch: the order of syncs was not watched");
        return None;
    }
    Some(lines.lines().filter(|line| line.contains("= 0")).map(str::to_owned).collect())
}

/// Index of the first line from `start` on that has all of these.
fn place(lines: &[String], start: usize, what: &[&str]) -> usize {
    let found = lines.iter().skip(start).position(|line| what.iter().all(|part| line.contains(part)));
    start + found.unwrap_or_else(|| panic!("no {what:?} from line {start} on of {lines:#?}"))
}

#[test]
fn a_backup_is_on_disk_before_it_has_its_name_and_the_name_before_it_is_published() {
    let test = "a_backup_is_on_disk_before_it_has_its_name_and_the_name_before_it_is_published";
    let lines = watched(test, |root| {
        let folder = Folder::new(root);
        let staged = folder.staging().unwrap().unwrap().join("staged.tmp");
        std::fs::write(&staged, b"content").unwrap();
        folder.create(FileName::captured(Txid::FIRST), &staged, 0).unwrap();
    });
    let Some(lines) = lines else { return };
    let named = place(&lines, 0, &["link", "0000000000000001-0000000000000001.ltx"]);
    assert!(place(&lines, 0, &["fsync(", "staged.tmp>"]) < named, "{lines:#?}");
    let folder_is_synced = place(&lines, named, &["fsync(", "/ltx/0>"]);
    assert!(folder_is_synced < place(&lines, named, &["unlink", "staged.tmp"]), "{lines:#?}");
}

/// Makes a backup of a small database, beside `folder`.
fn back_up(folder: &Path) -> Arc<dyn Destination> {
    let database = folder.join("original.sqlite3");
    rusqlite::Connection::open(&database).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
    let destination: Arc<dyn Destination> = Arc::new(Folder::new(&folder.join("backups")));
    let state_dir = StateDir::beside(&database).unwrap();
    let capture = Box::new(PageDiff::open(&database).unwrap());
    Publisher::new(state_dir.folder(), Arc::clone(&destination), capture).unwrap().run(0).unwrap();
    destination
}

#[test]
fn a_file_is_restored_on_disk_before_it_has_its_name_and_the_name_before_it_is_opened() {
    let test = "a_file_is_restored_on_disk_before_it_has_its_name_and_the_name_before_it_is_opened";
    let lines = watched(test, |folder| {
        let destination = back_up(folder);
        let database = folder.join("lost.sqlite3");
        let state_dir = StateDir::beside(&database).unwrap();
        prepare(
            &database,
            &state_dir,
            &state_dir.lock_for_opening().unwrap(),
            &destination,
            None,
            0,
            &Observers::default(),
        )
        .unwrap();
        std::fs::rename(&database, folder.join("prepared")).unwrap();
    });
    let Some(lines) = lines else { return };
    let named = place(&lines, 0, &["rename", "lost.sqlite3.restoring-"]);
    assert!(place(&lines, 0, &["fsync(", "lost.sqlite3.restoring-"]) < named, "{lines:#?}");
    let prepared = place(&lines, named, &["rename", "/prepared"]);
    let folder = lines[prepared].split('"').nth(1).unwrap().trim_end_matches("/lost.sqlite3");
    assert!(place(&lines, named, &["fsync(", &format!("{folder}>")]) < prepared, "{lines:#?}");
}

#[test]
fn a_copy_is_restored_on_disk_before_it_has_its_name_and_the_name_before_that_is_said() {
    let test = "a_copy_is_restored_on_disk_before_it_has_its_name_and_the_name_before_that_is_said";
    let lines = watched(test, |folder| {
        let destination = back_up(folder);
        let copy = folder.join("copy.sqlite3");
        restore_to(&*destination, Target::Newest, &copy, false, &Arc::default(), &mut |_| {}).unwrap();
        std::fs::rename(&copy, folder.join("said")).unwrap();
    });
    let Some(lines) = lines else { return };
    let named = place(&lines, 0, &["link", "copy.sqlite3.restoring-"]);
    assert!(place(&lines, 0, &["fsync(", "copy.sqlite3.restoring-"]) < named, "{lines:#?}");
    let said = place(&lines, named, &["rename", "/said"]);
    let folder = lines[said].split('"').nth(1).unwrap().trim_end_matches("/copy.sqlite3");
    assert!(place(&lines, named, &["fsync(", &format!("{folder}>")]) < said, "{lines:#?}");
}

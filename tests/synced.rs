//! A backup is on disk before it has its name, and its name before anybody is told: as the system sees it.

use std::path::Path;
use std::process::Command;

use rootcellar::backup::destination::{Destination, Folder};
use rootcellar::backup::files::FileName;
use rootcellar::ltx::Txid;

/// Set where the test runs itself to be watched: the folder to publish to.
const WATCHED: &str = "ROOTCELLAR_TEST_WATCHED_FOLDER";

fn publish(root: &Path) {
    let folder = Folder::new(root);
    let staged = folder.staging().unwrap().unwrap().join("staged.tmp");
    std::fs::write(&staged, b"content").unwrap();
    folder.create(FileName::captured(Txid::FIRST), &staged, 0).unwrap();
}

#[test]
fn a_backup_is_on_disk_before_it_has_its_name_and_the_name_before_it_is_published() {
    if let Some(root) = std::env::var_os(WATCHED) {
        return publish(Path::new(&root));
    }
    let folder = tempfile::tempdir().unwrap();
    let watched = Command::new("strace")
        .args(["-f", "-y", "-s", "300", "-e", "trace=fsync,fdatasync,link,linkat,rename,unlink,unlinkat"])
        .arg(std::env::current_exe().unwrap())
        .arg("--exact")
        .arg("a_backup_is_on_disk_before_it_has_its_name_and_the_name_before_it_is_published")
        .env(WATCHED, folder.path())
        .output();
    let Ok(watched) = watched.as_ref().map(|output| String::from_utf8_lossy(&output.stderr)) else {
        println!("strace is not there: the order of syncs was not watched");
        return;
    };
    let place = |what: &str, name: &str| {
        watched.lines().position(|line| line.contains(what) && line.contains(name) && line.contains("= 0"))
    };
    let named = place("link", "0000000000000001-0000000000000001.ltx").expect("a link");
    assert!(place("fsync(", "staged.tmp>").is_some_and(|synced| synced < named), "{watched}");
    assert!(place("fsync(", "/ltx/0>").is_some(), "{watched}");
    let synced_folder =
        watched.lines().skip(named).position(|line| line.contains("fsync(") && line.contains("/ltx/0>"));
    let removed =
        watched.lines().skip(named).position(|line| line.contains("unlink") && line.contains("staged.tmp"));
    assert!(synced_folder.is_some() && synced_folder < removed, "{watched}");
}

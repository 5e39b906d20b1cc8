//! Litestream's own program restores what is written here, to the same bytes, and from the same files chooses the same
//! states.

#[path = "support/litestream.rs"]
mod program;

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use fastrand::Rng;
use rootcellar::backup::capture::wal_capture::WalCapture;
use rootcellar::backup::catalog::files::{BackupFile, FileName, Level, of_level};
use rootcellar::backup::catalog::plan::Target;
use rootcellar::backup::catalog::{compaction, retention};
use rootcellar::backup::destination::{Created, Destination, Folder};
use rootcellar::backup::publish::publisher::Publisher;
use rootcellar::backup::restore::image::restore;
use rootcellar::ltx::{Decoder, Encoder, Encoding, Header, Merge, PageSize, Txid};

use program::{filled_by, libraries, litestream, releases};

const START_MS: i64 = 1_735_689_600_000;

fn ours(folder: &Folder, target: Target) -> Option<Vec<u8>> {
    let output = tempfile::tempdir().unwrap();
    let path = output.path().join("out.sqlite3");
    let files = folder.list().unwrap();
    restore(folder, &files, target, &path, &mut |_| {}).ok().map(|_| std::fs::read(path).unwrap())
}

fn rfc_3339(time_ms: i64) -> String {
    // The histories here last for less than a month from New Year.
    let ms = time_ms - START_MS;
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (day, hour) = (seconds / 86_400 + 1, seconds / 3600 % 24);
    format!("2025-01-{day:02}T{hour:02}:{:02}:{:02}.{ms:03}Z", seconds / 60 % 60, seconds % 60)
}

fn put(folder: &Folder, name: FileName, content: &[u8], time_ms: i64) {
    let staged = folder.staging().unwrap().unwrap().join("staged.tmp");
    std::fs::write(&staged, content).unwrap();
    assert_eq!(folder.create(name, &staged, time_ms).unwrap(), Created::New);
}

fn txid(number: u64) -> Txid {
    Txid::new(number).unwrap()
}

/// Databases with nothing but page 1 right, which is all that is asked of those that are restored without a check of
/// integrity: states of a database that SQLite made, page by page.
fn states(page_size: u32, rng: &mut Rng) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.sqlite3");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection.pragma_update(None, "page_size", page_size).unwrap();
    connection.execute_batch("CREATE TABLE t (k INTEGER PRIMARY KEY, v)").unwrap();
    (0..40)
        .map(|_| {
            let (key, bytes) = (rng.u32(0..30), rng.u32(0..9000));
            let sql = match rng.u8(0..8) {
                0 => format!("DELETE FROM t WHERE k > {key}; VACUUM"),
                1 => format!("REPLACE INTO t VALUES ({key}, zeroblob({bytes}))"),
                _ => format!("REPLACE INTO t VALUES ({key}, randomblob({bytes}))"),
            };
            connection.execute_batch(&sql).unwrap();
            std::fs::read(&path).unwrap()
        })
        .collect()
}

/// A file of what differs between two states; of everything for the first.
fn increment(before: &[u8], after: &[u8], header: &Header, encoding: Encoding) -> Vec<u8> {
    let size = header.page_size.len();
    let mut encoder = Encoder::with_encoding(Vec::new(), header.clone(), encoding).unwrap();
    for (number, page) in (1..).zip(after.chunks(size)) {
        let place = (number as usize - 1) * size;
        if before.get(place..place + size) != Some(page) {
            encoder.page(number, page).unwrap();
        }
    }
    encoder.finish().unwrap().0
}

/// Captures of states, merged and thinned as they would be, with a snapshot here and there.
fn replica(folder: &Folder, page_size: u32, states: &[Vec<u8>], rng: &mut Rng) -> Vec<i64> {
    let size = PageSize::new(page_size).unwrap();
    let mut times = Vec::new();
    let mut now_ms = START_MS;
    let mut before: &[u8] = &[];
    for (number, state) in (1..).zip(states) {
        now_ms += rng.i64(1..20_000);
        times.push(now_ms);
        let commit = u32::try_from(state.len() / size.len()).unwrap();
        let header = Header::new(size, commit, txid(number), txid(number), now_ms);
        let name = FileName::captured(txid(number));
        put(folder, name, &increment(before, state, &header, Encoding::Frame), now_ms);
        if rng.u8(0..12) == 0 && number > 1 {
            let header = Header { min_txid: Txid::FIRST, ..header };
            let content = increment(&[], state, &header, Encoding::Frame);
            put(folder, FileName::snapshot(txid(number)), &content, now_ms);
        }
        if rng.u8(0..6) == 0 {
            maintain(folder, now_ms);
        }
        before = state;
    }
    times
}

fn maintain(folder: &Folder, now_ms: i64) {
    let mut files = folder.list().unwrap();
    loop {
        let due = compaction::due(&files, now_ms);
        if due.is_empty() {
            break;
        }
        for compaction in due {
            let merge = Merge::new(compaction.inputs.iter().map(|file| folder.open(file.name).unwrap())).unwrap();
            let header = merge.header().clone();
            let mut encoder = Encoder::new(Vec::new(), header.clone()).unwrap();
            merge.pages(|number, page| encoder.page(number, page)).unwrap();
            let (content, _) = encoder.finish().unwrap();
            put(folder, compaction.name, &content, header.timestamp_ms);
            let bytes = content.len() as u64;
            files.push(BackupFile { name: compaction.name, bytes, time_ms: header.timestamp_ms });
        }
    }
    for file in retention::expired(&files, |_| false, now_ms, Duration::ZERO, Duration::from_secs(7 * 24 * 60 * 60))
    {
        folder.remove(file.name).unwrap();
    }
}

#[test]
fn litestream_restores_what_was_written_and_chooses_the_same_states() {
    let releases = releases();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    for page_size in [512, 4096, 65_536] {
        let root = tempfile::tempdir().unwrap();
        let folder = Folder::new(root.path());
        let states = states(page_size, &mut rng);
        let times = replica(&folder, page_size, &states, &mut rng);
        let newest = states.last().unwrap();
        assert!(ours(&folder, Target::Newest).as_ref() == Some(newest));
        for release in &releases {
            assert!(litestream(release, root.path(), &[]).as_ref() == Some(newest), "{}", release.display());
        }
        let Some(release) = releases.last() else { continue };
        let files = folder.list().unwrap();
        for number in (1..=states.len()).step_by(4) {
            let number = txid(number as u64);
            let theirs = litestream(release, root.path(), &["-txid", &number.to_string()]);
            assert!(ours(&folder, Target::Txid(number)) == theirs, "transaction {number}");
        }
        let oldest_ms = files.iter().map(|file| file.time_ms).min().unwrap();
        for time_ms in times.iter().step_by(5).flat_map(|time_ms| [*time_ms, time_ms + 1]) {
            if (oldest_ms..=*times.last().unwrap()).contains(&time_ms) {
                let theirs = litestream(release, root.path(), &["-timestamp", &rfc_3339(time_ms)]);
                assert!(ours(&folder, Target::Before(time_ms)) == theirs, "before {}", rfc_3339(time_ms));
            }
        }
    }
}

#[test]
fn litestream_reads_the_format_s_own_examples_as_they_are_written_here() {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ltx");
    let state = std::fs::read(fixtures.join("state2.db")).unwrap();
    for example in ["frame", "block"] {
        for encoding in [Encoding::Frame, Encoding::Block] {
            let root = tempfile::tempdir().unwrap();
            let folder = Folder::new(root.path());
            encode_anew(&Folder::new(&fixtures.join(example)), &folder, encoding);
            assert!(ours(&folder, Target::Newest).as_ref() == Some(&state));
            // Blocks are read from 0.5.16 on.
            let reads = |path: &PathBuf| {
                encoding == Encoding::Frame
                    || !["v0.5.0", "0.5.14", "0.5.15"]
                        .iter()
                        .any(|old| path.components().any(|part| part.as_os_str().to_string_lossy().ends_with(old)))
            };
            for release in releases().iter().filter(|path| reads(path)) {
                assert!(litestream(release, root.path(), &[]).as_ref() == Some(&state), "{}", release.display());
            }
            for library in libraries().iter().filter(|path| reads(path)) {
                let query = "SELECT count(*) FROM sqlite_schema";
                assert!(filled_by(library, root.path(), query, &state) == state, "{}", library.display());
            }
        }
    }
}

fn encode_anew(from: &Folder, to: &Folder, encoding: Encoding) {
    for file in of_level(&from.list().unwrap(), Level::CAPTURED) {
        let mut decoder = Decoder::new(from.open(file.name).unwrap()).unwrap();
        let header = decoder.header().clone();
        let mut encoder = Encoder::with_encoding(Vec::new(), header.clone(), encoding).unwrap();
        let mut page = vec![0; header.page_size.len()];
        while let Some(number) = decoder.page(&mut page).unwrap() {
            encoder.page(number, &page).unwrap();
        }
        put(to, file.name, &encoder.finish().unwrap().0, header.timestamp_ms);
    }
}

/// Rows written to a database in nine days, captured every two hours, merged and thinned.
#[test]
fn litestream_restores_what_days_of_backups_were_merged_and_thinned_to() {
    const STEP_MS: i64 = 2 * 60 * 60 * 1000;
    const WEEK: Duration = Duration::from_secs(7 * 24 * 60 * 60);
    let home = tempfile::tempdir().unwrap();
    let [database, state, root] = ["a.sqlite3", "state", "replica"].map(|name| home.path().join(name));
    std::fs::create_dir(&state).unwrap();
    let folder = Folder::new(&root);
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (k INTEGER PRIMARY KEY, v)").unwrap();
    let publisher = || {
        let capture = Box::new(WalCapture::open(&database).unwrap());
        Publisher::new(&state, Arc::new(folder.clone()), capture).unwrap()
    };
    let mut rng = Rng::with_seed(5);
    let mut current = publisher();
    let mut times = Vec::new();
    for step in 0..(9 * 12) {
        let sql = match step {
            40 => "DROP TABLE t; VACUUM; CREATE TABLE t (k INTEGER PRIMARY KEY, v)".to_owned(),
            // Nobody may have the file open meanwhile.
            70 => {
                drop(current);
                let sql =
                    "PRAGMA journal_mode = DELETE; PRAGMA page_size = 1024; VACUUM; PRAGMA journal_mode = WAL";
                connection.execute_batch(sql).unwrap();
                current = publisher();
                String::new()
            }
            _ => format!("REPLACE INTO t VALUES ({}, randomblob({}))", rng.u32(0..40), rng.u32(0..9000)),
        };
        connection.execute_batch(&sql).unwrap();
        let now_ms = START_MS + step * STEP_MS;
        if current.run(now_ms).unwrap().is_some() {
            times.push(now_ms);
        }
        current.maintain(now_ms + STEP_MS / 2, Duration::ZERO, WEEK).unwrap();
    }
    let files = folder.list().unwrap();
    assert!(!files.iter().any(|file| file.name.max == txid(1)), "the first day is past the retention");
    assert!(files.iter().any(|file| file.name.level == Level::SNAPSHOT));
    assert!(files.iter().any(|file| file.name.level > Level::CAPTURED && file.name.level < Level::SNAPSHOT));
    let newest = ours(&folder, Target::Newest).unwrap();
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    assert!(newest == std::fs::read(&database).unwrap());
    for release in releases() {
        assert!(litestream(&release, &root, &[]).as_ref() == Some(&newest), "{}", release.display());
    }
    let Some(release) = releases().pop() else { return };
    let mut states = 0;
    // It refuses times after the last.
    for time_ms in times.iter().rev().skip(1).step_by(5) {
        let theirs = litestream(&release, &root, &["-timestamp", &rfc_3339(time_ms + 1)]);
        states += usize::from(theirs.is_some());
        assert!(ours(&folder, Target::Before(time_ms + 1)) == theirs, "before {}", rfc_3339(time_ms + 1));
    }
    assert!(states > 12, "{states} states");
}

/// Configuration of Litestream: it merges and takes snapshots often.
fn configuration(database: &Path, root: &Path) -> String {
    format!(
        "levels: [{{interval: 1s}}, {{interval: 3s}}]\nsnapshot: {{interval: 4s, retention: 1h}}\n\
         dbs: [{{path: '{}', replica: {{type: file, path: '{}', sync-interval: 200ms}}}}]\n",
        database.display(),
        root.display()
    )
}

#[test]
fn what_litestream_wrote_is_restored_with_all_that_it_has_merged() {
    std::thread::scope(|scope| {
        for release in releases() {
            scope.spawn(move || what_a_release_wrote_is_restored(&release));
        }
    });
}

fn what_a_release_wrote_is_restored(release: &Path) {
    let home = tempfile::tempdir().unwrap();
    let [database, root, file] = ["a.sqlite3", "replica", "litestream.yml"].map(|name| home.path().join(name));
    std::fs::write(&file, configuration(&database, &root)).unwrap();
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (k INTEGER PRIMARY KEY, v)",
        )
        .unwrap();
    let mut replicate = Command::new(release)
        .args(["replicate", "-config", file.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for key in 0..50 {
        connection.execute("INSERT INTO t VALUES (?1, randomblob(5000))", [key]).unwrap();
        std::thread::sleep(Duration::from_millis(200));
    }
    let folder = Folder::new(&root);
    let levels = [Level::CAPTURED, Level::new(1).unwrap(), Level::new(2).unwrap(), Level::SNAPSHOT];
    let copy = home.path().join("copy.sqlite3");
    let rows = |connection: &rusqlite::Connection| -> String {
        let sql = "SELECT group_concat(k || hex(v)) FROM (SELECT * FROM t ORDER BY k)";
        connection.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    // Nobody knows how long that takes on a busy machine.
    let has_everything = || {
        let files = folder.list().unwrap_or_default();
        let Some(bytes) = ours(&folder, Target::Newest) else { return false };
        std::fs::write(&copy, bytes).unwrap();
        levels.iter().all(|level| !of_level(&files, *level).is_empty())
            && rows(&rusqlite::Connection::open(&copy).unwrap()) == rows(&connection)
    };
    let deadline = Instant::now() + Duration::from_secs(300);
    std::thread::sleep(Duration::from_millis(2500));
    while !has_everything() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(500));
    }
    replicate.kill().unwrap();
    replicate.wait().unwrap();

    let files = folder.list().unwrap();
    for level in levels {
        assert!(!of_level(&files, level).is_empty(), "{} has nothing of level {level}", release.display());
    }
    let bytes = ours(&folder, Target::Newest).unwrap();
    assert!(Some(&bytes) == litestream(release, &root, &[]).as_ref());
    for file in &files {
        let number = file.name.max;
        let theirs = litestream(release, &root, &["-txid", &number.to_string()]);
        assert!(ours(&folder, Target::Txid(number)) == theirs, "{}, transaction {number}", release.display());
    }
    std::fs::write(&copy, bytes).unwrap();
    assert!(rows(&rusqlite::Connection::open(copy).unwrap()) == rows(&connection));
}

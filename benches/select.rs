//! `select`: the encoder alone, and a whole select of 1,000 rows by prefix, from the file to the last slice.

use std::hint::black_box;
use std::sync::mpsc;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use rootcellar::Reply;
use rootcellar::batch::{Batch, Command};
use rootcellar::engine::sqlite::{Engine, Select};
use rootcellar::kv::{Address, Entry, EntryWriter, RowFormat};

const ROWS: usize = 1_000;
const KEYS: usize = 20_000;
const NOW_MS: i64 = 1_800_000_000_000;

fn key(index: usize) -> String {
    format!("group:{:03}:member:{index:09}", index / ROWS)
}

fn value(index: usize) -> String {
    format!(
        r#"{{"id":{index},"name":"Ada Lovelace of Root","level":7,"xp":4200,"roles":["member","gardener"],"joinedAt":1760000000000}}"#
    )
}

fn encoder(criterion: &mut Criterion) {
    let rows: Vec<_> = (0..ROWS).map(|index| (key(index), value(index))).collect();
    let mut group = criterion.benchmark_group("encoder");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, format) in [("entries", RowFormat::Entry), ("values", RowFormat::Value)] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut writer = EntryWriter::new(format);
                for (key, value) in &rows {
                    black_box(writer.push(key, value, None).unwrap());
                }
                writer.finish(None)
            });
        });
    }
    group.finish();
}

/// Fills a store, in the order of the keys or in that of their last digits.
fn filled(path: &std::path::Path, is_ordered: bool) -> Engine {
    let engine = Engine::open(path).unwrap();
    let place = |index: usize| if is_ordered { index } else { index * 7_919 % KEYS };
    let entry = |index: usize| Entry::new(Address::new(&key(place(index))), &value(place(index)));
    let sets = Command::SetMany((0..KEYS).map(entry).collect());
    assert_eq!(engine.execute(Batch::new(vec![sets], NOW_MS)).committed, 1);
    engine
}

fn whole(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("select");
    group.throughput(Throughput::Elements(ROWS as u64));
    for (name, is_ordered) in [("inserted in order", true), ("inserted at random", false)] {
        let folder = tempfile::tempdir().unwrap();
        let engine = filled(&folder.path().join("bot.sqlite3"), is_ordered);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let (answer, answers) = mpsc::channel();
                let question = Select {
                    community: None,
                    pattern: "group:007:%".into(),
                    now_ms: NOW_MS,
                    format: RowFormat::Entry,
                };
                let reply = Reply::new(move |last| answer.send(last).unwrap());
                engine.select(question, |progress| drop(black_box(progress)), reply);
                answers.recv().unwrap().unwrap()
            });
        });
        engine.close();
    }
    group.finish();
}

criterion_group!(benches, encoder, whole);
criterion_main!(benches);

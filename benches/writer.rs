//! The writer: one batch, one transaction, one sync. What a sync costs is in it, so that only the difference between
//! batches of different sizes says what the writer itself costs.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use rootcellar::batch::{Batch, Command};
use rootcellar::engine::sqlite::Engine;
use rootcellar::kv::{Address, Entry, Expected, NewExpiry, Swap};

const KEYS: usize = 20_000;
const NOW_MS: i64 = 1_800_000_000_000;

const VALUE: &str = r#"{"id":7,"name":"Ada Lovelace of Root","level":7,"xp":4200,"roles":["member","gardener"],"joinedAt":1760000000000}"#;

fn address(index: usize) -> Address {
    Address::new(&format!("group:{:03}:member:{index:09}", index / 1_000))
}

fn set(index: usize) -> Command {
    Command::Set(Entry::new(address(index), VALUE))
}

/// Command that an update sends, when nobody else has written.
fn swap(index: usize) -> Command {
    let expected = Expected::Value(VALUE.to_owned());
    Command::Swap(Swap { address: address(index), expected, value: VALUE.to_owned(), expiry: NewExpiry::Kept })
}

fn group_commit(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::open(&folder.path().join("bot.sqlite3")).unwrap();
    let fill = Command::SetMany((0..KEYS).map(|index| Entry::new(address(index), VALUE)).collect());
    assert_eq!(engine.execute(Batch::new(vec![fill], NOW_MS)).committed, 1);
    let mut group = criterion.benchmark_group("writer");
    for size in [1_usize, 100, 1_000] {
        for (name, command) in [("set", set as fn(usize) -> Command), ("update", swap)] {
            let mut random = fastrand::Rng::with_seed(1);
            let mut batch = || Batch::new((0..size).map(|_| command(random.usize(..KEYS))).collect(), NOW_MS);
            group.throughput(Throughput::Elements(size as u64));
            group.bench_function(format!("{name}, {size} in one batch"), |bencher| {
                bencher.iter_batched(&mut batch, |batch| engine.execute(batch), BatchSize::PerIteration);
            });
        }
    }
    group.finish();
    engine.close();
}

criterion_group!(benches, group_commit);
criterion_main!(benches);

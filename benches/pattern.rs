//! `LIKE` matching, a key at a time.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rootcellar::kv::Pattern;

const KEY: &str = "group:007:member:000007042";

fn matching(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("pattern");
    for (name, pattern) in [
        ("prefix", "group:007:%"),
        ("suffix", "%:000007042"),
        ("infix", "%member%"),
        ("single characters", "group:___:member:_________"),
        ("many wildcards", "%g%0%7%m%r%0%7%0%4%2%"),
        ("no match", "user:%"),
        ("no match until the end", "%x"),
    ] {
        let pattern = Pattern::new(pattern);
        group.bench_function(name, |bencher| bencher.iter(|| black_box(&pattern).matches(black_box(KEY))));
    }
    group.bench_function("parse", |bencher| bencher.iter(|| Pattern::new(black_box(r"group:\_007:%member%"))));
    group.finish();
}

criterion_group!(benches, matching);
criterion_main!(benches);

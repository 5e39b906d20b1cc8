//! Pages, counts and reads of many keys, against a plain map; in tables that the SDK has written to, too.

use std::collections::BTreeMap;
use std::sync::mpsc;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rootcellar::batch::{Batch, Command};
use rootcellar::engine::sqlite::{CountQuery, Engine, KeyQuery, PageQuery, SelectProgress, ValuesQuery};
use rootcellar::kv::{Address, Entry, KeyRange, RowFormat, is_expired};
use rootcellar::{Error, Reply};
use serde_json::{Value, json};

const NOW_MS: i64 = 1_800_000_000_000;
const PAST_MS: i64 = 1_000;
const FUTURE_MS: i64 = 32_000_000_000_000;

/// Content of a scope: of each key the newest value and its expiry.
type Model = BTreeMap<String, (i64, Option<i64>)>;

#[derive(Debug, Clone)]
enum Step {
    Set(String, i64, Option<i64>),
    /// `set` of the SDK: it adds a row.
    AddRow(String, i64, Option<i64>),
    Delete(String),
    Ask(KeyRange),
}

fn key() -> impl Strategy<Value = String> {
    let keys = vec![
        "",
        "\0",
        "a",
        "a\0",
        "ab",
        "b",
        "\u{7f}",
        "\u{80}",
        "\u{e000}",
        "\u{ffff}",
        "\u{10000}",
        "\u{10ffff}",
    ];
    prop::sample::select(keys).prop_map_into()
}

fn expiry() -> impl Strategy<Value = Option<i64>> {
    prop::sample::select(vec![None, None, Some(PAST_MS), Some(FUTURE_MS)])
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (key(), 0..9_i64, expiry()).prop_map(|(key, value, expires_at)| Step::Set(key, value, expires_at)),
        2 => (key(), 0..9_i64, expiry()).prop_map(|(key, value, expires_at)| Step::AddRow(key, value, expires_at)),
        1 => key().prop_map(Step::Delete),
        3 => (key(), prop::option::of(key())).prop_map(|(from, to)| Step::Ask(KeyRange { from, to })),
    ]
}

/// Asks, and puts the columns of all slices together.
fn ask(engine: &Engine, query: KeyQuery) -> Vec<Value> {
    let (slice, slices) = mpsc::channel();
    let (answer, answers) = mpsc::channel();
    let progress = move |progress| {
        if let SelectProgress::Slice(text) = progress {
            slice.send(text).unwrap();
        }
    };
    engine.ask(query, None, progress, Reply::new(move |last: Result<String, Error>| answer.send(last).unwrap()));
    let last = answers.recv().unwrap().unwrap();
    slices.try_iter().chain([last]).map(|text| serde_json::from_str(&text).unwrap()).collect()
}

fn live<'m>(model: &'m Model, range: &'m KeyRange) -> impl DoubleEndedIterator<Item = (&'m str, i64)> {
    model
        .iter()
        .filter(|(key, (_, expires_at))| range.has(key) && !is_expired(*expires_at, NOW_MS))
        .map(|(key, (value, _))| (key.as_str(), *value))
}

fn check(engine: &Engine, community: Option<&str>, model: &Model, range: &KeyRange) -> Result<(), TestCaseError> {
    let community = community.map(str::to_owned);
    let expected: Vec<(&str, i64)> = live(model, range).collect();
    // Twice: the second may use what the first has found out.
    for _ in 0..2 {
        let query = CountQuery { community: community.clone(), range: range.clone(), now_ms: NOW_MS };
        prop_assert_eq!(ask(engine, KeyQuery::Count(query)), vec![json!(expected.len())]);
    }
    for is_reverse in [false, true] {
        for limit in [1, 3, 100] {
            let mut wanted = expected.clone();
            if is_reverse {
                wanted.reverse();
            }
            let has_more = wanted.len() > limit;
            wanted.truncate(limit);
            let (keys, values): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
            for format in [RowFormat::Entry, RowFormat::Key] {
                let page = ask(
                    engine,
                    KeyQuery::Page(PageQuery {
                        community: community.clone(),
                        range: range.clone(),
                        is_reverse,
                        limit,
                        bytes_max: usize::MAX,
                        now_ms: NOW_MS,
                        format,
                    }),
                );
                prop_assert_eq!(page.len(), 1);
                prop_assert_eq!(&page[0][1], &json!(keys));
                prop_assert_eq!(&page[0][0], &if format == RowFormat::Key { json!([]) } else { json!(values) });
                prop_assert_eq!(&page[0][3], &json!(has_more));
            }
        }
    }
    let keys: Vec<String> = model.keys().cloned().chain(["missing".to_owned()]).collect();
    let everything = KeyRange { from: String::new(), to: None };
    let (places, values): (Vec<_>, Vec<_>) = live(model, &everything)
        .map(|(key, value)| (keys.iter().position(|other| other == key).unwrap(), value))
        .unzip();
    let found = ask(engine, KeyQuery::Values(ValuesQuery { community, keys, now_ms: NOW_MS }));
    prop_assert_eq!(found, vec![json!([values, [], [], places])]);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn ranges_are_those_of_a_plain_map(
        steps in prop::collection::vec(step(), 1..40),
        community in prop::option::of(Just("c")),
        encoding in prop::sample::select(vec!["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"]),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ranges.sqlite3");
        let other = rusqlite::Connection::open(&path).unwrap();
        other.execute_batch(&format!("PRAGMA encoding = '{encoding}'; CREATE TABLE other (a)")).unwrap();
        let engine = Engine::open(&path).unwrap();
        let mut model = Model::new();
        for step in steps {
            let address = |key: &str| Address { community: community.map(str::to_owned), key: key.to_owned() };
            let run = |command| assert!(engine.execute(Batch::new(vec![command], NOW_MS)).stopped.is_none());
            match step {
                Step::Set(key, value, expires_at) => {
                    run(Command::Set(Entry { address: address(&key), value: value.to_string(), expires_at }));
                    model.insert(key, (value, expires_at));
                }
                // A key of a community has one row, for that is what the SDK's index is for.
                Step::AddRow(key, value, expires_at) => if community.is_none() {
                    other
                        .execute(
                            "INSERT INTO __rootapp_kv (key, value, expires_at) VALUES (?1, ?2, ?3)",
                            rusqlite::params![key, value.to_string(), expires_at],
                        )
                        .unwrap();
                    model.insert(key, (value, expires_at));
                },
                Step::Delete(key) => {
                    run(Command::Delete(address(&key)));
                    model.remove(&key);
                }
                Step::Ask(range) => check(&engine, community, &model, &range)?,
            }
        }
        let everything = KeyRange { from: String::new(), to: None };
        check(&engine, community, &model, &everything)?;
        engine.close();
    }
}

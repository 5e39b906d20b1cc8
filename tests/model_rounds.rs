//! Random operations against a plain model, in one process and in several: what the store answers is what a list of entries
//! would.

#[path = "support/key_model.rs"]
mod key_model;
#[path = "support/model_processes.rs"]
mod processes;
#[path = "support/rounds.rs"]
mod rounds;
#[path = "support/rows.rs"]
#[allow(dead_code, reason = "rows are compared one by one")]
mod rows;

use std::path::Path;

use key_model::{Model, Ran};
use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rootcellar::batch::{Batch, Command, Stop};
use rootcellar::engine::sqlite::{Engine, Select};
use rootcellar::kv::{Address, Entry, Increment, KeyRange, NewExpiry, Pattern, RowFormat, Swap, SwapPart, Then};

/// The moment at which everything happens. Expiries lie clearly before or after it, so that the purge, which
/// goes by the real clock, agrees.
const NOW_MS: i64 = 1_800_000_000_000;
const PAST_MS: i64 = 1_000;
const FUTURE_MS: i64 = 32_000_000_000_000;

fn select_in(model: &Model, community: Option<&str>, pattern: &str) -> Vec<(String, String, Option<i64>)> {
    let pattern = Pattern::new(pattern);
    let matches = |address: &Address| address.community.as_deref() == community && pattern.matches(&address.key);
    let live = model.live().into_iter().filter(|entry| matches(&entry.address));
    live.map(|entry| (entry.address.key, entry.value, entry.expires_at)).collect()
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["a", "A", "ab", "a%", "a_", "", "b", "b\0c", "b\0d", "\u{1f600}x"]).prop_map_into()
}

fn community() -> impl Strategy<Value = Option<String>> {
    prop::sample::select(vec![None, None, Some("c1".to_owned()), Some("c2".to_owned())])
}

fn pattern() -> impl Strategy<Value = String> {
    let patterns = vec!["%", "a%", "A%", "a_", r"a\%", r"a\_", "_", "", "%b", "b\0%", "b%", "\u{1f600}%"];
    prop::sample::select(patterns).prop_map_into()
}

fn value() -> impl Strategy<Value = String> {
    (0..4).prop_map(|number: i32| number.to_string())
}

fn expiry() -> impl Strategy<Value = Option<i64>> {
    prop::sample::select(vec![None, None, Some(PAST_MS), Some(FUTURE_MS)])
}

fn address() -> impl Strategy<Value = Address> {
    (community(), key()).prop_map(|(community, key)| Address { community, key })
}

fn entry() -> impl Strategy<Value = Entry> {
    (address(), value(), expiry()).prop_map(|(address, value, expires_at)| Entry { address, value, expires_at })
}

fn new_expiry() -> impl Strategy<Value = NewExpiry> {
    (expiry(), any::<bool>()).prop_map(|(time, is_kept)| match time {
        Some(time) => NewExpiry::At(time),
        None if is_kept => NewExpiry::Kept,
        None => NewExpiry::Never,
    })
}

fn range() -> impl Strategy<Value = KeyRange> {
    (key(), prop::option::of(key())).prop_map(|(from, to)| KeyRange { from, to })
}

fn increment() -> impl Strategy<Value = Increment> {
    let bounds = prop::sample::select(vec![
        (f64::NEG_INFINITY, f64::INFINITY),
        (f64::NEG_INFINITY, f64::INFINITY),
        (0.0, f64::INFINITY),
        (-5.0, 3.0),
    ]);
    (address(), -3..4, bounds, expiry()).prop_map(|(address, by, (min, max), expires_at)| Increment {
        address,
        by: f64::from(by),
        min,
        max,
        expires_at,
    })
}

fn part() -> impl Strategy<Value = SwapPart> {
    let then = prop_oneof![
        1 => Just(Then::Keep),
        3 => value().prop_map(Then::Store),
        1 => Just(Then::Delete),
    ];
    (address(), prop::option::of(value()), then).prop_map(|(address, expected, then)| SwapPart {
        address,
        expected: expected.into(),
        then,
    })
}

/// Parts of a swap of several keys, each key once.
fn parts() -> impl Strategy<Value = Vec<SwapPart>> {
    prop::collection::vec(part(), 0..4).prop_map(|mut parts| {
        parts.sort_by(|one, other| one.address.cmp(&other.address));
        parts.dedup_by(|one, other| one.address == other.address);
        parts
    })
}

/// Replaces the value that a swap expects by the one that the model holds now, so that many of them hold.
fn meet(command: Command, model: &Model) -> Command {
    match command {
        Command::SwapMany(parts) => Command::SwapMany(
            parts
                .into_iter()
                .map(|part| {
                    let live = model.get(&part.address).map(|entry| entry.value.clone());
                    SwapPart { expected: live.into(), ..part }
                })
                .collect(),
        ),
        other => other,
    }
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => entry().prop_map(Command::Set),
        1 => prop::collection::vec(entry(), 0..5).prop_map(Command::SetMany),
        4 => (entry(), new_expiry(), prop::option::of(value())).prop_map(|(Entry { address, value, .. }, expiry, expected)| {
            Command::Swap(Swap { address, expected: expected.into(), value, expiry })
        }),
        2 => address().prop_map(Command::Delete),
        1 => (community(), pattern()).prop_map(|(community, pattern)| Command::DeleteLike { community, pattern }),
        4 => increment().prop_map(Command::Increment),
        2 => entry().prop_map(Command::SetIfAbsent),
        2 => address().prop_map(Command::GetAndDelete),
        2 => (address(), expiry()).prop_map(|(address, expires_at)| Command::Expire { address, expires_at }),
        1 => (community(), range()).prop_map(|(community, range)| Command::DeleteRange { community, range }),
        3 => parts().prop_map(Command::SwapMany),
    ]
}

fn select(engine: &Engine, community: Option<&str>, pattern: &str) -> Vec<(String, String, Option<i64>)> {
    let question = Select {
        community: community.map(str::to_owned),
        pattern: pattern.to_owned(),
        now_ms: NOW_MS,
        format: RowFormat::Entry,
    };
    let found = rows::select(engine, question).unwrap();
    found.into_iter().map(|row| (row.key, row.value, row.expires_at)).collect()
}

/// Sends a batch, and what is left of it when it ends early, as `lib/` does.
fn execute(engine: &Engine, mut commands: Vec<Command>, model: &mut Model) -> Result<(), TestCaseError> {
    while !commands.is_empty() {
        let outcome = engine.execute(Batch::new(commands.clone(), NOW_MS));
        let mut told = outcome.keys.into_iter();
        for command in commands.drain(..outcome.committed) {
            let expected = model.run(&command);
            let Ran::Done(tells) = expected else {
                return Err(TestCaseError::fail(format!("the store carried out {command:?}: {expected:?}")));
            };
            if tells.is_some() {
                prop_assert_eq!(told.next(), tells, "{:?}", command);
            }
        }
        prop_assert_eq!(told.next(), None);
        let expected = match outcome.stopped {
            None => {
                prop_assert!(commands.is_empty());
                break;
            }
            Some(Stop::Deferred | Stop::Alone) => continue,
            Some(Stop::Conflict) => Ran::Conflict,
            Some(Stop::Command(error) | Stop::Transaction(error)) => Ran::Refused(error.code()),
        };
        let refused = commands.remove(0);
        prop_assert_eq!(model.run(&refused), expected, "{:?}", refused);
    }
    Ok(())
}

/// Rows of the SDK: each is added, whatever the key has.
fn add_as_the_sdk(path: &Path, entries: &[Entry], model: &mut Model) {
    let other = rusqlite::Connection::open(path).unwrap();
    other.busy_timeout(std::time::Duration::from_secs(60)).unwrap();
    for Entry { address, value, expires_at } in entries.iter().filter(|entry| entry.address.community.is_none()) {
        let row = rusqlite::params![address.key, value, expires_at];
        other.execute("INSERT INTO __rootapp_kv (key, value, expires_at) VALUES (?1, ?2, ?3)", row).unwrap();
        let entry = Entry { address: address.clone(), value: value.clone(), expires_at: *expires_at };
        model.rows.push(entry);
    }
}

fn check(engine: &Engine, model: &Model, probes: &[(Address, String)]) -> Result<(), TestCaseError> {
    let reader = engine.reader().unwrap();
    for (address, pattern) in probes {
        let found = reader.get(address, NOW_MS).unwrap();
        prop_assert_eq!(found.as_ref(), model.get(address).map(|entry| &entry.value), "get {:?}", address);

        let found = select(engine, address.community.as_deref(), pattern);
        prop_assert_eq!(found, select_in(model, address.community.as_deref(), pattern), "select {:?}", pattern);
    }
    Ok(())
}

fn open(path: &Path) -> Engine {
    Engine::open(path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: rounds::rounds(64, 500, 5_000), ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_as_a_plain_list_would(
        rounds in prop::collection::vec(
            (
                prop::collection::vec(command(), 1..12),
                prop::collection::vec((address(), pattern()), 1..6),
                prop::option::of(prop::collection::vec(entry(), 0..6)),
            ),
            1..8,
        )
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.sqlite3");
        let mut engine = open(&path);
        let mut model = Model::new(NOW_MS);
        for (commands, probes, by_the_sdk) in rounds {
            // One after the other, so that each may meet what the one before has left; then all in one batch.
            let (singly, together) = commands.split_at(commands.len() / 2);
            for command in singly {
                let command = meet(command.clone(), &model);
                execute(&engine, vec![command], &mut model)?;
            }
            execute(&engine, together.to_vec(), &mut model)?;
            if let Some(entries) = by_the_sdk {
                if entries.len() % 2 == 0 {
                    engine.close();
                    add_as_the_sdk(&path, &entries, &mut model);
                    engine = open(&path);
                } else {
                    add_as_the_sdk(&path, &entries, &mut model);
                }
            }
            check(&engine, &model, &probes)?;
        }
        engine.close();
    }
}

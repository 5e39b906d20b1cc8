//! Random operations against a plain model: what the store answers is what a list of entries would.

#[path = "support/rows.rs"]
#[allow(dead_code, reason = "rows are compared one by one")]
mod rows;

use std::path::Path;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use rootcellar::batch::{Batch, Command, Stop};
use rootcellar::engine::sqlite::{Engine, Select};
use rootcellar::kv::{Address, Entry, NewExpiry, Pattern, RowFormat, Swap, is_expired};

/// The moment at which everything happens. Expiries lie clearly before or after it, so that the purge, which
/// goes by the real clock, agrees.
const NOW_MS: i64 = 1_800_000_000_000;
const PAST_MS: i64 = 1_000;
const FUTURE_MS: i64 = 32_000_000_000_000;

/// What is stored, in the order of insertion.
#[derive(Debug, Default, Clone)]
struct Model {
    entries: Vec<Entry>,
}

impl Model {
    fn get(&self, address: &Address) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.address == *address && !is_expired(entry.expires_at, NOW_MS))
    }

    fn set(&mut self, entry: &Entry) {
        self.entries.retain(|known| !is_expired(known.expires_at, NOW_MS));
        match self.entries.iter_mut().find(|known| known.address == entry.address) {
            Some(known) => *known = entry.clone(),
            None => self.entries.push(entry.clone()),
        }
    }

    /// Returns whether the command has an effect; a swap may meet another value.
    fn run(&mut self, command: &Command) -> bool {
        match command {
            Command::Set(entry) => self.set(entry),
            Command::SetMany(entries) => entries.iter().for_each(|entry| self.set(entry)),
            Command::Swap(swap) => {
                let live = self.get(&swap.address);
                if swap.expected != live.map(|entry| entry.value.clone()).into() {
                    return false;
                }
                let expires_at = swap.expiry.over(live.and_then(|entry| entry.expires_at));
                self.set(&Entry { address: swap.address.clone(), value: swap.value.clone(), expires_at });
            }
            Command::Delete(address) => self.entries.retain(|entry| entry.address != *address),
            Command::DeleteLike { community, pattern } => {
                let pattern = Pattern::new(pattern);
                self.entries
                    .retain(|entry| entry.address.community != *community || !pattern.matches(&entry.address.key));
            }
            Command::Sql(_) => unreachable!("the model makes none"),
        }
        true
    }

    fn select(&self, community: Option<&str>, pattern: &str) -> Vec<(String, String, Option<i64>)> {
        let pattern = Pattern::new(pattern);
        self.entries
            .iter()
            .filter(|entry| entry.address.community.as_deref() == community && pattern.matches(&entry.address.key))
            .filter(|entry| !is_expired(entry.expires_at, NOW_MS))
            .map(|entry| (entry.address.key.clone(), entry.value.clone(), entry.expires_at))
            .collect()
    }
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

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        4 => entry().prop_map(Command::Set),
        1 => prop::collection::vec(entry(), 0..5).prop_map(Command::SetMany),
        4 => (entry(), new_expiry(), prop::option::of(value())).prop_map(|(Entry { address, value, .. }, expiry, expected)| {
            Command::Swap(Swap { address, expected: expected.into(), value, expiry })
        }),
        2 => address().prop_map(Command::Delete),
        1 => (community(), pattern()).prop_map(|(community, pattern)| Command::DeleteLike { community, pattern }),
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
        for command in commands.drain(..outcome.committed) {
            prop_assert!(model.run(&command), "the store carried out {command:?}, the model would not");
        }
        match outcome.stopped {
            None => prop_assert!(commands.is_empty()),
            Some(Stop::Conflict) => {
                let conflicting = commands.remove(0);
                prop_assert!(!model.run(&conflicting), "the store refused {conflicting:?}, the model would not");
            }
            Some(Stop::Deferred | Stop::Alone) => {}
            Some(Stop::Command(error) | Stop::Transaction(error)) => {
                return Err(TestCaseError::fail(format!("{}: {error}", error.code())));
            }
        }
    }
    Ok(())
}

fn check(engine: &Engine, model: &Model, probes: &[(Address, String)]) -> Result<(), TestCaseError> {
    let reader = engine.reader().unwrap();
    for (address, pattern) in probes {
        let found = reader.get(address, NOW_MS).unwrap();
        prop_assert_eq!(found.as_ref(), model.get(address).map(|entry| &entry.value), "get {:?}", address);

        let found = select(engine, address.community.as_deref(), pattern);
        prop_assert_eq!(found, model.select(address.community.as_deref(), pattern), "select {:?}", pattern);
    }
    Ok(())
}

fn open(path: &Path) -> Engine {
    Engine::open(path).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_store_answers_as_a_plain_list_would(
        rounds in prop::collection::vec(
            (prop::collection::vec(command(), 1..12), prop::collection::vec((address(), pattern()), 1..6), any::<bool>()),
            1..8,
        )
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.sqlite3");
        let mut engine = open(&path);
        let mut model = Model::default();
        for (commands, probes, reopen) in rounds {
            execute(&engine, commands, &mut model)?;
            if reopen {
                engine.close();
                engine = open(&path);
            }
            check(&engine, &model, &probes)?;
        }
        engine.close();
    }
}

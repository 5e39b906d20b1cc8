//! Evaluation of commands: they are carried out one after another on what is known of their keys, and the final state of each
//! key is written once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::Error;
use crate::batch::{Command, Stop};
use crate::engine::postgres::time::{Clocks, PgTime};
use crate::kv::{
    Address, Entry, Expected, Increment, JsonNumber, KeyOutcome, NewExpiry, Swap, SwapPart, Then, is_json,
    number_text, parse_number,
};

/// Row of a key that was read, and locked.
#[derive(Debug, Clone)]
pub struct LockedRow {
    /// JSON text.
    pub value: String,
    /// The expiry.
    pub expires_at: Option<PgTime>,
}

/// Keys on which commands are carried out.
pub struct FoldedKeys<'a> {
    found: &'a HashMap<Address, LockedRow>,
    now: PgTime,
    clocks: Clocks,
    /// In the order of their bytes, in which everybody locks rows.
    states: BTreeMap<&'a Address, KeyState<'a>>,
    /// Number of values that were set, which is their order.
    places: i64,
}

struct KeyState<'a> {
    current: Current<'a>,
    /// It has to be written.
    is_changed: bool,
    /// The written row comes last in the order of insertion, because the key was gone in between.
    is_renewed: bool,
    /// There was no row, and a command has relied on that.
    must_be_absent: bool,
    place: i64,
}

#[derive(Clone)]
enum Current<'a> {
    /// Only commands that do not care have touched it.
    Unknown,
    Nothing,
    Value(Cow<'a, str>, Option<PgTime>),
}

/// A value to write.
#[derive(Debug, PartialEq, Eq)]
pub struct NewRow<'a> {
    /// Its address.
    pub address: &'a Address,
    /// JSON text.
    pub value: Cow<'a, str>,
    /// The expiry.
    pub expires_at: Option<PgTime>,
    /// See [`KeyState::is_renewed`].
    pub is_renewed: bool,
    /// Its place among the others of this transaction.
    pub place: i64,
}

/// Changes to write, each in the order of the addresses.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes<'a> {
    /// Values that replace what is there.
    pub values: Vec<NewRow<'a>>,
    /// Values of keys of which nothing may be there.
    pub new: Vec<NewRow<'a>>,
    /// Keys to remove.
    pub removed: Vec<&'a Address>,
    /// Keys of which nothing may be there, and nothing is to be left.
    pub absent: Vec<&'a Address>,
}

impl Changes<'_> {
    /// Returns `true` if there is nothing to write, and nothing to keep absent.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.new.is_empty() && self.removed.is_empty() && self.absent.is_empty()
    }
}

impl<'a> FoldedKeys<'a> {
    /// Keys of which these rows were found, at a time of the server.
    pub fn new(found: &'a HashMap<Address, LockedRow>, now: PgTime, clocks: Clocks) -> Self {
        Self { found, now, clocks, states: BTreeMap::new(), places: 0 }
    }

    /// Carries a command out, as a whole or not at all.
    pub fn run(&mut self, command: &'a Command) -> Result<Option<KeyOutcome>, Stop> {
        match command {
            Command::Set(entry) => self.set(entry),
            Command::SetMany(entries) => entries.iter().for_each(|entry| self.set(entry)),
            Command::Delete(address) => self.remove(address),
            Command::Swap(swap) => self.swap(swap)?,
            Command::SwapMany(parts) => self.swap_many(parts)?,
            Command::Increment(increment) => return self.increment(increment).map(Some).map_err(Stop::Command),
            Command::SetIfAbsent(entry) => {
                let is_absent = self.live(&entry.address).is_none();
                if is_absent {
                    self.set(entry);
                }
                return Ok(Some(KeyOutcome::Done(is_absent)));
            }
            Command::GetAndDelete(address) => {
                let value = self.live(address).map(|(value, _)| value.into_owned());
                if let Some(value) = &value {
                    if !is_json(value) {
                        return Err(Stop::Command(Error::not_json(&address.key)));
                    }
                    self.remove(address);
                }
                return Ok(Some(KeyOutcome::Value(value)));
            }
            Command::Expire { address, expires_at } => {
                let live = self.live(address);
                let is_live = live.is_some();
                if let Some((value, _)) = live {
                    self.put(address, value, expires_at.map(|at| self.clocks.to_server(at)));
                }
                return Ok(Some(KeyOutcome::Done(is_live)));
            }
            Command::DeleteLike { .. } | Command::DeleteRange { .. } | Command::Sql(_) => {
                return Err(Stop::Command(Error::internal("a command of other keys came here")));
            }
        }
        Ok(None)
    }

    /// Returns the changes to write.
    pub fn changes(self) -> Changes<'a> {
        let mut changes = Changes::default();
        for (address, state) in self.states {
            let KeyState { current, is_changed, is_renewed, must_be_absent, place } = state;
            match current {
                Current::Value(value, expires_at) if is_changed => {
                    let row = NewRow { address, value, expires_at, is_renewed, place };
                    if must_be_absent { changes.new.push(row) } else { changes.values.push(row) }
                }
                _ if must_be_absent => changes.absent.push(address),
                Current::Nothing if is_changed => changes.removed.push(address),
                Current::Unknown | Current::Nothing | Current::Value(..) => {}
            }
        }
        changes
    }

    fn set(&mut self, entry: &'a Entry) {
        let expires_at = entry.expires_at.map(|at| self.clocks.to_server(at));
        self.put(&entry.address, Cow::Borrowed(&entry.value), expires_at);
    }

    fn put(&mut self, address: &'a Address, value: Cow<'a, str>, expires_at: Option<PgTime>) {
        self.places += 1;
        let (place, now) = (self.places, self.now);
        let state = self.states.entry(address).or_insert_with(KeyState::unknown);
        let is_gone = match &state.current {
            Current::Unknown => false,
            Current::Nothing => true,
            Current::Value(_, expires_at) => has_expired(*expires_at, now),
        };
        if is_gone || state.place == 0 {
            state.place = place;
        }
        state.is_renewed |= is_gone;
        state.is_changed = true;
        state.current = Current::Value(value, expires_at);
    }

    /// A key that was not found is kept absent, as others may make it while this transaction waits for another key.
    fn remove(&mut self, address: &'a Address) {
        let was_found = self.found.contains_key(address);
        let state = self.states.entry(address).or_insert_with(KeyState::unknown);
        state.must_be_absent |= !was_found;
        state.is_changed = true;
        state.current = Current::Nothing;
    }

    /// The live value of a key. From now on it is known that somebody relies on what was found of it.
    fn live(&mut self, address: &'a Address) -> Option<(Cow<'a, str>, Option<PgTime>)> {
        let (found, now) = (self.found, self.now);
        let state = self.states.entry(address).or_insert_with(KeyState::unknown);
        if let Current::Unknown = state.current {
            let row = found.get(address);
            state.must_be_absent = row.is_none();
            state.current = match row {
                Some(row) => Current::Value(Cow::Borrowed(&row.value), row.expires_at),
                None => Current::Nothing,
            };
        }
        match &state.current {
            Current::Value(value, expires_at) if !has_expired(*expires_at, now) => {
                Some((value.clone(), *expires_at))
            }
            _ => None,
        }
    }

    /// Returns `true` if a key holds what is expected.
    fn holds(&mut self, address: &'a Address, expected: &Expected) -> bool {
        match expected {
            Expected::Nothing => self.live(address).is_none(),
            Expected::Value(value) => self.live(address).is_some_and(|(live, _)| live == *value),
            // A value that another transaction has left is not known to be there still.
            Expected::Previous => self.states.get(address).is_some_and(|state| state.is_changed),
        }
    }

    fn swap(&mut self, swap: &'a Swap) -> Result<(), Stop> {
        let Swap { address, expected, value, expiry } = swap;
        if !self.holds(address, expected) {
            return Err(Stop::Conflict);
        }
        let kept = self.live(address).and_then(|(_, expires_at)| expires_at);
        let expires_at = match expiry {
            NewExpiry::Kept => kept,
            NewExpiry::Never => None,
            NewExpiry::At(time) => Some(self.clocks.to_server(*time)),
        };
        self.put(address, Cow::Borrowed(value), expires_at);
        Ok(())
    }

    fn swap_many(&mut self, parts: &'a [SwapPart]) -> Result<(), Stop> {
        // Each is looked at, so that each is relied on.
        if !parts.iter().all(|part| self.holds(&part.address, &part.expected)) {
            return Err(Stop::Conflict);
        }
        for SwapPart { address, then, .. } in parts {
            match then {
                Then::Keep => {}
                Then::Store(value) => {
                    let expires_at = self.live(address).and_then(|(_, expires_at)| expires_at);
                    self.put(address, Cow::Borrowed(value), expires_at);
                }
                Then::Delete => self.remove(address),
            }
        }
        Ok(())
    }

    fn increment(&mut self, increment: &'a Increment) -> Result<KeyOutcome, Error> {
        let Increment { address, expires_at, .. } = increment;
        let live = self.live(address);
        let before = match live.as_ref().map_or(JsonNumber::Number(0.0), |(value, _)| parse_number(value)) {
            JsonNumber::Number(number) => number,
            JsonNumber::Other => return Err(Error::not_number(&address.key)),
            JsonNumber::NotJson => return Err(Error::not_json(&address.key)),
        };
        let number = increment.add_to(before).ok_or_else(|| Error::out_of_range(&address.key))?;
        let expires_at = match live {
            Some((_, expires_at)) => expires_at,
            None => expires_at.map(|at| self.clocks.to_server(at)),
        };
        self.put(address, Cow::Owned(number_text(number)), expires_at);
        let told = expires_at.and_then(|at| self.clocks.to_client(at));
        Ok(KeyOutcome::Number { number, expires_at: told })
    }
}

impl KeyState<'_> {
    fn unknown() -> Self {
        Self { current: Current::Unknown, is_changed: false, is_renewed: false, must_be_absent: false, place: 0 }
    }
}

fn has_expired(expires_at: Option<PgTime>, now: PgTime) -> bool {
    expires_at.is_some_and(|at| at <= now)
}

/// Collects the addresses whose rows have to be read before commands are carried out.
#[derive(Default)]
pub struct Needs<'a> {
    touched: HashSet<&'a Address>,
    needed: BTreeSet<&'a Address>,
}

impl<'a> Needs<'a> {
    /// Addresses that the commands need, in order, and each once.
    pub fn of(commands: impl IntoIterator<Item = &'a Command>) -> Vec<&'a Address> {
        let mut needs = Self::default();
        for command in commands {
            needs.add(command);
        }
        needs.needed.into_iter().collect()
    }

    fn add(&mut self, command: &'a Command) {
        match command {
            Command::Set(entry) => self.touch(&entry.address),
            Command::SetMany(entries) => entries.iter().for_each(|entry| self.touch(&entry.address)),
            Command::Delete(address) | Command::GetAndDelete(address) => self.need_always(address),
            Command::SwapMany(parts) => parts.iter().for_each(|part| match part.then {
                Then::Delete => self.need_always(&part.address),
                Then::Keep | Then::Store(_) => self.need(&part.address),
            }),
            Command::Swap(Swap { address, .. })
            | Command::Increment(Increment { address, .. })
            | Command::SetIfAbsent(Entry { address, .. })
            | Command::Expire { address, .. } => self.need(address),
            Command::DeleteLike { .. } | Command::DeleteRange { .. } | Command::Sql(_) => {}
        }
    }

    fn touch(&mut self, address: &'a Address) {
        self.touched.insert(address);
    }

    /// Unless a command before it has set the key.
    fn need(&mut self, address: &'a Address) {
        if self.touched.insert(address) {
            self.needed.insert(address);
        }
    }

    /// Also where a command has set the key: whether there is a row decides how what deletes it keeps it absent.
    fn need_always(&mut self, address: &'a Address) {
        self.touched.insert(address);
        self.needed.insert(address);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: PgTime = PgTime(1_000_000);

    fn set(key: &str, value: &str) -> Command {
        Command::Set(Entry::new(Address::new(key), value))
    }

    fn outcome(
        found: &[(&str, &str)],
        commands: &[Command],
    ) -> (Vec<String>, Vec<String>, Vec<String>, Vec<String>) {
        let found: HashMap<Address, LockedRow> = found
            .iter()
            .map(|(key, value)| (Address::new(key), LockedRow { value: (*value).to_owned(), expires_at: None }))
            .collect();
        let mut keys = FoldedKeys::new(&found, NOW, Clocks::default());
        for command in commands {
            keys.run(command).unwrap();
        }
        let Changes { values, new, removed, absent } = keys.changes();
        let told =
            |row: &NewRow| format!("{}={}{}", row.address.key, row.value, if row.is_renewed { "!" } else { "" });
        let keys = |addresses: &[&Address]| addresses.iter().map(|address| address.key.clone()).collect();
        (values.iter().map(told).collect(), new.iter().map(told).collect(), keys(&removed), keys(&absent))
    }

    #[test]
    fn writes_of_a_key_become_one_and_a_delete_before_a_set_renews_it() {
        let delete = |key| Command::Delete(Address::new(key));
        let commands =
            [set("b", "1"), set("a", "1"), set("b", "2"), delete("c"), set("c", "3"), set("d", "1"), delete("d")];
        let (values, new, removed, absent) = outcome(&[("c", "0"), ("d", "0")], &commands);
        assert_eq!(values, ["a=1", "b=2", "c=3!"]);
        assert_eq!((new.len(), removed, absent.len()), (0, vec!["d".to_owned()], 0));
        assert_eq!(Needs::of(&commands).iter().map(|one| &one.key).collect::<Vec<_>>(), ["c", "d"]);
    }

    #[test]
    fn keys_that_are_deleted_and_were_not_there_are_kept_absent() {
        let delete = |key| Command::Delete(Address::new(key));
        let (values, new, removed, absent) = outcome(
            &[("d", "0")],
            &[set("a", "1"), delete("a"), delete("b"), set("b", "1"), delete("c"), delete("d")],
        );
        assert_eq!((values.len(), new), (0, vec!["b=1!".to_owned()]));
        assert_eq!((removed, absent), (vec!["d".to_owned()], vec!["a".to_owned(), "c".to_owned()]));
    }

    #[test]
    fn the_row_of_a_key_that_is_deleted_is_read_also_where_it_was_set_before() {
        let address = || Address::new("k");
        let swap = |then| SwapPart { address: address(), expected: Expected::Previous, then };
        for delete in [
            Command::Delete(address()),
            Command::GetAndDelete(address()),
            Command::SwapMany(vec![swap(Then::Delete)]),
        ] {
            let commands = [set("k", "1"), delete, set("k", "2")];
            assert_eq!(Needs::of(&commands), [&address()]);
            let (values, new, ..) = outcome(&[("k", "0")], &commands);
            assert_eq!((values, new.len()), (vec!["k=2!".to_owned()], 0));
        }
        assert!(Needs::of(&[set("k", "1"), Command::SwapMany(vec![swap(Then::Keep)])]).is_empty());
    }

    #[test]
    fn what_relies_on_an_absent_key_is_written_only_if_it_is_absent_still() {
        let increment = |key: &str| {
            let address = Address::new(key);
            Command::Increment(Increment { address, by: 1.0, min: f64::MIN, max: f64::MAX, expires_at: None })
        };
        let (values, new, _, absent) = outcome(&[("a", "41")], &[increment("a"), increment("b"), increment("b")]);
        assert_eq!((values, new), (vec!["a=42".to_owned()], vec!["b=2!".to_owned()]));
        assert!(absent.is_empty());
        let keep = SwapPart { address: Address::new("x"), expected: Expected::Nothing, then: Then::Keep };
        let store = SwapPart {
            address: Address::new("a"),
            expected: Expected::Value("41".into()),
            then: Then::Store("0".into()),
        };
        let (values, _, _, absent) = outcome(&[("a", "41")], &[Command::SwapMany(vec![keep, store])]);
        assert_eq!((values, absent), (vec!["a=0".to_owned()], vec!["x".to_owned()]));
    }

    #[test]
    fn a_swap_that_does_not_hold_changes_nothing() {
        let found = HashMap::from([(Address::new("a"), LockedRow { value: "1".into(), expires_at: Some(NOW) })]);
        let mut keys = FoldedKeys::new(&found, NOW, Clocks::default());
        let swap = |expected| {
            let (address, value) = (Address::new("a"), "2".to_owned());
            Command::Swap(Swap { address, expected, value, expiry: NewExpiry::Kept })
        };
        let (wrong, previous, right) =
            (swap(Expected::Value("1".into())), swap(Expected::Previous), swap(Expected::Nothing));
        assert!(matches!(keys.run(&wrong), Err(Stop::Conflict)));
        assert!(matches!(keys.run(&previous), Err(Stop::Conflict)));
        assert!(keys.run(&right).is_ok());
        let Changes { values, .. } = keys.changes();
        // It had expired, so that it begins again.
        assert_eq!((values[0].expires_at, values[0].is_renewed), (None, true));
    }

    #[test]
    fn only_keys_that_nothing_before_has_set_are_read() {
        let keep = |key| Command::Expire { address: Address::new(key), expires_at: None };
        let commands = [set("a", "1"), keep("a"), keep("c"), keep("b"), keep("c")];
        let needed: Vec<&str> = Needs::of(&commands).into_iter().map(|address| address.key.as_str()).collect();
        assert_eq!(needed, ["b", "c"]);
    }
}

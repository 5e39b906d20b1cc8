//! Evaluation of commands: they are carried out one after another on what is known of their keys, and the final state of each
//! key is written once.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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

/// Keys that are locked until the transaction ends.
#[derive(Debug, Default)]
pub struct LockedKeys {
    /// The rows of those that were read.
    pub rows: HashMap<Address, LockedRow>,
    /// Those that had no row, so that one was made to lock them.
    pub made: BTreeSet<Address>,
}

/// Keys on which commands are carried out.
pub struct FoldedKeys<'a> {
    found: &'a LockedKeys,
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
    /// Keys to remove.
    pub removed: Vec<&'a Address>,
    /// Keys of which nothing is left but the row that was made to lock them.
    pub made: Vec<&'a Address>,
}

impl Changes<'_> {
    /// Bytes of the values that are written, with their keys, as a message has them.
    pub fn bytes(&self) -> usize {
        // Of each column the length, and the numbers.
        const ROW_BYTES: usize = 5 * 4 + 2 * 8;
        let bytes = |NewRow { address: Address { community, key }, value, .. }: &NewRow| {
            community.as_ref().map_or(0, String::len) + key.len() + value.len() + ROW_BYTES
        };
        self.values.iter().map(bytes).sum()
    }

    /// Returns `true` if everything is left as it was before the keys were locked.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty() && self.removed.is_empty()
    }
}

impl<'a> FoldedKeys<'a> {
    /// Keys as they were found, at a time of the server.
    pub fn new(found: &'a LockedKeys, now: PgTime, clocks: Clocks) -> Self {
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
        let mut made: BTreeSet<&Address> = self.found.made.iter().collect();
        for (address, state) in self.states {
            let KeyState { current, is_changed, is_renewed, place } = state;
            match current {
                Current::Value(value, expires_at) if is_changed => {
                    made.remove(address);
                    changes.values.push(NewRow { address, value, expires_at, is_renewed, place });
                }
                Current::Nothing if is_changed && !made.contains(address) => changes.removed.push(address),
                Current::Unknown | Current::Nothing | Current::Value(..) => {}
            }
        }
        changes.made = made.into_iter().collect();
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

    fn remove(&mut self, address: &'a Address) {
        let state = self.states.entry(address).or_insert_with(KeyState::unknown);
        state.is_changed = true;
        state.current = Current::Nothing;
    }

    /// The live value of a key.
    fn live(&mut self, address: &'a Address) -> Option<(Cow<'a, str>, Option<PgTime>)> {
        let (found, now) = (self.found, self.now);
        let state = self.states.entry(address).or_insert_with(KeyState::unknown);
        if let Current::Unknown = state.current {
            state.current = match found.rows.get(address) {
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
        Self { current: Current::Unknown, is_changed: false, is_renewed: false, place: 0 }
    }
}

fn has_expired(expires_at: Option<PgTime>, now: PgTime) -> bool {
    expires_at.is_some_and(|at| at <= now)
}

/// The keys that have to be locked before commands are carried out, each once and in the order of the addresses.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needs<'a> {
    /// Those on which the commands depend.
    pub read: Vec<&'a Address>,
    /// These, and whatever else is written that comes before the last of them: everybody locks keys in one order, so that
    /// nobody waits for who waits for him.
    pub locked: Vec<&'a Address>,
}

#[derive(Default)]
struct NeedsBuilder<'a> {
    touched: BTreeSet<&'a Address>,
    needed: BTreeSet<&'a Address>,
}

impl<'a> Needs<'a> {
    /// The addresses that the commands need.
    pub fn of(commands: &[&'a Command]) -> Self {
        let mut needs = NeedsBuilder::default();
        for command in commands {
            needs.add(command);
        }
        let NeedsBuilder { touched, needed } = needs;
        let Some(&last) = needed.last() else { return Self::default() };
        let locked = touched.into_iter().take_while(|address| *address <= last).collect();
        Self { locked, read: needed.into_iter().collect() }
    }

    /// The keys that a command concerns, but for those of a pattern or a range.
    pub fn touched(command: &'a Command) -> BTreeSet<&'a Address> {
        let mut needs = NeedsBuilder::default();
        needs.add(command);
        needs.touched
    }
}

impl<'a> NeedsBuilder<'a> {
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

    /// Also where a command has set the key: what is deleted has to be locked, as others may make it while this transaction
    /// waits for another key.
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

    /// The values that are written, the keys that are removed, and those whose rows were made to lock them and are left.
    fn outcome(found: &[(&str, &str)], commands: &[Command]) -> (Vec<String>, Vec<String>, Vec<String>) {
        let rows: HashMap<Address, LockedRow> = found
            .iter()
            .map(|(key, value)| (Address::new(key), LockedRow { value: (*value).to_owned(), expires_at: None }))
            .collect();
        let commands: Vec<&Command> = commands.iter().collect();
        let locked = Needs::of(&commands).locked;
        let made = locked.into_iter().filter(|address| !rows.contains_key(*address)).cloned().collect();
        let found = LockedKeys { rows, made };
        let mut keys = FoldedKeys::new(&found, NOW, Clocks::default());
        for command in commands {
            keys.run(command).unwrap();
        }
        let Changes { values, removed, made } = keys.changes();
        let told =
            |row: &NewRow| format!("{}={}{}", row.address.key, row.value, if row.is_renewed { "!" } else { "" });
        (values.iter().map(told).collect(), keys_of(&removed), keys_of(&made))
    }

    fn keys_of(addresses: &[&Address]) -> Vec<String> {
        addresses.iter().map(|address| address.key.clone()).collect()
    }

    fn needs(commands: &[Command]) -> [Vec<String>; 2] {
        let commands: Vec<&Command> = commands.iter().collect();
        let Needs { read, locked } = Needs::of(&commands);
        [keys_of(&read), keys_of(&locked)]
    }

    #[test]
    fn writes_of_a_key_become_one_and_a_delete_before_a_set_renews_it() {
        let delete = |key| Command::Delete(Address::new(key));
        let commands =
            [set("b", "1"), set("a", "1"), set("b", "2"), delete("c"), set("c", "3"), set("d", "1"), delete("d")];
        let (values, removed, made) = outcome(&[("c", "0"), ("d", "0")], &commands);
        assert_eq!(values, ["a=1", "b=2", "c=3!"]);
        assert_eq!((removed, made.len()), (vec!["d".to_owned()], 0));
        assert_eq!(needs(&commands)[0], ["c", "d"]);
    }

    #[test]
    fn rows_that_were_made_to_lock_keys_are_removed_unless_they_get_a_value() {
        let delete = |key| Command::Delete(Address::new(key));
        let (values, removed, made) = outcome(
            &[("d", "0")],
            &[set("a", "1"), delete("a"), delete("b"), set("b", "1"), delete("c"), delete("d")],
        );
        assert_eq!((values, removed), (vec!["b=1!".to_owned()], vec!["d".to_owned()]));
        assert_eq!(made, ["a", "c"]);
        // Those that no command has come to as well.
        let found = LockedKeys { rows: HashMap::new(), made: BTreeSet::from([Address::new("x")]) };
        let changes = FoldedKeys::new(&found, NOW, Clocks::default()).changes();
        assert_eq!((keys_of(&changes.made), changes.is_empty()), (vec!["x".to_owned()], true));
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
            assert_eq!(needs(&commands)[0], ["k"]);
            assert_eq!(outcome(&[("k", "0")], &commands).0, ["k=2!"]);
        }
        assert!(needs(&[set("k", "1"), Command::SwapMany(vec![swap(Then::Keep)])])[0].is_empty());
    }

    #[test]
    fn what_relies_on_an_absent_key_locks_it() {
        let increment = |key: &str| {
            let address = Address::new(key);
            Command::Increment(Increment { address, by: 1.0, min: f64::MIN, max: f64::MAX, expires_at: None })
        };
        let (values, _, made) = outcome(&[("a", "41")], &[increment("a"), increment("b"), increment("b")]);
        assert_eq!((values, made.len()), (vec!["a=42".to_owned(), "b=2!".to_owned()], 0));
        let keep = SwapPart { address: Address::new("x"), expected: Expected::Nothing, then: Then::Keep };
        let store = SwapPart {
            address: Address::new("a"),
            expected: Expected::Value("41".into()),
            then: Then::Store("0".into()),
        };
        let (values, _, made) = outcome(&[("a", "41")], &[Command::SwapMany(vec![keep, store])]);
        assert_eq!((values, made), (vec!["a=0".to_owned()], vec!["x".to_owned()]));
    }

    #[test]
    fn what_is_set_is_locked_with_what_is_read_as_far_as_it_comes_before_it() {
        let delete = |community: &str, key: &str| {
            Command::Delete(Address { community: Some(community.to_owned()), key: key.to_owned() })
        };
        assert_eq!(needs(&[set("z", "1"), set("a", "1")]), [Vec::<String>::new(), Vec::new()]);
        let increment = Command::Expire { address: Address::new("m"), expires_at: None };
        let commands = [set("z", "1"), increment, set("a", "1")];
        assert_eq!(needs(&commands), [vec!["m".to_owned()], vec!["a".to_owned(), "m".to_owned()]]);
        // A community comes behind the default scope, whatever its keys.
        let commands = [delete("2", "a"), set("z", "1"), delete("1", "b")];
        assert_eq!(needs(&commands)[1], ["z", "b", "a"]);
    }

    #[test]
    fn a_swap_that_does_not_hold_changes_nothing() {
        let rows = HashMap::from([(Address::new("a"), LockedRow { value: "1".into(), expires_at: Some(NOW) })]);
        let found = LockedKeys { rows, made: BTreeSet::new() };
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
    fn changes_have_the_bytes_of_what_is_left_to_write() {
        let found = LockedKeys::default();
        let mut keys = FoldedKeys::new(&found, NOW, Clocks::default());
        let commands = [set("a", "\"older\""), set("a", "\"\u{e9}\""), set("b", "1")];
        for command in &commands {
            keys.run(command).unwrap();
        }
        assert_eq!(keys.changes().bytes(), 1 + 4 + 1 + 1 + 2 * (5 * 4 + 2 * 8));
    }

    #[test]
    fn only_keys_that_nothing_before_has_set_are_read() {
        let keep = |key| Command::Expire { address: Address::new(key), expires_at: None };
        let commands = [set("a", "1"), keep("a"), keep("c"), keep("b"), keep("c")];
        assert_eq!(needs(&commands)[0], ["b", "c"]);
    }
}

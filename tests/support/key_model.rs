//! A store as a plain list of rows, in the order of insertion, to which commands on keys are done one by one.

use rootcellar::batch::Command;
use rootcellar::kv::{Address, Entry, Expected, JsonNumber, KeyOutcome, Pattern, Then, is_expired, parse_number};

/// The rows. A key may have several, as in files of the SDK: the newest counts.
#[derive(Debug, Default, Clone)]
pub struct Model {
    pub rows: Vec<Entry>,
    pub now_ms: i64,
}

/// Outcome of a command.
#[derive(Debug, Clone, PartialEq)]
pub enum Ran {
    /// It is done, and tells this.
    Done(Option<KeyOutcome>),
    /// A key holds another value than a swap expects.
    Conflict,
    /// It is refused with this code.
    Refused(&'static str),
}

impl Model {
    pub fn new(now_ms: i64) -> Self {
        Self { rows: Vec::new(), now_ms }
    }

    pub fn get(&self, address: &Address) -> Option<&Entry> {
        let newest = self.rows.iter().rfind(|row| row.address == *address)?;
        (!is_expired(newest.expires_at, self.now_ms)).then_some(newest)
    }

    /// The rows that count, each in the place of the oldest row of its key since the key last expired.
    pub fn live(&self) -> Vec<Entry> {
        let mut live = self.clone();
        for row in &self.rows {
            match self.get(&row.address).cloned() {
                Some(entry) => live.put(&entry),
                None => live.remove(|address| *address == row.address),
            }
        }
        live.rows
    }

    pub fn put(&mut self, entry: &Entry) {
        let is_live = self.get(&entry.address).is_some();
        let of_key = |row: &Entry| row.address == entry.address;
        let expired = self.rows.iter().rposition(|row| of_key(row) && is_expired(row.expires_at, self.now_ms));
        let after = expired.map_or(0, |index| index + 1);
        let place = self.rows[after..].iter().position(of_key).map(|index| after + index);
        if let Some(place) = place.filter(|_| is_live) {
            self.rows[place] = entry.clone();
            let mut index = 0;
            self.rows.retain(|row| {
                index += 1;
                row.address != entry.address || index == place + 1
            });
        } else {
            self.remove(|address| *address == entry.address);
            self.rows.push(entry.clone());
        }
    }

    pub fn remove(&mut self, which: impl Fn(&Address) -> bool) {
        self.rows.retain(|row| !which(&row.address));
    }

    fn holds(&self, address: &Address, expected: &Expected) -> bool {
        *expected == Expected::Previous || *expected == self.get(address).map(|entry| entry.value.clone()).into()
    }

    pub fn run(&mut self, command: &Command) -> Ran {
        match command {
            Command::Set(entry) => self.put(entry),
            Command::SetMany(entries) => entries.iter().for_each(|entry| self.put(entry)),
            Command::Swap(swap) => {
                if !self.holds(&swap.address, &swap.expected) {
                    return Ran::Conflict;
                }
                let kept = self.get(&swap.address).and_then(|entry| entry.expires_at);
                let expires_at = swap.expiry.over(kept);
                self.put(&Entry { address: swap.address.clone(), value: swap.value.clone(), expires_at });
            }
            Command::Delete(address) => self.remove(|other| other == address),
            Command::DeleteLike { community, pattern } => {
                let pattern = Pattern::new(pattern);
                self.remove(|address| address.community == *community && pattern.matches(&address.key));
            }
            Command::Increment(increment) => {
                let before = self.get(&increment.address).cloned();
                let number =
                    match before.as_ref().map_or(JsonNumber::Number(0.0), |entry| parse_number(&entry.value)) {
                        JsonNumber::Number(number) => number,
                        JsonNumber::Other => return Ran::Refused("ERR_VALUE_TYPE"),
                        JsonNumber::NotJson => return Ran::Refused("ERR_VALUE_NOT_JSON"),
                    };
                let number = number + increment.by;
                if !(increment.min..=increment.max).contains(&number) {
                    return Ran::Refused("ERR_OUT_OF_RANGE");
                }
                let expires_at = before.map_or(increment.expires_at, |entry| entry.expires_at);
                self.put(&Entry { address: increment.address.clone(), value: number.to_string(), expires_at });
                return Ran::Done(Some(KeyOutcome::Number { number, expires_at }));
            }
            Command::SetIfAbsent(entry) => {
                let is_absent = self.get(&entry.address).is_none();
                if is_absent {
                    self.put(entry);
                }
                return Ran::Done(Some(KeyOutcome::Done(is_absent)));
            }
            Command::GetAndDelete(address) => {
                let value = self.get(address).map(|entry| entry.value.clone());
                self.remove(|other| other == address);
                return Ran::Done(Some(KeyOutcome::Value(value)));
            }
            Command::Expire { address, expires_at } => {
                let entry = self.get(address).cloned();
                if let Some(entry) = &entry {
                    self.put(&Entry { expires_at: *expires_at, ..entry.clone() });
                }
                return Ran::Done(Some(KeyOutcome::Done(entry.is_some())));
            }
            Command::DeleteRange { community, range } => {
                let which = |address: &Address| address.community == *community && range.has(&address.key);
                let live = self.live().iter().filter(|entry| which(&entry.address)).count();
                self.remove(which);
                return Ran::Done(Some(KeyOutcome::Removed(live as u64)));
            }
            Command::SwapMany(parts) => {
                if !parts.iter().all(|part| self.holds(&part.address, &part.expected)) {
                    return Ran::Conflict;
                }
                for part in parts {
                    let expires_at = self.get(&part.address).and_then(|entry| entry.expires_at);
                    let address = part.address.clone();
                    match &part.then {
                        Then::Keep => {}
                        Then::Store(value) => self.put(&Entry { address, value: value.clone(), expires_at }),
                        Then::Delete => self.remove(|other| *other == address),
                    }
                }
            }
            Command::Sql(_) => unreachable!("the model has none"),
        }
        Ran::Done(None)
    }
}

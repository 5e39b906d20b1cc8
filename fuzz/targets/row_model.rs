//! What a store makes of rows that anybody may have written, by the words of `src/engine/sqlite/keys.rs`.
//!
//! A row's key is its text. A row whose key is no text, or no valid one, is no key's, and never shows.

use std::collections::HashSet;

use rootcellar::Error;
use rootcellar::batch::Command;
use rootcellar::kv::{
    Address, Entry, Expected, Increment, KeyOutcome, KeyRange, Swap, SwapPart, Then, is_expired, number_text,
};
use rusqlite::Connection;

use super::json_values::is_json;
use super::patterns::like;
use super::rows::{self, Row as JsonRow};
use super::stores::{Cell, NOW_MS};

/// A row of the table as it lies in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    pub rowid: i64,
    pub community: Cell,
    pub key: Cell,
    pub value: Cell,
    pub expires_at: Cell,
}

impl Row {
    /// The key that the row is of, if it is one's.
    fn key(&self) -> Option<&str> {
        match &self.key {
            Cell::Text(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    fn value(&self) -> Option<&str> {
        match &self.value {
            Cell::Text(bytes) | Cell::Blob(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    fn expiry(&self) -> Option<i64> {
        match self.expires_at {
            Cell::Integer(at) => Some(at),
            // The first millisecond that is not before it.
            #[expect(clippy::cast_possible_truncation, reason = "saturates, as it should")]
            Cell::Real(at) => Some(at.ceil() as i64),
            Cell::Null | Cell::Text(_) | Cell::Blob(_) => None,
        }
    }

    fn is_live(&self) -> bool {
        !is_expired(self.expiry(), NOW_MS)
    }

    fn is_in(&self, community: Option<&str>) -> bool {
        self.community == community.map_or(Cell::Null, Cell::text)
    }

    fn is_of(&self, address: &Address) -> bool {
        self.is_in(address.community.as_deref()) && self.key() == Some(&address.key)
    }

    /// Whether a `deleteLike` may take the row along although it is no key's.
    fn may_match(&self, pattern: &str) -> bool {
        matches!(self.key, Cell::Text(_)) || pattern.chars().all(|c| c == '%')
    }
}

/// The rows of a file, oldest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows(pub Vec<Row>);

impl Rows {
    pub fn read(connection: &Connection) -> Self {
        let sql = "SELECT rowid, community_id, key, value, expires_at FROM __rootapp_kv ORDER BY rowid";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| {
            Ok(Row {
                rowid: row.get(0)?,
                community: row.get_ref(1)?.into(),
                key: row.get_ref(2)?.into(),
                value: row.get_ref(3)?.into(),
                expires_at: row.get_ref(4)?.into(),
            })
        });
        Self(rows.unwrap().map(Result::unwrap).collect())
    }

    /// The rows of a key since it last expired. The newest counts, and the oldest has the key's place.
    fn live(&self, address: &Address) -> Vec<&Row> {
        let rows: Vec<&Row> = self.0.iter().filter(|row| row.is_of(address)).collect();
        let expired = rows.iter().rposition(|row| !row.is_live());
        rows[expired.map_or(0, |last| last + 1)..].to_vec()
    }

    pub fn get(&self, address: &Address) -> Option<String> {
        self.live(address).last().map(|row| row.value().unwrap_or_default().to_owned())
    }

    pub fn select(&self, community: Option<&str>, pattern: &str) -> Result<String, Error> {
        let mut found = Vec::new();
        for row in &self.0 {
            let Some(key) = row.key().filter(|key| row.is_in(community) && like(pattern, key)) else { continue };
            let address = Address { community: community.map(str::to_owned), key: key.to_owned() };
            if let [place, ..] = self.live(&address)[..]
                && place == row
            {
                let newest = self.live(&address).pop().unwrap();
                let value = newest.value().filter(|value| is_json(value)).ok_or_else(|| Error::not_json(key))?;
                // What is around a value is not part of it.
                let value = value.trim_matches([' ', '\t', '\n', '\r']).to_owned();
                found.push(JsonRow { key: address.key, value, expires_at: newest.expiry() });
            }
        }
        Ok(rows::to_json(&found))
    }

    /// Carries a command out, of which the store left `after`. Returns whether swaps met what they expected, and what the
    /// command tells; or the code with which it is refused.
    pub fn run(&mut self, command: &Command, after: &Self) -> Result<(bool, Option<KeyOutcome>), &'static str> {
        let tells = match command {
            Command::Set(entry) => {
                self.set(entry);
                None
            }
            Command::SetMany(entries) => {
                for entry in entries {
                    self.set(entry);
                }
                None
            }
            Command::Swap(swap) => return Ok((self.swap(swap), None)),
            Command::SwapMany(parts) => return Ok((self.swap_many(parts), None)),
            Command::Delete(address) => {
                self.delete(address);
                None
            }
            Command::DeleteLike { community, pattern } => {
                self.delete_like(community.as_deref(), pattern, after);
                None
            }
            Command::Increment(increment) => Some(self.increment(increment)?),
            Command::SetIfAbsent(entry) => {
                let is_absent = self.live(&entry.address).is_empty();
                if is_absent {
                    self.set(entry);
                }
                Some(KeyOutcome::Done(is_absent))
            }
            Command::GetAndDelete(address) => {
                let value = self.get(address);
                if value.as_deref().is_some_and(|value| !is_json(value)) {
                    return Err("ERR_VALUE_NOT_JSON");
                }
                if value.is_some() {
                    self.delete(address);
                }
                Some(KeyOutcome::Value(value))
            }
            Command::Expire { address, expires_at } => Some(KeyOutcome::Done(self.expire(address, *expires_at))),
            Command::DeleteRange { community, range } => {
                Some(KeyOutcome::Removed(self.delete_range(community.as_deref(), range, after)))
            }
            Command::Sql(_) => unreachable!("the targets make none"),
        };
        Ok((true, tells))
    }

    fn increment(&mut self, increment: &Increment) -> Result<KeyOutcome, &'static str> {
        let address = &increment.address;
        let text = self.get(address).unwrap_or_else(|| "0".into());
        if !is_json(&text) {
            return Err("ERR_VALUE_NOT_JSON");
        }
        let trimmed = text.trim_matches([' ', '\t', '\n', '\r']);
        let number: f64 = trimmed.parse().map_err(|_| "ERR_VALUE_TYPE")?;
        let sum = number + increment.by;
        if !sum.is_finite() || sum < increment.min || sum > increment.max {
            return Err("ERR_OUT_OF_RANGE");
        }
        let expires_at = self.live(address).pop().map_or(increment.expires_at, Row::expiry);
        self.write(address, &number_text(sum), expires_at);
        Ok(KeyOutcome::Number { number: sum, expires_at })
    }

    /// Gives the newest row another expiry, which stays alone in the place of the oldest.
    fn expire(&mut self, address: &Address, expires_at: Option<i64>) -> bool {
        let Some(newest) = self.live(address).pop().cloned() else { return false };
        self.write(address, "", expires_at);
        let row = self.0.iter_mut().find(|row| row.is_of(address)).unwrap();
        row.value = newest.value;
        true
    }

    fn swap_many(&mut self, parts: &[SwapPart]) -> bool {
        let holds = |part: &SwapPart| match (&part.expected, self.live(&part.address).pop()) {
            (Expected::Nothing, None) => true,
            (Expected::Value(expected), Some(row)) => row.value() == Some(expected.as_str()),
            _ => false,
        };
        if !parts.iter().all(holds) {
            return false;
        }
        for SwapPart { address, then, .. } in parts {
            match then {
                Then::Keep => {}
                Then::Store(value) => {
                    let expires_at = self.live(address).pop().and_then(Row::expiry);
                    self.write(address, value, expires_at);
                }
                Then::Delete => self.delete(address),
            }
        }
        true
    }

    /// Removes a range. Rows that are no key's may have gone too.
    fn delete_range(&mut self, community: Option<&str>, range: &KeyRange, after: &Self) -> u64 {
        let keys: HashSet<String> = self
            .0
            .iter()
            .filter(|row| row.is_in(community))
            .filter_map(|row| row.key().filter(|key| range.has(key)).map(str::to_owned))
            .collect();
        let address = |key: &String| Address { community: community.map(str::to_owned), key: key.clone() };
        let live = keys.iter().filter(|key| !self.live(&address(key)).is_empty()).count();
        self.0.retain(|row| {
            !row.is_in(community)
                || match row.key() {
                    Some(key) => !keys.contains(key),
                    None => !matches!(row.key, Cell::Text(_)) || after.0.contains(row),
                }
        });
        live as u64
    }

    fn set(&mut self, entry: &Entry) {
        self.write(&entry.address, &entry.value, entry.expires_at);
    }

    fn swap(&mut self, swap: &Swap) -> bool {
        let live = self.live(&swap.address).pop();
        let expected = match &swap.expected {
            Expected::Nothing => None,
            Expected::Value(value) => Some(Some(value.as_str())),
            Expected::Previous => unreachable!("the targets make none"),
        };
        if live.map(Row::value) != expected {
            return false;
        }
        let expires_at = swap.expiry.over(live.and_then(Row::expiry));
        self.write(&swap.address, &swap.value, expires_at);
        true
    }

    fn delete(&mut self, address: &Address) {
        self.0.retain(|row| !row.is_of(address));
    }

    /// Removes what matches. Rows that are no key's may have gone too.
    fn delete_like(&mut self, community: Option<&str>, pattern: &str, after: &Self) {
        self.0.retain(|row| {
            !row.is_in(community)
                || match row.key() {
                    Some(key) => !like(pattern, key),
                    None => after.0.contains(row) || !row.may_match(pattern),
                }
        });
    }

    /// Leaves one row of a key, at its place.
    fn write(&mut self, address: &Address, value: &str, expires_at: Option<i64>) {
        let place = self.live(address).first().map(|row| row.rowid);
        self.delete(address);
        let row = Row {
            rowid: place.unwrap_or(self.0.last().map_or(1, |row| row.rowid + 1)),
            community: address.community.as_deref().map_or(Cell::Null, Cell::text),
            key: Cell::text(&address.key),
            value: Cell::text(value),
            expires_at: expires_at.map_or(Cell::Null, Cell::Integer),
        };
        let index = self.0.partition_point(|other| other.rowid < row.rowid);
        self.0.insert(index, row);
    }
}

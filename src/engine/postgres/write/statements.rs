//! The statements that read and lock keys, and that write what is left of them.

use std::collections::{BTreeSet, HashMap};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::state::{Changes, LockedRow, NewRow};
use crate::engine::postgres::failure::ServerFailure;
use crate::engine::postgres::sql::Sql;
use crate::engine::postgres::time::PgTime;
use crate::kv::Address;

/// Places in the order of insertion between two numbers of the sequence.
const PLACES: i64 = 65_536;

const INSERT: &str = "INSERT INTO __rootapp_kv AS t (key, community_id, value, expires_at, __rootcellar_order) ";

/// Tells rows that were made to lock their keys. No transaction leaves one behind.
const IS_MADE: &str = "t.__rootcellar_order < 0";

/// Tells whether a row is one of those that are renewed.
const RENEWAL: &str = " OR concat(length(t.community_id), ':', t.community_id, t.key) = ANY(";

/// Locks keys, in this order: the rows that there are, and of the others some that it makes. Returns the latter.
pub fn lock_keys<'a>(addresses: &[&'a Address]) -> Sql<'a> {
    let mut sql = Sql::new(
        "INSERT INTO __rootapp_kv AS t (community_id, key, value, __rootcellar_order) \
         SELECT n.community, n.key, 'null', -1 FROM ",
    );
    unnest(&mut sql, addresses);
    // The rows are locked, although nothing is changed in them.
    sql.text(" ON CONFLICT (community_id, key) DO UPDATE SET value = t.value WHERE false RETURNING t.key, t.community_id");
    sql
}

/// Locks the rows of a scope that a condition selects, in the order of their addresses.
pub fn lock_some<'a>(community: Option<&'a str>, condition: impl FnOnce(&mut Sql<'a>)) -> Sql<'a> {
    let mut sql = Sql::new("SELECT count(*) FROM (SELECT FROM __rootapp_kv WHERE ");
    sql.in_scope(community);
    condition(&mut sql);
    sql.text(" ORDER BY key FOR UPDATE) AS locked");
    sql
}

/// The addresses that [`lock_keys`] returns.
pub fn made(rows: &[Row]) -> Result<BTreeSet<Address>, ServerFailure> {
    rows.iter().map(|row| Ok(Address { key: row.try_get(0)?, community: row.try_get(1)? })).collect()
}

/// Reads rows: those of the default scope, and those of communities.
pub fn read_rows<'a>(addresses: &[&'a Address]) -> [Option<Sql<'a>>; 2] {
    let row =
        format!("SELECT t.key, t.community_id, t.value, t.expires_at FROM __rootapp_kv t WHERE NOT {IS_MADE} AND ");
    let (defaults, others): (Vec<&Address>, Vec<&Address>) =
        addresses.iter().partition(|address| address.community.is_none());
    let default_scope = (!defaults.is_empty()).then(|| {
        let keys: Vec<&str> = defaults.iter().map(|address| address.key.as_str()).collect();
        let mut sql = Sql::new(&row);
        sql.text("t.community_id IS NULL AND t.key = ANY(").value(keys, Type::TEXT_ARRAY).text(")");
        sql
    });
    let communities = (!others.is_empty()).then(|| {
        let mut sql = Sql::new(&row);
        sql.text("(t.community_id, t.key) IN (SELECT n.community, n.key FROM ");
        unnest(&mut sql, &others);
        sql.text(")");
        sql
    });
    [default_scope, communities]
}

/// The rows that [`read_rows`] returns.
pub fn found(rows: &[Row]) -> Result<HashMap<Address, LockedRow>, ServerFailure> {
    rows.iter()
        .map(|row| {
            let address = Address { key: row.try_get(0)?, community: row.try_get(1)? };
            Ok((address, LockedRow { value: row.try_get(2)?, expires_at: row.try_get(3)? }))
        })
        .collect()
}

/// `unnest(...) AS n(community, key)`
fn unnest<'a>(sql: &mut Sql<'a>, addresses: &[&'a Address]) {
    let communities: Vec<Option<&str>> = addresses.iter().map(|address| address.community.as_deref()).collect();
    let keys: Vec<&str> = addresses.iter().map(|address| address.key.as_str()).collect();
    sql.text("unnest(").value(communities, Type::TEXT_ARRAY).text(", ").value(keys, Type::TEXT_ARRAY);
    sql.text(") AS n(community, key)");
}

/// Adds what writes changes to a statement that begins with [`super::Ledger::entry`]. All of it depends on `f`. All rows have
/// their numbers from one draw, so that they are in one order. Returns the names of what it added.
pub fn write<'a>(sql: &mut Sql<'a>, changes: &'a Changes<'a>) -> Vec<&'static str> {
    let mut parts = Vec::new();
    if !changes.values.is_empty() {
        match changes.values.as_slice() {
            [row] => insert_one(sql, row),
            rows => insert(sql, rows),
        }
        sql.text(
            " ON CONFLICT (community_id, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at, \
             __rootcellar_order = CASE WHEN t.expires_at <= statement_timestamp() OR ",
        );
        sql.text(IS_MADE);
        let renewed: Vec<String> = changes.values.iter().filter(|row| row.is_renewed).map(renewal).collect();
        if !renewed.is_empty() {
            sql.text(RENEWAL).value(renewed, Type::TEXT_ARRAY).text(")");
        }
        sql.text(" THEN excluded.__rootcellar_order ELSE t.__rootcellar_order END RETURNING 1)");
        parts.push("i");
    }
    let (defaults, others): (Vec<&Address>, Vec<&Address>) =
        changes.removed.iter().chain(&changes.made).partition(|address| address.community.is_none());
    if !defaults.is_empty() {
        let keys: Vec<&str> = defaults.iter().map(|address| address.key.as_str()).collect();
        sql.text(", d AS (DELETE FROM __rootapp_kv WHERE community_id IS NULL AND key = ANY(");
        sql.value(keys, Type::TEXT_ARRAY).text(") AND EXISTS (SELECT FROM f) RETURNING 1)");
        parts.push("d");
    }
    if !others.is_empty() {
        sql.text(", e AS (DELETE FROM __rootapp_kv t USING ");
        unnest(sql, &others);
        sql.text(" WHERE t.community_id = n.community AND t.key = n.key AND EXISTS (SELECT FROM f) RETURNING 1)");
        parts.push("e");
    }
    parts
}

/// Identifier of a key whose row is renewed, as [`RENEWAL`] makes it. The length tells where the community ends.
fn renewal(row: &NewRow) -> String {
    let Address { community, key } = row.address;
    let length = community.as_ref().map(|community| community.chars().count().to_string());
    format!("{}:{}{key}", length.unwrap_or_default(), community.as_deref().unwrap_or_default())
}

/// `, i AS (INSERT ... SELECT ...` of a row. Without arrays it takes the server half the time.
fn insert_one<'a>(sql: &mut Sql<'a>, row: &'a NewRow<'a>) {
    sql.text(", i AS (").text(INSERT).text("SELECT ").value(row.address.key.as_str(), Type::TEXT).text(", ");
    sql.value(row.address.community.as_deref(), Type::TEXT).text(", ").value(&*row.value, Type::TEXT).text(", ");
    sql.value(row.expires_at, Type::TIMESTAMPTZ).text(", nextval('__rootcellar_seq') * 65536 FROM f");
}

/// `, o AS (...), i AS (INSERT ... SELECT ...` of rows, in their order. `o` has as many numbers of the sequence as their places
/// need.
fn insert<'a>(sql: &mut Sql<'a>, rows: &'a [NewRow<'a>]) {
    let last = rows.iter().map(|row| row.place).max().unwrap_or_default();
    sql.text(", o AS MATERIALIZED (SELECT array_agg(nextval('__rootcellar_seq')) AS base FROM generate_series(1, ");
    sql.value(1 + last / PLACES, Type::INT8).text(")), i AS (").text(INSERT);
    let keys: Vec<&str> = rows.iter().map(|row| row.address.key.as_str()).collect();
    let communities: Vec<Option<&str>> = rows.iter().map(|row| row.address.community.as_deref()).collect();
    let values: Vec<&str> = rows.iter().map(|row| &*row.value).collect();
    let expiries: Vec<Option<PgTime>> = rows.iter().map(|row| row.expires_at).collect();
    let places: Vec<i64> = rows.iter().map(|row| row.place).collect();
    sql.text(
        "SELECT n.key, n.community, n.value, n.expires_at, o.base[1 + n.place / 65536] * 65536 + n.place % 65536 \
         FROM unnest(",
    );
    sql.value(keys, Type::TEXT_ARRAY).text(", ").value(communities, Type::TEXT_ARRAY).text(", ");
    sql.value(values, Type::TEXT_ARRAY).text(", ").value(expiries, Type::TIMESTAMPTZ_ARRAY).text(", ");
    sql.value(places, Type::INT8_ARRAY)
        .text(") AS n(key, community, value, expires_at, place), o WHERE EXISTS (SELECT FROM f)");
}

/// Runs a statement if there is one.
pub async fn run_some(sql: Option<&Sql<'_>>, client: &Client) -> Result<Vec<Row>, ServerFailure> {
    match sql {
        Some(sql) => sql.run(client).await,
        None => Ok(Vec::new()),
    }
}

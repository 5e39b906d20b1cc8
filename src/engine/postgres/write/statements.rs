//! The statements that read and lock keys, and that write what is left of them.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::state::{Changes, LockedRow, NewRow};
use crate::engine::postgres::failure::ServerFailure;
use crate::engine::postgres::sql::Sql;
use crate::engine::postgres::time::PgTime;
use crate::kv::Address;

/// Places in the order of insertion between two numbers of the sequence.
const PLACES: i64 = 65_536;

/// A key, its value, and its expiry.
const ROW: &str = "SELECT t.key, t.community_id, t.value, t.expires_at FROM __rootapp_kv t ";

/// Reads and locks rows, in the order of their addresses: those of the default scope, and those of communities.
pub fn lock_rows<'a>(addresses: &[&'a Address]) -> [Option<Sql<'a>>; 2] {
    let (defaults, others): (Vec<&Address>, Vec<&Address>) =
        addresses.iter().partition(|address| address.community.is_none());
    let default_scope = (!defaults.is_empty()).then(|| {
        let keys: Vec<&str> = defaults.iter().map(|address| address.key.as_str()).collect();
        let mut sql = Sql::new(ROW);
        sql.text("WHERE t.community_id IS NULL AND t.key = ANY(").value(keys, Type::TEXT_ARRAY);
        sql.text(") ORDER BY t.key FOR UPDATE");
        sql
    });
    let communities = (!others.is_empty()).then(|| {
        let mut sql = Sql::new(ROW);
        sql.text("JOIN ");
        unnest(&mut sql, &others);
        sql.text(
            " ON t.community_id = n.community AND t.key = n.key ORDER BY t.community_id, t.key FOR UPDATE OF t",
        );
        sql
    });
    [default_scope, communities]
}

/// The rows that were read.
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
/// their numbers from one draw, so that they are in one order. It fails, with a division by zero, if a new key is there.
pub fn write<'a>(sql: &mut Sql<'a>, changes: &'a Changes<'a>) {
    if let Some(last) = changes.values.iter().chain(&changes.new).map(|row| row.place).max() {
        sql.text(", ");
        numbers(sql, last);
    }
    if !changes.values.is_empty() {
        sql.text(", i AS (");
        insert(sql, &changes.values);
        sql.text(
            " WHERE EXISTS (SELECT FROM f) ON CONFLICT (community_id, key) DO UPDATE SET value = excluded.value, \
             expires_at = excluded.expires_at, __rootcellar_order = CASE WHEN t.expires_at <= now()",
        );
        let renewed: Vec<String> = changes.values.iter().filter(|row| row.is_renewed).map(renewal).collect();
        if !renewed.is_empty() {
            sql.text(" OR concat(t.community_id, chr(1), t.key) = ANY(").value(renewed, Type::TEXT_ARRAY).text(")");
        }
        sql.text(" THEN excluded.__rootcellar_order ELSE t.__rootcellar_order END)");
    }
    if !changes.new.is_empty() {
        sql.text(", c AS (");
        insert(sql, &changes.new);
        sql.text(
            " WHERE EXISTS (SELECT FROM f) ON CONFLICT (community_id, key) DO NOTHING RETURNING 1), \
             made AS (SELECT count(*) AS n FROM c)",
        );
    }
    let (defaults, others): (Vec<&Address>, Vec<&Address>) =
        changes.removed.iter().partition(|address| address.community.is_none());
    if !defaults.is_empty() {
        let keys: Vec<&str> = defaults.iter().map(|address| address.key.as_str()).collect();
        sql.text(", d AS (DELETE FROM __rootapp_kv WHERE community_id IS NULL AND key = ANY(");
        sql.value(keys, Type::TEXT_ARRAY).text(") AND EXISTS (SELECT FROM f))");
    }
    if !others.is_empty() {
        sql.text(", e AS (DELETE FROM __rootapp_kv t USING ");
        unnest(sql, &others);
        sql.text(" WHERE t.community_id = n.community AND t.key = n.key AND EXISTS (SELECT FROM f))");
    }
    if changes.new.is_empty() {
        sql.text(" SELECT FROM f");
    } else {
        sql.text(" SELECT 1 / (made.n = ");
        sql.value(i64::try_from(changes.new.len()).unwrap_or(i64::MAX), Type::INT8).text(")::int FROM f, made");
    }
}

/// Identifier of a key whose row is renewed, in the text of a statement.
fn renewal(row: &NewRow) -> String {
    format!("{}\u{1}{}", row.address.community.as_deref().unwrap_or_default(), row.address.key)
}

/// `o AS (...)`: as many numbers of the sequence as so many places need.
fn numbers(sql: &mut Sql, places: i64) {
    sql.text("o AS MATERIALIZED (SELECT array_agg(nextval('__rootcellar_seq')) AS base FROM generate_series(1, ");
    sql.value(1 + places / PLACES, Type::INT8).text("))");
}

/// `INSERT ... SELECT ...` of rows, in their order, without its conditions. It needs `o`.
fn insert<'a>(sql: &mut Sql<'a>, rows: &'a [NewRow<'a>]) {
    let keys: Vec<&str> = rows.iter().map(|row| row.address.key.as_str()).collect();
    let communities: Vec<Option<&str>> = rows.iter().map(|row| row.address.community.as_deref()).collect();
    let values: Vec<&str> = rows.iter().map(|row| &*row.value).collect();
    let expiries: Vec<Option<PgTime>> = rows.iter().map(|row| row.expires_at).collect();
    let places: Vec<i64> = rows.iter().map(|row| row.place).collect();
    sql.text(
        "INSERT INTO __rootapp_kv AS t (key, community_id, value, expires_at, __rootcellar_order) \
         SELECT n.key, n.community, n.value, n.expires_at, o.base[1 + n.place / 65536] * 65536 + n.place % 65536 \
         FROM unnest(",
    );
    sql.value(keys, Type::TEXT_ARRAY).text(", ").value(communities, Type::TEXT_ARRAY).text(", ");
    sql.value(values, Type::TEXT_ARRAY).text(", ").value(expiries, Type::TIMESTAMPTZ_ARRAY).text(", ");
    sql.value(places, Type::INT8_ARRAY).text(") AS n(key, community, value, expires_at, place), o");
}

/// Makes rows, so that nobody else does until the transaction has ended. It fails, with a division by zero, if there is one.
pub fn claim<'a>(absent: &[&'a Address]) -> Sql<'a> {
    let mut sql = Sql::new(
        "WITH i AS (INSERT INTO __rootapp_kv (community_id, key, value) SELECT n.community, n.key, 'null' FROM ",
    );
    unnest(&mut sql, absent);
    sql.text(" ON CONFLICT (community_id, key) DO NOTHING RETURNING 1) SELECT 1 / (count(*) = ");
    sql.value(i64::try_from(absent.len()).unwrap_or(i64::MAX), Type::INT8).text(")::int FROM i");
    sql
}

/// Removes the rows that [`claim`] has made.
pub fn unclaim<'a>(absent: &[&'a Address]) -> Sql<'a> {
    let mut sql = Sql::new("DELETE FROM __rootapp_kv t USING ");
    unnest(&mut sql, absent);
    sql.text(" WHERE t.community_id IS NOT DISTINCT FROM n.community AND t.key = n.key");
    sql
}

/// Runs a statement if there is one.
pub async fn run_some(sql: Option<&Sql<'_>>, client: &Client) -> Result<Vec<Row>, ServerFailure> {
    match sql {
        Some(sql) => sql.run(client).await,
        None => Ok(Vec::new()),
    }
}

//! The statements that read keys, and rows as JSON text.

use std::collections::HashMap;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use crate::engine::postgres::failure::ServerFailure;
use crate::engine::postgres::net::Session;
use crate::engine::postgres::sql::Sql;
use crate::engine::postgres::table::{in_range, matching};
use crate::engine::postgres::time::{Clocks, PgTime};
use crate::kv::{Address, EntryWriter, RowFormat};
use crate::reads::{CountQuery, KeyQuery, PageQuery, Select, Stored, Values, ValuesQuery};

/// In a transaction `now()` would be the time of its beginning.
const LIVE: &str = " AND (expires_at IS NULL OR expires_at > statement_timestamp())";

/// Rows of which a page reads some more than it holds, so that it knows whether there are more.
const MORE: usize = 1;

/// Lock of the rows of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowLock {
    /// Others may change them at once.
    Free,
    /// Others wait for the end of the transaction.
    ForUpdate,
}

impl RowLock {
    /// The end of a query that takes it.
    fn clause(self) -> &'static str {
        match self {
            Self::Free => "",
            Self::ForUpdate => " FOR UPDATE",
        }
    }
}

/// Answers a query, with slices of which the last is apart. Of a count, and of given keys, no rows are locked.
pub async fn answer(
    client: &Client,
    query: &KeyQuery,
    clocks: Clocks,
    lock: RowLock,
) -> Result<(Vec<String>, String), ServerFailure> {
    let mut slices = Vec::new();
    let last = match query {
        KeyQuery::Select(query) => select(client, query, clocks, lock, &mut slices).await,
        KeyQuery::Page(query) => page(client, query, clocks, lock, &mut slices).await,
        KeyQuery::Count(query) => count(client, query).await,
        KeyQuery::Values(query) => values(client, query, &mut slices).await,
    }?;
    Ok((slices, last))
}

async fn select(
    client: &Client,
    query: &Select,
    clocks: Clocks,
    lock: RowLock,
    full: &mut Vec<String>,
) -> Result<String, ServerFailure> {
    let mut sql = Sql::new("SELECT key, value, expires_at FROM __rootapp_kv WHERE ");
    sql.in_scope(query.community.as_deref());
    matching(&mut sql, &query.pattern);
    sql.text(LIVE).text(" ORDER BY __rootcellar_order").text(lock.clause());
    let mut slices = EntryWriter::new(query.format);
    for row in sql.run(client).await? {
        full.extend(push(&mut slices, &row, clocks)?);
    }
    Ok(slices.finish(None))
}

async fn page(
    client: &Client,
    query: &PageQuery,
    clocks: Clocks,
    lock: RowLock,
    full: &mut Vec<String>,
) -> Result<String, ServerFailure> {
    let has_values = query.format != RowFormat::Key;
    let value = if has_values { "value" } else { "''" };
    let mut sql = Sql::new(&format!("SELECT key, {value}, expires_at FROM __rootapp_kv WHERE "));
    sql.in_scope(query.community.as_deref());
    in_range(&mut sql, &query.range);
    let limit = i64::try_from(query.limit.saturating_add(MORE)).unwrap_or(i64::MAX);
    sql.text(LIVE).text(if query.is_reverse { " ORDER BY key DESC LIMIT " } else { " ORDER BY key LIMIT " });
    sql.value(limit, Type::INT8).text(lock.clause());
    let rows = sql.run(client).await?;
    let mut slices = EntryWriter::new(query.format);
    let (mut entries, mut bytes) = (0, 0);
    for row in &rows {
        if entries == query.limit || (entries > 0 && bytes >= query.bytes_max) {
            break;
        }
        full.extend(push(&mut slices, row, clocks)?);
        entries += 1;
        bytes += text(row, 0)?.len() + text(row, 1)?.len();
    }
    Ok(slices.finish_page(entries < rows.len()))
}

async fn count(client: &Client, query: &CountQuery) -> Result<String, ServerFailure> {
    let mut sql = Sql::new("SELECT count(*) FROM __rootapp_kv WHERE ");
    sql.in_scope(query.community.as_deref());
    in_range(&mut sql, &query.range);
    sql.text(LIVE);
    let rows = sql.run(client).await?;
    let count: i64 = rows.first().ok_or(ServerFailure::Lost)?.try_get(0)?;
    Ok(count.to_string())
}

async fn values(client: &Client, query: &ValuesQuery, full: &mut Vec<String>) -> Result<String, ServerFailure> {
    let keys: Vec<&str> = query.keys.iter().map(String::as_str).collect();
    let rows = rows_of(client, query.community.as_deref(), keys).await?;
    let found = by_key(&rows)?;
    let mut slices = EntryWriter::new(RowFormat::Value);
    let mut indexes = Vec::new();
    for (index, key) in query.keys.iter().enumerate() {
        if let Some(value) = found.get(key.as_str()) {
            full.extend(slices.push(key, value, None)?);
            indexes.push(index);
        }
    }
    Ok(slices.finish(Some(&indexes)))
}

/// Reads the live values of addresses, all as of one moment. Their expiries are not told: it is the server's clock that decides
/// what has expired.
pub async fn read(client: &Client, addresses: &[Address]) -> Result<Values, ServerFailure> {
    let (defaults, others): (Vec<&Address>, Vec<&Address>) =
        addresses.iter().partition(|address| address.community.is_none());
    let mut sql = Sql::default();
    for (index, part) in [defaults, others].into_iter().filter(|part| !part.is_empty()).enumerate() {
        sql.text(if index == 0 { "" } else { " UNION ALL " });
        sql.text("SELECT key, value, community_id FROM __rootapp_kv WHERE ");
        let communities: Vec<Option<&str>> = part.iter().map(|address| address.community.as_deref()).collect();
        let keys: Vec<&str> = part.iter().map(|address| &*address.key).collect();
        if communities.iter().all(|community| *community == communities[0]) {
            sql.in_scope(communities[0]).text(" AND key = ANY(").value(keys, Type::TEXT_ARRAY).text(")");
        } else {
            sql.text("(community_id, key) IN (SELECT * FROM unnest(").value(communities, Type::TEXT_ARRAY);
            sql.text(", ").value(keys, Type::TEXT_ARRAY).text("))");
        }
        sql.text(LIVE);
    }
    let rows = if addresses.is_empty() { Vec::new() } else { sql.run(client).await? };
    let mut found: HashMap<(Option<&str>, &str), &str> = HashMap::new();
    for row in &rows {
        found.insert((row.try_get(2)?, text(row, 0)?), text(row, 1)?);
    }
    let value = |address: &Address| {
        let text = found.get(&(address.community.as_deref(), &*address.key)).map(|value| (*value).to_owned());
        Ok(Stored { text, expires_at: None })
    };
    Ok(addresses.iter().map(value).collect())
}

/// Reads the live value of an address.
pub async fn read_one(session: &Session, address: &Address) -> Result<Values, ServerFailure> {
    let mut sql = Sql::new("SELECT value FROM __rootapp_kv WHERE ");
    sql.in_scope(address.community.as_deref())
        .text(" AND key = ")
        .value(address.key.as_str(), Type::TEXT)
        .text(LIVE);
    let rows = sql.run_often(session).await?;
    let text = rows.first().map(|row| text(row, 0).map(str::to_owned)).transpose()?;
    Ok(vec![Ok(Stored { text, expires_at: None })])
}

async fn rows_of<'a>(
    client: &Client,
    community: Option<&'a str>,
    keys: Vec<&'a str>,
) -> Result<Vec<Row>, ServerFailure> {
    let mut sql = Sql::new("SELECT key, value FROM __rootapp_kv WHERE ");
    sql.in_scope(community).text(" AND key = ANY(").value(keys, Type::TEXT_ARRAY).text(")").text(LIVE);
    sql.run(client).await
}

fn by_key(rows: &[Row]) -> Result<HashMap<&str, &str>, ServerFailure> {
    rows.iter().map(|row| Ok((text(row, 0)?, text(row, 1)?))).collect()
}

/// Adds a row of key, value and expiry.
fn push(slices: &mut EntryWriter, row: &Row, clocks: Clocks) -> Result<Option<String>, ServerFailure> {
    let expires_at: Option<PgTime> = row.try_get(2)?;
    let told = expires_at.and_then(|at| clocks.to_client(at));
    slices.push(text(row, 0)?, text(row, 1)?, told).map_err(ServerFailure::Refused)
}

fn text(row: &Row, column: usize) -> Result<&str, ServerFailure> {
    Ok(row.try_get::<_, Option<&str>>(column)?.unwrap_or_default())
}

//! Requests of an operator: the state of the server, and all rows, out and in.

use std::collections::HashMap;
use std::time::Duration;

use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::failure::ServerFailure;
use super::sql::Sql;
use super::table::{Adopted, COMMITS, StoreTables, adopt, tables};
use super::time::PgTime;
use crate::kv::push_json;
use crate::{Error, Reply};

/// Rows of one page of an export, at most.
const PAGE_ROWS: usize = 1_000;

/// Length of a page from which no more rows are added. JavaScript holds a page in one string, which has a limit.
const PAGE_BYTES: usize = 4 << 20;

/// Rows that are read before it is known how long they are.
const FIRST_ROWS: usize = 16;

/// Answer to an export where there is no table.
pub const NOTHING: &str = "{\"rows\":[],\"hasMore\":false}";

/// Request of an operator. Each is answered with JSON text.
pub enum AdminRequest {
    /// The state of the server.
    Status(Reply<String>),
    /// Makes or adopts the tables, whatever their size.
    Adopt(Reply<String>),
    /// The next rows of an export, which begins with `true`: all that are live at its beginning, in the order of insertion.
    Export(bool, Reply<String>),
    /// Adds rows in their order, all or none. `true` replaces those of keys that are there; else they are left.
    Import(Vec<ImportedRow>, bool, Reply<String>),
}

/// A row to add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedRow {
    /// The key.
    pub key: String,
    /// Its community, or `None` for the default scope.
    pub community: Option<String>,
    /// JSON text.
    pub value: String,
    /// Milliseconds since 1970 UTC, or `None` for never.
    pub expires_at: Option<i64>,
}

/// Without the rights of `pg_monitor`, what concerns others is `null`.
const STATUS: &str = "SELECT json_build_object(\
    'version', current_setting('server_version'), \
    'sizeBytes', pg_database_size(current_database()), \
    'standbys', (SELECT coalesce(json_agg(json_build_object('name', application_name, 'state', state, 'sync', sync_state, \
      'lagBytes', pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn), \
      'lagMs', extract(epoch FROM replay_lag) * 1000) ORDER BY application_name), '[]') \
      FROM pg_stat_replication WHERE application_name NOT LIKE '%basebackup'), \
    'isSynchronous', current_setting('synchronous_standby_names') <> '' \
      AND current_setting('synchronous_commit') IN ('on', 'remote_apply'), \
    'connections', json_build_object(\
      'used', (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'), \
      'ofThisUser', (SELECT count(*) FROM pg_stat_activity WHERE usename = current_user \
        AND backend_type = 'client backend'), \
      'max', current_setting('max_connections')::int8)";

/// An estimate, where the server has one; none is 0.
const KEYS: &str = ", 'keys', (SELECT CASE WHEN reltuples <= 0 THEN (SELECT count(*) FROM __rootapp_kv) \
    ELSE reltuples::int8 END FROM pg_class WHERE oid = '__rootapp_kv'::regclass)";
const WRITERS: &str = ", 'writers', (SELECT json_build_object('rows', count(*), \
    'oldestDays', coalesce(extract(epoch FROM now() - min(used_at)) / 86400, 0)) FROM __rootcellar_writers)";

/// State of the server, as JSON text. Of the tables, it has what is there.
pub async fn status(client: &Client, ahead_ms: i64) -> Result<String, ServerFailure> {
    let tables = tables(client).await?;
    let of_tables = match tables {
        StoreTables::Missing => ", 'keys', 0, 'writers', NULL".to_owned(),
        StoreTables::Unadopted => format!("{KEYS}, 'writers', NULL"),
        StoreTables::Ready => format!("{KEYS}{WRITERS}"),
    };
    let row = client.query_typed_one(&format!("{STATUS}{of_tables})::text"), &[]).await?;
    let status: String = row.try_get(0)?;
    let rest = status.strip_prefix('{').unwrap_or_default();
    Ok(format!("{{\"skewMs\":{ahead_ms},\"tables\":\"{}\",{rest}", tables.name()))
}

/// See [`AdminRequest::Adopt`].
pub async fn adopt_all(client: &Client) -> Result<String, ServerFailure> {
    let Adopted { rows, duplicates } = adopt(client, Duration::ZERO).await?;
    Ok(format!("{{\"rows\":{rows},\"duplicates\":{duplicates}}}"))
}

/// Begins an export, see [`AdminRequest::Export`]. Returns whether there is a table to read. However long others take to read
/// the pages, no limit of the server's ends it.
pub async fn begin_export(client: &Client) -> Result<bool, ServerFailure> {
    if !tables(client).await?.has_keys()? {
        return Ok(false);
    }
    client
        .batch_execute(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; \
             SET LOCAL idle_in_transaction_session_timeout = 0; DECLARE exported NO SCROLL CURSOR FOR \
             SELECT key, community_id, value, expires_at FROM __rootapp_kv \
             WHERE expires_at IS NULL OR expires_at > now() ORDER BY __rootcellar_order",
        )
        .await?;
    Ok(true)
}

/// The next page of an export: an array of rows, each of key, community, text of the value and expiry, and whether there may
/// be more. Expiries are as the server has them, so that two exports are alike, whatever the clocks.
pub async fn export_page(client: &Client) -> Result<String, ServerFailure> {
    let mut json = String::from("{\"rows\":[");
    let mut count = 0;
    let mut has_more = true;
    while has_more && count < PAGE_ROWS && json.len() < PAGE_BYTES {
        // As many as will fill the page, if they are as long as those before.
        let fitting = if count == 0 { FIRST_ROWS } else { (PAGE_BYTES - json.len()) * count / json.len() };
        let asked = fitting.clamp(1, PAGE_ROWS - count);
        let rows = client.query_typed(&format!("FETCH {asked} FROM exported"), &[]).await?;
        has_more = rows.len() == asked;
        for row in &rows {
            json.push_str(if count == 0 { "[" } else { ",[" });
            push_json(&mut json, row.try_get(0)?);
            json.push(',');
            push_optional(&mut json, row.try_get(1)?);
            json.push(',');
            push_json(&mut json, row.try_get(2)?);
            json.push(',');
            let expires_at = row.try_get::<_, Option<PgTime>>(3)?.and_then(PgTime::ms);
            json.push_str(&expires_at.map_or_else(|| "null".to_owned(), |at| at.to_string()));
            json.push(']');
            count += 1;
        }
    }
    if !has_more {
        client.batch_execute("COMMIT").await?;
    }
    json.push_str(if has_more { "],\"hasMore\":true}" } else { "],\"hasMore\":false}" });
    Ok(json)
}

fn push_optional(json: &mut String, text: Option<&str>) {
    match text {
        Some(text) => push_json(json, text),
        None => json.push_str("null"),
    }
}

/// See [`AdminRequest::Import`].
pub async fn import(client: &Client, rows: &[ImportedRow], overwrites: bool) -> Result<String, ServerFailure> {
    // The last of equal keys wins, because one statement writes a row once.
    let last: HashMap<(Option<&str>, &str), usize> =
        rows.iter().enumerate().map(|(index, row)| ((row.community.as_deref(), row.key.as_str()), index)).collect();
    let mut places: Vec<usize> = last.into_values().collect();
    places.sort_unstable_by_key(|place| (&rows[*place].community, &rows[*place].key));
    let of = |place: &usize| &rows[*place];
    let keys: Vec<&str> = places.iter().map(|place| of(place).key.as_str()).collect();
    let communities: Vec<Option<&str>> = places.iter().map(|place| of(place).community.as_deref()).collect();
    let values: Vec<&str> = places.iter().map(|place| of(place).value.as_str()).collect();
    let expiries: Vec<Option<PgTime>> =
        places.iter().map(|place| of(place).expires_at.map(PgTime::from_ms)).collect();
    let orders: Vec<i64> = places.iter().map(|place| i64::try_from(*place).unwrap_or(i64::MAX)).collect();
    let mut sql = Sql::new(
        "WITH o AS MATERIALIZED (SELECT nextval('__rootcellar_seq') * 65536 AS base), i AS (\
         INSERT INTO __rootapp_kv AS t (key, community_id, value, expires_at, __rootcellar_order) \
         SELECT n.key, n.community, n.value, n.expires_at, o.base + n.place FROM unnest(",
    );
    sql.value(keys, Type::TEXT_ARRAY).text(", ").value(communities, Type::TEXT_ARRAY).text(", ");
    sql.value(values, Type::TEXT_ARRAY).text(", ").value(expiries, Type::TIMESTAMPTZ_ARRAY).text(", ");
    sql.value(orders, Type::INT8_ARRAY).text(") AS n(key, community, value, expires_at, place), o");
    sql.text(if overwrites {
        " ON CONFLICT (community_id, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at, \
         __rootcellar_order = CASE WHEN t.expires_at <= statement_timestamp() THEN excluded.__rootcellar_order \
         ELSE t.__rootcellar_order END"
    } else {
        // What has expired is not there, and nobody may have purged it yet.
        " ON CONFLICT (community_id, key) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at, \
         __rootcellar_order = excluded.__rootcellar_order WHERE t.expires_at <= statement_timestamp()"
    });
    sql.text(&format!(" RETURNING 1) SELECT count(*), pg_advisory_xact_lock_shared({COMMITS}) FROM i"));
    let found = sql.run(client).await?;
    let inserted: i64 = found.first().ok_or(ServerFailure::Lost)?.try_get(0)?;
    let skipped = i64::try_from(places.len()).unwrap_or(i64::MAX) - inserted;
    Ok(format!("{{\"inserted\":{inserted},\"skipped\":{skipped}}}"))
}

/// Rows of JSON text, see [`export`].
///
/// # Errors
///
/// `ERR_INTERNAL` for another text.
pub fn rows_of(json: &str) -> Result<Vec<ImportedRow>, Error> {
    let rows: Vec<(String, Option<String>, String, Option<i64>)> =
        serde_json::from_str(json).map_err(|_| Error::internal("rows were encoded wrongly"))?;
    let to_row = |(key, community, value, expires_at)| ImportedRow { key, community, value, expires_at };
    Ok(rows.into_iter().map(to_row).collect())
}

//! Watches: from time to time, and after each commit of this process, it is looked which rows are others than before.

use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::watch::Receiver;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::failure::ServerFailure;
use super::net::Session;
use super::read::ServerReader;
use super::sql::Sql;
use super::table::in_range;
use crate::Error;
use crate::kv::ChangeWriter;
use crate::limits::{WATCH_BYTES_MAX, WATCH_CHANGES_MAX, WATCH_POLL, WATCH_POLL_LARGE};
use crate::reads::{Scope, WatchReport};

/// A request for a watch.
pub struct KeyWatch {
    /// The scope, as in [`crate::kv::Address::community`].
    pub community: Option<String>,
    /// The keys.
    pub scope: Scope,
    /// Called when it is known what there is.
    pub begun: Box<dyn FnOnce() + Send>,
    /// Told of what has changed, once for each time that it is asked for; or an error, with which the watch ends.
    pub tell: Box<dyn FnMut(Result<WatchReport, Error>) + Send>,
    /// Asks for the next report. When its other end is dropped, the watch ends.
    pub next: UnboundedReceiver<()>,
}

/// Last known state of the watched keys.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// The value of each.
    Each(HashMap<String, SeenValue>),
    /// There are too many to know each: a digest of all.
    Digest(i64, i64),
}

/// Identity of a value among those of the same key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SeenValue {
    /// The transaction that has written it, see [`WRITTEN_BY`].
    by: i64,
    /// A hash of its text: rewriting the same text is no change.
    hash: i64,
}

/// The transaction that has written a row, of those since the server was started. A server that has lost transactions, such as a
/// standby in the place of its primary, gives their numbers to others; it was started at another time.
const WRITTEN_BY: &str = "hashint8extended(xmin::text::int8, \
    (SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::int8))";

const LIVE: &str = " AND (expires_at IS NULL OR expires_at > statement_timestamp())";

/// Serves a watch until it ends. `committed` changes with every commit of this process.
pub async fn serve(reader: Rc<ServerReader>, watch: KeyWatch, mut committed: Receiver<u64>) {
    let KeyWatch { community, scope, begun, mut tell, mut next } = watch;
    let community = community.as_deref();
    let begin = async |client: &Session| look(client, community, &scope, None).await;
    let mut seen = match reader.retry(begin).await {
        Ok(seen) => seen,
        Err(error) => {
            begun();
            return tell(Err(error));
        }
    };
    begun();
    while next.recv().await.is_some() {
        loop {
            committed.borrow_and_update();
            let known = &seen;
            let step = async |client: &Session| {
                let now = look(client, community, &scope, Some(known)).await?;
                report(client, community, &scope, known, now).await
            };
            match reader.retry(step).await {
                Ok((now, told)) => {
                    seen = now;
                    if let Some(told) = told {
                        tell(Ok(told));
                        break;
                    }
                }
                Err(error) => return tell(Err(error)),
            }
            let pause: Duration = if matches!(seen, Seen::Digest(..)) { WATCH_POLL_LARGE } else { WATCH_POLL };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                changed = committed.changed() => if changed.is_err() { return },
                // Nobody asks twice; so this is the end.
                _ = next.recv() => return,
            }
        }
    }
}

fn watched<'a>(sql: &mut Sql<'a>, community: Option<&'a str>, scope: &'a Scope) {
    sql.in_scope(community);
    match scope {
        Scope::Keys(keys) => {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            sql.text(" AND key = ANY(").value(keys, Type::TEXT_ARRAY).text(")");
        }
        Scope::Range(range) => in_range(sql, range),
    }
    sql.text(LIVE);
}

/// Reads the state of the watched keys: for a key that is as it was known, only that; for others a hash of the value, too.
async fn look(
    client: &Client,
    community: Option<&str>,
    scope: &Scope,
    known: Option<&Seen>,
) -> Result<Seen, ServerFailure> {
    let known = known.and_then(|known| match known {
        Seen::Each(each) => Some(each),
        Seen::Digest(..) => None,
    });
    let hash = if known.is_some() { "0::int8" } else { "hashtextextended(value, 0)" };
    let mut sql = Sql::new(&format!("SELECT key, {WRITTEN_BY}, {hash} FROM __rootapp_kv WHERE "));
    watched(&mut sql, community, scope);
    sql.text(&format!(" LIMIT {}", WATCH_CHANGES_MAX + 1));
    let rows = sql.run(client).await?;
    if rows.len() <= WATCH_CHANGES_MAX {
        let each = rows.iter().map(|row| {
            let (key, by, hash): (String, _, _) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let hash = known.map_or(hash, |known| known.get(&key).map_or(0, |value| value.hash));
            Ok((key, SeenValue { by, hash }))
        });
        return Ok(Seen::Each(each.collect::<Result<_, ServerFailure>>()?));
    }
    let mut sql = Sql::new(&format!(
        "SELECT count(*), coalesce(bit_xor(hashtextextended(key, {WRITTEN_BY})), 0) FROM __rootapp_kv WHERE "
    ));
    watched(&mut sql, community, scope);
    let rows = sql.run(client).await?;
    let row = rows.first().ok_or(ServerFailure::Lost)?;
    Ok(Seen::Digest(row.try_get(0)?, row.try_get(1)?))
}

/// Compares two states of the watched keys. Returns the one that is known then, and the report, if there is any.
async fn report(
    client: &Client,
    community: Option<&str>,
    scope: &Scope,
    before: &Seen,
    now: Seen,
) -> Result<(Seen, Option<WatchReport>), ServerFailure> {
    let (old, mut new) = match (before, now) {
        (Seen::Each(old), Seen::Each(new)) => (old, new),
        (before, now) => {
            let told = (*before != now).then_some(WatchReport::Resync);
            return Ok((now, told));
        }
    };
    let mut changed: Vec<String> =
        new.iter().filter(|(key, value)| old.get(*key) != Some(value)).map(|(key, _)| key.clone()).collect();
    let gone: Vec<&String> = old.keys().filter(|key| !new.contains_key(*key)).collect();
    if changed.is_empty() && gone.is_empty() {
        return Ok((Seen::Each(new), None));
    }
    // Of what has changed, no hash is known yet. All of it is read anew only when this is told.
    let resync = async || Ok((look(client, community, scope, None).await?, Some(WatchReport::Resync)));
    if changed.len() + gone.len() > WATCH_CHANGES_MAX {
        return resync().await;
    }
    changed.sort_unstable();
    // The length of a value is known without reading it.
    let mut sql = Sql::new(&format!(
        "SELECT key, CASE WHEN sum(octet_length(value)) OVER () <= {WATCH_BYTES_MAX} THEN value END, {WRITTEN_BY}, \
         hashtextextended(value, 0) FROM __rootapp_kv WHERE "
    ));
    let keys: Vec<&str> = changed.iter().map(String::as_str).collect();
    sql.in_scope(community).text(" AND key = ANY(").value(keys, Type::TEXT_ARRAY).text(")").text(LIVE);
    let rows = sql.run(client).await?;
    let mut found = HashMap::new();
    for row in &rows {
        let (key, text): (&str, Option<&str>) = (row.try_get(0)?, row.try_get(1)?);
        let Some(text) = text else { return resync().await };
        found.insert(key, (text, SeenValue { by: row.try_get(2)?, hash: row.try_get(3)? }));
    }
    let mut writer = ChangeWriter::default();
    let mut count = 0;
    let mut tell = |key: &str, text: Option<&str>| {
        count += 1;
        writer.push(key, text).map_err(ServerFailure::Refused)
    };
    for key in gone {
        tell(key, None)?;
    }
    for key in &changed {
        if let Some((text, value)) = found.get(key.as_str()) {
            // It may be newer by now than what was seen.
            new.insert(key.clone(), *value);
            if old.get(key).is_none_or(|before| before.hash != value.hash) {
                tell(key, Some(text))?;
            }
        } else {
            new.remove(key);
            if old.contains_key(key) {
                tell(key, None)?;
            }
        }
    }
    let report = (count > 0).then(|| WatchReport::Changes(writer.finish()));
    Ok((Seen::Each(new), report))
}

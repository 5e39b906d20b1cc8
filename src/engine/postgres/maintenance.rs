//! Periodic maintenance: the server's clock is compared with this process's, and expired rows and the ledger's rows of writers
//! that are gone are removed.

use std::rc::Rc;

use tokio_postgres::Client;

use super::failure::ServerFailure;
use super::net::Session;
use super::read::ServerReader;
use crate::limits::{PURGE_INTERVAL, PURGE_ROWS_PER_TRANSACTION};

/// Rows that somebody else removes just now, or writes, are left to them.
const PURGE: &str = "DELETE FROM __rootapp_kv WHERE ctid = ANY(ARRAY(SELECT ctid FROM __rootapp_kv \
    WHERE expires_at < now() - interval '60 seconds' LIMIT 1000 FOR UPDATE SKIP LOCKED)) \
    AND expires_at < now() - interval '60 seconds'";
const FORGET: &str = "DELETE FROM __rootcellar_writers WHERE used_at < now() - interval '7 days'";

/// Does it for as long as it is polled. Nothing waits for it, and its failures concern nobody: the next time does the rest.
pub async fn keep(reader: Rc<ServerReader>) {
    loop {
        tokio::time::sleep(PURGE_INTERVAL).await;
        let limit = reader.network().settings.timeout;
        let once = async |client: &Session| {
            reader.network().compare_clocks(client).await?;
            remove(client).await
        };
        drop(reader.once(limit, once).await);
    }
}

async fn remove(client: &Client) -> Result<(), ServerFailure> {
    loop {
        let removed = client.execute_typed(PURGE, &[]).await?;
        if removed < u64::from(PURGE_ROWS_PER_TRANSACTION) {
            break;
        }
    }
    client.execute_typed(FORGET, &[]).await?;
    Ok(())
}

//! The ledger: a row for each writer, with the number of its last transaction and its epoch.
//!
//! Every transaction sets the number in the row of this writer and epoch. Whoever has lost the connection raises the epoch:
//! that waits for a transaction that is still under way, and shuts out one that arrives late. Then the number tells whether
//! the last one was carried out.

use std::time::Duration;

use rustls::crypto::ring;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use crate::engine::postgres::failure::ServerFailure;
use crate::engine::postgres::sql::Sql;
use crate::engine::postgres::table::COMMITS;

const REGISTER: &str =
    " ON CONFLICT (id) DO UPDATE SET epoch = w.epoch + 1, used_at = now() RETURNING epoch, batch";

/// Has others not commit until this transaction has ended, which is soon: the server ends it if it is idle. It gives up after a
/// second, so that those behind it go on where one that commits waits for its standby. From then on the transaction waits for no
/// lock, as its holder may wait for this one.
pub fn keep_commits_out() -> String {
    format!(
        "SET LOCAL idle_in_transaction_session_timeout = 2000; SET LOCAL lock_timeout = 1000; \
         SELECT pg_advisory_xact_lock({COMMITS}); SET LOCAL lock_timeout = 1"
    )
}

/// Condition that is true, and has the commit wait for the disk also where a role or a database has it not.
const SYNCHRONOUS: &str =
    " AND (current_setting('synchronous_commit') <> 'off' OR set_config('synchronous_commit', 'on', true) <> '')";

/// This writer's row.
pub struct Ledger {
    id: String,
    epoch: i64,
    last: i64,
}

impl Ledger {
    /// A writer that nobody knows yet.
    pub fn new() -> Self {
        let mut random = [0_u8; 16];
        // It fails only where the system has no random numbers, and then nothing that needs TLS works either.
        drop(ring::default_provider().secure_random.fill(&mut random));
        let id = format!("{:032x}", u128::from_be_bytes(random));
        Self { id, epoch: 0, last: 0 }
    }

    /// The number of the next transaction.
    pub fn next(&mut self) -> i64 {
        self.last += 1;
        self.last
    }

    /// Begins an epoch. Returns the number of the last transaction that was carried out.
    pub async fn raise(&mut self, client: &Client) -> Result<i64, ServerFailure> {
        let mut sql = Sql::new("INSERT INTO __rootcellar_writers AS w (id, epoch, batch) SELECT ");
        // It waits for the standby, too: so it has what was committed before, which may not have waited to the end.
        sql.value(self.id.as_str(), Type::TEXT).text(", 1, 0 WHERE true").text(SYNCHRONOUS).text(REGISTER);
        let rows = sql.run(client).await?;
        let row = rows.first().ok_or(ServerFailure::Lost)?;
        self.epoch = row.try_get(0)?;
        Ok(row.try_get(1)?)
    }

    /// Begins a statement that is a transaction of its own with the common table expression `f`, which has a row if this epoch
    /// goes on. Everything else in the statement has to depend on that, and waits for no lock for longer than `lock_wait`.
    pub fn entry(&self, number: i64, lock_wait: Duration) -> Sql<'_> {
        let mut sql = self.update(number);
        sql.text(" AND set_config('lock_timeout', ").value(lock_wait.as_millis().to_string(), Type::TEXT);
        sql.text(", true) <> '' RETURNING 1)");
        sql
    }

    /// Ends a statement that begins with [`Ledger::entry`], when these common table expressions have waited for their rows.
    pub fn end(sql: &mut Sql<'_>, parts: &[&str]) {
        sql.text(&format!(" SELECT pg_advisory_xact_lock_shared({COMMITS}) FROM f"));
        for (index, part) in parts.iter().enumerate() {
            sql.text(if index == 0 { " WHERE " } else { " AND " });
            sql.text(&format!("(SELECT count(*) FROM {part}) >= 0"));
        }
    }

    /// The last statement of a transaction before it commits. It fails if this epoch has ended; [`has_epoch_ended`] knows the
    /// failure.
    pub fn entry_alone(&self, number: i64) -> Sql<'_> {
        let mut sql = self.update(number);
        sql.text(&format!(" RETURNING 1) SELECT 1 / count(*), pg_advisory_xact_lock_shared({COMMITS}) FROM f"));
        sql
    }

    fn update(&self, number: i64) -> Sql<'_> {
        let mut sql = Sql::new("WITH f AS (UPDATE __rootcellar_writers SET used_at = now(), batch = ");
        sql.value(number, Type::INT8).text(" WHERE id = ").value(self.id.as_str(), Type::TEXT);
        sql.text(" AND epoch = ").value(self.epoch, Type::INT8).text(SYNCHRONOUS);
        sql
    }
}

/// Returns `true` for the failure of [`Ledger::entry_alone`]: a division by zero, which no other statement makes here.
pub fn has_epoch_ended(failure: &ServerFailure) -> bool {
    failure.has_state("22012")
}

//! Making the tables, or adopting one that the SDK has made.

use std::time::Duration;

use tokio_postgres::Client;

use super::schema::{CREATE, FORGET_NEWEST, INDEXES, LAX_INDEXES, NOTE_NEWEST, REMOVE_DUPLICATES, STATE, WIDEN};
use crate::Error;
use crate::engine::postgres::failure::{ServerFailure, undone_if_busy};
use crate::error::{PostgresField, PostgresProblem};
use crate::limits::{ADOPTED_ROWS_MAX, ADOPTION_LOCK_WAIT};

/// Name of the lock that keeps two processes from adopting one table together: the first bytes of "rootcellar".
const LOCK: i64 = 8_245_935_278_387_129_708;

/// State of a store's tables in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StoreTables {
    /// There are none.
    Missing,
    /// The SDK's is there, and not adopted; or something is missing.
    Unadopted,
    /// All are there.
    Ready,
}

impl StoreTables {
    /// Its name in a status.
    pub fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unadopted => "unadopted",
            Self::Ready => "ready",
        }
    }

    /// Returns whether there is anything to read.
    ///
    /// # Errors
    ///
    /// `ERR_ADOPTION_NEEDED` for a table that has to be adopted before.
    pub fn has_keys(self) -> Result<bool, Error> {
        match self {
            Self::Missing => Ok(false),
            Self::Unadopted => Err(needed("the table __rootapp_kv is as the SDK has left it")),
            Self::Ready => Ok(true),
        }
    }
}

/// Result of adopting the tables.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Adopted {
    /// Rows that were there.
    pub rows: i64,
    /// Rows that were removed, because newer ones of the same keys are there.
    pub duplicates: i64,
}

/// Makes what is not there, unless that would lock a bot out for long.
///
/// # Errors
///
/// `ERR_ADOPTION_NEEDED`, and `ERR_POSTGRES` with the script if the user may not.
pub async fn ensure(client: &Client) -> Result<(), ServerFailure> {
    match tables(client).await? {
        StoreTables::Ready => return Ok(()),
        StoreTables::Unadopted if count(client, ADOPTED_ROWS_MAX + 1).await? > ADOPTED_ROWS_MAX => {
            let rows = format!("the table __rootapp_kv has more than {ADOPTED_ROWS_MAX} rows");
            return Err(needed(&rows).into());
        }
        StoreTables::Unadopted | StoreTables::Missing => {}
    }
    adopt(client, ADOPTION_LOCK_WAIT).await.map_err(undone_if_busy)?;
    Ok(())
}

fn needed(why: &str) -> Error {
    let problem = format!(
        "{why}, and adopting it locks it for a while; stop whoever writes to it, and run: npx rootcellar migrate"
    );
    Error::postgres(PostgresProblem::AdoptionNeeded, Some(PostgresField::Database), problem)
}

/// Looks up the state of the tables.
pub async fn tables(client: &Client) -> Result<StoreTables, ServerFailure> {
    let row = client.query_typed_one(STATE, &[]).await?;
    Ok(match (row.try_get(0)?, row.try_get(1)?) {
        (_, true) => StoreTables::Ready,
        (true, false) => StoreTables::Unadopted,
        (false, false) => StoreTables::Missing,
    })
}

/// Number of rows, or `limit` if there are more.
async fn count(client: &Client, limit: i64) -> Result<i64, ServerFailure> {
    let count = format!("SELECT count(*) FROM (SELECT FROM __rootapp_kv LIMIT {limit}) AS rows");
    Ok(client.query_typed_one(&count, &[]).await?.try_get(0)?)
}

/// Makes what is not there, whatever is in the table. All of it or nothing. It waits for each lock for `lock_wait`, or for as
/// long as it takes, if that is zero. The role's limit for statements is not meant for it.
pub async fn adopt(client: &Client, lock_wait: Duration) -> Result<Adopted, ServerFailure> {
    let wait_ms = lock_wait.as_millis();
    let begin = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = {wait_ms}"
    );
    client.batch_execute(&begin).await?;
    let adopted = match adopt_here(client).await {
        Ok(adopted) => client.batch_execute("COMMIT").await.map(|()| adopted).map_err(ServerFailure::from),
        Err(failure) => {
            drop(client.batch_execute("ROLLBACK").await);
            Err(failure)
        }
    };
    adopted.map_err(with_script)
}

async fn adopt_here(client: &Client) -> Result<Adopted, ServerFailure> {
    client.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})")).await?;
    let rows = match tables(client).await? {
        StoreTables::Ready => return Ok(Adopted::default()),
        StoreTables::Unadopted => count(client, i64::MAX).await?,
        StoreTables::Missing => 0,
    };
    client.batch_execute(CREATE).await?;
    client.batch_execute(NOTE_NEWEST).await?;
    client.batch_execute(WIDEN).await?;
    let duplicates = client.query_typed_one(REMOVE_DUPLICATES, &[]).await?.try_get(0)?;
    client.batch_execute(FORGET_NEWEST).await?;
    for lax in client.query_typed(LAX_INDEXES, &[]).await? {
        let (index, constraint): (String, Option<String>) = (lax.try_get(0)?, lax.try_get(1)?);
        let drop = match constraint {
            Some(constraint) => format!("ALTER TABLE __rootapp_kv DROP CONSTRAINT {constraint}"),
            None => format!("DROP INDEX {index}"),
        };
        client.batch_execute(&drop).await?;
    }
    client.batch_execute(INDEXES).await?;
    Ok(Adopted { rows, duplicates })
}

/// Adds to a refusal for want of a right what somebody who has it can run.
fn with_script(failure: ServerFailure) -> ServerFailure {
    let ServerFailure::Refused(error) = failure else { return failure };
    let is_right =
        matches!(error.postgres_problem(), Some((PostgresProblem::Refused(state), _)) if state == "42501");
    if !is_right {
        return ServerFailure::Refused(error);
    }
    let message = format!(
        "this user may not make the tables; let its owner run this script once, or grant the right to create:\n\
         BEGIN;\n{CREATE}\n{NOTE_NEWEST}\n{WIDEN}\n{REMOVE_DUPLICATES};\n{FORGET_NEWEST};\n{INDEXES}\nCOMMIT;\n\
         and then grant this user SELECT, INSERT, UPDATE and DELETE on __rootapp_kv and __rootcellar_writers, and USAGE on \
         the sequence __rootcellar_seq (SQLSTATE 42501)"
    );
    let kind = PostgresProblem::Refused("42501".to_owned());
    ServerFailure::Refused(Error::postgres(kind, Some(PostgresField::User), message))
}

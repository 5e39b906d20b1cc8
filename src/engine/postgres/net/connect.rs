//! Making a connection to the server that can be written to.

use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use tokio_postgres::config::SslMode;
use tokio_postgres::{AsyncMessage, Connection};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::session::Session;
use super::settings::{Settings, TlsMode};
use crate::Error;
use crate::clock::now_ms;
use crate::engine::postgres::failure::{ServerFailure, not_connected};
use crate::engine::postgres::time::PgTime;
use crate::error::{PostgresField, PostgresProblem};
use crate::limits::{
    CONNECT_TIMEOUT_POSTGRES, KEEPALIVE_IDLE, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, SERVER_VERSION_MIN,
};

const ASK: &str = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on', \
    current_setting('server_version_num')::int4, current_setting('server_encoding') = 'UTF8', clock_timestamp(), \
    current_setting('rootcellar.connection', true)";

/// Place in the server's source where a commit waits for its standbys, by which a notice tells that it has ceased to
/// (PostgreSQL, `src/backend/replication/syncrep.c`); its words are in the server's language.
const STANDBY_WAIT: &str = "SyncRepWaitForLSN";

/// A connection to a server that can be written to.
pub struct Connected {
    /// The connection.
    pub session: Session,
    /// Ends the connection.
    pub connection: AbortHandle,
    /// The server's clock.
    pub clock: ServerClock,
    /// Its place among the hosts.
    pub host: usize,
    /// No pooler stands before it.
    pub is_direct: bool,
}

/// The clock of a server beside that of this process.
#[derive(Debug, Clone, Copy)]
pub struct ServerClock {
    /// Milliseconds that the server's clock is ahead.
    pub ahead_ms: i64,
    /// Time that asking took, within which that is uncertain.
    pub took: Duration,
}

impl ServerClock {
    /// The clock of a server that said `told` to a question which was asked at this time.
    pub fn between((since, asked_ms): (Instant, i64), told: PgTime) -> Self {
        let took = since.elapsed();
        let half = i64::try_from(took.as_millis() / 2).unwrap_or(i64::MAX);
        Self { ahead_ms: told.ms().unwrap_or_default() - asked_ms - half, took }
    }
}

/// Connects to the first host that can be written to, beginning with `first`. A connection that is marked, if `marks`, is
/// known again by its mark as one to the server itself.
pub async fn connect(
    settings: &Settings,
    tls: &MakeRustlsConnect,
    marks: bool,
    first: usize,
    limit: Duration,
) -> Result<Connected, ServerFailure> {
    let count = settings.hosts.len();
    let mut told = ServerFailure::Lost;
    let mut refusals = 0;
    for host in (0..count).map(|index| (first + index) % count) {
        let one = tokio::time::timeout(limit.min(CONNECT_TIMEOUT_POSTGRES), connect_to(settings, tls, marks, host));
        match one.await.unwrap_or(Err(ServerFailure::Lost)) {
            Ok(connected) => return Ok(connected),
            // Another host may let this one in, so this is told only if none does.
            Err(failure) => {
                refusals += usize::from(matches!(failure, ServerFailure::Refused(_)));
                if worth_telling(&failure) > worth_telling(&told) {
                    told = failure;
                }
            }
        }
    }
    Err(match told {
        // A host that does not answer now may be the next primary.
        ServerFailure::Refused(error) if refusals < count => ServerFailure::RefusedByOthers(error),
        told => told,
    })
}

/// Usefulness of the reason why a host could not be used: the higher, the more it says about what to do.
fn worth_telling(failure: &ServerFailure) -> u8 {
    match failure {
        ServerFailure::Lost | ServerFailure::Undone => 0,
        ServerFailure::ReadOnly => 1,
        ServerFailure::NotNow(_) => 2,
        ServerFailure::RefusedByOthers(_) | ServerFailure::Refused(_) => 3,
    }
}

async fn connect_to(
    settings: &Settings,
    tls: &MakeRustlsConnect,
    marks: bool,
    host: usize,
) -> Result<Connected, ServerFailure> {
    let config = config(settings, host);
    let mark = RandomState::new().build_hasher().finish().to_string();
    let mut marked = config.clone();
    marked.options(format!("-c rootcellar.connection={mark}"));
    let connected = match if marks { &marked } else { &config }.connect(tls.clone()).await {
        Err(error) if marks && refuses_mark(&error) => config.connect(tls.clone()).await,
        connected => connected,
    };
    let (client, connection) = connected.map_err(|error| not_connected(&error))?;
    let connection = tokio::task::spawn_local(serve(connection)).abort_handle();
    let asked = (Instant::now(), now_ms());
    let row = client.query_typed_one(ASK, &[]).await?;
    let clock = ServerClock::between(asked, row.try_get(3)?);
    if row.try_get::<_, i32>(1)? < SERVER_VERSION_MIN {
        return Err(unsupported("the server is too old; expected PostgreSQL 15 or later").into());
    }
    if !row.try_get::<_, bool>(2)? {
        return Err(unsupported("the database has another encoding than UTF8, which it needs").into());
    }
    if row.try_get::<_, bool>(0)? {
        return Err(ServerFailure::ReadOnly);
    }
    let is_direct = marks && row.try_get::<_, Option<&str>>(4)? == Some(&*mark);
    let session = Session::new(client, is_direct);
    Ok(Connected { session, connection, clock, host, is_direct })
}

/// Serves a connection until the client is dropped, or the connection is lost.
///
/// A commit whose wait for a standby is cancelled, as by `statement_timeout`, is reported as done, after a notice. The
/// connection ends with that: then the commit counts as unknown, and the ledger is asked, which waits for the standby again.
async fn serve(
    mut connection: Connection<impl AsyncRead + AsyncWrite + Unpin, impl AsyncRead + AsyncWrite + Unpin>,
) {
    while let Some(Ok(message)) = poll_fn(|context| connection.poll_message(context)).await {
        if matches!(&message, AsyncMessage::Notice(notice) if notice.routine() == Some(STANDBY_WAIT)) {
            return;
        }
    }
}

/// Returns `true` if a pooler may have refused the options of a connection, which several clients are to share.
fn refuses_mark(error: &tokio_postgres::Error) -> bool {
    const CLASSES: &[&str] = &["08", "0A", "22", "42"];
    error.code().is_some_and(|code| CLASSES.iter().any(|class| code.code().starts_with(class)))
}

fn unsupported(problem: &str) -> Error {
    Error::postgres(PostgresProblem::Unsupported, Some(PostgresField::Database), problem)
}

fn config(settings: &Settings, host: usize) -> tokio_postgres::Config {
    let mut config = tokio_postgres::Config::new();
    let (name, port) = &settings.hosts[host];
    // On Unix this is also the way of a socket's folder.
    config.host(name).port(*port).user(&settings.user).dbname(&settings.database);
    if let Some(password) = &settings.password {
        config.password(password);
    }
    config
        .application_name(&settings.application_name)
        .ssl_mode(match settings.tls {
            TlsMode::Disable => SslMode::Disable,
            TlsMode::Prefer => SslMode::Prefer,
            TlsMode::Require | TlsMode::VerifyCa | TlsMode::VerifyFull => SslMode::Require,
        })
        .connect_timeout(CONNECT_TIMEOUT_POSTGRES)
        .tcp_user_timeout(settings.timeout)
        .keepalives_idle(KEEPALIVE_IDLE)
        .keepalives_interval(KEEPALIVE_INTERVAL)
        .keepalives_retries(KEEPALIVE_RETRIES);
    config
}

//! A connection that is made when it is needed, and again when it was lost.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio_postgres::Client;
use tokio_postgres_rustls::MakeRustlsConnect;

use super::connect::{Connected, ServerClock, connect};
use super::session::Session;
use super::settings::Settings;
use crate::Error;
use crate::clock::now_ms;
use crate::engine::postgres::failure::ServerFailure;
use crate::engine::postgres::time::Clocks;
use crate::error::{PostgresField, PostgresProblem};

/// State that all connections of a store share.
pub struct Network {
    /// The settings.
    pub settings: Settings,
    tls: MakeRustlsConnect,
    /// The host that was last found to be one to write to.
    host: Cell<usize>,
    clock: Cell<Option<ServerClock>>,
    clocks: Cell<Clocks>,
    /// Something stands before the server that does not take what a connection is marked with.
    is_pooled: Cell<bool>,
}

impl Network {
    /// The network of these settings.
    pub fn new(settings: Settings, tls: MakeRustlsConnect) -> Self {
        Self {
            settings,
            tls,
            host: Cell::default(),
            clock: Cell::default(),
            clocks: Cell::default(),
            is_pooled: Cell::default(),
        }
    }

    /// Connects to the host that can be written to.
    pub async fn connect(&self, limit: Duration) -> Result<(Session, AbortHandle), ServerFailure> {
        let marks = !self.is_pooled.get();
        let Connected { session, connection, clock, host, is_direct } =
            connect(&self.settings, &self.tls, marks, self.host.get(), limit).await?;
        self.is_pooled.set(!is_direct);
        self.host.set(host);
        self.found_clock(clock);
        Ok((session, connection))
    }

    /// Compares the server's clock with this process's, of which either may have been set since the connection was made.
    pub async fn compare_clocks(&self, client: &Client) -> Result<(), ServerFailure> {
        let asked = (Instant::now(), now_ms());
        let row = client.query_typed_one("SELECT clock_timestamp()", &[]).await?;
        self.found_clock(ServerClock::between(asked, row.try_get(0)?));
        Ok(())
    }

    fn found_clock(&self, clock: ServerClock) {
        self.clock.set(Some(clock));
        self.clocks.set(self.clocks.get().measured(clock.ahead_ms, clock.took));
    }

    /// Conversion of this process's times to the server's.
    pub fn clocks(&self) -> Clocks {
        self.clocks.get()
    }

    /// The server's clock, as it was last measured.
    pub fn clock(&self) -> Option<ServerClock> {
        self.clock.get()
    }

    /// The error of an operation that was given up when its time was over, after this failure of its last attempt. Nothing
    /// of it was done.
    pub fn gave_up(&self, last: &ServerFailure) -> Error {
        let seconds = self.settings.timeout.as_secs_f64();
        let who = if self.settings.hosts.len() == 1 { "the server" } else { "each of the servers" };
        let what = match last {
            ServerFailure::Refused(error) | ServerFailure::RefusedByOthers(error) => return error.clone(),
            ServerFailure::Undone => {
                let told = format!(
                    "others were in the way of this for {seconds} s, in which the server has undone it again and again \
                     (SQLSTATE 40001); nothing was changed"
                );
                return Error::postgres(PostgresProblem::Refused("40001".to_owned()), None, told);
            }
            ServerFailure::Lost => format!("{who} did not answer for {seconds} s"),
            ServerFailure::ReadOnly => format!(
                "{who} did not answer, or can only be read from, for {seconds} s: a standby, or one on which \
                 default_transaction_read_only is on"
            ),
            ServerFailure::NotNow(state) => {
                let why = if state == "53300" { "too many connections, " } else { "" };
                format!("{who} did not answer, or let no connection begin, for {seconds} s ({why}SQLSTATE {state})")
            }
        };
        let message = format!("{what}; nothing was changed. It is tried anew with the next operation");
        Error::postgres(PostgresProblem::NoServer, Some(PostgresField::Hosts), message)
    }
}

/// A connection that is made when it is needed.
pub struct Link {
    network: Rc<Network>,
    client: RefCell<Option<OpenLink>>,
    /// Held while it is being made: who needs it meanwhile waits for it.
    connecting: Mutex<()>,
}

struct OpenLink {
    client: Rc<Session>,
    /// Ends the connection, and with it whatever waits for an answer.
    connection: AbortHandle,
}

impl Link {
    /// A connection that is not made yet.
    pub fn new(network: Rc<Network>) -> Self {
        Self { network, client: RefCell::default(), connecting: Mutex::new(()) }
    }

    /// The network.
    pub fn network(&self) -> &Rc<Network> {
        &self.network
    }

    /// The client, and whether the connection was made just now.
    pub async fn client(&self, limit: Duration) -> Result<(Rc<Session>, bool), ServerFailure> {
        if let Some(client) = self.current() {
            return Ok((client, false));
        }
        let _connecting = self.connecting.lock().await;
        if let Some(client) = self.current() {
            return Ok((client, false));
        }
        let (client, connection) = self.network.connect(limit).await?;
        let client = Rc::new(client);
        *self.client.borrow_mut() = Some(OpenLink { client: Rc::clone(&client), connection });
        Ok((client, true))
    }

    /// The client, if there is a connection.
    pub fn current(&self) -> Option<Rc<Session>> {
        let open = self.client.borrow();
        open.as_ref().filter(|open| !open.client.is_closed()).map(|open| Rc::clone(&open.client))
    }

    /// Does something with the connection, which is ended if that takes longer than a limit: what waits for an answer then
    /// learns that there will be none.
    pub async fn within<T>(&self, limit: Duration, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        tokio::select! {
            biased;
            done = &mut work => return done,
            () = tokio::time::sleep(limit) => self.drop_client(),
        }
        work.await
    }

    /// Drops the connection.
    pub fn drop_client(&self) {
        if let Some(open) = self.client.borrow_mut().take() {
            open.connection.abort();
        }
    }
}

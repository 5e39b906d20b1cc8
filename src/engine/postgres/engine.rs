//! The engine of one store: a thread on which everything that concerns its server is done.

use std::rc::Rc;
use std::sync::Mutex;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::{JoinSet, LocalSet};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::admin::{self, AdminRequest};
use super::failure::ServerFailure;
use super::maintenance;
use super::net::{Link, Network, Retry, Session, Settings};
use super::read::{ReadRequest, ServerReader};
use super::table::ensure;
use super::watch::{KeyWatch, serve as serve_watch};
use super::write::{ServerWriter, TransactionLease, WriteRequest};
use crate::batch::{Batch, BatchOutcome};
use crate::kv::Address;
use crate::reads::{KeyQuery, Values};
use crate::{Error, Reply, threads};

/// Query that is true if there are standbys, and the server waits for none of them. Only a role that may see them knows.
const IS_ASYNCHRONOUS: &str = "SELECT EXISTS (SELECT FROM pg_stat_replication WHERE application_name NOT LIKE '%basebackup') \
    AND (current_setting('synchronous_standby_names') = '' \
      OR current_setting('synchronous_commit') NOT IN ('on', 'remote_apply'))";

/// The engine of one store.
///
/// # Close semantics
///
/// [`PostgresEngine::close`] waits for what was asked for before. An engine that is dropped goes on with that, too.
pub struct PostgresEngine {
    requests: UnboundedSender<EngineRequest>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum EngineRequest {
    Write(WriteRequest),
    Read(ReadRequest),
    Watch(KeyWatch),
    Admin(AdminRequest),
}

impl PostgresEngine {
    /// Connects; and makes or adopts the tables, if `makes_tables`. Replies when that is done.
    ///
    /// # Errors
    ///
    /// `ERR_INTERNAL` if the system has no more threads to give.
    pub fn open(
        settings: Settings,
        tls: MakeRustlsConnect,
        makes_tables: bool,
        opened: Reply<PostgresServer>,
    ) -> Result<Self, Error> {
        let (requests, received) = unbounded_channel();
        let thread = threads::spawn("postgres", move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return opened.send(Err(Error::internal(&format!("cannot make a runtime: {error}")))),
            };
            let network = Rc::new(Network::new(settings, tls));
            LocalSet::new().block_on(&runtime, serve(network, received, makes_tables, opened));
        })?;
        Ok(Self { requests, thread: Mutex::new(Some(thread)) })
    }

    /// Runs a batch.
    pub fn submit(&self, batch: Batch, reply: Reply<BatchOutcome>) {
        // If nobody serves it, the reply answers as it is dropped.
        drop(self.requests.send(EngineRequest::Write(WriteRequest::Batch(batch, reply))));
    }

    /// Reads keys for the next batch, and locks them.
    pub fn hold(&self, addresses: Vec<Address>, reply: Reply<Values>) {
        drop(self.requests.send(EngineRequest::Write(WriteRequest::Hold(addresses, reply))));
    }

    /// Lends the writer's connection.
    pub fn lease(&self, lease: TransactionLease) {
        drop(self.requests.send(EngineRequest::Write(WriteRequest::Lease(lease))));
    }

    /// Reads the values of keys.
    pub fn read(&self, addresses: Vec<Address>, reply: Reply<Values>) {
        drop(self.requests.send(EngineRequest::Read(ReadRequest::Values(addresses, reply))));
    }

    /// Reads many keys. `slice` takes every slice but the last.
    pub fn ask(&self, query: KeyQuery, slice: impl FnMut(String) + Send + 'static, reply: Reply<String>) {
        drop(self.requests.send(EngineRequest::Read(ReadRequest::Keys(query, Box::new(slice), reply))));
    }

    /// Watches keys.
    pub fn watch(&self, watch: KeyWatch) {
        drop(self.requests.send(EngineRequest::Watch(watch)));
    }

    /// Serves an operator.
    pub fn administer(&self, request: AdminRequest) {
        drop(self.requests.send(EngineRequest::Admin(request)));
    }

    /// Ends the connections, when everything that was asked for is done.
    pub fn close(self) {
        let Self { requests, thread } = self;
        drop(requests);
        if let Some(thread) = threads::lock(&thread).take() {
            drop(thread.join());
        }
    }
}

/// Facts about a server that are worth a warning.
#[derive(Debug, Clone, Copy)]
pub struct PostgresServer {
    /// It has standbys, and waits for none of them.
    pub is_asynchronous: bool,
    /// Milliseconds that its clock is ahead of this process's.
    pub ahead_ms: i64,
}

async fn serve(
    network: Rc<Network>,
    mut requests: UnboundedReceiver<EngineRequest>,
    makes_tables: bool,
    opened: Reply<PostgresServer>,
) {
    let (committed, _) = watch::channel(0);
    let writer = ServerWriter::new(Rc::clone(&network), committed.clone());
    let reader = Rc::new(ServerReader::new(Rc::clone(&network)));
    let prepared = prepare(&network, writer.link(), makes_tables).await;
    let is_ready = prepared.is_ok();
    opened.send(prepared);
    if !is_ready {
        return;
    }
    let (to_writer, for_writer) = unbounded_channel();
    let mut upkeep = JoinSet::new();
    let writing = tokio::task::spawn_local(writer.serve(for_writer));
    let mut reads = JoinSet::new();
    let mut watches = JoinSet::new();
    while let Some(request) = requests.recv().await {
        // An operator has transactions open on the reader's connection.
        if upkeep.is_empty() && !matches!(request, EngineRequest::Admin(_)) {
            upkeep.spawn_local(maintenance::keep(Rc::clone(&reader)));
        }
        match request {
            EngineRequest::Write(request) => drop(to_writer.send(request)),
            EngineRequest::Read(request) => {
                let reader = Rc::clone(&reader);
                reads.spawn_local(async move { reader.serve(request).await });
                while reads.try_join_next().is_some() {}
            }
            EngineRequest::Watch(request) => {
                watches.spawn_local(serve_watch(Rc::clone(&reader), request, committed.subscribe()));
                while watches.try_join_next().is_some() {}
            }
            EngineRequest::Admin(request) => administer(&reader, request).await,
        }
    }
    drop(to_writer);
    drop(writing.await);
    reads.join_all().await;
    upkeep.abort_all();
}

/// Serves an operator, who waits for each answer.
async fn administer(reader: &ServerReader, request: AdminRequest) {
    match request {
        AdminRequest::Status(reply) => {
            let ahead_ms = || reader.network().clock().map_or(0, |clock| clock.ahead_ms);
            reply.send(reader.retry(async |client: &Session| admin::status(client, ahead_ms()).await).await);
        }
        AdminRequest::Adopt(reply) => {
            // A large table takes longer than any other operation may.
            let adopt = async |client: &Session| admin::adopt_all(client).await;
            reply.send(reader.once(Duration::MAX, adopt).await);
        }
        AdminRequest::Export(is_first, reply) => {
            reply.send(export_page(reader, is_first).await);
        }
        AdminRequest::Import(rows, overwrites, reply) => {
            // Once more it has the same effect.
            let import = async |client: &Session| admin::import(client, &rows, overwrites).await;
            reply.send(reader.retry(import).await);
        }
    }
}

/// See [`AdminRequest::Export`]. Its snapshot is gone with the connection, so only the beginning is tried again. The first rows
/// come when the server has sorted all, which may take longer than any other operation.
async fn export_page(reader: &ServerReader, is_first: bool) -> Result<String, Error> {
    if is_first && !reader.retry(async |client: &Session| admin::begin_export(client).await).await? {
        return Ok(admin::NOTHING.to_owned());
    }
    let limit = if is_first { Duration::MAX } else { reader.network().settings.timeout };
    reader.once(limit, async |client: &Session| admin::export_page(client).await).await
}

/// Connects the writer, and makes or adopts the tables if it is to.
async fn prepare(network: &Network, link: &Link, makes_tables: bool) -> Result<PostgresServer, Error> {
    let mut retry = Retry::within(network.settings.timeout);
    loop {
        let left = retry.left();
        let attempt = async {
            let (client, _) = link.client(left).await?;
            if makes_tables {
                ensure(&client).await?;
            }
            let row = client.query_typed_one(IS_ASYNCHRONOUS, &[]).await?;
            let ahead_ms = network.clock().map_or(0, |clock| clock.ahead_ms);
            Ok(PostgresServer { is_asynchronous: row.try_get(0)?, ahead_ms })
        };
        let failure = match link.within(left, attempt).await {
            Ok(server) => return Ok(server),
            Err(ServerFailure::Refused(error)) => return Err(error),
            Err(failure) => failure,
        };
        link.drop_client();
        if !retry.pause(failure).await {
            return Err(network.gave_up(retry.told()));
        }
    }
}

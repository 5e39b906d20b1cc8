//! A store on PostgreSQL: opening and closing it, and the operations on keys.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]

use std::sync::{Arc, Mutex};

use napi::Env;
use napi::bindgen_prelude::{Float64Array, Function, Uint8Array, Uint32Array};
use napi_derive::napi;

use super::settings::PostgresOptions;
use super::state::PostgresState;
use crate::batch::{Batch, ClientId, Origin};
use crate::engine::postgres::{PostgresEngine, PostgresServer, TransactionRequest, connector};
use crate::node::convert::event::{EventKind, NativeEvent};
use crate::node::convert::joined::split;
use crate::node::convert::values::addresses;
use crate::node::environment;
use crate::node::keys::{KeySpan, PageOptions, count_query, page_query, select_query};
use crate::node::protocol::{BatchDecoder, NO_LEASE};
use crate::node::sql::EncodedSql;
use crate::node::state::ending::flush_at_end_of_environment;
use crate::node::state::outbox::{Answers, Outbox};
use crate::reads::{KeyQuery, ValuesQuery};
use crate::threads::{self, lock};
use crate::{Error, Reply};

/// One store on PostgreSQL in one JavaScript environment. Its requests are those of `NativeStore`.
#[napi]
pub struct NativePostgres {
    pub(super) shared: Arc<PostgresState>,
}

#[napi]
impl NativePostgres {
    /// Makes a store that is not open. `wake` is called, without arguments, when there are events to take.
    ///
    /// # Errors
    ///
    /// If Node refuses the callback.
    #[napi(constructor)]
    pub fn new(env: Env, wake: Function<(), ()>) -> napi::Result<Self> {
        environment::read();
        let shared = Arc::new(PostgresState {
            outbox: Outbox::new(&wake)?,
            engine: Mutex::default(),
            leases: Mutex::default(),
            watches: Mutex::default(),
        });
        flush_at_end_of_environment(env, &shared)?;
        let store = Self { shared };
        store.hold(env, false)?;
        Ok(store)
    }

    /// Lets the store keep the process alive, or not.
    ///
    /// # Errors
    ///
    /// If the environment is ending.
    #[napi]
    pub fn hold(&self, env: Env, held: bool) -> napi::Result<()> {
        self.shared.outbox.hold(env, held)
    }

    /// Connects, and makes or adopts the tables if it is told to. Ends with `opened`, whose `numbers` are whether the server has standbys and
    /// waits for none (1 or 0) and the milliseconds that its clock is ahead; or with `failed`.
    #[napi]
    pub fn open(&self, id: u32, options: PostgresOptions, makes_tables: bool) {
        let (settings, root_cert) = options.split();
        // On this thread, because it reads the environment.
        let opened = connector(settings.tls, root_cert.as_deref()).and_then(|tls| {
            let reply = self.shared.reply(id, move |server| opened(id, server));
            PostgresEngine::open(settings, tls, makes_tables, reply)
        });
        match opened {
            Ok(engine) => *lock(&self.shared.engine) = Some(engine),
            Err(error) => self.shared.tell([NativeEvent::failed(id, &error)]),
        }
    }

    /// See `NativeStore`.
    #[napi]
    #[allow(clippy::too_many_arguments, reason = "an object to hold them would cost more than any of them")]
    pub fn submit(
        &self,
        id: u32,
        epoch: u32,
        codes: Uint8Array,
        texts: String,
        lengths: Uint32Array,
        numbers: Float64Array,
        now: i64,
    ) {
        let texts = split(&texts, &lengths);
        self.submit_texts(id, NO_LEASE, epoch, &codes, texts, &numbers, now);
    }

    /// The same with texts that are apart, because joined they would be too long; within a lease if it is not `NO_LEASE`.
    #[napi]
    pub fn submit_sql(&self, id: u32, lease: u32, epoch: u32, encoded: EncodedSql, now: i64) {
        self.submit_texts(id, lease, epoch, &encoded.codes, Some(encoded.texts), &encoded.numbers, now);
    }

    #[allow(clippy::too_many_arguments, reason = "those of the two above")]
    fn submit_texts(
        &self,
        id: u32,
        lease: u32,
        epoch: u32,
        codes: &[u8],
        texts: Option<Vec<String>>,
        numbers: &[f64],
        now: i64,
    ) {
        let commands = texts.and_then(|texts| BatchDecoder::new(codes, texts, numbers).decode().ok());
        let Some(commands) = commands else { return self.shared.tell([malformed(id)]) };
        let batch = Batch::new(commands, now).of(Origin { client: ClientId(0), epoch });
        let reply = self.shared.batch_reply(id);
        if lease == NO_LEASE {
            self.shared.with_engine(id, |engine| engine.submit(batch, reply));
        } else {
            self.shared.ask(lease, TransactionRequest::Batch(batch, reply));
        }
    }

    /// Reads keys. Ends with `values` or `failed`.
    #[napi]
    pub fn read_later(&self, id: u32, lease: u32, keys: Vec<String>, communities: Vec<Option<String>>, _now: i64) {
        let reply = self.shared.reply(id, move |values| NativeEvent::values(id, values));
        let addresses = addresses(keys, communities);
        if lease == NO_LEASE {
            self.shared.with_engine(id, |engine| engine.read(addresses, reply));
        } else {
            self.shared.ask(lease, TransactionRequest::Values(addresses, reply));
        }
    }

    /// Reads keys, which are locked until the next batch. Ends with `values` or `failed`.
    #[napi]
    pub fn hold_keys(&self, id: u32, keys: Vec<String>, communities: Vec<Option<String>>) {
        let reply = self.shared.reply(id, move |values| NativeEvent::values(id, values));
        self.shared.with_engine(id, |engine| engine.hold(addresses(keys, communities), reply));
    }

    /// Reads the entries whose keys match a pattern. See `NativeStore`, also for the others.
    #[napi]
    pub fn select(
        &self,
        id: u32,
        lease: u32,
        pattern: String,
        community: Option<String>,
        values_only: bool,
        now: i64,
    ) -> bool {
        self.read(id, lease, select_query(pattern, community, values_only, now))
    }

    /// Reads the first entries of a range.
    #[napi]
    pub fn page(&self, id: u32, lease: u32, span: KeySpan, options: PageOptions, now: i64) -> bool {
        self.read(id, lease, page_query(span, options, now))
    }

    /// Counts the keys of a range.
    #[napi]
    pub fn count(&self, id: u32, lease: u32, span: KeySpan, now: i64) -> bool {
        self.read(id, lease, count_query(span, now))
    }

    /// Reads the values of keys.
    #[napi]
    pub fn values(&self, id: u32, lease: u32, community: Option<String>, keys: Vec<String>, now: i64) -> bool {
        self.read(id, lease, KeyQuery::Values(ValuesQuery { community, keys, now_ms: now }))
    }

    /// Reads many keys. Its snapshot is known to be taken when the answer is there.
    fn read(&self, id: u32, lease: u32, query: KeyQuery) -> bool {
        let (shared, slices) = (Arc::clone(&self.shared), Arc::clone(&self.shared));
        let slice = move |json| slices.tell([NativeEvent::json_rows(id, json, false)]);
        let is_leased = lease != NO_LEASE;
        let reply = Reply::new(move |answer: Result<String, Error>| {
            if !is_leased {
                shared.tell([NativeEvent::new(id, EventKind::Started)]);
            }
            shared.tell_result(id, answer.map(|json| NativeEvent::json_rows(id, json, true)));
        });
        if is_leased {
            self.shared.ask(lease, TransactionRequest::Keys(query, Box::new(slice), reply));
        } else {
            self.shared.with_engine(id, |engine| engine.ask(query, slice, reply));
        }
        is_leased
    }

    /// Ends the connections. Ends with `closed`.
    #[napi]
    pub fn close(&self, id: u32) {
        let shared = Arc::clone(&self.shared);
        lock(&self.shared.leases).clear();
        lock(&self.shared.watches).clear();
        let engine = lock(&self.shared.engine).take();
        let closing = move || {
            engine.into_iter().for_each(PostgresEngine::close);
            shared.tell([NativeEvent::new(id, EventKind::Closed)]);
        };
        if let Err(error) = threads::spawn("close", closing) {
            self.shared.tell([NativeEvent::failed(id, &error)]);
        }
    }

    /// Ends the connections because the process ends: what is under way is done, and nobody waits.
    #[napi]
    pub fn end(&self) {
        self.shared.outbox.mute();
        lock(&self.shared.leases).clear();
        drop(lock(&self.shared.engine).take());
    }

    /// Takes the oldest event, for which it waits up to `wait_ms` (0 to 2^32 - 1); `null` if there is none.
    #[napi]
    #[must_use]
    pub fn next_event(&self, wait_ms: u32) -> Option<NativeEvent> {
        self.shared.outbox.take(wait_ms)
    }
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds between two clocks")]
fn opened(id: u32, PostgresServer { is_asynchronous, ahead_ms }: PostgresServer) -> NativeEvent {
    let numbers = vec![f64::from(u8::from(is_asynchronous)), ahead_ms as f64];
    NativeEvent { numbers: Some(Float64Array::new(numbers)), ..NativeEvent::new(id, EventKind::Opened) }
}

fn malformed(id: u32) -> NativeEvent {
    NativeEvent::failed(id, &Error::internal("a request was encoded wrongly"))
}

//! A store: opening and closing it, and the operations on keys.

#![allow(clippy::needless_pass_by_value, reason = "napi hands arguments over by value")]

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use napi::Env;
use napi::bindgen_prelude::{
    Either3, Float64Array, Function, Null, Uint8Array, Uint32Array, Uint32ArraySlice, Unknown,
};
use napi_derive::napi;

use super::convert::event::{EventKind, NativeEvent};
use super::convert::joined::split;
use super::convert::options::{BackupOptions, parse_options};
use super::convert::values::{CacheValidityKind, ReadNow, addresses};
use super::convert::wal_view;
use super::environment;
use super::protocol::{BatchDecoder, NO_LEASE, VERSION_WORDS};
use super::state::ending::{Flush, flush_at_end_of_environment};
use super::state::outbox::{Answers, Outbox};
use super::state::sql_state::SqlState;
use super::state::store_state::{ClosingStore, Open, StoreState};
use crate::Error;
use crate::backup::events::Observer;
use crate::backup::{Opened, open_store};
use crate::batch::{Batch, ClientId, Origin};
use crate::clock::ScriptClock;
use crate::engine::sqlite::checkpoint::control::EngineUser;
use crate::engine::sqlite::{
    CacheValidity, Engine, ExpectedFile, LeaseRequest, Stored, WalIndex, WalIndexHeader, loaded_copies, locks_hold,
};
use crate::kv::Address;
use crate::private_folder::PrivateFolder;
use crate::threads::{self, lock};

/// One store in one JavaScript environment.
///
/// A request that takes time has an `id`, which its events repeat. Only `open` may be called before `opened`, and
/// nothing after `close`.
#[napi]
pub struct NativeStore {
    pub(super) shared: Arc<StoreState>,
}

/// Kind of a store.
#[napi(string_enum = "camelCase")]
#[derive(Clone, Copy)]
pub enum StoreKind {
    /// On a file.
    File,
    /// On a file of its own in a folder of its own, which is made for it and removed with it.
    Memory,
    /// On a file that is only read.
    ReadOnly,
    /// On the database of another program, which is only read.
    Foreign,
}

/// The folder of a store that is gone when its process is.
fn private_folder(file: &Path) -> Result<PrivateFolder, Error> {
    let made = file.parent().map_or_else(|| Err(io::ErrorKind::NotFound.into()), PrivateFolder::make);
    made.map_err(|error| Error::no_private_folder(file, &error))
}

/// Number of stores that the process has had.
static CLIENTS: AtomicU64 = AtomicU64::new(0);

/// Copies of SQLite in the process that endanger the file.
#[napi(object, object_from_js = false)]
pub struct ForeignCopies {
    /// Their names.
    pub names: Vec<String>,
    /// They endanger this copy too, because the kernel has no locks that exclude them.
    pub unprotected: bool,
}

#[napi]
impl NativeStore {
    /// Makes a store that is not open. `wake` is called, without arguments, when there are events to take.
    ///
    /// # Errors
    ///
    /// If Node refuses the callback.
    #[napi(constructor)]
    pub fn new(env: Env, path: String, wake: Function<(), ()>) -> napi::Result<Self> {
        environment::read();
        let shared = Arc::new(StoreState {
            path: path.into(),
            client: ClientId(CLIENTS.fetch_add(1, Ordering::Relaxed)),
            outbox: Outbox::new(&wake)?,
            clock: ScriptClock::new(),
            open: Mutex::default(),
            hooks: Mutex::default(),
            sql: SqlState::default(),
            is_read_only: AtomicBool::new(false),
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

    /// Tells what time it is for JavaScript, in milliseconds since 1970 UTC.
    #[napi]
    pub fn report_clock(&self, now: i64) {
        self.shared.clock.report(now);
    }

    /// Opens the file on a thread of its own; with backups if there are options. Ends with `opened` or `failed`.
    #[napi]
    pub fn open(&self, id: u32, kind: StoreKind, mut backup: Option<BackupOptions>) {
        let shared = Arc::clone(&self.shared);
        if let Some(options) = &mut backup {
            lock(&shared.hooks).names = std::mem::take(&mut options.hooks);
        }
        // On this thread, because it reads the environment, which JavaScript may change while another thread reads it.
        let options = backup.as_ref().map(parse_options).transpose();
        let spawned = threads::spawn("open", move || {
            let observer: Arc<dyn Observer> = Arc::<StoreState>::clone(&shared);
            let folder = match kind {
                StoreKind::Memory => private_folder(&shared.path).map(Some),
                StoreKind::File | StoreKind::ReadOnly | StoreKind::Foreign => Ok(None),
            };
            let opened = options.and_then(|options| {
                let folder = folder?;
                let opened = match kind {
                    StoreKind::ReadOnly => {
                        Engine::open_read_only(&shared.path, ExpectedFile::Store).map(Opened::alone)
                    }
                    StoreKind::Foreign => {
                        Engine::open_read_only(&shared.path, ExpectedFile::Database).map(Opened::alone)
                    }
                    StoreKind::File | StoreKind::Memory => open_store(&shared.path, options, &observer),
                };
                opened.map(|opened| (opened, folder))
            });
            let opened = opened.and_then(|(Opened { engine, service, stray_log }, folder)| {
                Ok(Open { reader: engine.reader()?, engine, service, stray_log, folder })
            });
            shared.is_read_only.store(matches!(kind, StoreKind::ReadOnly | StoreKind::Foreign), Ordering::Relaxed);
            let opened = opened.map(|open| {
                let user: Arc<dyn EngineUser> = Arc::<StoreState>::clone(&shared);
                open.engine.control().add_user(&user);
                *lock(&shared.open) = Some(open);
                NativeEvent::new(id, EventKind::Opened)
            });
            if opened.is_err() {
                shared.clock.end();
            }
            shared.tell_result(id, opened);
        });
        if let Err(error) = spawned {
            self.shared.tell([NativeEvent::failed(id, &error)]);
        }
    }

    /// Sends a batch to the writer; see `batch` for the arrays, of which the texts are joined, and `Origin` for `epoch`. Ends with `batch` or `failed`.
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
        let decode = |texts| BatchDecoder::new(&codes, texts, &numbers).decode().ok();
        let Some(commands) = split(&texts, &lengths).and_then(decode) else {
            return self.shared.tell([NativeEvent::failed(id, &Error::internal("a batch was encoded wrongly"))]);
        };
        let Some(engine) = self.shared.engine(id) else { return };
        let origin = Origin { client: self.shared.client, epoch };
        self.shared.clock.report(now);
        engine.submit(Batch::new(commands, now).of(origin), self.shared.batch_reply(id));
    }

    /// Reads keys at once, from one snapshot, or not at all if a lock is held. `file_seen` skips the check that the
    /// file is still in its place.
    #[napi]
    pub fn read_now(
        &self,
        keys: Vec<String>,
        communities: Vec<Option<String>>,
        now: i64,
        file_seen: bool,
    ) -> ReadNow {
        self.shared.read_now(&addresses(keys, communities), now, file_seen, false).into()
    }

    /// [`NativeStore::read_now`] of one key, with a cheaper result: a text, or `null` if there is no entry. Only an
    /// entry with an expiry, an error or a held lock comes as an object. Where it `keeps` the snapshot, later reads
    /// share that, until `release_snapshot`.
    #[napi]
    pub fn read_one_now(
        &self,
        key: String,
        community: Option<String>,
        now: i64,
        file_seen: bool,
        keeps: bool,
    ) -> Either3<String, Null, ReadNow> {
        let found = self.shared.read_now(&[Address { community, key }], now, file_seen, keeps);
        match found.as_deref() {
            Ok([Ok(Stored { text: Some(_), expires_at: None })]) => {
                let text = found.into_iter().flatten().next().and_then(|value| value.ok()?.text);
                Either3::A(text.unwrap_or_default())
            }
            Ok([Ok(Stored { text: None, expires_at: None })]) => Either3::B(Null),
            _ => Either3::C(found.into()),
        }
    }

    /// Ends the snapshot that reads share, if there is one.
    #[napi]
    pub fn release_snapshot(&self) {
        if let Some(open) = lock(&self.shared.open).as_ref() {
            open.reader.release_snapshot();
        }
    }

    /// The WAL-index header in shared memory, as 12 words that must only be read: every commit to the file changes
    /// it. `null` where there is none. JavaScript must not touch it after it has called `close`.
    ///
    /// # Errors
    ///
    /// If Node refuses.
    #[napi(ts_return_type = "Uint32Array | null")]
    pub fn version(&self, env: Env) -> napi::Result<Option<Unknown<'_>>> {
        let open = lock(&self.shared.open);
        match open.as_ref().and_then(|open| open.reader.wal_index()) {
            Some(wal_index) => wal_view::share(env, wal_index),
            None => Ok(None),
        }
    }

    /// Sets `knows`, the header of 12 words for which a cache is valid, to the current one. Returns the validity of
    /// the cache, see `Engine::catch_up`. It is unknown if the file is not in its place any more.
    #[napi]
    pub fn catch_up(&self, mut knows: Uint32ArraySlice) -> CacheValidityKind {
        // SAFETY: JavaScript does nothing else while this runs.
        let knows = unsafe { knows.as_mut() };
        let open = lock(&self.shared.open);
        let (Some(open), Ok(words)) = (open.as_ref(), <&mut [u32; VERSION_WORDS]>::try_from(knows)) else {
            return CacheValidityKind::Unknown;
        };
        let mut header = WalIndexHeader::from_words(*words);
        let validity = open.engine.catch_up(&open.reader, self.shared.client, &mut header);
        *words = header.words();
        match validity {
            Ok(CacheValidity::Current) => CacheValidityKind::Current,
            Ok(CacheValidity::Changed) => CacheValidityKind::Changed,
            Ok(CacheValidity::Unknown) | Err(_) => CacheValidityKind::Unknown,
        }
    }

    /// Reads keys on a thread that waits for locks, or within a lease if it is not `NO_LEASE`. Ends with `values` or
    /// `failed`.
    #[napi]
    pub fn read_later(&self, id: u32, lease: u32, keys: Vec<String>, communities: Vec<Option<String>>, now: i64) {
        let shared = &self.shared;
        let addresses = addresses(keys, communities);
        let reply = shared.reply(id, move |values| NativeEvent::values(id, values));
        if lease != NO_LEASE {
            return shared.ask(lease, LeaseRequest::Read(addresses, now, reply));
        }
        let Some(engine) = shared.engine(id) else { return };
        engine.read_blocking(addresses, now, reply);
    }

    /// Other copies of SQLite in the process, if they endanger the file: any copy, where locks do not exclude it;
    /// else two that have the file open. `also` has the names of copies that only JavaScript knows of. Reported
    /// once in a process.
    #[napi]
    #[must_use]
    pub fn foreign_copies(&self, also: Vec<String>) -> Option<ForeignCopies> {
        static REPORTED: AtomicBool = AtomicBool::new(false);
        let mut names: Vec<String> = loaded_copies().into_iter().map(str::to_owned).collect();
        names.extend(also);
        let unprotected = !locks_hold();
        let endangered = if unprotected {
            !names.is_empty()
        } else {
            let open = lock(&self.shared.open);
            names.len() > 1 && open.as_ref().is_some_and(|open| open.engine.foreign_descriptors() > 1)
        };
        let is_news = endangered && !REPORTED.swap(true, Ordering::Relaxed);
        is_news.then_some(ForeignCopies { names, unprotected })
    }

    /// Path of a write-ahead log that belonged to another file, and was set aside before the file was opened.
    #[napi]
    #[must_use]
    pub fn stray_log(&self) -> Option<String> {
        let open = lock(&self.shared.open);
        Some(open.as_ref()?.stray_log.as_ref()?.path.to_string_lossy().into_owned())
    }

    /// Bytes that are in the write-ahead log, and not in the file yet; `null` if the file is not open.
    #[napi]
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "JavaScript counts bytes as numbers")]
    pub fn log_bytes(&self) -> Option<f64> {
        let open = lock(&self.shared.open);
        Some(open.as_ref()?.reader.wal_index().map_or(0, WalIndex::bytes_behind) as f64)
    }

    /// Closes the file. Ends with `closed`, when the threads have ended, unless another store needs them.
    #[napi]
    pub fn close(&self, id: u32) {
        let shared = Arc::clone(&self.shared);
        self.shared.sql.clear();
        self.shared.clock.end();
        let closing = self.shared.begin_closing();
        let finish = move || {
            closing.into_iter().for_each(ClosingStore::finish);
            shared.tell([NativeEvent::new(id, EventKind::Closed)]);
        };
        if let Err(error) = threads::spawn("close", finish) {
            self.shared.tell([NativeEvent::failed(id, &error)]);
        }
    }

    /// Takes the oldest event, for which it waits up to `wait_ms` (0 to 2^32 - 1); `null` if there is none.
    #[napi]
    #[must_use]
    pub fn next_event(&self, wait_ms: u32) -> Option<NativeEvent> {
        self.shared.outbox.take(wait_ms)
    }
}

impl Flush for StoreState {
    fn flush(&self) {
        // Nobody will end the open transactions, and batches of others may wait for them.
        self.sql.clear();
        self.sql.stop_reads();
        self.outbox.wait_for_batches();
        let _ = self.end();
    }
}

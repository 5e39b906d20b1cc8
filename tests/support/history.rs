//! Commands to a store, and the states that it went through.

use std::path::Path;
use std::sync::{Arc, mpsc};

use rootcellar::batch::{Batch, BatchOutcome, Command};
use rootcellar::engine::sqlite::{Engine, Select};
use rootcellar::kv::RowFormat;
use rootcellar::{Error, Reply};

use crate::key_model::Model;
use crate::recording_vfs::{Event, Recording};
use crate::rows::{self, Row};

/// The moment at which everything happens.
pub const NOW_MS: i64 = 1_800_000_000_000;

/// The scopes in use.
const COMMUNITIES: [Option<&str>; 2] = [None, Some("c")];

/// The state after each number of commands: the first is that of a new store.
pub struct History {
    states: Vec<String>,
    model: Model,
}

impl History {
    pub fn new() -> Self {
        let mut history = Self { states: Vec::new(), model: Model::new(NOW_MS) };
        history.states.push(history.state());
        history
    }

    /// The history of a store that is found in some state, and asked nothing.
    pub fn of(state: String) -> Self {
        Self { states: vec![state], model: Model::new(NOW_MS) }
    }

    /// Number of commands.
    pub fn commands(&self) -> usize {
        self.states.len() - 1
    }

    /// True if a store may be in the state after at least and at most so many commands.
    pub fn allows(&self, state: &str, acknowledged: usize, sent: usize) -> bool {
        self.states[acknowledged..=sent].iter().any(|allowed| allowed == state)
    }

    pub fn run(&mut self, command: &Command) {
        self.model.run(command);
        self.states.push(self.state());
    }

    fn state(&self) -> String {
        let rows = |community: Option<&str>| -> Vec<Row> {
            self.model
                .live()
                .into_iter()
                .filter(|entry| entry.address.community.as_deref() == community)
                .map(|entry| Row { key: entry.address.key, value: entry.value, expires_at: entry.expires_at })
                .collect()
        };
        COMMUNITIES.map(|community| rows::to_json(&rows(community))).concat()
    }
}

/// Everything that a store holds, in the words of [`History`].
pub fn state(engine: &Engine) -> Result<String, Error> {
    let select = |community: Option<&str>| {
        let community = community.map(str::to_owned);
        let select = Select { community, pattern: "%".into(), now_ms: NOW_MS, format: RowFormat::Entry };
        rows::select(engine, select).map(|rows| rows::to_json(&rows))
    };
    Ok(COMMUNITIES.map(select).into_iter().collect::<Result<Vec<_>, _>>()?.concat())
}

/// A client of one store. What it sends and hears goes into the recording and the history.
pub struct Client<'a> {
    engine: Engine,
    recording: &'a Arc<Recording>,
    history: &'a mut History,
    outcomes: Vec<(usize, mpsc::Receiver<BatchOutcome>)>,
}

impl<'a> Client<'a> {
    pub fn open(path: &Path, recording: &'a Arc<Recording>, history: &'a mut History) -> Self {
        Self { engine: Engine::open(path).unwrap(), recording, history, outcomes: Vec::new() }
    }

    /// Sends commands of which all will be done.
    pub fn send(&mut self, commands: Vec<Command>) {
        let all = commands.len();
        self.send_expecting(commands, all);
    }

    /// Sends commands of which only so many, from the first, will be done.
    pub fn send_expecting(&mut self, commands: Vec<Command>, done: usize) {
        commands.iter().take(done).for_each(|command| self.history.run(command));
        let total = self.history.commands();
        self.recording.note(Event::Sent(total));
        let (outcome, outcomes) = mpsc::channel();
        let recording = Arc::clone(self.recording);
        let reply = Reply::new(move |result: Result<BatchOutcome, Error>| {
            recording.note(Event::Acknowledged(total));
            outcome.send(result.unwrap()).unwrap();
        });
        self.engine.submit(Batch::new(commands, NOW_MS), reply);
        self.outcomes.push((done, outcomes));
    }

    /// Waits until everything that was sent is answered.
    pub fn wait(&mut self) {
        for (done, outcomes) in self.outcomes.drain(..) {
            let outcome = outcomes.recv().unwrap();
            assert_eq!(outcome.committed, done, "{outcome:?}");
        }
    }

    /// Sends, and waits.
    pub fn run(&mut self, commands: Vec<Command>) {
        self.send(commands);
        self.wait();
    }

    pub fn close(mut self) {
        self.wait();
        self.engine.close();
    }
}

//! The model over several processes: turns of random commands, each carried out by one of several processes on the same file,
//! one of which adds rows as the SDK does.

use std::io::{BufRead, BufReader, Write, stdin};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command as Process, Stdio};

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rootcellar::batch::Command;
use rootcellar::engine::sqlite::Engine;
use rootcellar::kv::Entry;

use crate::key_model::Model;
use crate::{NOW_MS, add_as_the_sdk, address, check, command, entry, execute, meet, open, pattern};

/// Name of the test that is one of the other processes, and what tells it so.
const PARTICIPANT: &str = "processes::participant";
const IS_PARTICIPANT: &str = "ROOTCELLAR_TEST_MODEL_PARTICIPANT";

/// Beginning of a participant's line.
const DONE: &str = "turn done";

/// Processes beside the test's own.
const OTHERS: usize = 2;

#[derive(Debug, Clone)]
enum Turn {
    Commands(Vec<Command>),
    AsTheSdk(Vec<Entry>),
}

/// The turns of a seed, with the process of each: the same in every process.
fn turns(seed: u64) -> Vec<(usize, Turn)> {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let turn = prop_oneof![
        4 => prop::collection::vec(command(), 1..10).prop_map(Turn::Commands),
        1 => prop::collection::vec(entry(), 1..5).prop_map(Turn::AsTheSdk),
    ];
    let turns = prop::collection::vec((0..=OTHERS, turn), 2..14);
    turns.new_tree(&mut TestRunner::new_with_rng(ProptestConfig::default(), rng)).unwrap().current()
}

/// A file, what it is to hold, and how far its turns have come.
struct Player {
    path: PathBuf,
    seed: u64,
    turns: Vec<(usize, Turn)>,
    next: usize,
    model: Model,
    engine: Engine,
}

impl Player {
    fn new(path: &Path, seed: u64) -> Self {
        let (turns, model) = (turns(seed), Model::new(NOW_MS));
        Self { path: path.to_owned(), seed, turns, next: 0, model, engine: open(path) }
    }

    /// Notes what the others have done up to a turn, and does that one.
    fn play(&mut self, turn: usize) -> Result<(), TestCaseError> {
        self.skip_to(turn);
        self.next = turn + 1;
        match self.turns[turn].1.clone() {
            Turn::AsTheSdk(entries) => add_as_the_sdk(&self.path, &entries, &mut self.model),
            Turn::Commands(commands) => {
                for command in commands {
                    let command = meet(command, &self.model);
                    execute(&self.engine, vec![command], &mut self.model)?;
                }
            }
        }
        Ok(())
    }

    fn skip_to(&mut self, turn: usize) {
        for (_, turn) in &self.turns[self.next..turn] {
            match turn {
                Turn::AsTheSdk(entries) => {
                    self.model.rows.extend(entries.iter().filter(|row| row.address.community.is_none()).cloned());
                }
                Turn::Commands(commands) => {
                    for command in commands {
                        let command = meet(command.clone(), &self.model);
                        self.model.run(&command);
                    }
                }
            }
        }
        self.next = turn;
    }
}

/// Another process.
struct Participant {
    process: Child,
    orders: ChildStdin,
    said: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Participant {
    fn start() -> Self {
        let mut process = Process::new(std::env::current_exe().unwrap())
            .args([PARTICIPANT, "--exact", "--nocapture"])
            .env(IS_PARTICIPANT, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = process.stdin.take().unwrap();
        let said = BufReader::new(process.stdout.take().unwrap()).lines();
        Self { process, orders, said }
    }

    fn play(&mut self, path: &Path, seed: u64, turn: usize) -> Result<(), TestCaseError> {
        writeln!(self.orders, "{seed} {turn} {}", path.display()).unwrap();
        // The harness says something, too, before the first.
        for line in self.said.by_ref() {
            if line.unwrap().ends_with(DONE) {
                return Ok(());
            }
        }
        Err(TestCaseError::fail(format!("another process has failed in turn {turn} of seed {seed}")))
    }
}

impl Drop for Participant {
    fn drop(&mut self) {
        // It may have ended.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Run by another test, in another process.
#[test]
fn participant() {
    if std::env::var_os(IS_PARTICIPANT).is_none() {
        return;
    }
    let mut player: Option<Player> = None;
    for order in stdin().lines() {
        let order = order.unwrap();
        let mut parts = order.splitn(3, ' ');
        let [seed, turn, path] = std::array::from_fn(|_| parts.next().unwrap());
        let (seed, turn) = (seed.parse().unwrap(), turn.parse().unwrap());
        if player.as_ref().is_none_or(|player| player.seed != seed || player.path != Path::new(path)) {
            player = Some(Player::new(Path::new(path), seed));
        }
        player.as_mut().unwrap().play(turn).unwrap();
        println!("{DONE}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: crate::rounds::rounds(12, 100, 1_000),
        // Another seed is another run, not a smaller one.
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    })]

    #[test]
    fn what_several_processes_and_the_sdk_do_in_turn_is_what_a_plain_list_would_hold(
        seed in any::<u64>(),
        probes in prop::collection::vec((address(), pattern()), 6..12),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("model.sqlite3");
        let mut others: Vec<Participant> = std::iter::repeat_with(Participant::start).take(OTHERS).collect();
        let mut player = Player::new(&path, seed);
        for turn in 0..player.turns.len() {
            match player.turns[turn].0.checked_sub(1) {
                None => player.play(turn)?,
                Some(other) => {
                    others[other].play(&path, seed, turn)?;
                    player.skip_to(turn + 1);
                }
            }
            check(&player.engine, &player.model, &probes)?;
        }
        drop(others);
        player.engine.close();
    }
}

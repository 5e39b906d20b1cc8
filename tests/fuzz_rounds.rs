//! The targets of `fuzz/`, with the inputs that were kept and with random changes of them.
//!
//! `ROOTCELLAR_FUZZ_SECONDS` says how long each target runs, `ROOTCELLAR_TEST_SEED` repeats a run.

#[path = "support/rounds.rs"]
mod rounds;
#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use fastrand::Rng;

use rounds::rounds;

const INPUT_BYTES_MAX: usize = 1_000;

fn duration() -> Duration {
    let seconds = std::env::var("ROOTCELLAR_FUZZ_SECONDS").ok().map(|text| text.parse().unwrap());
    Duration::from_secs_f64(seconds.unwrap_or_else(|| rounds(0.3, 5.0, 60.0)))
}

fn seed() -> u64 {
    std::env::var("ROOTCELLAR_TEST_SEED").map_or_else(|_| fastrand::u64(..), |text| text.parse().unwrap())
}

/// The inputs that were kept of a target.
fn kept(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(name);
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.map(|path| std::fs::read(path).unwrap()).collect()
}

/// A changed input: some bytes are another's, or anybody's, or gone, or there twice.
fn change(inputs: &[Vec<u8>], rng: &mut Rng) -> Vec<u8> {
    let mut input = rng.choice(inputs).unwrap().clone();
    for _ in 0..rng.usize(1..=8) {
        let place = rng.usize(0..=input.len());
        let end = place + rng.usize(0..=(input.len() - place).min(16));
        let replacement = match rng.u8(0..5) {
            0 => Vec::new(),
            1 => (0..rng.usize(1..16)).map(|_| rng.u8(..)).collect(),
            2 => vec![rng.u8(..)],
            3 => input[place..end].repeat(rng.usize(1..4)),
            _ => {
                let other = rng.choice(inputs).unwrap();
                let from = rng.usize(0..=other.len());
                other[from..other.len().min(from + 16)].to_vec()
            }
        };
        input.splice(place..end, replacement);
    }
    input.truncate(INPUT_BYTES_MAX);
    input
}

fn run(name: &str) {
    let (_, target) = targets::TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    let run = |input: &[u8], whence: &str| {
        let result = catch_unwind(AssertUnwindSafe(|| target(input)));
        assert!(result.is_ok(), "{name}: {whence}: {}", input.escape_ascii());
    };
    let inputs = kept(name);
    for input in &inputs {
        run(input, "an input that was kept");
    }
    let (start, duration, seed) = (Instant::now(), duration(), seed());
    let mut rng = Rng::with_seed(seed);
    let mut count = 0;
    while start.elapsed() < duration {
        run(&change(&inputs, &mut rng), &format!("random input {count} of seed {seed}"));
        count += 1;
    }
    let figure = format!("fuzz {name}: {} kept and {count} random inputs, seed {seed}, no finding\n", inputs.len());
    std::io::stdout().write_all(figure.as_bytes()).unwrap();
}

#[test]
fn any_text_is_a_pattern_and_matches_what_the_definition_says() {
    run("patterns");
}

#[test]
fn any_value_of_others_is_json_or_refused() {
    run("json_values");
}

#[test]
fn any_row_of_others_is_answered_and_kept_as_the_model_says() {
    run("foreign_rows");
}

#[test]
fn any_tables_of_others_are_opened_or_refused_and_left_alone() {
    run("schemas");
}

#[test]
fn any_damaged_file_is_read_or_reported() {
    run("damaged_files");
}

#[test]
fn any_file_of_a_backup_is_read_or_refused() {
    run("ltx");
}

#[test]
fn every_target_has_inputs_that_were_kept() {
    for (name, _) in targets::TARGETS {
        assert!(!kept(name).is_empty(), "{name}");
    }
}

//! What is fuzzed: everything that reads bytes not of our making. Each target takes any bytes, and panics if the
//! store does something that it should not.

mod damaged_files;
mod foreign_rows;
mod input;
mod json_values;
mod ltx;
mod patterns;
mod row_model;
#[path = "../../tests/support/rows.rs"]
mod rows;
mod schemas;
mod stores;

/// A target's name, which is also that of its folder in `fuzz/corpus`, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// Every target.
pub const TARGETS: [Target; 6] = [
    ("patterns", patterns::run),
    ("json_values", json_values::run),
    ("foreign_rows", foreign_rows::run),
    ("schemas", schemas::run),
    ("damaged_files", damaged_files::run),
    ("ltx", ltx::run),
];

/// Runs a target by name.
#[allow(dead_code, reason = "tests/fuzz_rounds.rs goes through the list")]
pub fn run(name: &str, data: &[u8]) {
    let (_, target) = TARGETS.iter().find(|(known, _)| *known == name).expect("a target of this name");
    target(data);
}

//! Size of a day of backups, of a bot that writes a little every second.
//!
//! `cargo bench --no-default-features --bench day -- <folder> <keys> objects|random <seconds>`, as `benchmark/` calls
//! it, plays it in an empty folder and prints the size of the backups.

#[path = "../tests/support/day.rs"]
mod day;

use std::path::Path;

use day::{Values, play, total_bytes};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let [folder, keys, values, seconds] = arguments.as_slice() else {
        // `cargo bench` of all runs this one, too.
        return println!("day: nothing is played without <folder> <keys> objects|random <seconds>");
    };
    let values = if values == "random" { Values::Random } else { Values::Objects };
    let played = play(Path::new(folder), keys.parse().unwrap(), values, seconds.parse().unwrap());
    let (bytes, most_bytes) = (total_bytes(&played.files), played.most_bytes);
    println!(r#"{{"databaseBytes":{},"bytes":{bytes},"mostBytes":{most_bytes}}}"#, played.database_bytes);
}

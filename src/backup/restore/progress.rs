//! Progress of a restore, reported in steps.

/// Progress of a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestoreProgress {
    /// Bytes of backups that were read.
    pub done_bytes: u64,
    /// Bytes of backups to read in total.
    pub total_bytes: u64,
}

/// Number of steps.
const STEPS: u64 = 200;

/// Forwards progress once per step, and not for every read.
pub fn by_steps(tell: &mut dyn FnMut(RestoreProgress)) -> impl FnMut(RestoreProgress) {
    let mut last = None;
    move |progress: RestoreProgress| {
        let step = progress.done_bytes.saturating_mul(STEPS).checked_div(progress.total_bytes);
        if step != last {
            last = step;
            tell(progress);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_often_something_is_read_its_steps_are_told_once_and_its_end_too() {
        let mut told = Vec::new();
        let mut tell = |progress: RestoreProgress| told.push(progress.done_bytes);
        let mut steps = by_steps(&mut tell);
        for done_bytes in (0..=100_000).flat_map(|done_bytes| [done_bytes; 2]) {
            steps(RestoreProgress { done_bytes, total_bytes: 100_000 });
        }
        drop(steps);
        assert_eq!(told, (0..=200).map(|step| step * 500).collect::<Vec<u64>>());
    }
}

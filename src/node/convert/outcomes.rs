//! Outcomes of commands on keys as JavaScript takes them.

use crate::kv::KeyOutcome;

/// The outcomes as flat arrays of numbers and texts; `None` if there are none.
///
/// A sum is two numbers, itself and its expiry, which is `NaN` if it has none. A value is 1, and its text the next one; or
/// 0 if there is none. Whether something was done is 1 or 0. A count is itself.
#[expect(clippy::cast_precision_loss, reason = "expiries are exact below 2^53, and nobody counts as many keys")]
pub fn flatten(outcomes: Vec<KeyOutcome>) -> Option<(Vec<f64>, Vec<String>)> {
    if outcomes.is_empty() {
        return None;
    }
    let (mut numbers, mut texts) = (Vec::with_capacity(2 * outcomes.len()), Vec::new());
    for outcome in outcomes {
        match outcome {
            KeyOutcome::Number { number, expires_at } => {
                numbers.extend([number, expires_at.map_or(f64::NAN, |at| at as f64)]);
            }
            KeyOutcome::Done(done) => numbers.push(f64::from(u8::from(done))),
            KeyOutcome::Value(value) => {
                numbers.push(f64::from(u8::from(value.is_some())));
                texts.extend(value);
            }
            KeyOutcome::Removed(count) => numbers.push(count as f64),
        }
    }
    Some((numbers, texts))
}

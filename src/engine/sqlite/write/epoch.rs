//! Batches that must not overtake what an earlier one of the same client has left undone.

use std::collections::HashMap;

use crate::batch::{Batch, ClientId, Origin};

/// The last attempt of each client of which a batch ended early.
#[derive(Debug, Default)]
pub struct Halts(HashMap<ClientId, u32>);

impl Halts {
    /// The batch has ended early: those that its client had sent by then are to be deferred.
    pub fn add(&mut self, batch: &Batch) {
        if let Some(Origin { client, attempt }) = batch.origin {
            self.0.insert(client, attempt);
        }
    }

    /// Whether the batch was sent before its client heard that an earlier one had ended early.
    pub fn concern(&self, batch: &Batch) -> bool {
        batch.origin.is_some_and(|origin| self.0.get(&origin.client) == Some(&origin.attempt))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(client: u64, attempt: u32) -> Batch {
        Batch::new(Vec::new(), 0).of(Origin { client: ClientId(client), attempt })
    }

    #[test]
    fn what_a_client_sent_before_it_heard_is_deferred_and_nothing_else() {
        let mut halts = Halts::default();
        assert!(!halts.concern(&batch(1, 0)));
        halts.add(&batch(1, 0));
        assert!(halts.concern(&batch(1, 0)));
        assert!(!halts.concern(&batch(1, 1)));
        assert!(!halts.concern(&batch(2, 0)));
        assert!(!halts.concern(&Batch::new(Vec::new(), 0)));
    }
}

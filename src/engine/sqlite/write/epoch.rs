//! Batches that must not overtake what an earlier one of the same client has left undone.

use std::collections::HashMap;

use crate::batch::{Batch, ClientId, Origin};

/// The last attempt of each client of which a batch ended early.
#[derive(Debug, Default)]
pub struct EndedEpochs(HashMap<ClientId, u32>);

impl EndedEpochs {
    /// The batch has ended early: those that its client had sent by then are to be deferred.
    pub fn add(&mut self, batch: &Batch) {
        if let Some(Origin { client, epoch }) = batch.origin {
            self.0.insert(client, epoch);
        }
    }

    /// Whether the batch was sent before its client heard that an earlier one had ended early.
    pub fn cover(&self, batch: &Batch) -> bool {
        batch.origin.is_some_and(|origin| self.0.get(&origin.client) == Some(&origin.epoch))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(client: u64, epoch: u32) -> Batch {
        Batch::new(Vec::new(), 0).of(Origin { client: ClientId(client), epoch })
    }

    #[test]
    fn what_a_client_sent_before_it_heard_is_deferred_and_nothing_else() {
        let mut ended_epochs = EndedEpochs::default();
        assert!(!ended_epochs.cover(&batch(1, 0)));
        ended_epochs.add(&batch(1, 0));
        assert!(ended_epochs.cover(&batch(1, 0)));
        assert!(!ended_epochs.cover(&batch(1, 1)));
        assert!(!ended_epochs.cover(&batch(2, 0)));
        assert!(!ended_epochs.cover(&Batch::new(Vec::new(), 0)));
    }
}

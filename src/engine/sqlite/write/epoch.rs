//! Epochs: no batch overtakes commands that an earlier one of its client left undone.

use std::collections::HashMap;

use crate::batch::{Batch, ClientId, Origin};

/// The last epoch of each client in which a batch ended early.
#[derive(Debug, Default)]
pub struct EndedEpochs(HashMap<ClientId, u32>);

impl EndedEpochs {
    /// Notes that a batch has ended early. The client's other batches of its epoch are to be deferred.
    pub fn add(&mut self, batch: &Batch) {
        if let Some(Origin { client, epoch }) = batch.origin {
            self.0.insert(client, epoch);
        }
    }

    /// Forgets a client that sends nothing any more.
    pub fn remove(&mut self, client: ClientId) {
        self.0.remove(&client);
    }

    /// Returns `true` if a batch is of an ended epoch: it was sent before its client heard that an earlier one had
    /// ended early.
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
        ended_epochs.remove(ClientId(1));
        assert!(ended_epochs.0.is_empty());
    }
}

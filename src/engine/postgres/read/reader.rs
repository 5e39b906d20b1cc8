//! The reader: its connection carries out several reads at a time, in the order in which they come.

use std::rc::Rc;
use std::time::Duration;

use super::answer::ReadRequest;
use super::rows::{self, RowLock};
use crate::Error;
use crate::engine::postgres::failure::ServerFailure;
use crate::engine::postgres::net::{Link, Network, Retry, Session};

/// The reader.
pub struct ServerReader {
    link: Link,
}

impl ServerReader {
    /// A reader that is not connected yet.
    pub fn new(network: Rc<Network>) -> Self {
        Self { link: Link::new(network) }
    }

    /// Carries out a read.
    pub async fn serve(&self, request: ReadRequest) {
        match request {
            ReadRequest::Values(addresses, reply) => {
                let read = async |session: &Session| match addresses.as_slice() {
                    [address] => rows::read_one(session, address).await,
                    addresses => rows::read(session, addresses).await,
                };
                reply.send(self.retry(read).await);
            }
            ReadRequest::Keys(query, mut send, reply) => {
                let clocks = || self.link.network().clocks();
                let answer = self
                    .retry(async |client: &Session| rows::answer(client, &query, clocks(), RowLock::Free).await)
                    .await;
                let answer = answer.map(|(slices, last)| {
                    // Only now: an attempt that fails must have told nothing.
                    slices.into_iter().for_each(&mut send);
                    last
                });
                reply.send(answer);
            }
        }
    }

    /// The network.
    pub fn network(&self) -> &Network {
        self.link.network()
    }

    /// Does something with the connection, once, for as long as the limit says.
    pub async fn once<T>(
        &self,
        limit: Duration,
        work: impl AsyncFn(&Session) -> Result<T, ServerFailure>,
    ) -> Result<T, Error> {
        let network = self.link.network();
        let attempt = async {
            let (client, _) = self.link.client(limit).await?;
            work(&client).await
        };
        self.link.within(limit, attempt).await.map_err(|failure| {
            if failure.ends_connection() {
                self.link.drop_client();
            }
            network.gave_up(&failure)
        })
    }

    /// Does something with the connection, and does it again if it was lost, for as long as the settings say.
    pub async fn retry<T>(&self, work: impl AsyncFn(&Session) -> Result<T, ServerFailure>) -> Result<T, Error> {
        let network = self.link.network();
        let mut retry = Retry::within(network.settings.timeout);
        loop {
            let left = retry.left();
            let attempt = async {
                let (client, _) = self.link.client(left).await?;
                work(&client).await
            };
            let failure = match self.link.within(left, attempt).await {
                Ok(answer) => return Ok(answer),
                Err(ServerFailure::Refused(error)) => return Err(error),
                Err(failure) => failure,
            };
            if failure.ends_connection() {
                self.link.drop_client();
            }
            if !retry.pause(failure).await {
                return Err(network.gave_up(retry.told()));
            }
        }
    }
}

//! A connection to the server, and the statements that are prepared on it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ops::Deref;
use std::time::Instant;

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Statement};

use crate::limits::{PREPARED_MAX_AGE, PREPARED_STATEMENTS_MAX};

/// A connection.
pub struct Session {
    client: Client,
    /// The same process of the server carries out all that is sent, so that it knows what was prepared before.
    is_direct: Cell<bool>,
    prepared: RefCell<HashMap<String, (Statement, Instant)>>,
}

impl Session {
    /// A connection. Whether it `is_direct` is known, and not guessed: behind a pooler another client's statement may have
    /// the same name.
    pub fn new(client: Client, is_direct: bool) -> Self {
        Self { client, is_direct: Cell::new(is_direct), prepared: RefCell::default() }
    }

    /// A statement that was prepared. `None` if it is to be sent with its text.
    pub fn prepared(&self, text: &str) -> Option<Statement> {
        let prepared = self.prepared.borrow();
        prepared
            .get(text)
            .filter(|(_, since)| since.elapsed() < PREPARED_MAX_AGE)
            .map(|(statement, _)| statement.clone())
    }

    /// Prepares a statement, if that is of use.
    ///
    /// # Errors
    ///
    /// What the server has against it.
    pub async fn prepare(&self, text: &str, types: &[Type]) -> Result<(), tokio_postgres::Error> {
        let has_room = {
            let prepared = self.prepared.borrow();
            prepared.len() < PREPARED_STATEMENTS_MAX || prepared.contains_key(text)
        };
        if self.is_direct.get() && has_room {
            let statement = self.client.prepare_typed(text, types).await?;
            self.prepared.borrow_mut().insert(text.to_owned(), (statement, Instant::now()));
        }
        Ok(())
    }

    /// Prepares nothing any more, because the server did not know a statement that was prepared.
    pub fn forget_prepared(&self) {
        self.is_direct.set(false);
        self.prepared.borrow_mut().clear();
    }
}

impl Deref for Session {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

//! A statement under construction, with its parameters.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use crate::engine::postgres::failure::{ServerFailure, is_unprepared};
use crate::engine::postgres::net::Session;

/// A statement, and the values of its parameters.
#[derive(Default)]
pub struct Sql<'a> {
    text: String,
    values: Vec<(Box<dyn ToSql + Sync + 'a>, Type)>,
}

impl<'a> Sql<'a> {
    /// A statement that begins with this text.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), values: Vec::new() }
    }

    /// Adds text.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Adds a parameter, where the text has come to.
    pub fn value(&mut self, value: impl ToSql + Sync + 'a, of: Type) -> &mut Self {
        self.values.push((Box::new(value), of));
        self.text.push('$');
        self.text.push_str(&self.values.len().to_string());
        self
    }

    /// Adds the condition that a row is of a scope.
    pub fn in_scope(&mut self, community: Option<&'a str>) -> &mut Self {
        match community {
            None => self.text("community_id IS NULL"),
            Some(community) => self.text("community_id = ").value(community, Type::TEXT),
        }
    }

    /// Runs it. It is not prepared under a name: a pooler gives the next statement to another connection.
    pub async fn run(&self, client: &Client) -> Result<Vec<Row>, ServerFailure> {
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            self.values.iter().map(|(value, of)| (&**value as &(dyn ToSql + Sync), of.clone())).collect();
        Ok(client.query_typed(&self.text, &values).await?)
    }

    /// Runs it outside of transactions, where it is one that is run often and whose plan does not depend on its values: if
    /// there is no pooler, it is prepared once, for planning takes the server longer than carrying it out.
    pub async fn run_often(&self, session: &Session) -> Result<Vec<Row>, ServerFailure> {
        let Some(statement) = session.prepared(&self.text) else {
            let types: Vec<Type> = self.values.iter().map(|(_, of)| of.clone()).collect();
            // Sent at once, with its text: what is sent behind it is not to overtake it.
            let (answer, prepared) = tokio::join!(self.run(session), session.prepare(&self.text, &types));
            if prepared.is_err() {
                session.forget_prepared();
            }
            return answer;
        };
        let values: Vec<&(dyn ToSql + Sync)> =
            self.values.iter().map(|(value, _)| &**value as &(dyn ToSql + Sync)).collect();
        match session.query(&statement, &values).await {
            Err(error) if is_unprepared(&error) => {
                session.forget_prepared();
                self.run(session).await
            }
            answer => Ok(answer?),
        }
    }
}

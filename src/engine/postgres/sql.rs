//! A statement under construction, with its parameters.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use crate::engine::postgres::failure::ServerFailure;

/// A statement, and the values of its parameters. It is never prepared under a name: a pooler gives the next statement to
/// another connection.
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

    /// Runs it.
    pub async fn run(&self, client: &Client) -> Result<Vec<Row>, ServerFailure> {
        let values: Vec<(&(dyn ToSql + Sync), Type)> =
            self.values.iter().map(|(value, of)| (&**value as &(dyn ToSql + Sync), of.clone())).collect();
        Ok(client.query_typed(&self.text, &values).await?)
    }
}

//! Failures of PostgreSQL, and of the way to it.

/// Kind of a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostgresProblem {
    /// No host answers, or none that can be written to; or the connection was lost and did not come back in time. Nothing
    /// was changed.
    NoServer,
    /// The connection cannot be protected as asked for.
    Tls,
    /// The server refused. This is its SQLSTATE.
    Refused(String),
    /// The server is too old, or the database has another encoding than UTF-8.
    Unsupported,
    /// The SDK's table is too large to be adopted while a bot starts. Run `npx rootcellar migrate`.
    AdoptionNeeded,
    /// The server, or the loss of the connection, has rolled a transaction of the user back.
    TransactionLost,
    /// The connection was lost, and whether the write was carried out could not be asked.
    OutcomeUnknown,
}

impl PostgresProblem {
    /// The stable name of the kind of failure.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoServer => "ERR_NO_SERVER",
            Self::Tls => "ERR_TLS",
            Self::Refused(_) => "ERR_POSTGRES",
            Self::Unsupported => "ERR_SERVER_UNSUPPORTED",
            Self::AdoptionNeeded => "ERR_ADOPTION_NEEDED",
            Self::TransactionLost => "ERR_TRANSACTION_LOST",
            Self::OutcomeUnknown => "ERR_OUTCOME_UNKNOWN",
        }
    }
}

/// Part of the configuration that is to blame. JavaScript knows what configured it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PostgresField {
    /// The hosts and ports.
    Hosts,
    /// The role.
    User,
    /// The password.
    Password,
    /// The name of the database.
    Database,
    /// The settings of TLS.
    Tls,
}

impl PostgresField {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hosts => "hosts",
            Self::User => "user",
            Self::Password => "password",
            Self::Database => "database",
            Self::Tls => "tls",
        }
    }
}

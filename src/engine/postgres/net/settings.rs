//! Settings of a connection.

use std::time::Duration;

/// Servers to connect to, and settings of the connections. It has no `Debug`: nothing of it is ever shown.
pub struct Settings {
    /// Names or addresses, or folders of Unix sockets, each with its port. They are tried in this order.
    pub hosts: Vec<(String, u16)>,
    /// The role.
    pub user: String,
    /// Its password, if it needs one.
    pub password: Option<String>,
    /// The database.
    pub database: String,
    /// Protection of the connection.
    pub tls: TlsMode,
    /// Time for which an operation is tried again before it is given up.
    pub timeout: Duration,
    /// Name by which the server's views know the connections.
    pub application_name: String,
}

/// Protection of a connection, as libpq's `sslmode` has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsMode {
    /// None.
    Disable,
    /// Encrypted where the server can, and with whomever.
    Prefer,
    /// Encrypted, with whomever.
    Require,
    /// Encrypted, with a server whose certificate somebody trusted has signed.
    VerifyCa,
    /// The same, and the certificate is for the host that was asked for.
    VerifyFull,
}

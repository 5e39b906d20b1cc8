//! Settings as JavaScript gives them.

use std::path::PathBuf;
use std::time::Duration;

use napi_derive::napi;

use crate::engine::postgres::{Settings, TlsMode};

/// Protection of a connection, see `TlsMode`.
#[napi(string_enum = "kebab-case")]
#[derive(Clone, Copy)]
pub enum TlsModeName {
    /// See `TlsMode`.
    Disable,
    /// See `TlsMode`.
    Prefer,
    /// See `TlsMode`.
    Require,
    /// See `TlsMode`.
    VerifyCa,
    /// See `TlsMode`.
    VerifyFull,
}

impl From<TlsModeName> for TlsMode {
    fn from(name: TlsModeName) -> Self {
        match name {
            TlsModeName::Disable => Self::Disable,
            TlsModeName::Prefer => Self::Prefer,
            TlsModeName::Require => Self::Require,
            TlsModeName::VerifyCa => Self::VerifyCa,
            TlsModeName::VerifyFull => Self::VerifyFull,
        }
    }
}

/// Address of the server, and settings of the connection.
#[napi(object, object_to_js = false)]
pub struct PostgresOptions {
    /// Names, addresses, or folders of Unix sockets.
    pub hosts: Vec<String>,
    /// The port of each.
    pub ports: Vec<u16>,
    /// The role.
    pub user: String,
    /// Its password.
    pub password: Option<String>,
    /// The database.
    pub database: String,
    /// Protection of the connection.
    pub tls_mode: TlsModeName,
    /// Path of a file with the certificates that are believed; without it, those of the system.
    pub root_cert: Option<String>,
    /// Time in milliseconds for which an operation is tried again.
    pub timeout_ms: u32,
    /// Name of the connections in the server's views.
    pub application_name: String,
}

impl PostgresOptions {
    /// The settings, and the file of certificates.
    pub fn split(self) -> (Settings, Option<PathBuf>) {
        let settings = Settings {
            hosts: self.hosts.into_iter().zip(self.ports).collect(),
            user: self.user,
            password: self.password,
            database: self.database,
            tls: self.tls_mode.into(),
            timeout: Duration::from_millis(self.timeout_ms.into()),
            application_name: self.application_name,
        };
        (settings, self.root_cert.map(PathBuf::from))
    }
}

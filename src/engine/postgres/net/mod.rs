//! The way to the server: settings, TLS, connecting, what failures mean, and trying again.

mod connect;
mod link;
mod retry;
mod session;
mod settings;
mod tls;

pub use link::{Link, Network};
pub use retry::Retry;
pub use session::Session;
pub use settings::{Settings, TlsMode};
pub use tls::connector;

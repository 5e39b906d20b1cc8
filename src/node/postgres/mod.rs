//! A store on PostgreSQL.

mod lease;
mod settings;
mod state;
mod store;
mod watch;

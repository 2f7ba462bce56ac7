//! The connectors against real servers: HTTP on loopback, scripted TCP, PostgreSQL and SQLite.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod http_cancel;
mod http_fidelity;
mod http_limits;
mod http_streams;
mod http_timeouts;
mod http_tls;
mod postgres_server;
mod servers;
mod sql_guard;
mod sql_hiding;
mod sql_postgres;
mod sql_provision;
mod sql_sessions;
mod sql_sqlite;

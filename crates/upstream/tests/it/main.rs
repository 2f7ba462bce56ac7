//! The connectors against real servers: HTTP on loopback, scripted TCP, PostgreSQL and SQLite.

mod http_cancel;
mod http_fidelity;
mod http_limits;
mod http_streams;
mod http_timeouts;
mod http_tls;
mod postgres_server;
mod servers;
mod sql_guard;
mod sql_postgres;
mod sql_sessions;
mod sql_sqlite;

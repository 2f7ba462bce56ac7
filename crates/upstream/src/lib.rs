//! Connectors to what sellers have: HTTP servers and SQL databases.
//!
//! Owns the translation of one paid call into one exchange with the seller's system, its limits, and the
//! wall between the credentials of the two sides. Knows neither prices nor parties: who may call and what it
//! costs is decided above. Invariants: everything goes out through `farebox_net`; nothing is collected in
//! memory that could be streamed; a failed exchange is never charged.

mod error;
pub mod http;
pub mod sql;

pub use error::UpstreamError;

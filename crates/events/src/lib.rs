//! What happens in Farebox and who must hear of it.
//!
//! So far: `Changes`, the counters by which every process learns that read-mostly state changed, and `Cache`, which
//! keeps such state and forgets it when its counter moves. The outbox, jobs, and the signing and delivery of
//! webhooks join here, because they too are written in the transaction of the effect.

mod cache;
mod changes;
mod settings;

pub use cache::Cache;
pub use changes::{Changes, Scope};
pub use settings::setting_agree;

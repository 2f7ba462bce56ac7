//! Change counters and the cache on both engines.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod cache;
mod changes;

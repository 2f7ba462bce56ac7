//! Work that goes on without the client that asked for it.
//!
//! Its opening belongs inside: a client that leaves between a reservation and the task that is to use it would have the
//! reservation given back, and nothing served.

use farebox_base::{Error, Result};

/// Runs `work` to its end, also where whoever waits for it is gone.
///
/// # Errors
/// Those of the work; internal, where it panicked.
pub(crate) async fn to_its_end<T: Send + 'static>(work: impl Future<Output = Result<T>> + Send + 'static) -> Result<T> {
    tokio::spawn(work).await.map_err(|e| Error::internal(format!("a call's task ended early: {e}")))?
}

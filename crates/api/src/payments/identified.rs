//! Errors of a request whose idempotency key is its payment's identifier: its client sent no header of ours, and is told in
//! the words of its extension.

use farebox_base::Error;
use farebox_calls::payment_refused;
use farebox_x402::{Reason, Refusal};

/// The code of calls for a key that stands for another request.
const KEY_REUSED: &str = "idempotency_key_reused";
/// The code of calls for a key whose first request still runs.
const KEY_IN_USE: &str = "idempotency_key_in_use";
/// Seconds until such a key is worth asking for again.
const IN_USE_RETRY_S: u64 = 1;

/// The error in the words of `payment-identifier`, where it is about the key; else as it was.
pub(crate) fn identified(error: Error) -> Error {
    match error.code {
        KEY_REUSED => {
            let message =
                "payment-identifier: this id was used with another method, path, query or body; use a new one";
            payment_refused(&Refusal::new(Reason::IdentifierConflict, message))
        }
        KEY_IN_USE => {
            let message = "payment-identifier: the first request with this id is still running; send the same request \
                           with the same id again in a moment, and it gets the same answer";
            Error { message: message.to_owned(), ..error }.with_retry_after(IN_USE_RETRY_S)
        }
        _ => error,
    }
}

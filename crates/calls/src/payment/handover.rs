//! Who has the reply of a settled payment, decided as the payment is written down as settled.
//!
//! Its chain shows a payment to everybody before it is settled here. The request that brought it therefore has the reply
//! from that very commit on, as long as it waits; a copy of it has none. Where it leaves before it has the reply, that
//! waits for the same request again. Knows nothing of the replies themselves.

use super::reply::replies_wait_again;
use super::{SignedPayment, row};
use crate::Calls;
use crate::unattended::to_its_end;
use farebox_base::Result;
use farebox_x402::verify::NonceKey;
use parking_lot::Mutex;
use std::sync::Arc;

/// Of one request, in the row of its payment; more than 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Holder(i64);

impl Holder {
    pub(super) const fn number(self) -> i64 {
        self.0
    }
}

/// The request that brought a payment, as the task knows it that works for it.
pub(crate) struct Bringer {
    calls: Calls,
    holder: Holder,
    stage: Mutex<Stage>,
}

enum Stage {
    Waits,
    /// The reply of this payment is its own.
    Holds(NonceKey),
    /// It has left, or it has what it waited for.
    Gone,
}

/// The request itself. Dropped before it is told that all is done, it has left.
struct Presence(Arc<Bringer>);

impl Calls {
    /// Runs work for a request to its end, whether or not that waits for it.
    ///
    /// # Errors
    /// Those of the work; internal, where it panicked.
    pub(super) async fn attended<T, F>(&self, work: impl FnOnce(Calls, Arc<Bringer>) -> F) -> Result<T>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        // What is below says that nobody has it, or who came again.
        let number = i64::try_from(self.parts.rng.next_u64() >> 1).unwrap_or(i64::MAX).max(3);
        let stage = Mutex::new(Stage::Waits);
        let bringer = Arc::new(Bringer { calls: self.clone(), holder: Holder(number), stage });
        let presence = Presence(bringer.clone());
        let done = to_its_end(work(self.clone(), bringer)).await?;
        *presence.0.stage.lock() = Stage::Gone;
        Ok(done)
    }
}

impl Bringer {
    /// Who is to have the reply of a payment that is settled now; nobody, where the request has left.
    pub(super) fn holder(&self) -> Option<Holder> {
        matches!(*self.stage.lock(), Stage::Waits).then_some(self.holder)
    }

    /// To be called once the payment is settled: whether its reply is the request's own. It is not, where another process
    /// has settled first.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn holds(&self, signed: &SignedPayment) -> Result<bool> {
        let (db, nonce) = (&self.calls.parts.db, &signed.verified.nonce);
        if self.has_left(nonce) {
            replies_wait_again(db, nonce, self.holder).await?;
            return Ok(false);
        }
        row::is_held_by(db, nonce, self.holder).await
    }

    /// Where it has not, its leaving is noticed from here on.
    fn has_left(&self, nonce: &NonceKey) -> bool {
        let mut stage = self.stage.lock();
        let has_left = matches!(*stage, Stage::Gone);
        if !has_left {
            *stage = Stage::Holds(nonce.clone());
        }
        has_left
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let Stage::Holds(nonce) = std::mem::replace(&mut *self.0.stage.lock(), Stage::Gone) else { return };
        let bringer = self.0.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                if let Err(error) = replies_wait_again(&bringer.calls.parts.db, &nonce, bringer.holder).await {
                    tracing::error!(internal = ?error.internal, "a reply that was paid for and not handed over is lost to its payer");
                }
            });
        }
    }
}

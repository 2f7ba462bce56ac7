//! The loop that watches everything in flight: soon after a broadcast, then with the chain's blocks; and now and then
//! what nobody asks for: the balance, rows that another process left behind.

use super::Core;
use super::receipts::View;
use crate::chain::rpc::Head;
use farebox_base::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How soon after a broadcast receipts are asked for.
const SOON: Duration = Duration::from_millis(50);
/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(5);
/// How often the loop runs while nothing is in flight.
const IDLE: Duration = Duration::from_secs(2);
/// Receipts are asked for at least so often, also where no new block is seen.
const EVEN_SO: Duration = Duration::from_secs(2);

/// What the loop remembers.
struct Watch {
    core: Arc<Core>,
    head: Option<Head>,
    looked_at: Option<Timestamp>,
    delay: Duration,
}

pub(super) async fn run(core: Arc<Core>) {
    let mut watch = Watch { head: None, looked_at: None, delay: SOON, core };
    loop {
        let news = watch.pause().await;
        watch.look(news).await;
        watch.core.upkeep().await;
    }
}

impl Watch {
    /// Waits for the next look; answers whether something was broadcast meanwhile.
    async fn pause(&mut self) -> bool {
        let slowest = (self.core.settings.block_time_hint / 4).max(SHORTEST);
        let delay = if self.core.board.is_empty() { IDLE } else { self.delay.min(slowest) };
        if tokio::time::timeout(delay, self.core.news.notified()).await.is_err() {
            self.delay = (self.delay * 2).min(slowest);
            return false;
        }
        self.delay = SOON;
        tokio::time::sleep(SHORTEST.max(SOON.min(slowest / 4))).await;
        true
    }

    /// Asks for receipts where there is reason to: a new block, something new in flight, or a while without either.
    async fn look(&mut self, news: bool) {
        if self.core.board.is_empty() {
            return;
        }
        let (head, next_nonce) = match self.core.rpc.head_and_nonce(self.core.key.address()).await {
            Ok(seen) => seen,
            Err(error) => return tracing::debug!(%error, "the chain's head can't be read"),
        };
        let now = self.core.clock.now();
        if self.head.is_none_or(|old| old.hash != head.hash) {
            *self.core.block_seen_at.lock() = now;
        }
        let is_overdue = self.looked_at.is_none_or(|at| now >= at.plus(EVEN_SO));
        if !news && !is_overdue && self.head.is_some_and(|old| old.hash == head.hash) {
            return;
        }
        let went_back = self.head.is_none_or(|old| old.hash != head.hash && old.number >= head.number);
        match self.core.receipts(View { head, next_nonce, went_back }).await {
            Ok(()) => (self.head, self.looked_at) = (Some(head), Some(now)),
            Err(error) => tracing::warn!(%error, "receipts can't be read or noted; trying again"),
        }
    }
}

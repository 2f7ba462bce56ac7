//! A ticket is an open call in hand. Whatever happens to the request, dropping the ticket closes the call.

use crate::close::{Closed, End, Ending, Opening};
use crate::idempotency::SavedReply;
use crate::writer::Writer;
use farebox_base::{Clock, Error, Micros, Result, Ticks};
use std::sync::Arc;

pub(crate) struct Ticket {
    writer: Writer,
    clock: Arc<dyn Clock>,
    opening: Opening,
    received: Ticks,
    status: Option<u16>,
    latency_ms: u64,
    /// What dropping the ticket means.
    on_drop: Ending,
    open: bool,
    _slot: tokio::sync::OwnedSemaphorePermit,
}

/// What a ticket is made of once its call is open. It travels with the opening, so that a call whose client leaves
/// before the commit is answered still gets its ticket, and with it its end.
pub(crate) struct TicketSeed {
    pub writer: Writer,
    pub clock: Arc<dyn Clock>,
    pub opening: Opening,
    pub received: Ticks,
    pub slot: tokio::sync::OwnedSemaphorePermit,
}

impl TicketSeed {
    /// The ticket of a call that was opened with this much held.
    pub(crate) fn open(self, held: Micros, free_tier: bool) -> Ticket {
        Ticket {
            writer: self.writer,
            clock: self.clock,
            opening: Opening { held, free_tier, ..self.opening },
            received: self.received,
            status: None,
            latency_ms: 0,
            on_drop: Ending::Canceled,
            open: true,
            _slot: self.slot,
        }
    }
}

impl Ticket {
    pub(crate) const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Notes the status of the seller's reply and how long it took.
    pub(crate) fn answered(&mut self, status: u16) {
        self.status = Some(status);
        self.stop_clock();
    }

    fn stop_clock(&mut self) {
        let span = self.clock.ticks().since(self.received);
        self.latency_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    }

    pub(crate) fn receipt(&self, amount: Micros) -> crate::Receipt {
        crate::Receipt {
            call_id: self.opening.call_id,
            amount,
            free_tier: self.opening.free_tier,
            latency_ms: self.latency_ms,
            replayed: false,
        }
    }

    /// From here on the reply is on its way to the client: leaving now is using it.
    pub(crate) fn begin_reply(&mut self, amount: Micros) {
        self.on_drop = Ending::Served { amount };
    }

    /// Closes as served; the future answers once that is committed.
    pub(crate) fn serve(
        mut self,
        amount: Micros,
        reply: Option<SavedReply>,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        self.open = false;
        let closing = self.writer.close(self.end(Ending::Served { amount }, reply));
        async move {
            let closed = closing.await;
            drop(self);
            match closed? {
                Closed::Done => Ok(()),
                Closed::TooLate => Err(Error::unavailable("The call took longer than its hold and was not charged")),
            }
        }
    }

    /// Closes as failed, free of charge; the future answers once that is committed.
    pub(crate) async fn fail(mut self) -> Result<()> {
        if self.status.is_none() {
            self.stop_clock();
        }
        self.open = false;
        self.writer.close(self.end(Ending::Failed, None)).await.map(|_| ())
    }

    /// Closes as failed without waiting.
    pub(crate) fn fail_unattended(mut self) {
        self.on_drop = Ending::Failed;
    }

    fn end(&self, ending: Ending, reply: Option<SavedReply>) -> End {
        End {
            opening: self.opening.clone(),
            ending,
            status: self.status,
            latency_ms: self.latency_ms,
            reply,
            finished_at: self.clock.now(),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.open {
            self.writer.close_unattended(self.end(self.on_drop, None));
        }
    }
}

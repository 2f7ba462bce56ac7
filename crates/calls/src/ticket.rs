//! A ticket is a running call in hand. Whatever happens to the request, dropping the ticket closes the call.

use crate::close::Closed;
use crate::idempotency::SavedReply;
use crate::payment::Fate;
use crate::running::{End, Ending, Running};
use crate::settings::Durability;
use crate::slots::Slot;
use crate::writer::{OpenAnswer, Writer};
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{Clock, Error, Micros, Result, Ticks};
use std::sync::Arc;

/// What a ticket is made of beside its call. It travels with the opening, so that a call whose client leaves before the
/// commit is answered still gets its ticket, and with it its end.
pub(crate) struct TicketSeed {
    pub writer: Writer,
    pub clock: Arc<dyn Clock>,
    pub durability: Durability,
    pub received: Ticks,
    pub status: Option<u16>,
    pub latency_ms: u64,
    pub slot: Slot,
}

impl TicketSeed {
    pub(crate) fn ticket(self, call: Box<Running>) -> Ticket {
        let kept =
            Kept { writer: self.writer, clock: self.clock, durability: self.durability, received: self.received };
        let running = Some((call, self.slot));
        let (status, latency_ms) = (self.status, self.latency_ms);
        Ticket { kept, running, status, latency_ms, on_drop: Some(Ending::Canceled), cost: None }
    }
}

/// What outlives the call in the ticket.
#[derive(Clone)]
struct Kept {
    writer: Writer,
    clock: Arc<dyn Clock>,
    durability: Durability,
    received: Ticks,
}

pub(crate) struct Ticket {
    kept: Kept,
    /// The call and its place among those in flight; `None` once it is closed.
    running: Option<(Box<Running>, Slot)>,
    status: Option<u16>,
    latency_ms: u64,
    /// What dropping the ticket means; `None`: the call stays open, for whoever takes it up.
    on_drop: Option<Ending>,
    /// What the call has come to, where that is less than was quoted.
    cost: Option<Micros>,
}

impl Ticket {
    /// What is held for the call.
    pub(crate) fn held(&self) -> Micros {
        self.running.as_ref().map_or(Micros::ZERO, |(call, _)| call.held)
    }

    pub(crate) fn is_free_tier(&self) -> bool {
        self.running.as_ref().is_some_and(|(call, _)| call.free_tier)
    }

    /// Whether the request carried an idempotency key.
    pub(crate) fn is_keyed(&self) -> bool {
        self.running.as_ref().is_some_and(|(call, _)| call.claim.is_some())
    }

    /// Notes the status of the seller's reply and how long it took.
    pub(crate) fn answered(&mut self, status: u16) {
        self.status = Some(status);
        self.stop_clock();
    }

    fn stop_clock(&mut self) {
        let span = self.kept.clock.ticks().since(self.kept.received);
        self.latency_ms = u64::try_from(span.as_millis()).unwrap_or(u64::MAX);
    }

    pub(crate) fn receipt(&self, amount: Micros) -> crate::Receipt {
        crate::Receipt {
            call_id: self
                .running
                .as_ref()
                .map_or(farebox_base::CallId::from_uuid(uuid::Uuid::nil()), |(c, _)| c.call_id),
            amount,
            free_tier: self.is_free_tier(),
            latency_ms: self.latency_ms,
            replayed: false,
        }
    }

    /// The most that the call can cost.
    pub(crate) fn quoted(&self) -> Micros {
        self.running.as_ref().map_or(Micros::ZERO, |(call, _)| call.quoted)
    }

    /// Notes that the call costs less than was quoted.
    pub(crate) fn costs(&mut self, cost: Micros) {
        self.cost = Some(cost).filter(|cost| *cost < self.quoted());
    }

    /// What the call costs, where that is known to be less than the quote.
    pub(crate) fn cost(&self) -> Option<Micros> {
        self.cost
    }

    /// What a served call costs.
    pub(crate) fn due(&self) -> Micros {
        self.cost.unwrap_or_else(|| self.quoted())
    }

    pub(crate) fn call_id(&self) -> Option<farebox_base::CallId> {
        self.running.as_ref().map(|(call, _)| call.call_id)
    }

    /// From here on the call's payment decides how the call ends, and not this request.
    pub(crate) fn leave_to_payment(&mut self) {
        self.on_drop = None;
    }

    /// Notes what has become of the call's payment.
    pub(crate) fn payment_ended(&mut self, fate: Fate) {
        if let Some((call, _)) = &mut self.running
            && let Some(paid) = &mut call.paid
        {
            paid.fate = fate;
        }
    }

    /// From here on the reply is on its way to the client: leaving now is using it.
    pub(crate) fn begin_reply(&mut self, amount: Micros) {
        self.on_drop = Some(Ending::Served { amount });
    }

    /// Makes sure that the call and its hold are in the store, before a reply begins whose end is far away.
    ///
    /// # Errors
    /// `InsufficientBalance` where the store has less than memory thought; the call is failed then.
    pub(crate) async fn secured(mut self) -> Result<Self> {
        let running = self.running.take_if(|(call, _)| !call.stored && !call.quoted.is_zero());
        let Some((call, slot)) = running else { return Ok(self) };
        let unpaid = call.without_money();
        let Kept { writer, clock, durability, received } = self.kept.clone();
        let (status, latency_ms) = (self.status, self.latency_ms);
        let seed = TicketSeed { writer, clock, durability, received, status, latency_ms, slot };
        match self.kept.writer.open(call, seed).await? {
            OpenAnswer::Open(ticket) => Ok(*ticket),
            OpenAnswer::Insufficient(need) => {
                self.kept.writer.close_unattended(Box::new(self.end(unpaid, None, Ending::Failed, None)));
                Err(Error::insufficient_balance(need))
            }
            OpenAnswer::Known(_) | OpenAnswer::Spent(_) => {
                Err(Error::internal("a call without a key was known before"))
            }
        }
    }

    /// Closes as served; the future answers once that is committed.
    pub(crate) fn serve(
        mut self,
        amount: Micros,
        reply: Option<SavedReply>,
    ) -> impl Future<Output = Result<()>> + Send + use<> {
        let closing = self.running.take().map(|(call, slot)| {
            let answer_first = self.kept.durability == Durability::Relaxed && !call.stored && call.charge.is_none();
            let end = Box::new(self.end(call, Some(slot), Ending::Served { amount }, reply));
            if answer_first {
                self.kept.writer.close_unattended(end);
                return None;
            }
            Some(self.kept.writer.close(end))
        });
        async move {
            let Some(Some(closing)) = closing else { return Ok(()) };
            match closing.await? {
                Closed::Done => Ok(()),
                Closed::TooLate => Err(Error::unavailable("The call took longer than its hold and was not charged")),
                Closed::Refused(need) => Err(Error::insufficient_balance(need)),
            }
        }
    }

    /// Closes as failed, free of charge; the future answers once that is committed.
    pub(crate) async fn fail(mut self) -> Result<()> {
        if self.status.is_none() {
            self.stop_clock();
        }
        let Some((call, slot)) = self.running.take() else { return Ok(()) };
        let end = Box::new(self.end(call, Some(slot), Ending::Failed, None));
        self.kept.writer.close(end).await.map(|_| ())
    }

    /// Closes as failed without waiting.
    pub(crate) fn fail_unattended(mut self) {
        self.on_drop = Some(Ending::Failed);
    }

    fn end(&self, call: Box<Running>, slot: Option<Slot>, ending: Ending, reply: Option<SavedReply>) -> End {
        let (status, latency_ms, finished_at) = (self.status, self.latency_ms, self.kept.clock.now());
        End { call, ending, status, latency_ms, reply, finished_at, slot }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if is_planted(Bug::TicketForgotten) {
            return;
        }
        if let Some((call, slot)) = self.running.take()
            && let Some(ending) = self.on_drop
        {
            let end = self.end(call, Some(slot), ending, None);
            self.kept.writer.close_unattended(Box::new(end));
        }
    }
}

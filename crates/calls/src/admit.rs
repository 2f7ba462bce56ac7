//! Admission: the opening of a call, whatever it calls, and the ticket or saved answer that comes of it.

use crate::channel::Charge;
use crate::idempotency::{self, Claim, Claimed, SavedReply};
use crate::payment::{Paid, Spent};
use crate::reserve::Reservation;
use crate::running::Running;
use crate::ticket::{Ticket, TicketSeed};
use crate::writer::OpenAnswer;
use crate::{Answer, Calls, Payer};
use farebox_base::{CallId, Error, Micros, Result, Ticks};
use farebox_billing::spend_sources;
use farebox_ledger::AccountId;
use farebox_market::ListingEntry;
use http::Response;

/// How much of a path a call's row keeps.
const PATH_BYTES_MAX: usize = 256;

/// What an admitted call may do.
pub(crate) enum Admitted {
    /// Go on: the money is held, or set aside.
    Open(Box<Ticket>),
    /// Answer with what the same request got before.
    Replay(Answer),
    /// The payment is known already.
    Spent(Box<Spent>),
}

/// What a call's row is made of.
pub(crate) struct StartInput<'a> {
    pub payer: Payer,
    pub entry: &'a ListingEntry,
    pub door: &'static str,
    pub method: &'a str,
    pub path: &'a str,
    pub quoted: Micros,
    pub request_id: &'a str,
    pub claim: Option<Claim>,
    /// Where a signed payment pays.
    pub paid: Option<Box<Paid>>,
    /// Where a voucher pays: the channel's account, and what is charged to it.
    pub charge: Option<(AccountId, Box<Charge>)>,
    pub received: Ticks,
    /// The cost is known: what is quoted is what a served call costs.
    pub fixed_cost: bool,
}

impl Calls {
    /// Hands out the ticket of a call: at once where its buyer has plenty, else when its opening is committed.
    pub(crate) async fn open(&self, input: StartInput<'_>) -> Result<Admitted> {
        let slot = self.slots.take(input.payer.party_id)?;
        let (writer, clock) = (self.writer.clone(), self.parts.clock.clone());
        let (durability, received) = (self.parts.settings.durability, input.received);
        let fixed_cost = input.fixed_cost;
        let seed = TicketSeed { writer, clock, durability, received, status: None, latency_ms: 0, slot };
        let mut call = Box::new(self.running(input));
        if fixed_cost && let Some(reservation) = self.set_aside(&call) {
            (call.held, call.reservation) = (call.quoted, Some(reservation));
            return Ok(Admitted::Open(Box::new(seed.ticket(call))));
        }
        match self.writer.open(call, seed).await? {
            OpenAnswer::Open(ticket) => Ok(Admitted::Open(ticket)),
            OpenAnswer::Insufficient(need) => Err(Error::insufficient_balance(need)),
            OpenAnswer::Spent(spent) => Ok(Admitted::Spent(spent)),
            OpenAnswer::Known(claimed) => match (idempotency::refusal(&claimed), claimed) {
                (Some(refusal), _) => Err(refusal),
                (None, Claimed::Answered { call_id, free_tier, latency_ms, reply }) => {
                    let receipt = idempotency::replay_receipt(call_id, free_tier, latency_ms);
                    Ok(Admitted::Replay(Answer::new(Ok(replayed(reply)), receipt)))
                }
                (None, _) => Err(Error::internal("an idempotency key was fresh and taken at once")),
            },
        }
    }

    /// Sets the call's money aside in memory, where the store need not know of it before its end: no key, no free-tier
    /// slot, and a buyer with plenty.
    fn set_aside(&self, call: &Running) -> Option<Reservation> {
        if call.claim.is_some()
            || call.paid.is_some()
            || call.free_tier_calls > 0
            || self.parts.settings.unsecured_max.is_zero()
        {
            return None;
        }
        if call.quoted.is_zero() {
            return Some(Reservation::default());
        }
        self.writer.reservations.reserve(&call.sources, call.quoted, self.parts.clock.ticks())
    }

    fn running(&self, input: StartInput<'_>) -> Running {
        let (parts, listing) = (&self.parts, &input.entry.listing);
        let now = parts.clock.now();
        let (sources, charge) = match input.charge {
            Some((account, charge)) => (vec![account], Some(charge)),
            None => (spend_sources(input.payer.party_id, listing.party_id), None),
        };
        Running {
            call_id: CallId::generate(&*parts.clock, &*parts.rng),
            buyer: input.payer.party_id,
            seller: listing.party_id,
            listing: listing.id,
            listing_name: listing.name.clone(),
            fee_basis_points: listing.fee_basis_points,
            key_id: input.payer.key_id,
            door: input.door,
            method: input.method.to_owned(),
            path: input.path[..input.path.floor_char_boundary(PATH_BYTES_MAX)].to_owned(),
            quoted: input.quoted,
            free_tier_calls: if charge.is_some() { 0 } else { listing.free_tier_calls },
            request_id: input.request_id.to_owned(),
            created_at: now,
            expires_at: now.plus(parts.settings.hold_ttl),
            claim: input.claim,
            claim_expires_at: now.plus(parts.settings.idempotency_ttl),
            sources,
            held: Micros::ZERO,
            free_tier: false,
            stored: false,
            paid: input.paid,
            charge,
            reservation: None,
        }
    }
}

pub(crate) fn replayed(reply: SavedReply) -> Response<farebox_net::Body> {
    let mut response = Response::new(farebox_net::full(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}

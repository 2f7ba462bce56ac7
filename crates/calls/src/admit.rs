//! Admission: the opening of a call, whatever it calls, and the ticket or saved answer that comes of it.

use crate::close::Opening;
use crate::idempotency::{self, Claim, Claimed, SavedReply};
use crate::open::Start;
use crate::ticket::{Ticket, TicketSeed};
use crate::writer::OpenAnswer;
use crate::{Answer, Calls, Payer};
use farebox_base::{CallId, Error, Micros, Result, Ticks};
use farebox_market::ListingEntry;
use http::Response;

/// How much of a path a call's row keeps.
const PATH_BYTES_MAX: usize = 256;

/// What an admitted call may do.
pub(crate) enum Admitted {
    /// Go on: the hold is committed.
    Open(Box<Ticket>),
    /// Answer with what the same request got before.
    Replay(Answer),
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
}

impl Calls {
    /// Commits the opening and hands out the ticket.
    pub(crate) async fn open(&self, start: Start, entry: &ListingEntry, received: Ticks) -> Result<Admitted> {
        let slot = self
            .slots
            .clone()
            .try_acquire_owned()
            .map_err(|_| Error::unavailable("Too many calls at once; try again in a moment").with_retry_after(1))?;
        let opening = Opening {
            call_id: start.call_id,
            buyer: start.buyer,
            seller: start.seller,
            listing: start.listing,
            listing_name: entry.listing.name.clone(),
            fee_basis_points: entry.listing.fee_basis_points,
            held: Micros::ZERO,
            free_tier: false,
            claim: start.claim.clone(),
        };
        let (writer, clock) = (self.writer.clone(), self.parts.clock.clone());
        let seed = TicketSeed { writer, clock, opening, received, slot };
        match self.writer.open(start, seed).await? {
            OpenAnswer::Open(ticket) => Ok(Admitted::Open(ticket)),
            OpenAnswer::Insufficient(need) => Err(Error::insufficient_balance(need)),
            OpenAnswer::Known(claimed) => match (idempotency::refusal(&claimed), claimed) {
                (Some(refusal), _) => Err(refusal),
                (None, Claimed::Answered { call_id, free_tier, latency_ms, reply }) => {
                    let receipt = idempotency::replay_receipt(call_id, free_tier, latency_ms);
                    Ok(Admitted::Replay(Answer { reply: Ok(replayed(reply)), receipt }))
                }
                (None, _) => Err(Error::internal("an idempotency key was fresh and taken at once")),
            },
        }
    }

    pub(crate) fn start_of(&self, input: StartInput<'_>) -> Start {
        let (parts, listing) = (&self.parts, &input.entry.listing);
        let now = parts.clock.now();
        Start {
            call_id: CallId::generate(&*parts.clock, &*parts.rng),
            buyer: input.payer.party_id,
            seller: listing.party_id,
            listing: listing.id,
            key_id: input.payer.key_id,
            door: input.door,
            method: input.method.to_owned(),
            path: input.path[..input.path.floor_char_boundary(PATH_BYTES_MAX)].to_owned(),
            quoted: input.quoted,
            free_tier_calls: listing.free_tier_calls,
            request_id: input.request_id.to_owned(),
            created_at: now,
            expires_at: now.plus(parts.settings.hold_ttl),
            claim: input.claim,
            claim_expires_at: now.plus(parts.settings.idempotency_ttl),
        }
    }
}

fn replayed(reply: SavedReply) -> Response<farebox_net::Body> {
    let mut response = Response::new(farebox_net::full(reply.body));
    *response.status_mut() = reply.status;
    *response.headers_mut() = reply.headers;
    response
}

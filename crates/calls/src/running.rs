//! A call from its admission to its end, as the store sees it.

use crate::channel::Charge;
use crate::idempotency::{Claim, SavedReply};
use crate::payment::Paid;
use crate::reserve::Reservation;
use farebox_base::{CallId, KeyId, ListingId, Micros, PartyId, Timestamp};
use farebox_ledger::AccountId;

/// A call that runs, or is about to.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub call_id: CallId,
    pub buyer: PartyId,
    pub seller: PartyId,
    pub listing: ListingId,
    pub listing_name: String,
    pub fee_basis_points: i64,
    pub key_id: Option<KeyId>,
    pub door: &'static str,
    pub method: String,
    /// Without query, cut to 256 bytes.
    pub path: String,
    /// The most that the call can cost.
    pub quoted: Micros,
    /// The listing's free calls for each buyer.
    pub free_tier_calls: u32,
    pub request_id: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub claim: Option<Claim>,
    pub claim_expires_at: Timestamp,
    /// Where the money may come from, first to last.
    pub sources: Vec<AccountId>,
    /// What is held in the store, or set aside in memory; zero where the call costs nothing.
    pub held: Micros,
    pub free_tier: bool,
    /// Whether the store knows the call as open; otherwise it is written once, at its end.
    pub stored: bool,
    /// The signed payment that pays for it; then nothing is held.
    pub paid: Option<Box<Paid>>,
    /// The voucher that lets it spend of a channel, which is its only source then.
    pub charge: Option<Box<Charge>>,
    /// Money set aside in this process, until the call is stored or ends.
    pub reservation: Option<Reservation>,
}

impl Running {
    /// The same call, with no money to its name.
    pub(crate) fn without_money(&self) -> Box<Self> {
        Box::new(Self { held: Micros::ZERO, reservation: None, ..self.clone() })
    }
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The seller answered; `amount` is charged, zero where the call is free.
    Served { amount: Micros },
    /// No answer, or one that is the seller's fault: free.
    Failed,
    /// The client left before the answer began: free.
    Canceled,
}

impl Ending {
    pub(crate) fn charged(self) -> Micros {
        match self {
            Ending::Served { amount } => amount,
            Ending::Failed | Ending::Canceled => Micros::ZERO,
        }
    }

    pub(crate) fn is_served(self) -> bool {
        matches!(self, Ending::Served { .. })
    }

    /// How the call ends where its answer was withheld, because its end could not be recorded.
    pub(crate) fn unanswered(self) -> Self {
        match self {
            Ending::Served { .. } | Ending::Failed => Ending::Failed,
            Ending::Canceled => Ending::Canceled,
        }
    }

    /// The call's state in the store.
    pub(crate) fn state(self) -> &'static str {
        match self {
            Ending::Served { amount } if amount.is_zero() => "free",
            Ending::Served { .. } => "charged",
            Ending::Failed => "failed",
            Ending::Canceled => "canceled",
        }
    }
}

/// A call at its end.
#[derive(Debug)]
pub(crate) struct End {
    pub call: Box<Running>,
    pub ending: Ending,
    pub status: Option<u16>,
    pub latency_ms: u64,
    /// With an idempotency key: the reply to keep; `None` where it was too large.
    pub reply: Option<SavedReply>,
    pub finished_at: Timestamp,
    /// The call's place among those in flight, given back when the end is written.
    #[expect(dead_code, reason = "held for its drop")]
    pub slot: Option<crate::slots::Slot>,
}

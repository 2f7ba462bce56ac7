//! Calls and deposits that are paid by a signed x402 payment.
//!
//! Owns the tables `payment` and `chain_deposit`. A payment is reserved with its call, in one transaction and before anything is forwarded, and
//! bound to the request by a fingerprint; a served call is settled before its reply leaves, and a failed one gives the
//! payment back. Knows neither headers nor bodies of a 402: a door hands over what it has read and verified.
//!
//! Invariants:
//! - one authorization pays for one request, however many come with it;
//! - what was begun on a chain is never given up: from `earned` on a payment ends as `settled` or `refused`, by whichever
//!   process is there, and its call is charged exactly when it is settled;
//! - a reply that was paid for and not handed over waits for the same request to come again.

mod arrived;
mod begun;
mod change;
mod costs;
mod deposit;
mod forget;
mod handover;
mod query;
mod reply;
mod resume;
mod risk;
mod rounds;
mod row;
mod run;
mod sender;
mod spent;
mod taken;

pub use arrived::{Arrived, arrived_hash};
pub(crate) use change::change;
pub(crate) use costs::SeenCosts;
pub use deposit::{Deposit, Deposited};
pub(crate) use forget::settlements_and_transactions_forget_in;
pub(crate) use reply::replies_forget_in;
pub use reply::{replies_had, replies_offer_again};
pub use risk::LaterSettling;
pub(crate) use rounds::Rounds;
pub(crate) use row::{Fate, Paid, Reserved, release_in, reserve_in, resolve_in};
pub use sender::Sender;
pub(crate) use spent::Spent;
use taken::{settle_taken, units_taken};

use farebox_base::{CallId, Error, Kind, Micros, Result};
use farebox_x402::arrivals::Arrivals;
use farebox_x402::facilitator::{Earlier, Facilitators, Settle, Settlement};
use farebox_x402::network::Networks;
use farebox_x402::offer::Offer;
use farebox_x402::payment::Payment;
use farebox_x402::verify::Verified;
use farebox_x402::wire::{PaymentHeader, SettlementResponse};
use farebox_x402::{Reason, Refusal};
use std::sync::Arc;

/// Where signed payments are taken; nowhere by default.
#[derive(Clone, Default)]
pub struct Payments {
    pub networks: Arc<Networks>,
    pub facilitators: Facilitators,
    /// How much may be served and not settled yet, of payments that are settled later; `None`: nothing.
    pub later: Option<Arc<LaterSettling>>,
    /// Where transfers that wallets make by themselves can be looked for.
    pub arrivals: Arc<[Arrivals]>,
}

/// Whose address a payment goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Receiver {
    /// The gateway's: the seller earns in the ledger, the fee is withheld.
    #[default]
    Gateway,
    /// The seller's own: the seller owes the fee.
    Seller,
}

/// A payment that was read, matched with an offer and verified, but for what only its chain knows.
#[derive(Clone, Debug)]
pub struct SignedPayment {
    pub offer: Offer,
    pub payment: Payment,
    /// As it came; `None` for a voucher alone, with which nothing is settled.
    pub header: Option<PaymentHeader>,
    pub verified: Verified,
    pub receiver: Receiver,
    /// Whether it may be settled after the answer.
    pub later: bool,
    pub sender: Sender,
}

impl Receiver {
    pub(crate) const fn text(self) -> &'static str {
        match self {
            Receiver::Gateway => "gateway",
            Receiver::Seller => "seller",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Receiver::Gateway, Receiver::Seller].into_iter().find(|receiver| receiver.text() == text)
    }
}

impl SignedPayment {
    /// The network's name in the version of the payment.
    pub fn network_name(&self) -> &str {
        match &self.header {
            Some(PaymentHeader::V1(_)) => self.offer.network().v1_name().unwrap_or_default(),
            Some(PaymentHeader::V2(_)) | None => self.offer.network().caip2().as_str(),
        }
    }

    /// Channels came with the second version.
    fn version(&self) -> u8 {
        self.header.as_ref().map_or(2, PaymentHeader::version)
    }

    /// The payment as it came, to be kept and handed on.
    pub(crate) fn came_as(&self) -> Result<&PaymentHeader> {
        self.header.as_ref().ok_or_else(|| Error::internal("a voucher alone was to be settled"))
    }

    /// The order to settle it for what it pays, which costs so much, under that one's id.
    ///
    /// # Errors
    /// `Internal` where the token has no such amount.
    pub(crate) fn settle(&self, id: CallId, cost: Micros) -> Result<Settle<'_>> {
        let Self { offer, payment, .. } = self;
        let amount = units_taken(offer, payment, cost)?.0;
        Ok(Settle { id: id.uuid(), offer, payment, header: self.came_as()?, amount, earlier: Earlier::No })
    }

    /// The receipt for what has become of it on its chain.
    pub(crate) fn receipt(&self, settlement: &Settlement, cost: Micros) -> SettlementResponse {
        match settlement {
            Settlement::Settled { transaction } => self.settled_for(transaction, cost),
            Settlement::Pending { transaction, .. } => {
                let message = "the payment was sent to its chain and is not final";
                let refusal = Refusal::new(Reason::SettlementPending, message);
                SettlementResponse { transaction: transaction.clone(), ..self.refused(&refusal) }
            }
            Settlement::NotTaken(refusal) => self.refused(refusal),
        }
    }

    /// The receipt of a payment that was not taken, or not yet.
    pub fn refused(&self, refusal: &Refusal) -> SettlementResponse {
        SettlementResponse::refused(self.network_name(), &refusal.clone().of(self.verified.payer), self.version())
    }

    /// The receipt of a payment whose request the seller did not serve.
    pub(crate) fn not_needed(&self) -> SettlementResponse {
        let message = "the request was not served and nothing was taken; the payment is good for another try";
        self.refused(&Refusal::new(Reason::ResourceFailed, message))
    }

    /// The receipt of a payment that was settled.
    pub(crate) fn settled(&self, transaction: &str) -> SettlementResponse {
        let receipt = SettlementResponse::settled(self.network_name(), self.verified.payer, None, None);
        SettlementResponse { transaction: transaction.to_owned(), ..receipt }
    }
}

/// The error for a payment that is not taken: its code is the reason's, so that doors can ask for another one.
pub fn refused(refusal: &Refusal) -> Error {
    let kind = match refusal.reason {
        Reason::Permit2AllowanceRequired => Kind::PreconditionFailed,
        Reason::IdentifierConflict => Kind::Conflict,
        Reason::IdentifierRequired => Kind::Invalid,
        Reason::UnexpectedVerifyError | Reason::UnexpectedSettleError => Kind::Unavailable,
        _ => Kind::PaymentRequired,
    };
    Error::new(kind, refusal.reason.code(), refusal.message.clone())
}

//! How much of a payment is taken: all of it, or of one that is signed up to an amount what was used.

use super::SignedPayment;
use farebox_base::{Error, Micros, Result};
use farebox_x402::facilitator::{Facilitators, Settle, Settlement};
use farebox_x402::offer::{Offer, Scheme};
use farebox_x402::payment::Payment;
use farebox_x402::wire::{SettlementResponse, Uint};

/// What is taken for a call that cost so much, in the token's smallest unit; of a deposit into a channel all that was
/// signed.
///
/// # Errors
/// `Internal` where the token has no such amount; offers up to an amount are made in finer tokens only.
pub(super) fn units_taken(offer: &Offer, payment: &Payment, cost: Micros) -> Result<Uint> {
    if let Payment::Deposit { amount, .. } = payment {
        return Ok(Uint(*amount));
    }
    match offer.scheme() {
        Scheme::Exact | Scheme::BatchSettlement => Ok(Uint(offer.amount)),
        Scheme::Upto => {
            let units = offer.token().decimals().to_units(cost);
            units.map(Uint).map_err(|error| Error::internal(format!("a charge of {cost} {error}")))
        }
    }
}

/// Settles; where nothing is to be taken nobody is asked.
pub(super) async fn settle_taken(facilitators: &Facilitators, settle: Settle<'_>) -> Settlement {
    if settle.offer.scheme() == Scheme::Upto && settle.amount.is_zero() {
        return Settlement::Settled { transaction: String::new() };
    }
    facilitators.settle(settle).await
}

impl SignedPayment {
    /// What a served call costs for which the seller asks `used`: an exact payment is taken whole.
    pub(super) fn cost(&self, quoted: Micros, used: Micros) -> Micros {
        if self.offer.scheme() == Scheme::Upto { used } else { quoted }
    }

    /// The receipt of a payment of which `cost` was taken.
    pub(super) fn settled_for(&self, transaction: &str, cost: Micros) -> SettlementResponse {
        let units = units_taken(&self.offer, &self.payment, cost).ok().filter(|_| self.offer.scheme() == Scheme::Upto);
        SettlementResponse { amount: units, ..self.settled(transaction) }
    }
}

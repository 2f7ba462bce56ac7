//! What a caller may sign instead of having a balance: offers for a call or a deposit, and the payment that came back.
//!
//! Reads and judges payments; reserves, settles and books nothing: that is `farebox_calls`. Knows no door's envelope but
//! through `challenge`, which writes the 402 that clients of every version and door can read.

mod accept;
mod challenge;
mod described;
mod health;
mod identified;
mod policy;
mod proofs;
mod receipt;
mod signed_amount;
mod upto;

pub(crate) use accept::{Asked, header_of, payer};
pub(crate) use challenge::{deposit_required, payment_required, unpaid};
pub(crate) use described::{CallAt, Described};
pub(crate) use health::network_healths;
pub(crate) use identified::identified;
pub use policy::OperatorPolicy;
pub(crate) use policy::{order_of, receiver_of, shown_policy};
pub use proofs::Proofs;
pub(crate) use receipt::{show_payment, show_proven};

use alloy_primitives::Address;
use farebox_base::{Error, Micros, Result};
use farebox_calls::Receiver;
use farebox_market::Listing;
use farebox_x402::facilitator::Facilitators;
use farebox_x402::network::{Method, Network, Token};
use farebox_x402::offer::{ChannelTerms, Flow, Offer, Terms};
use policy::Effective;
use std::sync::Arc;
use upto::upto_offer;

/// A token of a network in which payments are taken.
#[derive(Clone, Debug)]
pub struct PaymentPlace {
    pub network: Arc<Network>,
    pub token: Arc<Token>,
    /// The gateway's own address there.
    pub pay_to: Address,
}

/// How signed payments are asked for.
#[derive(Clone, Debug, Default)]
pub struct PaymentSettings {
    /// The preferred one first; none: signed payments are not taken.
    pub places: Vec<PaymentPlace>,
    /// How long a payer's signature is to be valid, in seconds.
    pub timeout_s: u32,
    /// When payments are settled and who receives them.
    pub policy: OperatorPolicy,
    /// How long the payer of a channel has to wait for what he withdraws, in seconds; `None`: no channels are offered.
    pub channels: Option<u64>,
    pub proofs: Proofs,
}

/// The ways to pay for something, the preferred one first.
#[derive(Clone, Debug)]
pub(crate) struct Offers {
    pub offers: Vec<Offer>,
    pub receiver: Receiver,
    /// Whether what is paid may be settled after the answer.
    pub later: bool,
}

impl PaymentSettings {
    pub(crate) fn is_off(&self) -> bool {
        self.places.is_empty()
    }

    /// The ways to pay for a call; none where it costs nothing. `metered`, where its reply tells what of `amount` it costs:
    /// whose wallets send payments of a part.
    ///
    /// # Errors
    /// `Internal` where the settings do not fit together.
    pub(crate) fn for_call(
        &self,
        listing: &Listing,
        amount: Micros,
        is_metered: bool,
        on: &Facilitators,
    ) -> Result<Offers> {
        let policy = self.policy(listing);
        // What is claimed of a channel comes together for many sellers, and can only come to the gateway.
        let has_channels = policy.receiver == Receiver::Gateway && !is_metered;
        let mut offers = self.offers(amount, policy, is_metered, on)?;
        if has_channels {
            offers.offers.extend(self.through_channels(amount, on)?);
        }
        Ok(offers)
    }

    /// The ways to pay for a query, whose payer may sign for more than was asked.
    ///
    /// # Errors
    /// As `for_call`.
    pub(crate) fn for_query(&self, listing: &Listing, amount: Micros, on: &Facilitators) -> Result<Offers> {
        self.offers(amount, self.policy(listing), false, on)
    }

    /// The ways to bring money in. It is settled before it is credited, which is all the work there is.
    ///
    /// # Errors
    /// As `for_call`.
    pub(crate) fn for_deposit(&self, amount: Micros, on: &Facilitators) -> Result<Offers> {
        let to_us = Effective { flow: Flow::Authorization, receiver: Receiver::Gateway, later: false, pay_to: None };
        self.offers(amount, to_us, false, on)
    }

    fn through_channels(&self, amount: Micros, on: &Facilitators) -> Result<Vec<Offer>> {
        let (mut offers, Some(withdraw_delay_s)) = (Vec::new(), self.channels) else { return Ok(Vec::new()) };
        for place in self.places.iter().filter(|_| !amount.is_zero()) {
            let facilitator = on.of(place.network.caip2());
            let channels = facilitator.and_then(|facilitator| facilitator.channels()).filter(|it| it.is_ready());
            let (Some(channels), Ok(units)) = (channels, place.token.decimals().to_units(amount)) else { continue };
            let terms = Terms::BatchSettlement(ChannelTerms {
                deposit: place.token.usual_method(),
                receiver_authorizer: channels.authorizer(),
                withdraw_delay_s,
                min_deposit: None,
                correction: None,
            });
            let (network, token) = (place.network.clone(), place.token.clone());
            let offer = Offer::new(network, token, units, place.pay_to, self.timeout_s, terms);
            offers.push(offer.map_err(|error| Error::internal(format!("an offer can't be made: {error}")))?);
        }
        Ok(offers)
    }

    fn offers(&self, amount: Micros, policy: Effective, metered: Option<&Facilitators>) -> Result<Offers> {
        let mut offers = Vec::new();
        // What is settled before the work is all of it; what was not used stays the buyer's.
        let metered = metered.filter(|_| policy.flow == Flow::Authorization);
        for place in self.places.iter().filter(|_| !amount.is_zero()) {
            // A price that the token cannot express exactly is not offered in it.
            let Ok(units) = place.token.decimals().to_units(amount) else { continue };
            let pay_to = policy.pay_to.unwrap_or(place.pay_to);
            // First, because clients that can sign it pay less.
            if let Some(facilitators) = metered {
                offers.extend(upto_offer(place, facilitators, units, pay_to, self.timeout_s)?);
            }
            for method in [Method::Eip3009, Method::Permit2] {
                if !place.token.takes(method) {
                    continue;
                }
                let (network, token) = (place.network.clone(), place.token.clone());
                let offer = Offer::new(network, token, units, pay_to, self.timeout_s, Terms::Exact(method))
                    .map_err(|error| Error::internal(format!("an offer can't be made: {error}")))?;
                offers.push(if policy.flow == Flow::Upfront { offer.upfront() } else { offer });
            }
        }
        Ok(Offers { offers, receiver: policy.receiver, later: policy.later })
    }
}

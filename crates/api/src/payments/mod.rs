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
mod remembered;
mod repeats;
mod schemes;
mod signed_amount;
mod unpaid;
mod upto;

pub(crate) use accept::{Asked, header_of, payer};
pub(crate) use challenge::{deposit_required, payment_required};
pub(crate) use described::{CallAt, Described};
pub(crate) use health::network_healths;
pub(crate) use identified::identified;
pub use policy::OperatorPolicy;
pub(crate) use policy::{order_of, receiver_of, shown_policy};
pub use proofs::Proofs;
pub(crate) use receipt::{keep_private, show_payment, show_proven};
pub(crate) use remembered::Remembered;
pub(crate) use repeats::Repeats;
pub(crate) use schemes::Schemes;
pub(crate) use unpaid::{unpaid, unsignable, unsigned_deposit};

use alloy_primitives::Address;
use farebox_base::{Error, Micros, Result};
use farebox_calls::Receiver;
use farebox_market::Listing;
use farebox_x402::facilitator::Facilitators;
use farebox_x402::network::{Method, Network, Token};
use farebox_x402::offer::{ChannelTerms, Flow, Offer, Scheme, Terms};
use policy::{Effective, SellersPlace};
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
    /// The least that is settled by a transaction of its own, which costs gas whatever it moves.
    pub least: Micros,
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
    /// Where the seller is paid directly.
    pub seller: Option<SellersPlace>,
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
        let mut offers = self.offers(amount, self.policy(listing), is_metered, on)?;
        if !is_metered {
            let through_channels = self.through_channels(amount, offers.seller.as_ref(), on)?;
            offers.offers.extend(through_channels);
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
    /// As `for_call`; `Invalid` for an amount that is too small for a transaction.
    pub(crate) fn for_deposit(&self, amount: Micros, on: &Facilitators) -> Result<Offers> {
        if amount < self.least {
            return Err(Error::invalid("amount", format!("must be at least {}", self.least)));
        }
        let to_us = Effective { flow: Flow::Authorization, later: false, seller: None };
        self.offers(amount, to_us, false, on)
    }

    /// What is claimed of a channel comes together for many sellers, and can only come to the gateway.
    fn through_channels(&self, amount: Micros, seller: Option<&SellersPlace>, on: &Facilitators) -> Result<Vec<Offer>> {
        let (mut offers, Some(withdraw_delay_s)) = (Vec::new(), self.channels) else { return Ok(Vec::new()) };
        let is_ours = |place: &&PaymentPlace| seller.is_none_or(|seller| seller.on(&place.network).is_none());
        for place in self.places.iter().filter(|_| !amount.is_zero()).filter(is_ours) {
            let facilitator = on.of(place.network.caip2());
            let channels = facilitator.and_then(|facilitator| facilitator.channels()).filter(|it| it.is_ready());
            let (Some(channels), Ok(units)) = (channels, place.token.decimals().to_units(amount)) else { continue };
            let terms = Terms::BatchSettlement(ChannelTerms {
                deposit: place.token.usual_method(),
                receiver_authorizer: channels.authorizer(),
                withdraw_delay_s,
                min_deposit: place.token.decimals().to_units(self.least).ok().filter(|least| !least.is_zero()),
                correction: None,
            });
            let (network, token) = (place.network.clone(), place.token.clone());
            let offer = Offer::new(network, token, units, place.pay_to, self.timeout_s, terms);
            offers.push(offer.map_err(|error| Error::internal(format!("an offer can't be made: {error}")))?);
        }
        Ok(offers)
    }

    fn offers(&self, amount: Micros, policy: Effective, is_metered: bool, on: &Facilitators) -> Result<Offers> {
        let mut offers = Vec::new();
        // What is settled before the work is all of it; what was not used stays the buyer's.
        let is_metered = is_metered && policy.flow == Flow::Authorization;
        for place in self.places.iter().filter(|_| !amount.is_zero() && amount >= self.least) {
            // A price that the token cannot express exactly is not offered in it.
            let Ok(units) = place.token.decimals().to_units(amount) else { continue };
            let sellers = policy.seller.as_ref().and_then(|seller| seller.on(&place.network));
            let pay_to = sellers.unwrap_or(place.pay_to);
            // First, because clients that can sign it pay less.
            if is_metered {
                offers.extend(upto_offer(place, on, units, pay_to, self.timeout_s)?);
            }
            let facilitator = on.of(place.network.caip2());
            for method in [Method::Eip3009, Method::Permit2] {
                let is_settled = facilitator.is_none_or(|facilitator| facilitator.settles(Scheme::Exact, method));
                if !place.token.takes(method) || !is_settled {
                    continue;
                }
                let (network, token) = (place.network.clone(), place.token.clone());
                let offer = Offer::new(network, token, units, pay_to, self.timeout_s, Terms::Exact(method))
                    .map_err(|error| Error::internal(format!("an offer can't be made: {error}")))?;
                offers.push(if policy.flow == Flow::Upfront { offer.upfront() } else { offer });
            }
        }
        Ok(Offers { offers, seller: policy.seller, later: policy.later })
    }
}

impl Offers {
    /// Whose address an offer of these pays.
    pub(crate) fn receiver_of(&self, offer: &Offer) -> Receiver {
        let sellers = self.seller.as_ref().and_then(|seller| seller.on(offer.network()));
        if sellers.is_some() { Receiver::Seller } else { Receiver::Gateway }
    }
}

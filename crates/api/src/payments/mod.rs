//! What a caller may sign instead of having a balance: offers for a call or a deposit, and the payment that came back.
//!
//! Reads and judges payments; reserves, settles and books nothing: that is `farebox_calls`. Knows no door's envelope but
//! through `challenge`, which writes the 402 that clients of every version and door can read.

mod accept;
mod challenge;
mod described;
mod health;
mod identified;
mod proofs;
mod receipt;
mod signed_amount;

pub(crate) use accept::{Asked, header_of, payer};
pub(crate) use challenge::{deposit_required, payment_required, unpaid};
pub(crate) use described::{CallAt, Described};
pub(crate) use health::network_healths;
pub(crate) use identified::identified;
pub use proofs::Proofs;
pub(crate) use receipt::{show_payment, show_proven};

use alloy_primitives::Address;
use farebox_base::{Error, Micros, Result};
use farebox_calls::Receiver;
use farebox_market::Listing;
use farebox_x402::evm::address;
use farebox_x402::facilitator::Facilitators;
use farebox_x402::network::{Method, Network, Token};
use farebox_x402::offer::{ChannelTerms, Flow, Offer, Terms};
use std::sync::Arc;

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
    /// Who is paid on the chain, where the seller has an address there.
    pub receiver: Receiver,
    /// Whether payments are settled before the work or after it.
    pub flow: Flow,
    /// How long the payer of a channel has to wait for what he withdraws, in seconds; `None`: no channels are offered.
    pub channels: Option<u64>,
    pub proofs: Proofs,
}

/// The ways to pay for something, the preferred one first.
#[derive(Clone, Debug)]
pub(crate) struct Offers {
    pub offers: Vec<Offer>,
    pub receiver: Receiver,
}

impl PaymentSettings {
    pub(crate) fn is_off(&self) -> bool {
        self.places.is_empty()
    }

    /// The ways to pay for a call; none where it costs nothing.
    ///
    /// # Errors
    /// `Internal` where the settings do not fit together.
    pub(crate) fn for_call(&self, listing: &Listing, amount: Micros, on: &Facilitators) -> Result<Offers> {
        let own = sellers_address(listing).filter(|_| self.receiver == Receiver::Seller);
        let receiver = if own.is_some() { Receiver::Seller } else { Receiver::Gateway };
        let mut offers = self.offers(amount, own, receiver, self.flow)?;
        // What is claimed of a channel comes together for many sellers, and can only come to the gateway.
        if receiver == Receiver::Gateway {
            offers.offers.extend(self.through_channels(amount, on)?);
        }
        Ok(offers)
    }

    /// The ways to bring money in. It is settled before it is credited, which is all the work there is.
    ///
    /// # Errors
    /// As `for_call`.
    pub(crate) fn for_deposit(&self, amount: Micros) -> Result<Offers> {
        self.offers(amount, None, Receiver::Gateway, Flow::Authorization)
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

    fn offers(&self, amount: Micros, to: Option<Address>, receiver: Receiver, flow: Flow) -> Result<Offers> {
        let mut offers = Vec::new();
        for place in self.places.iter().filter(|_| !amount.is_zero()) {
            // A price that the token cannot express exactly is not offered in it.
            let Ok(units) = place.token.decimals().to_units(amount) else { continue };
            for method in [Method::Eip3009, Method::Permit2] {
                if !place.token.takes(method) {
                    continue;
                }
                let pay_to = to.unwrap_or(place.pay_to);
                let (network, token) = (place.network.clone(), place.token.clone());
                let offer = Offer::new(network, token, units, pay_to, self.timeout_s, Terms::Exact(method))
                    .map_err(|error| Error::internal(format!("an offer can't be made: {error}")))?;
                offers.push(if flow == Flow::Upfront { offer.upfront() } else { offer });
            }
        }
        Ok(Offers { offers, receiver })
    }
}

/// The address that a seller wants to be paid at, where it is one of an EVM chain.
fn sellers_address(listing: &Listing) -> Option<Address> {
    let text = listing.profile.get("wallet_address")?.as_str()?;
    address::parse(text).filter(|address| !address.is_zero())
}

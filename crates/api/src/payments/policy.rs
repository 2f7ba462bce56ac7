//! A listing's policy between the wire and the market, and what comes of it with the operator's own settings.

use super::PaymentSettings;
use alloy_primitives::Address;
use farebox_api_types::{PaymentOrder as WireOrder, PaymentReceiver as WireReceiver};
use farebox_base::{Error, Result};
use farebox_market::{JsonObject, Listing, PaymentBounds, PaymentOrder, PaymentPolicy, PaymentReceiver};
use farebox_x402::evm::address;
use farebox_x402::network::{Caip2, ChainId, Network, V1_NAMES};
use farebox_x402::offer::Flow;

/// What the operator has set for payments on chain.
#[derive(Clone, Debug, Default)]
pub struct OperatorPolicy {
    /// For listings whose sellers have chosen nothing.
    pub order: PaymentOrder,
    /// The same.
    pub receiver: PaymentReceiver,
    /// What counts of sellers' choices.
    pub bounds: PaymentBounds,
}

/// How a call of a listing is paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Effective {
    pub flow: Flow,
    /// Whether it may be settled after the answer.
    pub later: bool,
    /// Where the seller is paid directly; everywhere else the gateway is.
    pub seller: Option<SellersPlace>,
}

/// The address that a seller wants to be paid at, and on which network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SellersPlace {
    address: Address,
    /// `None`: on any.
    network: Option<Caip2>,
}

impl PaymentSettings {
    /// What holds for a listing now. Until the work is done the money is the buyer's, so that nothing is paid before it to
    /// a seller directly.
    pub(super) fn policy(&self, listing: &Listing) -> Effective {
        let chosen = listing.payments.within(&self.policy.bounds);
        let order = chosen.order.unwrap_or(self.policy.order);
        let receiver = chosen.receiver.unwrap_or(self.policy.receiver);
        let to_seller = receiver == PaymentReceiver::Seller && order != PaymentOrder::Before;
        Effective {
            flow: if order == PaymentOrder::Before { Flow::Upfront } else { Flow::Authorization },
            later: order == PaymentOrder::Later,
            seller: SellersPlace::of(listing).filter(|_| to_seller),
        }
    }

    /// Refuses a seller's wallet that is a token: what is sent there is lost.
    ///
    /// # Errors
    /// `Invalid` for `wallet_address`.
    pub(crate) fn check_wallet(&self, profile: &JsonObject) -> Result<()> {
        let wallet = profile.get("wallet_address").and_then(|text| address::parse(text.as_str()?));
        let token = self.places.iter().map(|place| &place.token).find(|token| Some(token.address()) == wallet);
        token.map_or(Ok(()), |token| {
            let rule = format!("must be a wallet, and not the contract of {}", token.symbol());
            Err(Error::invalid("wallet_address", rule))
        })
    }
}

impl SellersPlace {
    /// `None` where the address is none of an EVM chain.
    fn of(listing: &Listing) -> Option<Self> {
        let text = |field: &str| listing.profile.get(field)?.as_str();
        let address = address::parse(text("wallet_address")?).filter(|address| !address.is_zero())?;
        Some(Self { address, network: text("wallet_network_id").and_then(network_named) })
    }

    /// The seller's address on a network, where it is one there.
    pub(crate) fn on(&self, network: &Network) -> Option<Address> {
        let is_there = self.network.as_ref().is_none_or(|only| only == network.caip2());
        is_there.then_some(self.address)
    }
}

/// The network that a text names in any of the ways that are in use: `eip155:8453`, `base`, `8453`.
fn network_named(text: &str) -> Option<Caip2> {
    let by_name = || V1_NAMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, id)| *id);
    let by_number = || text.parse().ok().filter(|id| *id > 0);
    let id = || by_name().or_else(by_number).map(|id| Caip2::eip155(ChainId::new(id)));
    Caip2::parse(text).ok().or_else(id)
}

/// The order that a request asks for.
pub(crate) const fn order_of(asked: WireOrder) -> PaymentOrder {
    match asked {
        WireOrder::After => PaymentOrder::After,
        WireOrder::Before => PaymentOrder::Before,
        WireOrder::Later => PaymentOrder::Later,
    }
}

/// The receiver that a request asks for.
pub(crate) const fn receiver_of(asked: WireReceiver) -> PaymentReceiver {
    match asked {
        WireReceiver::Gateway => PaymentReceiver::Gateway,
        WireReceiver::Seller => PaymentReceiver::Seller,
    }
}

/// What a seller has chosen, as replies show it.
pub(crate) fn shown_policy(policy: PaymentPolicy) -> (Option<WireOrder>, Option<WireReceiver>) {
    let order = policy.order.map(|order| match order {
        PaymentOrder::After => WireOrder::After,
        PaymentOrder::Before => WireOrder::Before,
        PaymentOrder::Later => WireOrder::Later,
    });
    let receiver = policy.receiver.map(|receiver| match receiver {
        PaymentReceiver::Gateway => WireReceiver::Gateway,
        PaymentReceiver::Seller => WireReceiver::Seller,
    });
    (order, receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_named_in_any_of_the_usual_ways() {
        for (text, named) in [
            ("eip155:8453", Some("eip155:8453")),
            ("base", Some("eip155:8453")),
            ("Base-Sepolia", Some("eip155:84532")),
            ("8453", Some("eip155:8453")),
            ("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp", Some("solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp")),
            ("", None),
            ("0", None),
            ("eip155:", None),
            ("somewhere", None),
        ] {
            assert_eq!(network_named(text).as_ref().map(Caip2::as_str), named, "{text}");
        }
    }
}

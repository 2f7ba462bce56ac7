//! A listing's policy between the wire and the market, and what comes of it with the operator's own settings.

use super::PaymentSettings;
use alloy_primitives::Address;
use farebox_api_types::{PaymentOrder as WireOrder, PaymentReceiver as WireReceiver};
use farebox_calls::Receiver;
use farebox_market::{Listing, PaymentBounds, PaymentOrder, PaymentPolicy, PaymentReceiver};
use farebox_x402::evm::address;
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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Effective {
    pub flow: Flow,
    pub receiver: Receiver,
    /// Whether it may be settled after the answer.
    pub later: bool,
    /// The seller's address, where that is paid.
    pub pay_to: Option<Address>,
}

impl PaymentSettings {
    /// What holds for a listing now. Until the work is done the money is the buyer's, so that nothing is paid before it to
    /// a seller directly.
    pub(super) fn policy(&self, listing: &Listing) -> Effective {
        let chosen = listing.payments.within(&self.policy.bounds);
        let order = chosen.order.unwrap_or(self.policy.order);
        let receiver = chosen.receiver.unwrap_or(self.policy.receiver);
        let to_seller = receiver == PaymentReceiver::Seller && order != PaymentOrder::Before;
        let pay_to = sellers_address(listing).filter(|_| to_seller);
        Effective {
            flow: if order == PaymentOrder::Before { Flow::Upfront } else { Flow::Authorization },
            receiver: if pay_to.is_some() { Receiver::Seller } else { Receiver::Gateway },
            later: order == PaymentOrder::Later,
            pay_to,
        }
    }
}

/// The address that a seller wants to be paid at, where it is one of an EVM chain.
fn sellers_address(listing: &Listing) -> Option<Address> {
    let text = listing.profile.get("wallet_address")?.as_str()?;
    address::parse(text).filter(|address| !address.is_zero())
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

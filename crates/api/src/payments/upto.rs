//! Offers to pay what was used, up to an amount, for calls whose reply tells what they cost.

use super::PaymentPlace;
use alloy_primitives::{Address, U256};
use farebox_base::{Error, Result};
use farebox_x402::evm::address;
use farebox_x402::facilitator::Facilitators;
use farebox_x402::network::{Method, Network};
use farebox_x402::offer::{Offer, Scheme, Terms};

/// In a token of fewer digits than the ledger a charge may have no amount.
const DIGITS_LEAST: u8 = 6;

/// The offer for one place; `None` where no facilitator sends such payments, or the token can't say every charge.
///
/// # Errors
/// `Internal` where the settings do not fit together.
pub(super) fn upto_offer(
    place: &PaymentPlace,
    facilitators: &Facilitators,
    most: U256,
    pay_to: Address,
    timeout_s: u32,
) -> Result<Option<Offer>> {
    if place.token.decimals().get() < DIGITS_LEAST || !place.token.takes(Method::Permit2) {
        return Ok(None);
    }
    let Some(facilitator) = sender(facilitators, &place.network) else { return Ok(None) };
    let (network, token) = (place.network.clone(), place.token.clone());
    let offer = Offer::new(network, token, most, pay_to, timeout_s, Terms::Upto { facilitator });
    offer.map(Some).map_err(|error| Error::internal(format!("an offer can't be made: {error}")))
}

/// The wallet that sends such payments on a network, which every payer signs for.
fn sender(facilitators: &Facilitators, network: &Network) -> Option<Address> {
    let name = network.caip2();
    let kinds = facilitators.of(name)?.supported().kinds;
    let is_upto = |kind: &&farebox_x402::wire::Kind| {
        kind.x402_version == 2 && kind.scheme == Scheme::Upto.as_str() && kind.network == name.as_str()
    };
    let extra = kinds.iter().find(is_upto)?.extra.as_ref()?;
    extra.get("facilitatorAddress")?.as_str().and_then(address::parse).filter(|address| !address.is_zero())
}

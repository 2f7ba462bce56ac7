//! How much a payment is for that may be for more than what was asked.

use super::PaymentSettings;
use alloy_primitives::Address;
use farebox_base::Micros;
use farebox_x402::evm::address;
use farebox_x402::wire::{PaymentHeader, Uint};
use serde_json::Value;

impl PaymentSettings {
    /// The amount that a payment names, in a token that is taken here; nothing of it is checked. `None` where it names
    /// none, or one that micros can't express.
    pub(crate) fn amount_named(&self, header: &PaymentHeader) -> Option<Micros> {
        let json = header.json();
        let text = |pointer: &str| json.pointer(pointer).and_then(Value::as_str);
        let (network, asset, amount) = match header {
            PaymentHeader::V1(_) => {
                let amount = text("/payload/authorization/value")
                    .or_else(|| text("/payload/permit2Authorization/permitted/amount"));
                (text("/network")?, None, amount?)
            }
            PaymentHeader::V2(_) => {
                let asset: Option<Address> = text("/accepted/asset").and_then(address::parse);
                (text("/accepted/network")?, Some(asset?), text("/accepted/amount")?)
            }
        };
        let units = Uint::parse(amount)?.0;
        let place = self.places.iter().find(|place| {
            let of = &place.network;
            let is_there = of.caip2().as_str() == network || of.v1_name() == Some(network);
            is_there && asset.is_none_or(|asset| place.token.address() == asset)
        });
        place?.token.decimals().to_micros(units).ok()
    }
}

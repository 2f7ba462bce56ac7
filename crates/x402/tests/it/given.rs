//! What the payments of the npm clients were made for, and how to read them.

use std::sync::{Arc, LazyLock};

use alloy_primitives::{Address, U256, address};
use farebox_base::Timestamp;
use farebox_x402::evm::SigningKey;
use farebox_x402::network::{Method, Networks};
use farebox_x402::offer::{ChannelTerms, Offer, Resource, Terms};
use serde_json::Value;

pub const PAYER: Address = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
pub const PAY_TO: Address = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
pub const OTHER: Address = address!("3C44CdDdB6a900fa2b585dd299e03d12FA4293BC");
pub const URL: &str = "https://pay.example/publishers/weather/now";

/// Made by `tests/vectors/make.mjs`.
pub static VECTORS: LazyLock<Value> =
    LazyLock::new(|| serde_json::from_str(include_str!("../vectors/clients.json")).unwrap());

pub fn now() -> Timestamp {
    Timestamp::from_micros(VECTORS["now"].as_i64().unwrap() * 1_000_000)
}

pub fn vector(name: &str) -> &'static str {
    let all = VECTORS["vectors"].as_array().unwrap();
    let found = all.iter().find(|vector| vector["name"] == name).unwrap_or_else(|| panic!("no vector {name}"));
    found["value"].as_str().unwrap()
}

pub fn key() -> SigningKey {
    SigningKey::from_hex("0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80").unwrap()
}

pub fn networks() -> Networks {
    Networks::builtin().unwrap()
}

pub fn resource() -> Resource {
    Resource {
        url: URL.into(),
        description: "The weather now".into(),
        mime_type: "application/json".into(),
        ..Resource::default()
    }
}

/// 0.01 USDC on Base Sepolia.
pub fn offer(terms: Terms) -> Offer {
    let networks = networks();
    let network = networks.by_name("base-sepolia").unwrap();
    let token = Arc::clone(&network.tokens()[0]);
    Offer::new(Arc::clone(network), token, U256::from(10_000), PAY_TO, 60, terms).unwrap()
}

pub fn exact() -> Offer {
    offer(Terms::Exact(Method::Eip3009))
}

pub fn permit2() -> Offer {
    offer(Terms::Exact(Method::Permit2))
}

pub fn upto() -> Offer {
    offer(Terms::Upto { facilitator: OTHER })
}

pub fn batch(deposit: Method) -> Offer {
    offer(Terms::BatchSettlement(ChannelTerms {
        deposit,
        receiver_authorizer: OTHER,
        withdraw_delay_s: 86_400,
        min_deposit: None,
        correction: None,
    }))
}

/// One of each.
pub fn offers() -> Vec<Offer> {
    vec![exact(), permit2(), upto(), batch(Method::Eip3009), batch(Method::Permit2)]
}

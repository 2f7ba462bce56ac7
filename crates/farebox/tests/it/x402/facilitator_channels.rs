//! Farebox as facilitator for a published server with payment channels, and a published client that pays from one.

use super::scripts::{SCRIPTS, paid, selling_with};
use super::stage::{Chain, FORTUNE, PRICE, Stage};
use crate::npm::Serving;
use alloy_primitives::{Address, hex};
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::dev::channels_deploy;
use serde_json::Value;

const SELLER: &str = "0x742d35cc6634c0532925a3b844bc9e7595f0beb1";
const SELLER_KEY: [u8; 32] = [0x5e; 32];
/// What the published server asks for as the first deposit, and its client makes.
const DEPOSIT: u64 = 10 * PRICE;

#[tokio::test(flavor = "multi_thread")]
async fn a_published_client_pays_a_published_server_from_a_channel_whose_vouchers_are_claimed() {
    for place in TestDb::all().await {
        let Some((stage, server)) = set(&place, &[]).await else { return };
        let said = pays(&stage, &server).await;
        // Whoever asks may be the payer, so that nothing is given back without the seller's signature.
        assert!(said["refund"]["error"].is_string() || said["refund"]["success"] == false, "{said}");
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - DEPOSIT, "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_who_signs_refunds_gives_the_rest_of_a_channel_back() {
    let place = TestDb::all().await.remove(0);
    let key = hex::encode_prefixed(SELLER_KEY);
    let Some((stage, server)) = set(&place, &[("SELLER_KEY", &key)]).await else { return };
    let said = pays(&stage, &server).await;
    assert_eq!(said["refund"]["success"], true, "{said}");
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - 4 * PRICE, "{said}");
}

async fn set(place: &TestDb, env: &[(&str, &str)]) -> Option<(Stage, Serving)> {
    SCRIPTS.folder()?;
    let chain = Chain::start().await?;
    channels_deploy(&chain.rpc).await.unwrap();
    let stage = Stage::on(chain, place, &[]).await;
    stage.ready().await;
    let server = selling_with(&stage, "express-channels.mjs", SELLER, env).await?;
    Some((stage, server))
}

/// Four calls, the first with a deposit; then the seller has them claimed and is paid.
async fn pays(stage: &Stage, server: &Serving) -> Value {
    let seller: Address = SELLER.parse().unwrap();
    let said = paid("v2-channel.mjs", &format!("{}/weather/lisbon", server.url)).await.unwrap();
    for (n, call) in said["calls"].as_array().unwrap().iter().enumerate() {
        assert_eq!(call["status"], 200, "call {n}: {said}");
        let hash = call["receipt"]["transaction"].as_str().unwrap();
        assert_eq!(hash.len(), if n == 0 { 66 } else { 0 }, "call {n}: {said}");
    }
    assert_eq!(said["claimed"]["claims"][0]["vouchers"], 1, "{said}");
    assert_eq!(stage.balance(seller).await, 4 * PRICE, "{said}");
    said
}

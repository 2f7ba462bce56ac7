//! What tests of the SQL gateway share: a provider, a wallet of its own, requests, and proofs of wallets.

use super::stage::{Stage, gas_wallet};
use alloy_primitives::{Address, B256, U256};
use farebox_testkit::app::{Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::dev::DEV_KEYS;
use farebox_x402::evm::SigningKey;
use farebox_x402::extension::sign_in::SignIn;
use serde_json::{Value, json};

/// What the wallet begins with.
pub const MUCH: u64 = 5_000_000;
/// Three rows.
pub const SQL: &str = "SELECT name FROM city ORDER BY name LIMIT 3";

/// A wallet with coins and tokens of its own, unlike the stage's payer.
pub fn wallet() -> SigningKey {
    SigningKey::from_bytes(DEV_KEYS[2].0).unwrap()
}

/// A stage with a provider and with money for the wallet.
pub async fn set(place: &TestDb, settings: &[(&str, &str)]) -> Option<(Stage, String)> {
    let stage = Stage::set(place, settings).await?;
    stage.token.mint(&stage.rpc, wallet().address(), U256::from(MUCH)).await.unwrap();
    let provider = provider(&stage.app).await;
    Some((stage, provider))
}

/// `transfer(address,uint256)`.
fn transfer(to: Address, amount: u64) -> Vec<u8> {
    let selector = [0xa9, 0x05, 0x9c, 0xbb];
    [&selector[..], to.into_word().as_slice(), &U256::from(amount).to_be_bytes::<32>()].concat()
}

/// The transaction, once it is in a block.
pub async fn send(stage: &Stage, from: Address, to: Address, amount: u64) -> B256 {
    let hash = stage.rpc.dev_send(from, stage.token.address, &transfer(to, amount)).await.unwrap();
    while stage.rpc.receipt(hash).await.unwrap().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    hash
}

/// Sends it from the wallet to where deposits go.
pub async fn sent(stage: &Stage, amount: u64) -> B256 {
    send(stage, wallet().address(), gas_wallet(), amount).await
}

/// Registers the sample database, at 0.002 USDC for each row.
pub async fn provider(app: &TestApp) -> String {
    farebox_upstream::sql::make_sample(&app.folder().join("cities.db")).unwrap();
    let body = json!({
        "name": "Cities", "email": "owner@example.com", "connectionString": "sqlite:cities.db",
        "walletAddress": "0x4444444444444444444444444444444444444444",
    });
    let made = app.expect(&Ask::post("/api/providers/register", body), 201).await;
    let id = made.at("/provider/id");
    let price = json!({ "basePricePer1000Rows": 1.0, "markupMultiplier": 2.0 });
    let ask = Ask::post(format!("/api/providers/{id}/pricing"), price).with("X-API-Key", made.at("/apiKey"));
    app.expect(&ask, 200).await;
    id
}

pub fn deposit(hash: impl std::fmt::Display, wallet: Address, provider: &str) -> Ask {
    let body = json!({ "txHash": hash.to_string(), "agentWallet": wallet.to_string(), "providerId": provider });
    Ask::post("/api/deposit", body)
}

pub fn query_of(wallet: Address, provider: &str, sql: &str) -> Ask {
    Ask::post("/api/query", json!({ "sql": sql, "agentWallet": wallet.to_string(), "providerId": provider }))
}

/// The header that answers the challenge of a refusal.
pub fn proof(refused: &Got, key: &SigningKey) -> String {
    let body: Value = serde_json::from_str(&refused.text).unwrap();
    SignIn::answer(&body["extensions"]["sign-in-with-x"], key).unwrap().header().unwrap()
}

/// The same request with a proof of the wallet, as a refusal of it has asked for.
pub async fn proven(stage: &Stage, ask: &Ask, key: &SigningKey) -> Ask {
    let refused = stage.app.expect(ask, 403).await;
    ask.clone().with("SIGN-IN-WITH-X", proof(&refused, key))
}

pub async fn refused(stage: &Stage, ask: &Ask, status: u16, with: &str) {
    let got = stage.app.expect(ask, status).await;
    assert!(got.text.contains(with), "{with}: {}", got.text);
}

/// What the stage's payer can spend at a provider.
pub async fn credits_at(stage: &Stage, provider: &str) -> String {
    let path = format!("/api/balance/{}/{provider}", stage.payer.address());
    stage.app.expect(&Ask::get(path), 200).await.at("/balance")
}

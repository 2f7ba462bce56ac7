//! The SQL gateway: money that a wallet has sent by itself, and queries that it pays for by proving itself.

use super::sql_stage::{MUCH, SQL, deposit, proof, proven, query_of, refused, send, set, wallet};
use super::stage::{PRICE, gas_wallet, paying};
use alloy_primitives::{Address, B256, U256};
use farebox_testkit::app::{Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::dev::DevRole;
use farebox_x402::client::read_receipt;
use serde_json::json;

fn query(wallet: Address, provider: &str) -> Ask {
    query_of(wallet, provider, SQL)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_is_credited_once_though_it_is_named_twenty_times_at_once() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let (key, wallet) = (wallet(), wallet().address());
        let hash = send(&stage, wallet, gas_wallet(), 1_500_000).await;
        let named = deposit(hash, wallet, &provider);
        let mut asks = Vec::new();
        for _ in 0..20 {
            asks.push(proven(&stage, &named, &key).await);
        }
        let asks = asks.iter().map(|ask| stage.app.ask(ask));
        let answers = futures_util::future::join_all(asks).await;
        let (credited, others): (Vec<&Got>, Vec<&Got>) = answers.iter().partition(|got| got.status.as_u16() == 200);
        assert_eq!(credited.len(), 1);
        assert!(others.iter().all(|got| got.status.as_u16() == 409), "{:?}", others.first().map(|got| &got.text));
        let got = credited[0];
        assert_eq!((got.at("/balance"), got.at("/success")), ("1.500000".into(), "true".into()));
        assert_eq!(got.at("/transaction/amount"), "1.500000");
        assert_eq!(got.at("/transaction/txHash"), hash.to_string());
        stage.app.expect(&deposit(hash.to_string().to_uppercase().replace("0X", "0x"), wallet, &provider), 409).await;
        let balance = stage.app.expect(&Ask::get(format!("/api/balance/{wallet}/{provider}")), 200).await;
        assert_eq!(balance.at("/balance"), "1.500000");
        let history =
            stage.app.expect(&Ask::get(format!("/api/transactions/{wallet}?providerId={provider}")), 200).await;
        assert_eq!(history.at("/transactions/0/txHash"), hash.to_string());
        assert_eq!(history.at("/transactions/0/type"), "deposit");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_deposit_is_refused_with_its_reason() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let (key, wallet, other) = (wallet(), wallet().address(), Address::repeat_byte(0x33));
        let good = send(&stage, wallet, gas_wallet(), 1_000).await;
        refused(&stage, &deposit("0x12", wallet, &provider), 400, "txHash").await;
        refused(&stage, &deposit(B256::repeat_byte(7), wallet, &provider), 402, "not found").await;
        refused(&stage, &deposit(good, other, &provider), 400, "does not come from agentWallet").await;
        let nobody = "00000000-0000-7000-8000-000000000000";
        refused(&stage, &deposit(good, wallet, nobody), 400, "providerId").await;
        let elsewhere = send(&stage, wallet, other, 1_000).await;
        refused(&stage, &deposit(elsewhere, wallet, &provider), 400, &gas_wallet().to_string()).await;
        let failed = send(&stage, wallet, gas_wallet(), MUCH * 2).await;
        refused(&stage, &deposit(failed, wallet, &provider), 400, "failed on its chain").await;
        let coins = stage.rpc.dev_send(wallet, gas_wallet(), &[]).await.unwrap();
        refused(&stage, &deposit(coins, wallet, &provider), 400, "moves no token").await;
        let nothing = send(&stage, wallet, gas_wallet(), 0).await;
        refused(&stage, &deposit(nothing, wallet, &provider), 402, "no money").await;
        let itself = send(&stage, gas_wallet(), gas_wallet(), 0).await;
        refused(&stage, &deposit(itself, gas_wallet(), &provider), 400, "does not come from agentWallet").await;
        let balance = stage.app.expect(&Ask::get(format!("/api/balance/{wallet}/{provider}")), 200).await;
        assert_eq!(balance.at("/balance"), "0.000000");
        stage.app.expect(&proven(&stage, &deposit(good, wallet, &provider), &key).await, 200).await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transfer_waits_for_the_blocks_that_its_network_asks_for() {
    let place = TestDb::all().await.remove(0);
    let settings = [("x402.network.base-sepolia.confirmations", "3")];
    let Some((stage, provider)) = set(&place, &settings).await else { return };
    let (key, wallet) = (wallet(), wallet().address());
    let hash = send(&stage, wallet, gas_wallet(), 1_000).await;
    let early = stage.app.expect(&deposit(hash, wallet, &provider), 402).await;
    assert!(early.text.contains("of 3 blocks") && early.headers.contains_key("retry-after"), "{}", early.text);
    stage.rpc.dev_mine(2).await.unwrap();
    stage.app.expect(&proven(&stage, &deposit(hash, wallet, &provider), &key).await, 200).await;
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_settled_a_signed_payment_or_came_from_the_gas_wallet_is_never_credited() {
    for place in TestDb::all().await {
        let elsewhere = Address::repeat_byte(0x44);
        let settings = [("x402.network.base-sepolia.pay_to", &*elsewhere.to_string())];
        let Some((stage, provider)) = set(&place, &settings).await else { return };
        let path = "/publishers/things/ok";
        let signed = stage.signed(path).await;
        let got = stage.app.expect(&paying(path, &signed), 200).await;
        let receipt = read_receipt(|name| got.headers.get(name).and_then(|value| value.to_str().ok()));
        let settled = receipt.unwrap().unwrap().transaction;
        assert_eq!(stage.balance(elsewhere).await, PRICE);
        let payer = stage.payer.address();
        refused(&stage, &deposit(&settled, payer, &provider), 400, "signed payment").await;
        let minter = DevRole::GasWallet.key().unwrap().address();
        stage.token.mint(&stage.rpc, minter, U256::from(PRICE)).await.unwrap();
        let own = send(&stage, minter, elsewhere, PRICE).await;
        let own = proven(&stage, &deposit(own, minter, &provider), &DevRole::GasWallet.key().unwrap()).await;
        refused(&stage, &own, 400, "signed payment").await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_is_paid_from_the_deposit_with_a_proof_of_the_wallet_and_not_without() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let (key, ask) = (wallet(), query(wallet().address(), &provider));
        let with = |proof: &str| ask.clone().with("SIGN-IN-WITH-X", proof);
        let poor = stage.app.expect(&ask, 402).await;
        assert_eq!(poor.at("/depositEndpoint"), "/api/deposit");
        let hash = send(&stage, key.address(), gas_wallet(), 1_000_000).await;
        stage.app.expect(&proven(&stage, &deposit(hash, key.address(), &provider), &key).await, 200).await;
        let bare = stage.app.expect(&ask, 402).await;
        assert!(bare.at("/error").contains("SIGN-IN-WITH-X"), "{}", bare.text);
        let stranger = proof(&bare, &stage.payer);
        refused(&stage, &with(&stranger), 403, "another wallet").await;
        let good = proof(&poor, &key);
        let got = stage.app.expect(&with(&good), 200).await;
        assert_eq!((got.at("/rowCount"), got.at("/actualCost")), ("3".into(), "0.006000".into()));
        let again = stage.app.expect(&with(&good), 401).await;
        assert!(again.text.contains("nonce"), "{}", again.text);
        stage.app.expect(&with(&proof(&again, &key)), 200).await;
        stage.app.expect(&with("not base64"), 401).await;
        let balance = stage.app.expect(&Ask::get(format!("/api/balance/{}/{provider}", key.address())), 200).await;
        assert_eq!(balance.at("/balance"), "0.988000");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_claims_the_address_neither_gets_the_deposit_nor_keeps_its_wallet_from_spending_it() {
    let place = TestDb::all().await.remove(0);
    let Some((stage, provider)) = set(&place, &[]).await else { return };
    let (key, ask) = (wallet(), query(wallet().address(), &provider));
    let thief = json!({ "name": "Thief", "wallet_address": key.address().to_string() });
    let thief = stage.app.expect(&Ask::post("/auth/agent", thief), 201).await.at("/data/agent/api_key");
    let hash = send(&stage, key.address(), gas_wallet(), 1_000_000).await;
    stage.app.expect(&proven(&stage, &deposit(hash, key.address(), &provider), &key).await, 200).await;
    stage.app.expect(&ask.clone().with("X-API-Key", &*thief), 402).await;
    let bare = stage.app.expect(&ask, 402).await;
    stage.app.expect(&ask.clone().with("SIGN-IN-WITH-X", proof(&bare, &key)), 200).await;
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_elses_transfer_is_not_credited_for_a_provider_of_a_strangers_choice() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let (key, stranger) = (wallet(), stage.app.agent("Stranger").await);
        let hash = send(&stage, key.address(), gas_wallet(), 1_000_000).await;
        let ask = deposit(hash, key.address(), &provider);
        refused(&stage, &ask.clone().with("X-API-Key", &*stranger.key), 403, "sign-in-with-x").await;
        refused(&stage, &proven(&stage, &ask, &stage.payer).await, 403, "another wallet").await;
        let balance = Ask::get(format!("/api/balance/{}/{provider}", key.address()));
        assert_eq!(stage.app.expect(&balance, 200).await.at("/balance"), "0.000000");
        let good = proven(&stage, &ask, &key).await;
        stage.app.expect(&good, 200).await;
        assert_eq!(stage.app.expect(&balance, 200).await.at("/balance"), "1.000000");
        stage.app.expect(&good, 409).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_no_proof_is_asked_for_anybody_may_name_a_transfer() {
    let place = TestDb::sqlite().await;
    let Some((stage, provider)) = set(&place, &[("sql_gateway.wallet_proof", "optional")]).await else { return };
    let hash = send(&stage, wallet().address(), gas_wallet(), 1_000_000).await;
    stage.app.expect(&deposit(hash, wallet().address(), &provider), 200).await;
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_payments_on_a_chain_there_are_no_deposits() {
    let place = TestDb::all().await.remove(0);
    let app = TestApp::start(&place, &[]).await;
    app.expect(&deposit(B256::repeat_byte(7), wallet().address(), "00000000-0000-7000-8000-000000000000"), 404).await;
}

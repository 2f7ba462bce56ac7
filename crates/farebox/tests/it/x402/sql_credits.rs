//! The SQL gateway: what a wallet has in all, and what it brings in by signing or by naming a transfer.

use super::sql_stage::{credits_at, proven, provider, refused, send, sent, set, wallet};
use super::stage::{FORTUNE, Stage, gas_wallet};
use alloy_primitives::Address;
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use serde_json::{Value, json};

const DEPOSIT: &str = "/api/credits/deposit";

fn credits(wallet: Address) -> Ask {
    Ask::get(format!("/api/credits/{wallet}"))
}

fn confirm(body: Value) -> Ask {
    Ask::post("/api/credits/confirm-deposit", body)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signed_deposit_is_credited_once_for_everybody_or_for_one_provider() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let (provider, wallet) = (provider(&stage.app).await, stage.payer.address());
        stage.app.expect(&credits(wallet), 404).await;
        let (mut in_all, mut at_provider) = (0, 0);
        for (body, is_for_all) in
            [(json!({ "amount": "0.25" }), true), (json!({ "amount": "0.5", "providerId": provider }), false)]
        {
            let ask = Ask::post(DEPOSIT, body);
            let bill = stage.app.expect(&ask, 402).await;
            assert_eq!(bill.at("/x402Version"), "1");
            let signed = stage.sign(&bill);
            let paying = ask.clone().with(signed.name, signed.value.clone());
            let done = stage.app.expect(&paying, 200).await;
            let amount = if is_for_all { 250_000 } else { 500_000 };
            (in_all, at_provider) = (in_all + amount, at_provider + amount);
            assert_eq!(done.at("/deposited"), format!("0.{amount}"));
            assert_eq!(done.at("/balance/available"), format!("0.{at_provider}"));
            let again = stage.app.expect(&paying, 200).await;
            assert_eq!(again.at("/transaction"), done.at("/transaction"));
            let shown = stage.app.expect(&credits(wallet), 200).await;
            assert_eq!((shown.at("/balance"), shown.at("/reserved")), (format!("0.{in_all}"), "0.000000".into()));
            assert_eq!(stage.balance(wallet).await, FORTUNE - in_all);
        }
        assert_eq!(stage.balance(gas_wallet()).await, 750_000);
        assert_eq!(credits_at(&stage, &provider).await, "0.750000");
        refused(&stage, &Ask::post(DEPOSIT, json!({ "amount": "0" })), 400, "amount").await;
        refused(&stage, &Ask::get("/api/credits/0x12"), 400, "agentWallet").await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_named_transfer_is_confirmed_by_its_wallet_for_the_amount_that_it_moved() {
    for place in TestDb::all().await {
        let Some((stage, provider)) = set(&place, &[]).await else { return };
        let (key, hash) = (wallet(), sent(&stage, 1_500_000).await);
        let body = |amount: &str| json!({ "agentWallet": key.address(), "txHash": hash, "amount": amount });
        refused(&stage, &confirm(body("1.4")), 400, "1.500000").await;
        refused(&stage, &confirm(body("much")), 400, "amount").await;
        let ask = confirm(body("1.5"));
        let stranger = proven(&stage, &ask, &stage.payer).await;
        refused(&stage, &stranger, 403, "another wallet").await;
        let done = stage.app.expect(&proven(&stage, &ask, &key).await, 200).await;
        assert_eq!((done.at("/balance"), done.at("/available")), ("1.500000".into(), "1.500000".into()));
        stage.app.expect(&ask, 409).await;
        let more = send(&stage, key.address(), gas_wallet(), 250_000).await;
        let body = json!({ "agentWallet": key.address(), "txHash": more, "amount": "0.25", "publisherId": provider });
        let done = stage.app.expect(&proven(&stage, &confirm(body), &key).await, 200).await;
        assert_eq!(done.at("/balance"), "1.750000");
        stage.app.assert_books_balance().await;
    }
}

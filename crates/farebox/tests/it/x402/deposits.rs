//! Money brought in by a signed payment.

use super::stage::{FORTUNE, Stage, gas_wallet};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use serde_json::json;

const PATH: &str = "/wallet/deposit/crypto";

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_is_credited_once_however_often_its_payment_is_sent() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let buyer = stage.app.agent("Buyer").await;
        let id = stage.app.list(&stage.seller, "others", "0.01").await.1;
        let ask = Ask::post(PATH, json!({ "amount": "0.50", "publisher_id": id })).key(&buyer.key);
        let required = stage.app.expect(&ask, 402).await;
        assert_eq!(required.at("/x402Version"), "2");
        assert_eq!(required.at("/accepts/0/amount"), "500000");
        let signed = stage.sign(&required);
        let paying = ask.clone().with(signed.name, signed.value.clone());
        let done = stage.app.expect(&paying, 200).await;
        assert_eq!(done.at("/balance_amount"), "0.50");
        assert!(done.at("/tx_hash").starts_with("0x"));
        let again = stage.app.expect(&paying, 200).await;
        assert_eq!(again.at("/tx_hash"), done.at("/tx_hash"));
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - 500_000);
        assert_eq!(stage.balance(gas_wallet()).await, 500_000);
        let prepaid = stage.app.app.wallets.prepaid(buyer.party, stage.seller.party).await.unwrap();
        assert_eq!(prepaid.get(), 500_000);
        stage.app.expect(&Ask::get("/publishers/others/ok").key(&buyer.key), 200).await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_only_claims_an_address_gets_nothing_of_what_its_wallet_brings_in() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let address = stage.payer.address().to_string();
    let thief = json!({ "name": "Thief", "wallet_address": address });
    let thief = stage.app.ask(&Ask::post("/auth/agent", thief)).await;
    let id = stage.app.list(&stage.seller, "others", "0.01").await.1;
    let ask = Ask::post(PATH, json!({ "amount": "0.50", "publisher_id": id }));
    let signed = stage.sign(&stage.app.expect(&ask, 402).await);
    stage.app.expect(&ask.with(signed.name, signed.value.clone()), 200).await;
    let signer = stage.app.app.accounts.wallet_signer(&address).await.unwrap();
    let prepaid = stage.app.app.wallets.prepaid(signer, stage.seller.party).await.unwrap();
    assert_eq!(prepaid.get(), 500_000);
    assert_ne!(thief.at("/data/agent/organization_id"), signer.to_string());
}

//! What a seller decides about payments for one listing, while the operator's settings hold for all others.

use super::stage::{FORTUNE, PRICE, Stage, gas_wallet, paying};
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use farebox_x402::evm::address::checksummed;
use farebox_x402::wire::decode_base64_json;
use http::Method;
use serde_json::{Value, json};

const PATH: &str = "/publishers/things/ok";
const WALLET: &str = "0x742d35cC6634c0532925A3b844bc9E7595F0beB1";

/// Changes the listing at the platform door.
fn change(stage: &Stage, fields: Value) -> Ask {
    let path = format!("/organizations/default/publishers/{}", stage.listing);
    Ask::new(Method::PUT, path).json(fields).key(&stage.seller.key)
}

/// The flow that is offered first.
fn flow(got: &Got) -> Value {
    let challenge = decode_base64_json(got.header("payment-required")).unwrap();
    challenge["accepts"][0]["extra"]["paymentFlow"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_settles_before_the_work_from_the_moment_that_its_seller_says_so() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let stale = stage.signed(PATH).await;
        let changed = stage.app.expect(&change(&stage, json!({ "payment_order": "before" })), 200).await;
        assert_eq!(changed.at("/data/payment_order"), "before");
        let refused = stage.app.expect(&paying(PATH, &stale), 402).await;
        assert_eq!(flow(&refused), "upfront");
        assert_eq!((stage.balance(stage.payer.address()).await, stage.app.upstream.asked()), (FORTUNE, 0));
        let failing = "/publishers/things/status/500";
        let signed = stage.signed(failing).await;
        stage.app.expect(&paying(failing, &signed), 500).await;
        assert_eq!(stage.balance(gas_wallet()).await, PRICE, "it is the buyer's balance now");
        let other = json!({ "payment_order": null });
        let changed = stage.app.expect(&change(&stage, other), 200).await;
        let shown: Value = serde_json::from_str(&changed.text).unwrap();
        assert!(shown["data"].get("payment_order").is_none(), "{shown}");
        let signed = stage.signed(failing).await;
        stage.app.expect(&paying(failing, &signed), 500).await;
        assert_eq!(stage.balance(gas_wallet()).await, PRICE, "a failure settles nothing");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_listing_is_paid_to_its_seller_and_the_other_to_the_gateway() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let direct = json!({ "payment_receiver": "seller" });
        stage.app.expect(&stage.app.listing(&stage.seller, "direct", "0.01", &direct), 201).await;
        for path in [PATH, "/publishers/direct/ok"] {
            let signed = stage.signed(path).await;
            stage.app.expect(&paying(path, &signed), 200).await;
        }
        assert_eq!(stage.balance(WALLET.parse().unwrap()).await, PRICE);
        assert_eq!(stage.balance(gas_wallet()).await, PRICE);
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_is_paid_directly_on_the_network_of_his_wallet_and_nowhere_else() {
    for place in TestDb::all().await {
        let polygon = [
            ("x402.networks", "base-sepolia,polygon"),
            ("x402.network.polygon.facilitator_url", "http://127.0.0.1:1/"),
            ("x402.receiver", "seller"),
        ];
        let Some(stage) = Stage::set(&place, &polygon).await else { return };
        for (slug, network, sellers) in [
            ("here", "base-sepolia", [true, false]),
            ("there", "eip155:137", [false, true]),
            ("elsewhere", "eip155:1", [false, false]),
            ("anywhere", "mainnet", [true, true]),
        ] {
            let listing = stage.app.listing(&stage.seller, slug, "0.01", &json!({ "wallet_network_id": network }));
            stage.app.expect(&listing, 201).await;
            let path = format!("/publishers/{slug}/ok");
            let asked = stage.app.expect(&Ask::get(&path), 402).await;
            let challenge = decode_base64_json(asked.header("payment-required")).unwrap();
            let pays = |network: &str| {
                let offers = challenge["accepts"].as_array().unwrap();
                let offer = offers.iter().find(|offer| offer["network"] == network && offer["scheme"] == "exact");
                offer.unwrap()["payTo"] == WALLET
            };
            assert_eq!(["eip155:84532", "eip155:137"].map(pays), sellers, "{network}");
            let before = stage.balance(WALLET.parse().unwrap()).await;
            let signed = stage.sign(&asked);
            stage.app.expect(&paying(&path, &signed), 200).await;
            let received = stage.balance(WALLET.parse().unwrap()).await - before;
            assert_eq!(received, if sellers[0] { PRICE } else { 0 }, "{network}");
        }
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
        let earned = stage.app.app.wallets.balances(stage.seller.party).await.unwrap().earnings;
        assert!(earned.get() > 0, "what came to the gateway is owed to the seller");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listing_names_no_wallet_in_which_money_is_lost() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let token = checksummed(stage.token.address);
    for (wallet, rule) in [(token.as_str(), "not the contract of USDC"), (&format!("0x{}", "0".repeat(40)), "not zero")]
    {
        let listing = stage.app.listing(&stage.seller, "lost", "0.01", &json!({ "wallet_address": wallet }));
        let service = json!({
            "name": "s", "endpoint": format!("http://{}", stage.app.upstream_address), "price_per_call": "0.01",
            "wallet_address": wallet,
        });
        let service = Ask::post("/api/v1/services", service).key(&stage.seller.key);
        for ask in [listing, change(&stage, json!({ "wallet_address": wallet })), service] {
            let refused = stage.app.expect(&ask, 400).await;
            assert!(refused.text.contains("wallet_address") && refused.text.contains(rule), "{}", refused.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_of_the_marketplace_has_a_policy_too() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let mut service = json!({
            "name": "s", "endpoint": format!("http://{}", stage.app.upstream_address), "price_per_call": "0.01",
            "payment_receiver": "seller", "reserve_max_charge": "0.02",
        });
        let register = |body: &Value| Ask::post("/api/v1/services", body.clone()).key(&stage.seller.key);
        let refused = stage.app.expect(&register(&service), 400).await;
        assert!(refused.text.contains("payment_receiver"), "{}", refused.text);
        service["wallet_address"] = json!("0x12");
        let refused = stage.app.expect(&register(&service), 400).await;
        assert!(refused.text.contains("wallet_address"), "{}", refused.text);
        service["wallet_address"] = json!(WALLET);
        let made = stage.app.expect(&register(&service), 201).await;
        assert_eq!(
            (made.at("/pricing/payment_receiver"), made.at("/pricing/reserve_max_charge")),
            ("seller".to_owned(), "0.02".to_owned())
        );
        let path = format!("/api/v1/services/{}", made.at("/id"));
        let fields = json!({ "payment_receiver": null, "reserve_max_charge": "0", "payment_order": "before" });
        let update = Ask::new(Method::PATCH, path).json(fields).key(&stage.seller.key);
        let changed: Value = serde_json::from_str(&stage.app.expect(&update, 200).await.text).unwrap();
        assert_eq!(changed["pricing"]["payment_order"], "before", "{changed}");
        assert!(
            changed["pricing"].get("payment_receiver").is_none()
                && changed["pricing"].get("reserve_max_charge").is_none()
        );
        let called = Ask::get(format!("/api/v1/proxy/{}/ok", made.at("/id")));
        assert_eq!(flow(&stage.app.expect(&called, 402).await), "upfront");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_the_operators_risk_is_chosen_only_where_he_allows_it() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let later = json!({ "payment_order": "later" });
        let refused = stage.app.expect(&change(&stage, later), 400).await;
        assert!(refused.text.contains("payment_order must be after or before"), "{}", refused.text);
        let both = json!({ "payment_order": "before", "payment_receiver": "seller" });
        let refused = stage.app.expect(&change(&stage, both), 400).await;
        assert!(refused.text.contains("payment_receiver must be gateway"), "{}", refused.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_operator_allows_it_one_listing_answers_first_and_is_settled_later() {
    for place in TestDb::all().await {
        let settings = [("x402.orders_allowed", "after,later"), ("x402.receivers_allowed", "gateway")];
        let Some(stage) = Stage::set(&place, &settings).await else { return };
        stage.app.expect(&change(&stage, json!({ "payment_order": "later" })), 200).await;
        let refused = stage.app.expect(&change(&stage, json!({ "payment_receiver": "seller" })), 400).await;
        assert!(refused.text.contains("payment_receiver must be gateway"), "{}", refused.text);
        let signed = stage.signed(PATH).await;
        let got = stage.app.expect(&paying(PATH, &signed), 200).await;
        let receipt = decode_base64_json(got.header("payment-response")).unwrap();
        assert_eq!(receipt["errorReason"], "settlement_pending", "the answer comes first");
        stage.app.settled().await;
        assert_eq!(stage.balance(gas_wallet()).await, PRICE);
        stage.app.assert_books_balance().await;
    }
}

//! Farebox as facilitator for somebody else's server, which is a published package as it comes and pointed here.

use super::scripts::{SCRIPTS, paid, selling};
use super::stage::{FORTUNE, PRICE, Stage};
use crate::npm::Serving;
use alloy_primitives::Address;
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use farebox_x402::wire::decode_base64_json;
use serde_json::{Value, json};

const SELLER: &str = "0x742d35cC6634c0532925A3b844bc9E7595F0beB1";

#[tokio::test(flavor = "multi_thread")]
async fn a_published_express_server_of_version_2_is_paid_through_the_facilitator() {
    for place in TestDb::all().await {
        let Some((stage, server)) = set(&place, "express-v2.mjs").await else { return };
        pays(&stage, &server, "v2-fetch.mjs", "eip155:84532").await;
        assert_listed(&stage, &server).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_published_express_server_of_version_1_is_paid_through_the_facilitator() {
    let place = TestDb::all().await.remove(0);
    let Some((stage, server)) = set(&place, "express-v1.mjs").await else { return };
    pays(&stage, &server, "v1-fetch.mjs", "base-sepolia").await;
}

async fn set(place: &TestDb, script: &str) -> Option<(Stage, Serving)> {
    SCRIPTS.folder()?;
    let stage = Stage::set(place, &[]).await?;
    let server = selling(&stage, script, SELLER).await?;
    Some((stage, server))
}

/// Pays two calls, of two cities, and one that fails and costs nothing.
async fn pays(stage: &Stage, server: &Serving, client: &str, network: &str) {
    let seller: Address = SELLER.parse().unwrap();
    for (times, city) in [(1, "lisbon"), (2, "porto")] {
        let said = paid(client, &format!("{}/weather/{city}", server.url)).await.unwrap();
        assert_eq!(said["status"], 200, "{said}");
        let reply: Value = serde_json::from_str(said["text"].as_str().unwrap()).unwrap();
        assert_eq!((&reply["city"], &reply["served"]), (&city.into(), &times.into()), "{said}");
        let receipt = &said["receipt"];
        assert_eq!((&receipt["success"], &receipt["network"]), (&true.into(), &network.into()), "{said}");
        let hash = receipt["transaction"].as_str().unwrap().parse().unwrap();
        assert!(stage.rpc.receipt(hash).await.unwrap().unwrap().succeeded);
        assert_eq!(stage.balance(seller).await, times * PRICE);
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - times * PRICE);
    }
    let said = paid(client, &format!("{}/broken", server.url)).await.unwrap();
    assert_eq!(said["status"], 500, "{said}");
    assert_eq!(stage.balance(seller).await, 2 * PRICE);
}

/// Both cities are one resource of the catalogue, under the template that the server declares.
async fn assert_listed(stage: &Stage, server: &Serving) {
    let got = stage.app.expect(&Ask::get("/facilitator/discovery/resources?type=http"), 200).await;
    assert_eq!(got.at("/pagination/total"), "1", "{}", got.text);
    assert_eq!(got.at("/items/0/resource"), format!("{}/weather/:city", server.url));
    assert_eq!(got.at("/items/0/description"), "Weather of a city");
    assert_eq!(got.at("/items/0/accepts/0/amount"), PRICE.to_string());
    assert!(got.at("/items/0/accepts/0/payTo").eq_ignore_ascii_case(SELLER), "{}", got.text);
    let bazaar = "/items/0/extensions/bazaar/info";
    assert_eq!(got.at(&format!("{bazaar}/input/queryParams/units")), "metric");
    assert_eq!(got.at(&format!("{bazaar}/output/example/degrees")), "21");
    for (query, found) in [("WEATHER", "1"), ("stocks", "0")] {
        let got = stage.app.expect(&Ask::get(format!("/facilitator/discovery/search?query={query}")), 200).await;
        let resources: Value = serde_json::from_str(&got.text).unwrap();
        assert_eq!(resources["resources"].as_array().unwrap().len().to_string(), found, "{}", got.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_puts_what_is_sold_here_or_what_nobody_can_reach_into_the_catalogue() {
    for place in TestDb::all().await {
        let settings = [("server.public_url", "https://pay.example.com")];
        let Some(stage) = Stage::set(&place, &settings).await else { return };
        let path = "/publishers/things/ok";
        let spoofed = format!("https://pay.example.com{path}");
        for (url, listed) in [
            (spoofed.as_str(), false),
            ("http://pay.example.com:80/publishers/things", false),
            ("http://169.254.169.254/latest", false),
            ("http://localhost:9/x", false),
            ("https://api.example.org/x", true),
        ] {
            let challenge = stage.app.expect(&Ask::get(path), 402).await;
            let mut payment = decode_base64_json(&stage.sign(&challenge).value).unwrap();
            payment["resource"]["url"] = url.into();
            payment.as_object_mut().unwrap().remove("extensions");
            let order = json!({
                "x402Version": 2, "paymentPayload": payment, "paymentRequirements": payment["accepted"],
            });
            let settled = stage.app.expect(&Ask::post("/facilitator/settle", order), 200).await;
            assert_eq!(settled.at("/success"), "true", "{url}: the payment itself is a good one: {}", settled.text);
            let said = decode_base64_json(settled.header("extension-responses")).unwrap_or_default();
            assert_eq!(said["bazaar"]["status"], if listed { "success" } else { "rejected" }, "{url}: {said}");
        }
        let all = stage.app.expect(&Ask::get("/facilitator/discovery/resources"), 200).await;
        assert_eq!(
            (all.at("/pagination/total"), all.at("/items/0/resource").as_str()),
            ("1".to_owned(), "https://api.example.org/x")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recipient_that_is_not_allowed_is_named_with_a_reason_of_its_own() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[("x402.facilitator_recipients", SELLER)]).await else { return };
    let challenge = stage.app.expect(&Ask::get("/publishers/things/ok"), 402).await;
    let payment = decode_base64_json(&stage.sign(&challenge).value).unwrap();
    let order = json!({ "x402Version": 2, "paymentPayload": payment, "paymentRequirements": payment["accepted"] });
    let pay_to = payment["accepted"]["payTo"].as_str().unwrap();
    let settled = stage.app.expect(&Ask::post("/facilitator/settle", order.clone()), 200).await;
    assert_eq!(
        (settled.at("/success"), settled.at("/errorReason").as_str()),
        ("false".to_owned(), "recipient_not_allowed")
    );
    assert!(settled.at("/errorMessage").contains(pay_to), "{}", settled.text);
    let verified = stage.app.expect(&Ask::post("/facilitator/verify", order), 200).await;
    assert_eq!(verified.at("/invalidReason"), "recipient_not_allowed", "{}", verified.text);
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE);
}

//! What operators see of payments on chain: the gas wallet and the chain in the health replies and in the metrics, and no
//! endpoint or key there.

use super::stage::{Stage, gas_wallet, paying};
use alloy_primitives::hex;
use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;
use farebox_testkit::proxy::Fault;
use farebox_x402::chain::dev::DEV_KEYS;
use std::time::Duration;

const PATH: &str = "/publishers/things/ok";
const NETWORK: &str = "network=\"eip155:84532\"";

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_payment_the_gas_wallet_and_a_chain_that_goes_away_are_in_health_and_metrics() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::behind_proxy(&place, &[]).await else { return };
    let signed = stage.signed(PATH).await;
    stage.app.expect(&paying(PATH, &signed), 200).await;
    for path in ["/health", "/api/health"] {
        let got = stage.app.expect(&Ask::get(path), 200).await;
        assert_eq!(got.at("/networks/0/network"), "eip155:84532");
        assert_eq!(
            (got.at("/networks/0/status"), got.at("/networks/0/gas_wallet")),
            ("ok".into(), gas_wallet().to_string())
        );
        assert!(got.at("/networks/0/gas_balance").starts_with("9999.") || got.at("/networks/0/gas_balance") == "10000");
        assert_eq!(got.at("/networks/0/transactions_in_flight"), "0");
        assert_discreet(&stage, &got.text);
    }
    let metrics = stage.app.expect(&Ask::get("/metrics"), 200).await.text;
    assert_discreet(&stage, &metrics);
    assert_eq!(value(&metrics, "settlements_total", ",outcome=\"settled\""), Some(1.0));
    assert_eq!(value(&metrics, "settlements_total", ",outcome=\"not_taken\""), Some(0.0));
    assert_eq!(value(&metrics, "settlements_total", ",outcome=\"pending\""), Some(0.0));
    assert!(value(&metrics, "gas_balance", "").is_some_and(|coins| coins > 9_999.0 && coins <= 10_000.0), "{metrics}");
    for (name, expected) in [
        ("gas_low", 0.0),
        ("gas_paused", 0.0),
        ("reachable", 1.0),
        ("transactions_in_flight", 0.0),
        ("sent_again_total", 0.0),
        ("lost_total", 0.0),
    ] {
        assert_eq!(value(&metrics, name, ""), Some(expected), "{name}");
    }
    assert_eq!(value(&metrics, "final_seconds_count", ""), Some(1.0));
    assert_eq!(value(&metrics, "final_seconds_bucket", ",le=\"+Inf\""), Some(1.0));
    assert!(value(&metrics, "final_seconds_sum", "").is_some_and(|seconds| seconds > 0.0 && seconds < 60.0));

    stage.proxy.as_ref().unwrap().set(Fault::Away);
    let other = stage.signed(PATH).await;
    for _ in 0..600 {
        stage.app.expect(&paying(PATH, &other), 503).await;
        if stage.app.expect(&Ask::get("/health"), 200).await.at("/networks/0/status") == "unreachable" {
            let metrics = stage.app.expect(&Ask::get("/metrics"), 200).await.text;
            assert_eq!(value(&metrics, "reachable", ""), Some(0.0));
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("a chain that is away counts as reachable");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gas_wallet_with_little_is_called_low_before_it_is_empty() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[("x402.network.base-sepolia.low_balance", "20000")]).await else { return };
    let got = stage.app.expect(&Ask::get("/health"), 200).await;
    assert_eq!((got.at("/status"), got.at("/networks/0/status")), ("ok".into(), "low_gas".into()));
    assert_eq!(got.at("/networks/0/gas_balance"), "10000");
    let metrics = stage.app.expect(&Ask::get("/metrics"), 200).await.text;
    assert_eq!((value(&metrics, "gas_low", ""), value(&metrics, "gas_paused", "")), (Some(1.0), Some(0.0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_payments_on_chain_health_and_metrics_say_nothing_of_them() {
    let place = TestDb::all().await.remove(0);
    let app = TestApp::start(&place, &[]).await;
    for path in ["/health", "/api/health"] {
        assert!(!app.expect(&Ask::get(path), 200).await.text.contains("networks"), "{path}");
    }
    assert!(!app.expect(&Ask::get("/metrics"), 200).await.text.contains("x402"));
}

/// The value of a metric of the stage's network.
fn value(metrics: &str, name: &str, more_labels: &str) -> Option<f64> {
    let start = format!("farebox_x402_{name}{{{NETWORK}{more_labels}}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&start))?.parse().ok()
}

fn assert_discreet(stage: &Stage, text: &str) {
    let endpoint = format!(":{}", stage.proxy.as_ref().unwrap().port);
    assert!(!text.contains(&endpoint) && !text.contains(&hex::encode(DEV_KEYS[1])) && !text.contains("http"), "{text}");
}

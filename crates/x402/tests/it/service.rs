//! The facilitator for other servers: its replies, its memory, its catalogue.

use crate::payments::{PRICE, RESOURCE, exact, local, service, unready};
use crate::stage::{count, each, until};
use farebox_db::sql;
use farebox_x402::chain::ChainSettings;
use farebox_x402::chain::dev::{AnvilOptions, DEV_CHAIN_ID};
use farebox_x402::facilitator::{DiscoveryError, Heard};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn payments_of_both_versions_are_verified_and_settled_in_their_own_words() {
    each(AnvilOptions::default(), async |stage, db| {
        let service = service(db, local(stage, db).await);
        let (new, old) = (exact(PRICE, 1), exact(PRICE, 2));
        for (body, network) in [(new.body(), "eip155:84532"), (old.body_v1(), "base-sepolia")] {
            let verified = service.verify(&body).await;
            assert_eq!((verified.heard, verified.body.is_valid), (Heard::Answered, true), "{verified:?}");
            let settled = service.settle(&body).await.body;
            assert!(settled.success, "{settled:?}");
            assert_eq!((settled.network.as_str(), settled.transaction.len()), (network, 66));
            assert_eq!(service.settle(&body).await.body, settled);
            let again = service.verify(&body).await.body;
            let reason =
                if network == "base-sepolia" { "duplicate_settlement" } else { "invalid_exact_evm_nonce_already_used" };
            assert_eq!(again.invalid_reason.as_deref(), Some(reason));
        }
        assert_eq!(stage.earned().await, 2 * PRICE);
        let supported = serde_json::to_value(service.supported()).unwrap();
        assert_eq!(supported["extensions"][0], "bazaar");
        assert_eq!(supported["signers"]["eip155:*"].as_array().unwrap().len(), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_settles_of_one_payment_at_once_are_one_transaction_and_fifty_equal_answers() {
    each(AnvilOptions::default(), async |stage, db| {
        let service = service(db, local(stage, db).await);
        let body = exact(PRICE, 1).body();
        let asked: Vec<_> = (0..50)
            .map(|_| {
                let (service, body) = (service.clone(), body.clone());
                tokio::spawn(async move { service.settle(&body).await.body })
            })
            .collect();
        let mut answers = Vec::new();
        for answer in asked {
            answers.push(answer.await.unwrap());
        }
        assert!(answers[0].success, "{:?}", answers[0]);
        assert!(answers.iter().all(|answer| *answer == answers[0]));
        assert_eq!(stage.earned().await, PRICE);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM chain_transaction")).await, 1);
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM x402_settlement")).await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_nonce_for_something_else_is_refused() {
    each(AnvilOptions::default(), async |stage, db| {
        let service = service(db, local(stage, db).await);
        let signed = exact(PRICE, 1);
        assert!(service.settle(&signed.body()).await.body.success);
        let other = String::from_utf8(signed.body()).unwrap().replace(RESOURCE, "https://pay.example/other");
        let refused = service.settle(other.as_bytes()).await.body;
        assert_eq!(refused.error_reason.as_deref(), Some("invalid_exact_evm_nonce_already_used"));
        let forged =
            String::from_utf8(exact(PRICE, 2).body()).unwrap().replace("\"value\":\"10000\"", "\"value\":\"1\"");
        let refused = service.settle(forged.as_bytes()).await;
        assert_eq!((refused.heard, refused.body.success), (Heard::Answered, false));
        assert_eq!(count(db, sql!("SELECT COUNT(*) FROM x402_settlement")).await, 1);
        for (body, heard) in [(b"{".to_vec(), Heard::Malformed), (vec![b' '; 1 << 20], Heard::TooLarge)] {
            assert_eq!(service.settle(&body).await.heard, heard);
            assert_eq!(service.verify(&body).await.heard, heard);
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_in_the_middle_of_a_settlement_ends_in_the_same_transaction() {
    let on_demand = AnvilOptions { chain_id: DEV_CHAIN_ID, on_demand: true, ..AnvilOptions::default() };
    each(on_demand, async |stage, db| {
        let impatient = ChainSettings { patience: Duration::from_millis(300), ..stage.settings() };
        let facilitator = unready(db, impatient);
        facilitator.ready().await;
        let body = exact(PRICE, 1).body();
        let pending = service(db, facilitator.clone()).settle(&body).await.body;
        assert_eq!(pending.error_reason.as_deref(), Some("settlement_pending"));
        let hash = pending.transaction.parse().unwrap();
        until("the node has it", async || stage.rpc.transaction(hash).await.unwrap().is_some()).await;
        facilitator.stop().await;
        drop(facilitator);
        stage.rpc.dev_mine(1).await.unwrap();
        let next = service(db, local(stage, db).await);
        let settled = next.settle(&body).await.body;
        assert_eq!((settled.success, &settled.transaction), (true, &pending.transaction));
        assert_eq!(stage.earned().await, PRICE);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_for_is_found_in_the_catalogue() {
    each(AnvilOptions::default(), async |stage, db| {
        let service = service(db, local(stage, db).await);
        assert!(service.discovery_resources("").await.unwrap().items.is_empty());
        for n in 1..=3 {
            let body = exact(PRICE, n).body();
            let url = if n == 3 { "https://pay.example/100%_news" } else { RESOURCE };
            let body = String::from_utf8(body).unwrap().replace(RESOURCE, url);
            let settled = service.settle(body.as_bytes()).await;
            assert!(settled.body.success && settled.extension_responses.is_some(), "{settled:?}");
        }
        let all = service.discovery_resources("limit=1").await.unwrap();
        assert_eq!((all.items.len(), all.pagination.total), (1, 2));
        let found = service.discovery_search("query=WEATHER+now").await.unwrap();
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json["resources"][0]["resource"], RESOURCE);
        assert_eq!(json["resources"][0]["type"], "http");
        assert_eq!(json["resources"][0]["accepts"][0]["amount"], PRICE.to_string());
        assert_eq!(json["resources"][0]["extensions"]["bazaar"]["info"]["input"]["method"], "GET");
        for (query, hits) in [
            ("type=http&scheme=exact&network=eip155:84532&extensions=bazaar", 2),
            ("type=mcp", 0),
            ("scheme=upto", 0),
            ("network=eip155:1", 0),
            ("extensions=other", 0),
            ("payTo=0x5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e", 2),
            ("payTo=0x1e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e5e", 0),
        ] {
            assert_eq!(service.discovery_resources(query).await.unwrap().pagination.total, hits, "{query}");
        }
        for (query, hits) in [("query=%25", 1), ("query=_", 1), ("query=absent", 0), ("", 2)] {
            assert_eq!(service.discovery_search(query).await.unwrap().resources.len(), hits, "{query}");
        }
        assert!(matches!(service.discovery_resources("limit=x").await, Err(DiscoveryError::Invalid(_))));
        let page = service.discovery_search("limit=1").await.unwrap();
        assert_eq!(page.pagination.unwrap().cursor.as_deref(), Some("1"));
    })
    .await;
}

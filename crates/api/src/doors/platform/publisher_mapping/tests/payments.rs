//! Ways to pay, and what sellers choose of them.

use super::*;

#[tokio::test]
async fn a_payment_policy_comes_back_as_it_was_sent_and_databases_have_none() {
    engines::each(async |db| {
        let seller = Seller::on(&db).await;
        let policy = json!({"payment_order": "after", "payment_receiver": "seller"});
        let entry = seller.create(with(server(), &policy)).await.unwrap();
        for (name, value) in policy.as_object().unwrap() {
            assert_eq!((&shown(&entry)[name], &shown_to_all(&entry)[name]), (value, value), "{name}");
        }
        let entry = seller.update(&entry, json!({"payment_receiver": null})).await.unwrap();
        assert_eq!((&shown(&entry)["payment_order"], shown(&entry).get("payment_receiver")), (&json!("after"), None));
        for (fields, field) in [
            (json!({"payment_order": "later"}), "payment_order"),
            (json!({"payment_order": "before", "payment_receiver": "seller"}), "payment_receiver"),
        ] {
            assert_eq!(refused_field(seller.update(&entry, fields.clone()).await).as_deref(), Some(field), "{fields}");
        }
        for (name, value) in policy.as_object().unwrap() {
            let fields = json!({"slug": "quotes", name.as_str(): value});
            assert_eq!(refused_field(seller.create(with(database(), &fields)).await).as_ref(), Some(name));
        }
        let most = json!({"reserve_max_charge": "1"});
        assert_eq!(refused_field(create(with(database(), &most))).as_deref(), Some("reserve_max_charge"));
    })
    .await;
}

#[tokio::test]
async fn ways_to_pay_are_shown_as_they_are_and_only_said_as_they_are() {
    engines::each(async |db| {
        let entry = Seller::on(&db).await.create(server()).await.unwrap();
        for on in [false, true] {
            let stats = ListingStats::default();
            let shown = publisher(&entry.listing, stats, Viewer::Store, OnChain(on), PUBLIC_URL).unwrap();
            assert_eq!(shown.billing_model, if on { "x402_per_request" } else { "prepaid_credits" });
            assert_eq!(shown.pricing.unwrap()[0].onchain_enabled, on);
            for said in [false, true] {
                let request = json!({ "asset_id": LEDGER_ASSET, "onchain_enabled": said });
                let checked = check_on_chain(&serde_json::from_value(request).unwrap(), OnChain(on));
                let field = checked.err().and_then(|error| error.field);
                assert_eq!(field.as_deref(), (said != on).then_some("onchain_enabled"));
            }
        }
    })
    .await;
}

//! Changing and removing listings: what changes, and who may.

use crate::{Process, process, service};
use farebox_base::{Clock, Kind, ListingId, Micros, PartyId};
use farebox_market::{
    Change, Door, ListingAccess, ListingCreate, ListingPatch, ListingStatus, OperatorPatch, PaymentOrder,
    PaymentPolicy, PaymentPolicyChanges, PaymentReceiver, PriceChanges,
};
use farebox_testkit::engines;
use serde_json::json;
use std::time::Duration;

const REFUSAL: &str = "Only the service owner can update";

fn patch() -> ListingPatch {
    ListingPatch::new(Door::Marketplace)
}

fn priced(text: &str) -> ListingPatch {
    let prices = PriceChanges { per_call: Change::Set(text.to_owned()), ..PriceChanges::default() };
    ListingPatch { prices, ..patch() }
}

impl Process {
    async fn kind_of_refusal(&self, access: ListingAccess, id: ListingId) -> Kind {
        let update = self.market.listing_update(access, id, &patch()).await.unwrap_err().kind;
        assert_eq!(self.market.listing_remove(access, id).await.unwrap_err().kind, update);
        assert_eq!(self.market.listing_owned(access, id).await.unwrap_err().kind, update);
        update
    }
}

fn as_seller(party: PartyId) -> ListingAccess {
    ListingAccess::marketplace(party, REFUSAL)
}

#[tokio::test]
async fn only_what_is_named_changes_and_the_time_always_does() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let create = ListingCreate { tags: vec!["a".to_owned()], free_tier_calls: 7, ..service("Old", "0.10") };
        let before = here.listing(party, create).await;
        here.clock.advance(Duration::from_secs(5));
        let after = here.market.listing_update(as_seller(party), before.id, &patch()).await.unwrap();
        assert_eq!((after.created_at, after.updated_at), (before.created_at, here.clock.now()));
        assert_eq!(
            (&after.name, &after.tags, &after.prices, &after.slug),
            (&before.name, &before.tags, &before.prices, &before.slug)
        );

        let all = ListingPatch {
            name: Some(" New ".to_owned()),
            description: Some("d".to_owned()),
            category: Some("c".to_owned()),
            tags: Some(vec!["b".to_owned(), "c".to_owned()]),
            status: Some(ListingStatus::Paused),
            target: Some("https://new.example.com".to_owned()),
            free_tier_calls: Some(0),
            payment_method: Some("nowpayments".to_owned()),
            ..priced("0.200")
        };
        let after = here.market.listing_update(as_seller(party), before.id, &all).await.unwrap();
        assert_eq!((after.name.as_str(), after.description.as_str(), after.category.as_str()), ("New", "d", "c"));
        assert_eq!((after.tags.join(","), after.status), ("b,c".to_owned(), ListingStatus::Paused));
        assert_eq!((after.target.as_str(), after.free_tier_calls), ("https://new.example.com/", 0));
        assert_eq!((after.prices.price_text.as_str(), after.prices.per_call), ("0.200", Micros::new(200_000)));
        assert_eq!((after.payment_method.as_str(), &after.slug), ("nowpayments", &before.slug));
    })
    .await;
}

#[tokio::test]
async fn strangers_are_told_what_their_door_tells() {
    engines::each(async |db| {
        let here = process(&db);
        let (seller, stranger) = (here.party().await, here.party().await);
        let listing = here.listing(seller, service("x", "0.01")).await;
        assert_eq!(here.kind_of_refusal(as_seller(stranger), listing.id).await, Kind::Forbidden);
        assert_eq!(here.kind_of_refusal(ListingAccess::platform(stranger), listing.id).await, Kind::NotFound);
        assert_eq!(here.kind_of_refusal(ListingAccess::sql_gateway(stranger), listing.id).await, Kind::NotFound);
        let unknown = ListingId::generate(&*here.clock, &farebox_base::SystemRng);
        assert_eq!(here.kind_of_refusal(as_seller(stranger), unknown).await, Kind::NotFound);
        let refused = here.market.listing_update(as_seller(stranger), listing.id, &patch()).await.unwrap_err();
        assert_eq!(refused.message, REFUSAL);
        assert_eq!(here.market.by_id(listing.id).await.unwrap().unwrap().listing.status, ListingStatus::Active);
    })
    .await;
}

#[tokio::test]
async fn a_removed_listing_is_gone_for_buyers_and_its_seller_can_bring_it_back() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let listing = here.listing(party, service("x", "0.01")).await;
        listing.check_callable().unwrap();
        for _again in 0..2 {
            here.market.listing_remove(as_seller(party), listing.id).await.unwrap();
        }
        let removed = here.market.by_id(listing.id).await.unwrap().unwrap();
        assert_eq!(removed.listing.status, ListingStatus::Removed);
        assert_eq!(removed.listing.check_callable().unwrap_err().code, "listing_not_active");
        assert!(here.market.by_slug(&listing.slug).await.unwrap().is_some());
        assert!(here.market.store_listing(&listing.slug).await.unwrap().is_none());
        assert_eq!(here.kind_of_refusal(ListingAccess::platform(party), listing.id).await, Kind::NotFound);
        let back = ListingPatch { status: Some(ListingStatus::Active), ..patch() };
        here.market.listing_update(as_seller(party), listing.id, &back).await.unwrap().check_callable().unwrap();
        assert!(here.market.store_listing(&listing.slug).await.unwrap().is_some());
    })
    .await;
}

#[tokio::test]
async fn a_patch_with_a_broken_rule_changes_nothing() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let listing = here.listing(party, service("x", "0.01")).await;
        for (bad, field) in [
            (ListingPatch { name: Some(" ".to_owned()), ..patch() }, "name"),
            (ListingPatch { name: Some("new".to_owned()), ..priced("NaN") }, "price_per_call"),
            (priced("100.01"), "price_per_call"),
            (ListingPatch { target: Some("http://localhost".to_owned()), ..patch() }, "endpoint"),
            (ListingPatch { target: Some(" ".to_owned()), ..patch() }, "endpoint"),
            (ListingPatch { free_tier_calls: Some(-1), ..patch() }, "free_tier_calls"),
            (ListingPatch { payment_method: Some("both".to_owned()), ..patch() }, "payment_method"),
        ] {
            let error = here.market.listing_update(as_seller(party), listing.id, &bad).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some(field)));
        }
        let read = process(&db).market.by_id(listing.id).await.unwrap().unwrap();
        assert_eq!((&read.listing.name, read.listing.updated_at), (&listing.name, listing.updated_at));
    })
    .await;
}

#[tokio::test]
async fn profiles_are_merged_by_field_and_endpoint_prices_follow() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let object = |value: serde_json::Value| value.as_object().cloned().unwrap();
        let create = ListingCreate {
            slug: Some("merged".to_owned()),
            profile: object(json!({"a": 1, "b": 2, "endpoints": [{"method": "GET", "path": "/x", "price": "1"}]})),
            ..ListingCreate::http(Door::Platform, "m", "https://m.example.com")
        };
        let listing = here.listing(party, create).await;
        assert_eq!(farebox_market::quote(&listing, "GET", "/x"), Micros::new(1_000_000));
        let change = ListingPatch {
            profile: object(json!({"a": null, "c": 3, "endpoints": []})),
            pricing_profile: object(json!({"minimum_balance": "1"})),
            ..ListingPatch::new(Door::Platform)
        };
        let listing = here.market.listing_update(ListingAccess::platform(party), listing.id, &change).await.unwrap();
        assert_eq!(serde_json::Value::Object(listing.profile.clone()), json!({"b": 2, "endpoints": [], "c": 3}));
        assert_eq!(listing.pricing_profile, object(json!({"minimum_balance": "1"})));
        assert_eq!(farebox_market::quote(&listing, "GET", "/x"), Micros::ZERO);
    })
    .await;
}

#[tokio::test]
async fn patches_at_the_same_time_all_take_effect() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let listing = here.listing(party, service("x", "0.01")).await;
        let patches = [
            ListingPatch { name: Some("n".to_owned()), ..patch() },
            ListingPatch { description: Some("d".to_owned()), ..patch() },
            ListingPatch { category: Some("c".to_owned()), ..patch() },
            ListingPatch { tags: Some(vec!["t".to_owned()]), ..patch() },
            priced("0.5"),
        ];
        let tasks: Vec<_> = patches
            .into_iter()
            .map(|patch| {
                let (market, id) = (here.market.clone(), listing.id);
                tokio::spawn(async move { market.listing_update(as_seller(party), id, &patch).await.map(|_| ()) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let after = here.market.by_id(listing.id).await.unwrap().unwrap().listing.clone();
        let texts = [&after.name, &after.description, &after.category, &after.tags.join(","), &after.prices.price_text];
        assert_eq!(texts, ["n", "d", "c", "t", "0.5"]);
    })
    .await;
}

#[tokio::test]
async fn verification_and_fee_are_the_operators() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let listing = here.listing(party, service("x", "0.01")).await;
        let verify = OperatorPatch { is_verified: Some(true), ..OperatorPatch::default() };
        let after = here.market.listing_operate(listing.id, verify).await.unwrap();
        assert_eq!((after.is_verified, after.fee_basis_points), (true, 250));
        let fee = OperatorPatch { fee_basis_points: Some(1_000), ..OperatorPatch::default() };
        let after = here.market.listing_operate(listing.id, fee).await.unwrap();
        assert_eq!((after.is_verified, after.fee_basis_points), (true, 1_000));
        let after = here.market.listing_update(as_seller(party), listing.id, &patch()).await.unwrap();
        assert_eq!((after.is_verified, after.fee_basis_points), (true, 1_000), "a seller's change leaves them alone");
        let bad = OperatorPatch { fee_basis_points: Some(10_001), ..OperatorPatch::default() };
        assert_eq!(here.market.listing_operate(listing.id, bad).await.unwrap_err().kind, Kind::Invalid);
        let unknown = ListingId::generate(&*here.clock, &farebox_base::SystemRng);
        assert_eq!(here.market.listing_operate(unknown, verify).await.unwrap_err().kind, Kind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_payment_policy_is_kept_changed_and_cleared_and_seen_by_other_processes() {
    engines::each(async |db| {
        let (here, there) = (process(&db), process(&db));
        let party = here.party().await;
        let chosen = PaymentPolicyChanges {
            order: Change::Set(PaymentOrder::Before),
            receiver: Change::Set(PaymentReceiver::Gateway),
        };
        let listing = here.listing(party, ListingCreate { payments: chosen, ..service("x", "0.01") }).await;
        let seen = async || there.market.by_id(listing.id).await.unwrap().unwrap().listing.payments;
        let both = PaymentPolicy { order: Some(PaymentOrder::Before), receiver: Some(PaymentReceiver::Gateway) };
        assert_eq!((listing.payments, seen().await), (both, both));
        let update = async |payments| {
            let patch = ListingPatch { payments, ..patch() };
            here.market.listing_update(as_seller(party), listing.id, &patch).await
        };
        update(PaymentPolicyChanges { order: Change::Clear, ..Default::default() }).await.unwrap();
        there.changes.refresh().await.unwrap();
        assert_eq!(seen().await, PaymentPolicy { order: None, ..both });
        let later = PaymentPolicyChanges { order: Change::Set(PaymentOrder::Later), ..Default::default() };
        assert_eq!(update(later).await.unwrap_err().field.as_deref(), Some("payment_order"));
        let seller = PaymentPolicyChanges { receiver: Change::Set(PaymentReceiver::Seller), ..Default::default() };
        assert_eq!(update(seller).await.unwrap_err().field.as_deref(), Some("payment_receiver"), "no address");
    })
    .await;
}

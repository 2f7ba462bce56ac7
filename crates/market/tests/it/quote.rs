//! What calls and rows cost.

use crate::process;
use farebox_base::Micros;
use farebox_market::{
    Change, Door, Listing, ListingCreate, ListingKind, PriceChanges, quote, quote_rows, untold_charge,
};
use farebox_testkit::engines::TestDb;
use serde_json::json;
use std::sync::Arc;

fn set(text: &str) -> Change<String> {
    Change::Set(text.to_owned())
}

async fn listing(create: ListingCreate) -> Arc<Listing> {
    let place = TestDb::sqlite().await;
    let here = process(&place.open(Arc::new(farebox_db::NoFaults)));
    let party = here.party().await;
    here.listing(party, create).await
}

async fn rows_at(per_1000: &str, markup: &str, min_charge: &str) -> Arc<Listing> {
    let prices = PriceChanges {
        per_1000_rows: set(per_1000),
        markup: set(markup),
        min_charge: set(min_charge),
        ..PriceChanges::default()
    };
    let base = ListingCreate::database(Door::SqlGateway, ListingKind::Postgres, "db", "postgres://h/d");
    listing(ListingCreate { prices, ..base }).await
}

#[tokio::test]
async fn a_call_costs_its_endpoint_else_its_method_else_the_listings_price() {
    let profile = json!({"endpoints": [
        {"method": "GET", "path": "/reports/{id}", "price": "0.5"},
        {"method": "POST", "path": "/free", "price": "0"},
        {"method": "GET", "path": "/undecided"},
    ]});
    let create = ListingCreate {
        prices: PriceChanges {
            per_call: set("0.10"),
            get: set("0.01"),
            delete: set("0"),
            min_charge: set("0.05"),
            ..PriceChanges::default()
        },
        profile: profile.as_object().cloned().unwrap(),
        ..ListingCreate::http(Door::Platform, "x", "https://x.example.com")
    };
    let listing = listing(create).await;
    for (method, path, micros) in [
        ("GET", "/reports/7", 500_000),
        ("get", "reports/7?full=1", 500_000),
        ("HEAD", "/reports/7", 500_000),
        ("GET", "/undecided", 10_000),
        ("GET", "/", 10_000),
        ("GET", "", 10_000),
        ("GET", "/undecided%2fx", 500_000),
        ("GET", "/undecided%5Cx", 500_000),
        ("GET", "/undecided?x=%2f", 10_000),
        ("GET", "/REPORTS/7", 500_000),
        ("GET", "/undecided;x", 500_000),
        ("GET", "/undecided/%2572eport", 500_000),
        ("GET", "/undecided.", 500_000),
        ("POST", "/free", 0),
        ("POST", "/reports/7", 100_000),
        ("PUT", "/", 100_000),
        ("PATCH", "/", 100_000),
        ("DELETE", "/", 0),
        ("OPTIONS", "/reports/7", 100_000),
    ] {
        assert_eq!(quote(&listing, method, path), Micros::new(micros), "{method} {path}");
    }
}

#[tokio::test]
async fn rows_cost_price_times_rows_times_markup_rounded_up_to_a_micro() {
    let listing = rows_at("1.0", "2.0", "0").await;
    for (rows, micros) in [(0, 0), (1, 2_000), (1_000, 2_000_000), (1_500, 3_000_000)] {
        assert_eq!(quote_rows(&listing, rows), Micros::new(micros), "{rows} rows");
    }
    let fine = rows_at("0.000001", "1.01", "0").await;
    for (rows, micros) in [(0, 0), (1, 1), (990, 1), (991, 2), (1_000_000, 1_010)] {
        assert_eq!(quote_rows(&fine, rows), Micros::new(micros), "{rows} rows");
    }
}

#[tokio::test]
async fn the_least_charge_is_a_floor_and_what_does_not_fit_cannot_be_paid() {
    let listing = rows_at("1.0", "1", "0.01").await;
    assert_eq!(quote_rows(&listing, 0), Micros::new(10_000));
    assert_eq!(quote_rows(&listing, 10), Micros::new(10_000));
    assert_eq!(quote_rows(&listing, 11), Micros::new(11_000));
    let dear = rows_at("1000000", "1000", "0").await;
    assert_eq!(quote_rows(&dear, u64::MAX), Micros::new(i64::MAX));
}

#[tokio::test]
async fn a_database_without_a_price_for_rows_costs_its_price_per_call() {
    let prices = PriceChanges { per_call: set("0.02"), ..PriceChanges::default() };
    let base = ListingCreate::database(Door::Platform, ListingKind::Sqlite, "db", "sqlite:demo.db");
    let listing = listing(ListingCreate { prices, ..base }).await;
    assert_eq!(quote_rows(&listing, 5_000), Micros::new(20_000));
}

#[tokio::test]
async fn a_reply_may_tell_the_cost_of_calls_that_have_no_price_of_their_own() {
    let profile = json!({"endpoints": [{"method": "GET", "path": "/reports/{id}", "price": "0.5"}]});
    let create = |untold| ListingCreate {
        prices: PriceChanges {
            per_call: set("0.01"),
            delete: set("0.2"),
            reserve_max: set("0.1"),
            untold,
            ..PriceChanges::default()
        },
        profile: profile.as_object().cloned().unwrap(),
        ..ListingCreate::http(Door::Platform, "x", "https://x.example.com")
    };
    let cost = |listing: &Listing, method, path| {
        (quote(listing, method, path).get(), untold_charge(listing, method, path).map(Micros::get))
    };
    let usual = listing(create(Change::Keep)).await;
    for (method, path, most, untold) in [
        ("GET", "/x", 100_000, Some(10_000)),
        ("OPTIONS", "/x", 100_000, Some(10_000)),
        ("POST", "/reports/1", 100_000, Some(10_000)),
        ("GET", "/reports/1", 500_000, None),
        ("GET", "/Reports/1", 500_000, None),
        ("GET", "/reports%2f1", 500_000, None),
        ("POST", "/reports%2f1", 100_000, Some(10_000)),
        ("DELETE", "/x", 200_000, None),
    ] {
        assert_eq!(cost(&usual, method, path), (most, untold), "{method} {path}");
    }
    assert_eq!(cost(&*listing(create(set("0"))).await, "GET", "/x"), (100_000, Some(0)));
    let fixed =
        ListingCreate { prices: PriceChanges { per_call: set("0.01"), ..PriceChanges::default() }, ..create(set("0")) };
    assert_eq!(cost(&*listing(fixed).await, "GET", "/x"), (10_000, None));
}

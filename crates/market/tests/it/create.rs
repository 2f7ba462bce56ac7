//! Registering listings: what is kept, what is refused, who gets a slug.

use crate::{process, service};
use farebox_base::{Kind, Micros};
use farebox_market::{
    Change, Door, JsonObject, ListingAccess, ListingCreate, ListingKind, ListingStatus, PriceChanges, UpstreamSecret,
};
use farebox_testkit::engines;
use serde_json::{Value, json};

fn object(value: Value) -> JsonObject {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

fn publisher(slug: &str) -> ListingCreate {
    ListingCreate {
        slug: Some(slug.to_owned()),
        ..ListingCreate::http(Door::Platform, "Weather", "https://weather.example.com")
    }
}

#[tokio::test]
async fn a_service_is_shown_as_registered_also_after_it_was_read_back() {
    engines::each(async |db| {
        let (here, there) = (process(&db), process(&db));
        let party = here.party().await;
        let create = ListingCreate {
            description: "Says how\na text feels".to_owned(),
            category: " ai ".to_owned(),
            tags: vec![" NLP ".to_owned(), "Text".to_owned()],
            free_tier_calls: 50,
            payment_method: Some("paypal".to_owned()),
            ..service("  Sentiment Analysis ", "0.10")
        };
        let made = here.market.listing_create(party, &create).await.unwrap();
        let read = there.market.by_id(made.id).await.unwrap().unwrap();
        for listing in [&made, &read.listing] {
            assert_eq!((listing.name.as_str(), listing.category.as_str()), ("Sentiment Analysis", "ai"));
            assert_eq!(listing.description, "Says how\na text feels");
            assert_eq!(listing.tags, ["NLP", "Text"]);
            assert_eq!((listing.prices.price_text.as_str(), listing.prices.per_call), ("0.10", Micros::new(100_000)));
            assert_eq!((listing.free_tier_calls, listing.payment_method.as_str()), (50, "paypal"));
            assert_eq!(
                (listing.kind, listing.status, listing.is_verified),
                (ListingKind::Http, ListingStatus::Active, false)
            );
            assert_eq!((listing.party_id, listing.owner_id.clone()), (party, party.to_string()));
            assert_eq!((listing.target.as_str(), listing.fee_basis_points), ("https://api.example.com/v1", 250));
            assert_eq!(listing.created_at, listing.updated_at);
            let (stem, suffix) = listing.slug.rsplit_once('-').unwrap();
            assert!(stem == "sentiment-analysis" && suffix.len() == 6, "{}", listing.slug);
        }
        assert_eq!(made.slug, read.listing.slug);
    })
    .await;
}

#[tokio::test]
async fn a_publisher_keeps_its_slug_its_profile_and_its_prices() {
    engines::each(async |db| {
        let (here, there) = (process(&db), process(&db));
        let party = here.party().await;
        let text = |text: &str| Change::Set(text.to_owned());
        let create = ListingCreate {
            prices: PriceChanges {
                per_call: text("250.00"),
                get: text("0.01"),
                per_1000_rows: text("1.5"),
                markup: text("2.0"),
                min_charge: text("0.001"),
                ..PriceChanges::default()
            },
            profile: object(
                json!({"billing_model": "prepaid_credits", "z": {"b": 15, "a": null}, "capabilities": ["x"]}),
            ),
            pricing_profile: object(json!({"payment_expiry_minutes": 5})),
            ..publisher("weather-now")
        };
        let made = here.market.listing_create(party, &create).await.unwrap();
        let read = there.market.by_slug("weather-now").await.unwrap().unwrap();
        assert_eq!(read.listing.id, made.id);
        assert_eq!(read.listing.prices, made.prices);
        assert_eq!(made.prices.per_1000_rows, Some(Micros::new(1_500_000)));
        assert_eq!((made.prices.markup_hundredths, made.prices.min_charge), (200, Micros::new(1_000)));
        assert_eq!(read.listing.profile, create.profile);
        let keys: Vec<&String> = read.listing.profile.keys().collect();
        assert_eq!(keys, ["billing_model", "z", "capabilities"], "in the order they came");
        assert_eq!(read.listing.pricing_profile, create.pricing_profile);
    })
    .await;
}

#[tokio::test]
async fn a_slug_is_given_once_and_stays_taken_after_removal() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob) = (here.party().await, here.party().await);
        let made = here.market.listing_create(ada, &publisher("weather")).await.unwrap();
        let taken = here.market.listing_create(bob, &publisher("weather")).await.unwrap_err();
        assert_eq!((taken.kind, taken.code), (Kind::Conflict, "slug_taken"));
        here.market.listing_remove(ListingAccess::platform(ada), made.id).await.unwrap();
        assert_eq!(here.market.listing_create(ada, &publisher("weather")).await.unwrap_err().code, "slug_taken");
    })
    .await;
}

#[tokio::test]
async fn one_slug_asked_for_by_many_at_once_goes_to_one() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let market = here.market.clone();
                tokio::spawn(async move { market.listing_create(party, &publisher("prize")).await })
            })
            .collect();
        let mut made = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => made += 1,
                Err(error) => assert_eq!(error.code, "slug_taken", "{error:?}"),
            }
        }
        assert_eq!(made, 1);
    })
    .await;
}

#[tokio::test]
async fn services_of_one_name_get_slugs_of_their_own() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let mut slugs = std::collections::BTreeSet::new();
        for name in ["Same", "Same", "日本", "日本", &"very long ".repeat(20)] {
            let made = here.market.listing_create(party, &service(name, "0")).await.unwrap();
            assert!((3..=64).contains(&made.slug.len()), "{}", made.slug);
            slugs.insert(made.slug.clone());
        }
        assert_eq!(slugs.len(), 5);
    })
    .await;
}

#[tokio::test]
async fn what_breaks_a_rule_is_refused_in_the_words_of_its_door() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let base = || service("x", "0.01");
        let database = |text: &str| ListingCreate::database(Door::SqlGateway, ListingKind::Postgres, "db", text);
        let cases = [
            (service(" ", "0.01"), "name"),
            (service(&"x".repeat(201), "0.01"), "name"),
            (service("x", "NaN"), "price_per_call"),
            (service("x", "-0.01"), "price_per_call"),
            (service("x", "100.01"), "price_per_call"),
            (ListingCreate { slug: Some("a--b".to_owned()), ..base() }, "slug"),
            (ListingCreate { slug: Some("suggest".to_owned()), ..base() }, "slug"),
            (ListingCreate { free_tier_calls: -1, ..base() }, "free_tier_calls"),
            (ListingCreate { payment_method: Some("stripe".to_owned()), ..base() }, "payment_method"),
            (ListingCreate { tags: vec!["x".to_owned(), String::new()], ..base() }, "tags.1"),
            (ListingCreate { tags: vec!["x".to_owned(); 21], ..base() }, "tags"),
            (ListingCreate { description: "\0".to_owned(), ..base() }, "description"),
            (ListingCreate { category: "a\u{0}b".to_owned(), ..base() }, "category"),
            (ListingCreate { target: Some("http://localhost/".to_owned()), ..base() }, "endpoint"),
            (ListingCreate { target: None, ..base() }, "endpoint"),
            (ListingCreate { target: None, ..publisher("abc") }, "api_url"),
            (ListingCreate { target: Some("nonsense".to_owned()), ..publisher("abc") }, "api_url"),
            (
                ListingCreate { profile: object(json!({"endpoints": [{"price": "x"}]})), ..publisher("abc") },
                "endpoints.0.price",
            ),
            (ListingCreate { profile: object(json!({"x": "y".repeat(300_000)})), ..publisher("abc") }, "profile"),
            (database("mysql://h/d"), "connectionString"),
            (ListingCreate { secret: UpstreamSecret::default(), ..database("postgres://h/d") }, "connectionString"),
            (ListingCreate { target: Some("https://x.example".to_owned()), ..database("postgres://h/d") }, "api_url"),
        ];
        for (bad, field) in cases {
            let error = here.market.listing_create(party, &bad).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some(field)), "{}", error.message);
        }
        let rows = db.one("SELECT COUNT(*) FROM listing", &[]).await.unwrap().unwrap();
        assert_eq!(rows.get::<i64>(0), Ok(0));
        here.market.listing_create(party, &service("x", "100.00")).await.expect("the cap itself is allowed");
    })
    .await;
}

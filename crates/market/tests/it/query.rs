//! Lists: filters, search, order, pages, categories.

use crate::{Process, process, service};
use farebox_accounts::Page;
use farebox_base::{Kind, Micros, PartyId};
use farebox_market::{
    CategoryCount, Door, ListingAccess, ListingCreate, ListingFilter, ListingKind, ListingPatch, ListingSort,
    ListingStatus,
};
use farebox_testkit::engines;

impl Process {
    async fn names(&self, filter: ListingFilter) -> Vec<String> {
        let found = self.market.listings_page(&filter, Page::first(100)).await.unwrap();
        assert_eq!(found.total, found.items.len() as u64);
        found.items.iter().map(|listing| listing.name.clone()).collect()
    }

    async fn with(&self, party: PartyId, name: &str, price: &str, category: &str, tags: &[&str]) {
        let create = ListingCreate {
            category: category.to_owned(),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            ..service(name, price)
        };
        self.listing(party, create).await;
    }
}

fn filter() -> ListingFilter {
    ListingFilter::default()
}

fn text(text: &str) -> ListingFilter {
    ListingFilter { text: Some(text.to_owned()), ..filter() }
}

fn tags(tags: &[&str]) -> ListingFilter {
    ListingFilter { tags_any: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..filter() }
}

#[tokio::test]
async fn a_search_finds_parts_of_name_and_description_and_takes_wildcards_as_they_are() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let described = ListingCreate { description: "All about Öl".to_owned(), ..service("Fuel", "0") };
        here.listing(party, described).await;
        for name in ["100% Sure", "100 Sure", "snake_case", "snakeXcase", r"back\slash"] {
            here.listing(party, service(name, "0")).await;
        }
        let chosen = ListingCreate {
            slug: Some("chosen-slug".to_owned()),
            ..ListingCreate::http(Door::Platform, "Named", "https://n.example.com")
        };
        here.listing(party, chosen).await;
        for (part, expected) in [
            ("FUEL", vec!["Fuel"]),
            ("öl", vec!["Fuel"]),
            ("ÖL", vec!["Fuel"]),
            ("100%", vec!["100% Sure"]),
            ("%", vec!["100% Sure"]),
            ("e_c", vec!["snake_case"]),
            (r"K\S", vec![r"back\slash"]),
            ("chosen-slug", vec!["Named"]),
            ("snakexcase", vec!["snakeXcase"]),
            ("nothing", vec![]),
            ("nul\0", vec![]),
        ] {
            assert_eq!(here.names(text(part)).await, expected, "{part:?}");
        }
        assert_eq!(here.names(text("")).await.len(), 7);
        let made_up = here.market.listings_page(&text("100% sure"), Page::first(1)).await.unwrap();
        let suffix = made_up.items[0].slug.rsplit('-').next().unwrap().to_owned();
        assert_eq!(here.names(text(&suffix)).await, Vec::<String>::new(), "a made-up slug is not searched");
        let error = here.market.listings_page(&text(&"x".repeat(501)), Page::first(1)).await.unwrap_err();
        assert_eq!(error.kind, Kind::Invalid);
    })
    .await;
}

#[tokio::test]
async fn a_chosen_slug_is_still_searched_after_a_change() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        let chosen = ListingCreate { slug: Some("weather-now".to_owned()), ..service("Before", "0") };
        let chosen = here.listing(party, chosen).await;
        let made_up = here.listing(party, service("Other", "0")).await;
        for (id, name) in [(chosen.id, "After"), (made_up.id, "Another")] {
            let patch = ListingPatch { name: Some(name.to_owned()), ..ListingPatch::new(Door::Marketplace) };
            here.market.listing_update(ListingAccess::marketplace(party, "no"), id, &patch).await.unwrap();
        }
        assert_eq!(here.names(text("weather-now")).await, ["After"]);
        assert_eq!(here.names(text("before")).await, Vec::<String>::new());
        assert_eq!(here.names(text(&made_up.slug)).await, Vec::<String>::new());
    })
    .await;
}

#[tokio::test]
async fn each_filter_narrows_and_together_they_narrow_more() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        here.with(party, "a", "0.01", "ai", &["NLP", "text"]).await;
        here.with(party, "b", "0.05", "AI", &["nlp"]).await;
        here.with(party, "c", "1.00", "data", &["50%_off"]).await;
        let database = ListingCreate {
            free_tier_calls: 3,
            payment_method: Some("paypal".to_owned()),
            ..ListingCreate::database(Door::SqlGateway, ListingKind::Postgres, "d", "postgres://h/d")
        };
        let d = here.listing(party, database).await;
        let verify = farebox_market::OperatorPatch { is_verified: Some(true), ..Default::default() };
        here.market.listing_operate(d.id, verify).await.unwrap();
        let usd = |cents: i64| Some(Micros::new(cents * 10_000));
        let category = |text: &str| Some(text.to_owned());
        for (wanted, expected) in [
            (filter(), "dcba"),
            (ListingFilter { category: category("ai"), ..filter() }, "a"),
            (ListingFilter { category_ci: category("Ai"), ..filter() }, "ba"),
            (ListingFilter { category: category(""), ..filter() }, "d"),
            (ListingFilter { category: category("a\0"), ..filter() }, ""),
            (tags(&["nlp"]), "ba"),
            (tags(&["TEXT ", "50%_OFF"]), "ca"),
            (tags(&["text", "nlp", "text"]), "ba"),
            (tags(&["%"]), ""),
            (ListingFilter { min_price: usd(5), ..filter() }, "cb"),
            (ListingFilter { min_price: usd(1), max_price: usd(5), ..filter() }, "ba"),
            (ListingFilter { max_price: usd(0), ..filter() }, "d"),
            (ListingFilter { payment_method: category("paypal"), ..filter() }, "d"),
            (ListingFilter { has_free_tier: Some(true), ..filter() }, "d"),
            (ListingFilter { has_free_tier: Some(false), ..filter() }, "cba"),
            (ListingFilter { is_verified: Some(true), ..filter() }, "d"),
            (ListingFilter { is_verified: Some(false), ..filter() }, "cba"),
            (ListingFilter { is_database: Some(true), ..filter() }, "d"),
            (ListingFilter { is_database: Some(false), ..filter() }, "cba"),
            (ListingFilter { status: Some(ListingStatus::Paused), ..filter() }, ""),
            (ListingFilter { category_ci: category("ai"), max_price: usd(1), ..tags(&["nlp"]) }, "a"),
        ] {
            assert_eq!(here.names(wanted.clone()).await.concat(), expected, "{wanted:?}");
        }
        let many: Vec<String> = (0..21).map(|n| n.to_string()).collect();
        let many = ListingFilter { tags_any: many, ..filter() };
        assert_eq!(here.market.listings_page(&many, Page::first(1)).await.unwrap_err().kind, Kind::Invalid);
    })
    .await;
}

#[tokio::test]
async fn pages_are_cut_from_a_total_order_and_count_exactly() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        for (name, price) in [("b", "0.2"), ("A", "0.1"), ("c", "0.1"), ("B", "0.3")] {
            here.listing(party, service(name, price)).await;
        }
        // Two made at the same moment are told apart by their ids.
        here.market.listing_create(party, &service("d", "0.1")).await.unwrap();
        for (sort, expected) in
            [(ListingSort::Newest, None), (ListingSort::Price, None), (ListingSort::Name, Some("ABbcd"))]
        {
            let sorted = ListingFilter { sort, ..filter() };
            let whole = here.names(sorted.clone()).await.concat();
            if let Some(expected) = expected {
                assert_eq!(whole, expected);
            }
            let mut cut = String::new();
            for offset in 0..6 {
                let page = here.market.listings_page(&sorted, Page { limit: 1, offset }).await.unwrap();
                assert_eq!(page.total, 5, "also beyond the end");
                cut.extend(page.items.iter().map(|listing| listing.name.as_str()));
            }
            assert_eq!(cut, whole, "{sort:?}");
        }
        let newest = here.names(filter()).await.concat();
        assert!(newest == "dBcAb" || newest == "BdcAb", "{newest}");
        let cheapest = here.names(ListingFilter { sort: ListingSort::Price, ..filter() }).await.concat();
        assert_eq!(cheapest, "dcAbB", "lowest first, then newest");
        let none = here.market.listings_page(&filter(), Page { limit: 0, offset: 0 }).await.unwrap();
        assert_eq!((none.items.len(), none.total), (0, 5));
    })
    .await;
}

#[tokio::test]
async fn a_sellers_list_holds_its_own_in_every_status() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob) = (here.party().await, here.party().await);
        here.listing(bob, service("theirs", "0")).await;
        let gone = here.listing(ada, service("gone", "0")).await;
        here.listing(ada, service("here", "0")).await;
        here.market.listing_remove(ListingAccess::platform(ada), gone.id).await.unwrap();
        for (with_removed, expected) in [(true, vec!["here", "gone"]), (false, vec!["here"])] {
            let own = here.market.listings_owned(ada, with_removed, Page::first(10)).await.unwrap();
            assert_eq!(own.items.iter().map(|listing| listing.name.as_str()).collect::<Vec<_>>(), expected);
            assert_eq!(own.total, expected.len() as u64);
        }
        let beyond = here.market.listings_owned(ada, true, Page { limit: 5, offset: 9 }).await.unwrap();
        assert_eq!((beyond.items.len(), beyond.total), (0, 2));
    })
    .await;
}

#[tokio::test]
async fn categories_are_counted_over_all_active_listings() {
    engines::each(async |db| {
        let here = process(&db);
        let party = here.party().await;
        assert_eq!(here.market.categories().await.unwrap(), []);
        for (name, category) in [("a", "data"), ("b", "ai"), ("c", "ai"), ("d", ""), ("e", "content"), ("f", "")] {
            here.with(party, name, "0", category, &[]).await;
        }
        let gone = here.listing(party, ListingCreate { category: "ai".to_owned(), ..service("g", "0") }).await;
        here.market.listing_remove(ListingAccess::platform(party), gone.id).await.unwrap();
        let count = |category: &str, count| CategoryCount { category: category.to_owned(), count };
        let expected = [count("ai", 2), count("uncategorized", 2), count("content", 1), count("data", 1)];
        assert_eq!(here.market.categories().await.unwrap(), expected);
    })
    .await;
}

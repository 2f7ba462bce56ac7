//! Databases of organisations: held ones, brought ones, and what is never told of them.

use crate::process;
use farebox_base::Kind;
use farebox_market::{Door, ListingAccess, ListingCreate, ListingKind, NewDatabase};
use farebox_testkit::engines;
use std::time::Duration;

const SHOP: NewDatabase<'_> = NewDatabase { name: "orders", project: "web-shop", branch: "main" };

#[tokio::test]
async fn held_databases_show_with_project_branch_and_owner_in_the_order_in_which_they_were_made() {
    engines::each(async |db| {
        let process = process(&db);
        let (own, other) = (process.party().await, process.party().await);
        let first = process.market.database_plan(own, SHOP).await.unwrap();
        assert!(first.role.is_new && first.role.name.starts_with("web_shop_"), "{first:?}");
        assert!(first.server_name.starts_with("web_shop_main_orders_"), "{first:?}");
        process.market.database_record(&first).await.unwrap();
        process.clock.advance(Duration::from_secs(1));
        let second = process.market.database_plan(own, NewDatabase { branch: "dev", ..SHOP }).await.unwrap();
        assert!(!second.role.is_new && second.role.name == first.role.name && second.server_name != first.server_name);
        process.market.database_record(&second).await.unwrap();

        let shown = process.market.databases(&[own]).await.unwrap();
        let told: Vec<_> = shown
            .iter()
            .map(|d| (&*d.name, &*d.project_name, &*d.branch_name, d.is_default_branch, d.owner_name.as_deref()))
            .collect();
        let owner = Some(first.role.name.as_str());
        assert_eq!(told, [("orders", "web-shop", "main", true, owner), ("orders", "web-shop", "dev", false, owner)]);
        assert_eq!(shown[0].project_id, shown[1].project_id);
        assert_ne!(shown[0].branch_id, shown[1].branch_id);

        let exists = process.market.database_plan(own, SHOP).await.unwrap_err();
        assert_eq!((exists.kind, exists.code), (Kind::Conflict, "database_exists"));
        assert_eq!(process.market.database_record(&first).await.unwrap_err().code, "database_exists");
        assert!(process.market.databases(&[other]).await.unwrap().is_empty());
        assert!(process.market.databases(&[]).await.unwrap().is_empty());
        let theirs = process.market.database_plan(other, SHOP).await.unwrap();
        assert!(theirs.role.is_new && theirs.role.name != first.role.name, "projects of one name do not meet");
        process.market.database_record(&theirs).await.unwrap();
        assert_eq!(process.market.databases(&[own, other]).await.unwrap().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_project_that_was_made_meanwhile_with_another_role_is_not_taken_over() {
    engines::each(async |db| {
        let process = process(&db);
        let own = process.party().await;
        let first = process.market.database_plan(own, SHOP).await.unwrap();
        let second = process.market.database_plan(own, NewDatabase { name: "stock", ..SHOP }).await.unwrap();
        process.market.database_record(&first).await.unwrap();
        assert_eq!(process.market.database_record(&second).await.unwrap_err().code, "database_exists");
    })
    .await;
}

#[tokio::test]
async fn names_on_the_server_are_plain_and_fit_whatever_was_asked_for() {
    let place = engines::TestDb::sqlite().await;
    let db = place.open(std::sync::Arc::new(farebox_db::NoFaults));
    let process = process(&db);
    let own = process.party().await;
    let long = "a".repeat(40);
    let plan = process.market.database_plan(own, NewDatabase { name: &long, project: &long, branch: &long }).await;
    assert!(plan.unwrap().server_name.len() <= 63);
    for bad in ["", "A", "1a", "-a", "a b", "a\"b", "a\0", "ä", &"a".repeat(41)] {
        for (new, field) in [
            (NewDatabase { name: bad, ..SHOP }, "name"),
            (NewDatabase { project: bad, ..SHOP }, "project"),
            (NewDatabase { branch: bad, ..SHOP }, "branch"),
        ] {
            let error = process.market.database_plan(own, new).await.unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{bad:?}");
        }
    }
}

#[tokio::test]
async fn a_listed_database_is_a_project_whose_credentials_stay_unseen() {
    engines::each(async |db| {
        let process = process(&db);
        let own = process.party().await;
        let connection = "postgres://seller:hunter2@db.example.com:5433/weather?sslmode=require";
        let database = ListingCreate::database(Door::SqlGateway, ListingKind::Postgres, "Weather", connection);
        let listing = process.listing(own, database).await;
        process.listing(own, crate::service("No database", "1")).await;
        let shown = process.market.databases(&[own]).await.unwrap();
        assert_eq!(shown.len(), 1);
        assert_eq!((&*shown[0].name, &*shown[0].project_name, &*shown[0].branch_name), ("weather", "Weather", "main"));
        assert_eq!((shown[0].project_id.uuid(), shown[0].owner_name.as_deref()), (listing.id.uuid(), None));
        assert_eq!(shown, process.market.databases(&[own]).await.unwrap(), "ids stay");
        let text = format!("{shown:?}");
        assert!(["hunter2", "seller", "db.example.com", "5433"].iter().all(|secret| !text.contains(secret)), "{text}");

        let plan = process.market.database_plan(own, SHOP).await.unwrap();
        process.market.database_record(&plan).await.unwrap();
        let resold = format!("postgres://x:y@pg.example.com/{}", plan.server_name);
        let database = ListingCreate::database(Door::SqlGateway, ListingKind::Postgres, "Resold", resold);
        process.listing(own, database).await;
        assert_eq!(process.market.databases(&[own]).await.unwrap().len(), 2, "a held one that is listed shows once");

        process.market.listing_remove(ListingAccess::sql_gateway(own), listing.id).await.unwrap();
        assert_eq!(process.market.databases(&[own]).await.unwrap().len(), 1);
    })
    .await;
}

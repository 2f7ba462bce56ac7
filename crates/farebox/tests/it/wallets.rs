//! Wallets: balances, the bonus, the history; and what a bare address may not do.

use farebox_base::Micros;
use farebox_billing::Grant;
use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn the_signup_bonus_is_given_once_also_when_asked_for_at_once() {
    for place in TestDb::all().await {
        let app = std::sync::Arc::new(TestApp::start(&place, &[("bonus.signup_usdc", "0.50")]).await);
        let agent = app.agent("Agent").await;
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (app, key) = (app.clone(), agent.key.clone());
                tokio::spawn(async move { app.ask(&Ask::post("/wallet/bonus/signup", json!({})).key(&key)).await })
            })
            .collect();
        let mut given = 0;
        for task in tasks {
            let got = task.await.unwrap();
            assert!([200, 409].contains(&got.status.as_u16()), "{}", got.text);
            given += u32::from(got.status.as_u16() == 200);
        }
        assert_eq!(given, 1);
        let balance = app.expect(&Ask::get("/wallet/balance").key(&agent.key), 200).await;
        assert_eq!(balance.at("/data/promotional_balance_usd"), "0.50");
        assert_eq!(balance.at("/data/balance_atomic"), "500000");
        assert_eq!(balance.at("/data/by_source/0/source"), "signup_bonus");
        app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_shows_credits_and_calls_by_day_or_one_by_one() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
        app.list(&seller, "things", "0.01").await;
        app.fund(buyer.party, 100_000).await;
        for _ in 0..3 {
            app.expect(&Ask::get("/publishers/things/ok").key(&buyer.key), 200).await;
        }
        let by_day = app.expect(&Ask::get("/wallet/transactions").key(&buyer.key), 200).await;
        assert_eq!(by_day.at("/data/total"), "2");
        assert_eq!(by_day.at("/data/transactions/0/amount_atomic"), "30000");
        assert_eq!(by_day.at("/data/transactions/0/direction"), "debit");
        assert_eq!(by_day.at("/data/transactions/0/publisher_name"), "things");
        assert_eq!(by_day.at("/data/transactions/1/source"), "admin_grant");
        let each = app.expect(&Ask::get("/wallet/transactions?include_usage=true&limit=2").key(&buyer.key), 200).await;
        assert_eq!(
            (each.at("/data/total"), each.at("/data/transactions/0/amount_atomic")),
            ("4".into(), "10000".into())
        );
        let next = each.at("/data/next_cursor");
        let ask = Ask::get(format!("/wallet/transactions?include_usage=true&limit=2&cursor={next}")).key(&buyer.key);
        let rest = app.expect(&ask, 200).await;
        assert_eq!(rest.at("/data/transactions/1/source"), "admin_grant");
        let ask = format!("/wallet/transactions?include_usage=true&limit=2&cursor={}", rest.at("/data/next_cursor"));
        let end = app.expect(&Ask::get(ask).key(&buyer.key), 200).await;
        assert_eq!((end.at("/data/transactions"), end.at("/data/next_cursor")), ("[]".into(), "null".into()));
        let none = Ask::get("/wallet/transactions?end_date=2020-01-01").key(&buyer.key);
        assert_eq!(app.expect(&none, 200).await.at("/data/total"), "0");
        for path in ["/wallet/transactions", "/wallet/transactions/export"] {
            let range = |days: &str| Ask::get(format!("{path}?{days}")).key(&buyer.key);
            app.expect(&range("start_date=2020-01-01&end_date=2020-01-01"), 200).await;
            let reversed = app.expect(&range("start_date=2020-01-02&end_date=2020-01-01"), 400).await;
            assert!(reversed.text.contains("end_date must not be before start_date"), "{}", reversed.text);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_is_exported_whole_with_the_balance_after_each_entry() {
    const CALLS: i64 = 1_100;
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
        app.list(&seller, "things", "0.001").await;
        app.fund(buyer.party, 5_000_000).await;
        let call = Ask::get("/publishers/things/ok").key(&buyer.key);
        for _ in 0..CALLS / 100 {
            futures_util::future::join_all((0..100).map(|_| app.expect(&call, 200))).await;
        }
        let got = app.expect(&Ask::get("/wallet/transactions/export").key(&buyer.key), 200).await;
        assert_eq!(got.header("content-type"), "text/csv; charset=utf-8");
        let lines: Vec<&str> = got.text.split_terminator("\r\n").collect();
        let balances: Vec<&str> = lines[1..].iter().filter_map(|line| line.rsplit(',').next()).collect();
        let left = |calls: i64| Micros::new(5_000_000 - calls * 1_000).to_fixed6();
        let expected: Vec<String> = (0..=CALLS).rev().map(left).collect();
        assert_eq!(balances, expected, "a line for each call and for the credit, newest first");
        let none = Ask::get("/wallet/transactions/export?end_date=2001-01-01").key(&buyer.key);
        assert_eq!(app.expect(&none, 200).await.text.lines().count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_prepaid_for_one_seller_is_shown_beside_the_balance_and_agrees_with_the_statement() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (seller, other) = (app.agent("Seller").await, app.agent("Other").await);
        let (buyer, stranger) = (app.agent("Buyer").await, app.agent("Stranger").await);
        app.list(&seller, "things", "0.01").await;
        app.fund(buyer.party, 500_000).await;
        for (seller, micros) in [(&seller, 10_000), (&other, 30_000)] {
            let (id, amount) = (format!("prepaid-{}", seller.party), Micros::new(micros));
            let grant =
                Grant { id, party: buyer.party, seller: Some(seller.party), amount, memo: "for one seller".to_owned() };
            assert!(app.app.wallets.grant(&grant).await.unwrap());
        }
        let balance = async |key: &str| app.expect(&Ask::get("/wallet/balance").key(key), 200).await;
        let before = balance(&buyer.key).await;
        assert_eq!(
            (before.at("/data/balance_usd"), before.at("/data/prepaid_balance_usd")),
            ("0.50".into(), "0.04".into())
        );
        assert_eq!(before.at("/data/prepaid/0/seller_id"), other.party.to_string(), "the most first");
        assert_eq!(before.at("/data/prepaid/0/publishers"), "[]");
        assert_eq!(before.at("/data/prepaid/1/balance_atomic"), "10000");
        assert_eq!(before.at("/data/prepaid/1/publishers/0/slug"), "things");
        let lines = app.expect(&Ask::get("/wallet/transactions?include_usage=true").key(&buyer.key), 200).await;
        assert_eq!(lines.at("/data/transactions/0/balance_after_usd"), "0.54", "the balance and what is prepaid");
        let csv = app.expect(&Ask::get("/wallet/transactions/export").key(&buyer.key), 200).await.text;
        for (part, left) in [(&seller, "0.010000"), (&other, "0.030000")] {
            let row = csv.lines().find(|row| row.contains(&format!(",prepaid:{},", part.party)));
            assert!(row.is_some_and(|row| row.ends_with(left)), "{csv}");
        }
        app.expect(&Ask::get("/publishers/things/ok").key(&buyer.key), 200).await;
        app.settled().await;
        let after = balance(&buyer.key).await;
        assert_eq!(
            (after.at("/data/balance_usd"), after.at("/data/prepaid_balance_usd")),
            ("0.50".into(), "0.03".into())
        );
        assert_eq!(
            (after.at("/data/prepaid/0/seller_id"), after.at("/data/prepaid/1")),
            (other.party.to_string(), String::new())
        );
        let none = balance(&stranger.key).await;
        assert!(!none.text.contains("prepaid"), "{}", none.text);
        app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_with_an_owner_neither_spends_nor_shows_on_its_address_alone() {
    let app = TestApp::start(&TestDb::sqlite().await, &[("sql_gateway.wallet_proof", "optional")]).await;
    let wallet = "0x3333333333333333333333333333333333333333";
    let made = json!({ "owner_id": "has-a-wallet", "wallet_address": wallet });
    let key = app.expect(&Ask::post("/api/v1/keys", made), 201).await;
    let key = format!("{}:{}", key.at("/key_id"), key.at("/secret"));
    let party = app.app.accounts.party_by_handle("has-a-wallet").await.unwrap().unwrap().id;
    app.fund(party, 1_000_000).await;
    let provider = register(&app, "Owner's").await;
    let balance = format!("/api/balance/{wallet}/{provider}");
    assert_eq!(app.expect(&Ask::get(balance.clone()), 200).await.at("/balance"), "0.000000");
    assert_eq!(app.expect(&Ask::get(balance).with("X-API-Key", &*key), 200).await.at("/balance"), "1.000000");
    app.expect(&Ask::get(format!("/api/transactions/{wallet}")), 403).await;
    let query = json!({ "sql": "SELECT 1 AS one", "agentWallet": wallet, "providerId": provider });
    app.expect(&Ask::post("/api/query", query), 403).await;
    assert_eq!(app.balance(party).await, 1_000_000);
}

/// Registers the sample database as a provider with a price.
async fn register(app: &TestApp, name: &str) -> String {
    let folder = &app.folder();
    farebox_upstream::sql::make_sample(&folder.join("cities.db")).unwrap();
    let body = json!({
        "name": name, "email": "owner@example.com", "connectionString": "sqlite:cities.db",
        "walletAddress": "0x4444444444444444444444444444444444444444",
    });
    let made = app.expect(&Ask::post("/api/providers/register", body.clone()), 201).await;
    assert_eq!(made.at("/provider/email"), "owner@example.com", "the address that was given");
    app.expect(&Ask::post("/api/providers/register", body), 409).await;
    let id = made.at("/provider/id");
    let price = json!({ "basePricePer1000Rows": 1.0, "markupMultiplier": 2.0 });
    let ask = Ask::post(format!("/api/providers/{id}/pricing"), price).with("X-API-Key", made.at("/apiKey"));
    let shown = app.expect(&ask, 200).await;
    assert_eq!((shown.at("/basePricePer1000Rows"), shown.at("/markupMultiplier")), ("1.0".into(), "2.0".into()));
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_costs_its_rows_and_a_refused_one_nothing() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[("sql_gateway.wallet_proof", "required")]).await;
        let provider = register(&app, "Cities").await;
        let agent = app.agent("Agent").await;
        app.fund(agent.party, 1_000_000).await;
        let wallet = "0x5555555555555555555555555555555555555555";
        let ask =
            |sql: &str| Ask::post("/api/query", json!({ "sql": sql, "agentWallet": wallet, "providerId": provider }));
        let keyed = |sql: &str| ask(sql).with("X-API-Key", &*agent.key);
        let got = app.expect(&keyed("SELECT name FROM city ORDER BY name LIMIT 3"), 200).await;
        assert_eq!((got.at("/rowCount"), got.at("/actualCost")), ("3".into(), "0.006000".into()));
        assert_eq!(app.balance(agent.party).await, 994_000);
        for (sql, status) in [
            ("DROP TABLE city", 403),
            ("DELETE FROM city", 403),
            ("UPDATE city SET name = 'x'", 403),
            ("SELECT 1; SELECT 2", 400),
            ("SELEC name FROM city", 400),
            ("SELECT nothing FROM nowhere", 400),
        ] {
            let got = app.ask(&keyed(sql)).await;
            assert!([400, 403].contains(&got.status.as_u16()), "{sql}: {}", got.text);
            if sql.starts_with('D') || sql.starts_with('U') {
                assert_eq!(got.status.as_u16(), status, "{sql}: {}", got.text);
            }
        }
        assert_eq!(app.balance(agent.party).await, 994_000);
        app.expect(&ask("SELECT name FROM city"), 402).await;
        app.settled().await;
        app.assert_books_balance().await;
    }
}

/// A seller's PostgreSQL with a table of ten rows; `None` where no server listens on TCP.
async fn sellers_postgres() -> Option<(TestDb, String)> {
    let place = TestDb::postgres().filter(|place| place.url().is_some_and(|url| url.contains("@127.0.0.1")))?;
    let db = place.open(std::sync::Arc::new(farebox_db::NoFaults));
    let mut tx = db.begin(farebox_db::Isolation::Serializable).await.unwrap();
    tx.execute("CREATE TABLE quote (symbol TEXT PRIMARY KEY, price BIGINT NOT NULL)", &[]).await.unwrap();
    tx.execute("INSERT INTO quote SELECT 'S' || n, n FROM generate_series(1, 10) n", &[]).await.unwrap();
    tx.commit().await.unwrap();
    let url = place.url().unwrap().to_owned();
    Some((place, url))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgresql_provider_is_queried_by_the_row_and_leaks_nothing_through_errors() {
    let Some((_place, url)) = sellers_postgres().await else {
        println!("SKIPPED a provider on PostgreSQL: no server on a TCP port (.ci/with-postgres starts one)");
        return;
    };
    let host = url.split('@').nth(1).unwrap().split('/').next().unwrap().to_owned();
    let app = TestApp::start(&TestDb::sqlite().await, &[("net.allow", host.as_str())]).await;
    let body = json!({
        "name": "Quotes", "email": "quotes@example.com", "connectionString": url,
        "walletAddress": "0x6666666666666666666666666666666666666666",
    });
    let made = app.expect(&Ask::post("/api/providers/register", body), 201).await;
    assert!(!made.text.contains("postgres://"), "{}", made.text);
    let provider = made.at("/provider/id");
    let price = json!({ "basePricePer1000Rows": "1.5", "markupMultiplier": 2 });
    let pricing = format!("/api/providers/{provider}/pricing");
    app.expect(&Ask::post(pricing.clone(), price.clone()), 401).await;
    app.expect(&Ask::post(pricing, price).with("X-API-Key", made.at("/apiKey")), 200).await;
    let agent = app.agent("Agent").await;
    app.fund(agent.party, 1_000_000).await;
    let ask = |sql: &str| {
        let wallet = "0x7777777777777777777777777777777777777777";
        let body = json!({ "sql": sql, "agentWallet": wallet, "providerId": provider });
        Ask::post("/api/query", body).with("X-API-Key", &*agent.key)
    };
    let got = app.expect(&ask("SELECT symbol, price FROM quote ORDER BY price LIMIT 4"), 200).await;
    assert_eq!((got.at("/rowCount"), got.at("/actualCost")), ("4".into(), "0.012000".into()));
    assert_eq!(got.at("/rows/0/symbol"), "S1");
    for (sql, status) in [
        ("DROP TABLE quote", 403),
        ("TRUNCATE quote", 403),
        ("DELETE FROM quote", 403),
        ("DELETE FROM quote WHERE price = 1", 403),
        ("SELECT nothing FROM quote", 400),
        ("SELECT CAST('#' || (SELECT string_agg(symbol, ';') FROM quote) AS int)", 400),
    ] {
        let got = app.expect(&ask(sql), status).await;
        assert!(!got.text.contains("S1;"), "{sql} shows rows: {}", got.text);
    }
    assert_eq!(app.balance(agent.party).await, 988_000);
    app.settled().await;
    app.assert_books_balance().await;
}

//! The story: a seller lists, an agent finds, calls and pays; every step says what must hold.

use super::Stage;
use super::client::{Ask, Got};
use super::telling::{Telling, Told};
use crate::cli::say;
use crate::cli::{findings, line};
use farebox_base::{Micros, PartyId};
use farebox_billing::Grant;
use http::StatusCode;
use serde_json::json;

/// Who is who, once registered.
struct Cast {
    seller_key: String,
    seller: PartyId,
    /// The buyer's key as the marketplace spells it.
    buyer_key: String,
    buyer: PartyId,
    slug: String,
    service_id: String,
}

const OK: StatusCode = StatusCode::OK;

/// Plays it from beginning to end.
pub(super) async fn tell(stage: &Stage, telling: &mut Telling) -> Told {
    let cast = open(stage, telling).await?;
    no_money(stage, telling, &cast).await?;
    fund(stage, telling, &cast).await?;
    paid_calls(stage, telling, &cast).await?;
    same_key_same_answer(stage, telling, &cast).await?;
    failing_upstream(stage, telling, &cast).await?;
    free_tier(stage, telling, &cast).await?;
    database(stage, telling, &cast).await?;
    wallet(stage, telling, &cast).await?;
    books(stage, telling, &cast).await
}

async fn open(stage: &Stage, telling: &mut Telling) -> Told<Cast> {
    telling.step("1. A seller registers at the platform door and lists its weather API at $0.05 a call");
    let seller =
        telling.ask(&Ask::post("/auth/agent", json!({ "name": "Fjord Weather" })), StatusCode::CREATED).await?;
    let seller_key = seller.at("/data/agent/api_key");
    telling.let_be("SELLER", &seller_key);
    let listing = json!({
        "name": "Fjord Weather", "slug": "fjord-weather", "description": "Weather of any city, by name",
        "publisher_category": "integration", "integration_type": "api",
        "api_url": format!("http://{}", stage.weather_address), "price_per_call": "0.05", "categories": ["weather"],
        "wallet_address": "0x742d35cC6634c0532925A3b844bc9E7595F0beB1", "wallet_network_id": "base",
    });
    let ask = Ask::post("/organizations/default/publishers", listing).key(&seller_key);
    let listed = telling.ask(&ask, StatusCode::CREATED).await?;

    telling.step("2. An agent takes a key at the marketplace door, and finds the listing there");
    let key = json!({ "owner_id": "curious-agent", "role": "buyer", "rate_limit": 300 });
    let buyer = telling.ask(&Ask::post("/api/v1/keys", key), StatusCode::CREATED).await?;
    let buyer_key = format!("{}:{}", buyer.at("/key_id"), buyer.at("/secret"));
    telling.let_be("BUYER", &buyer_key);
    let found = telling.ask(&Ask::get("/api/v1/discover?q=weather"), OK).await?;
    let service_id = found.at("/services/0/id");
    telling.must(service_id == listed.at("/data/id"), "what the marketplace finds is what the platform listed")?;
    telling.note("the platform's publisher and the marketplace's service are one listing");
    let party = stage.app.accounts.party_by_handle("curious-agent").await.map_err(|e| e.message)?;
    Ok(Cast {
        seller: PartyId::parse(&seller.at("/data/agent/organization_id")).ok_or("no organization")?,
        seller_key,
        buyer_key,
        buyer: party.ok_or("no buyer")?.id,
        slug: listed.at("/data/slug"),
        service_id,
    })
}

async fn no_money(stage: &Stage, telling: &mut Telling, cast: &Cast) -> Told {
    telling.step("3. A call without money: refused before the seller hears of it");
    let asked = stage.weather.asked();
    telling.ask(&forecast(cast, "Oslo"), StatusCode::PAYMENT_REQUIRED).await?;
    telling.must(stage.weather.asked() == asked, "the seller's server was not asked")
}

async fn fund(stage: &Stage, telling: &mut Telling, cast: &Cast) -> Told {
    telling.step("4. The agent claims its signup bonus, and the operator credits it $0.20");
    telling.ask(&Ask::post("/wallet/bonus/signup", json!({})).key(&cast.buyer_key), OK).await?;
    telling.ask(&Ask::post("/wallet/bonus/signup", json!({})).key(&cast.buyer_key), StatusCode::CONFLICT).await?;
    let grant = Grant {
        id: "demo-credit".to_owned(),
        party: cast.buyer,
        seller: None,
        amount: Micros::new(200_000),
        memo: "Credit by the operator".to_owned(),
    };
    stage.app.wallets.grant(&grant).await.map_err(|e| e.message)?;
    telling.note(format!("credited 0.2 USDC; the balance is {} USDC", balance(stage, cast.buyer).await?));
    telling.note("on a server that keeps its data: farebox admin credit --owner curious-agent --amount 0.20");
    let balance = balance(stage, cast.buyer).await?;
    telling.must_be("the balance", balance, Micros::new(700_000))
}

async fn paid_calls(stage: &Stage, telling: &mut Telling, cast: &Cast) -> Told {
    telling.step("5. A paid call through the platform door");
    let before = balance(stage, cast.buyer).await?;
    let got = telling.ask(&forecast(cast, "Oslo"), OK).await?;
    let after = balance(stage, cast.buyer).await?;
    charged(telling, &got, "x-farebox-amount", before, after)?;

    telling.step("6. The same call through the marketplace's proxy: same listing, same key, same balance");
    let path = format!("/api/v1/proxy/{}/forecast?city=Oslo", cast.service_id);
    let again = telling.ask(&Ask::get(path).key(&cast.buyer_key), OK).await?;
    let last = balance(stage, cast.buyer).await?;
    charged(telling, &again, "x-acf-amount", after, last)?;
    telling.must(again.text == got.text, "both doors pass on the same bytes")?;
    let earned = earnings(stage, cast.seller).await?;
    telling.note(format!("the seller has earned {earned} USDC, the platform kept 5 % as its fee"));
    telling.must_be("the seller's earnings", earned, Micros::new(95_000))
}

fn charged(telling: &Telling, got: &Got, header: &str, before: Micros, after: Micros) -> Told {
    let amount = Micros::parse(got.header(header)).map_err(|e| telling.failed(&format!("{header}: {e}")))?;
    telling.note(format!("charged {amount} USDC; balance before {before}, after {after}"));
    telling.must_be("the charge", amount, Micros::new(50_000))?;
    telling.must_be("what left the balance", Micros::new(before.get() - after.get()), amount)
}

async fn same_key_same_answer(stage: &Stage, telling: &mut Telling, cast: &Cast) -> Told {
    telling.step("7. A retry with the same Idempotency-Key: the saved answer, charged once");
    let (before, asked) = (balance(stage, cast.buyer).await?, stage.weather.asked());
    let ask = forecast(cast, "Bergen").with("Idempotency-Key", "order-1");
    let first = telling.ask(&ask, OK).await?;
    let second = telling.ask(&ask, OK).await?;
    telling.must(first.text == second.text, "both answers are the same")?;
    telling.must(stage.weather.asked() == asked + 1, "the seller was asked once")?;
    let spent = Micros::new(before.get() - balance(stage, cast.buyer).await?.get());
    telling.must_be("the charge of both", spent, Micros::new(50_000))?;
    let other = forecast(cast, "Tromso").with("Idempotency-Key", "order-1");
    telling.ask(&other, StatusCode::CONFLICT).await.map(|_| ())
}

async fn failing_upstream(stage: &Stage, telling: &mut Telling, cast: &Cast) -> Told {
    telling.step("8. The seller's server fails: the agent sees it and pays nothing");
    let before = balance(stage, cast.buyer).await?;
    let ask = Ask::get(format!("/publishers/{}/broken", cast.slug)).key(&cast.buyer_key);
    let got = telling.ask(&ask, StatusCode::INTERNAL_SERVER_ERROR).await?;
    telling.must(got.header("x-farebox-amount") == "0", "the receipt says 0")?;
    telling.must_be("the balance", balance(stage, cast.buyer).await?, before)
}

async fn free_tier(stage: &Stage, telling: &mut Telling, cast: &Cast) -> Told {
    telling.step("9. A second service with two free calls for each buyer, listed through the marketplace");
    let service = json!({
        "name": "Weather, try before you buy", "endpoint": format!("http://{}", stage.weather_address),
        "price_per_call": "0.10", "category": "weather", "tags": ["forecast"], "free_tier_calls": 2,
    });
    let made = telling.ask(&Ask::post("/api/v1/services", service).key(&cast.seller_key), StatusCode::CREATED).await?;
    let path = format!("/api/v1/proxy/{}/forecast?city=Voss", made.at("/id"));
    let before = balance(stage, cast.buyer).await?;
    for (number, free) in [(1, "true"), (2, "true"), (3, "false")] {
        let got = telling.ask(&Ask::get(path.clone()).key(&cast.buyer_key), OK).await?;
        telling.must(got.header("x-acf-free-tier") == free, &format!("call {number}: X-ACF-Free-Tier is {free}"))?;
        telling.note(format!("X-ACF-Free-Tier: {free}, X-ACF-Amount: {}", got.header("x-acf-amount")));
    }
    let spent = Micros::new(before.get() - balance(stage, cast.buyer).await?.get());
    telling.must_be("the price of three calls", spent, Micros::new(100_000))
}

async fn database(stage: &Stage, telling: &mut Telling, cast: &Cast) -> Told {
    telling.step("10. A database listed at the SQL gateway's door, paid by the row");
    let provider = json!({
        "name": "Cities of the north", "email": "cities@example.com", "connectionString": "sqlite:cities.db",
        "walletAddress": "0x1111111111111111111111111111111111111111",
    });
    let made = telling.ask(&Ask::post("/api/providers/register", provider), StatusCode::CREATED).await?;
    let (id, key) = (made.at("/provider/id"), made.at("/apiKey"));
    let price = json!({ "basePricePer1000Rows": 1.0, "markupMultiplier": 2.0 });
    telling.let_be("PROVIDER", &key);
    let ask = Ask::post(format!("/api/providers/{id}/pricing"), price).with("X-API-Key", key);
    telling.ask(&ask, OK).await?;
    let before = balance(stage, cast.buyer).await?;
    let wallet = "0x2222222222222222222222222222222222222222";
    let query = json!({
        "sql": "SELECT name, inhabitants FROM city ORDER BY inhabitants DESC LIMIT 3",
        "agentWallet": wallet, "providerId": id,
    });
    let ask = Ask::post("/api/query", query).with("X-API-Key", cast.buyer_key.clone());
    let got = telling.ask(&ask, OK).await?;
    telling.must(got.at("/rowCount") == "3", "three rows came")?;
    let spent = Micros::new(before.get() - balance(stage, cast.buyer).await?.get());
    telling.must_be("three rows at $2 a thousand", spent, Micros::new(6_000))?;
    let drop = json!({ "sql": "DROP TABLE city", "agentWallet": wallet, "providerId": id });
    let ask = Ask::post("/api/query", drop).with("X-API-Key", cast.buyer_key.clone());
    telling.ask(&ask, StatusCode::FORBIDDEN).await.map(|_| ())
}

async fn wallet(stage: &Stage, telling: &mut Telling, cast: &Cast) -> Told {
    telling.step("11. The agent spends what it has, to the last call that its balance pays for");
    let (mut paid, before) = (0, balance(stage, cast.buyer).await?);
    let client = forecast(cast, "Hamar");
    telling.ask(&client, OK).await?;
    paid += 1;
    while balance(stage, cast.buyer).await? >= Micros::new(50_000) {
        telling.ask_quietly(&client, OK).await?;
        paid += 1;
    }
    let left = balance(stage, cast.buyer).await?;
    telling.note(format!("and again: {paid} calls paid from {before} USDC, {left} USDC left, too little for another"));
    telling.ask(&client, StatusCode::PAYMENT_REQUIRED).await?;
    telling.must(before.get() - left.get() == paid * 50_000, "every call cost 0.05 USDC")?;
    telling.ask(&Ask::get("/wallet/balance").key(&cast.buyer_key), OK).await?;
    telling.ask(&Ask::get("/wallet/transactions?limit=5").key(&cast.buyer_key), OK).await?;
    telling.ask(&Ask::get("/api/v1/usage/me").key(&cast.buyer_key), OK).await.map(|_| ())
}

async fn books(stage: &Stage, telling: &mut Telling, cast: &Cast) -> Told {
    check_books(stage, telling, "12. The books, as `farebox check-ledger` checks them").await?;
    let (buyer, seller) = (balance(stage, cast.buyer).await?, earnings(stage, cast.seller).await?);
    telling.note(format!("buyer {buyer} USDC left, seller {seller} USDC earned; the books balance"));
    Ok(())
}

/// A step in which every invariant of the books must hold.
pub(super) async fn check_books(stage: &Stage, telling: &mut Telling, title: &str) -> Told {
    telling.step(title);
    let findings = findings(&stage.app.db).await.map_err(|e| telling.failed(&e.message))?;
    for finding in &findings {
        say(format!("  {}", line(finding)));
    }
    telling.must(findings.iter().all(|finding| finding.broken == 0), "every invariant holds")
}

fn forecast(cast: &Cast, city: &str) -> Ask {
    Ask::get(format!("/publishers/{}/forecast?city={city}", cast.slug)).key(&cast.buyer_key)
}

async fn balance(stage: &Stage, party: PartyId) -> Told<Micros> {
    let balances = stage.app.wallets.balances(party).await.map_err(|e| e.message)?;
    balances.spendable().map_err(|e| e.message)
}

/// What the books owe a seller.
pub(super) async fn earnings(stage: &Stage, party: PartyId) -> Told<Micros> {
    Ok(stage.app.wallets.balances(party).await.map_err(|e| e.message)?.earnings)
}

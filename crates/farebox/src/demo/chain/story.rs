//! The story of a buyer without an account: asked to pay, pays on chain, is served; every step says what must hold.

use super::super::Stage;
use super::super::client::Ask;
use super::super::story::{check_books, earnings};
use super::super::telling::{Telling, Told};
use super::channel::by_voucher;
use super::{Balances, Chain};
use crate::pay::{Answer, Asked, Bill, PayError, Payer, PayerParts, Request};
use bytes::Bytes;
use farebox_base::{Micros, PartyId, SystemClock, SystemRng};
use farebox_net::FetchLimits;
use farebox_x402::Reason;
use farebox_x402::chain::dev::loopback_client;
use farebox_x402::client::{Preferences, SignedHeader};
use farebox_x402::evm::address::checksummed;
use farebox_x402::network::Networks;
use farebox_x402::wire::{decode_base64_json, encode_base64_json, names};
use http::{HeaderMap, Method, StatusCode};
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// What is bought.
pub(super) const PATH: &str = "/publishers/fjord-weather/forecast?city=Oslo";
/// What the seller's server fails at.
const BROKEN: &str = "/publishers/fjord-weather/broken";
pub(super) const PRICE: Micros = Micros::new(50_000);
/// What the seller earns of it where the gateway receives: 5 % are the fee.
const EARNED: Micros = Micros::new(47_500);
/// Of each request, settlement included.
const LIMITS: FetchLimits = FetchLimits { timeout_ms: 60_000, max_response_bytes: 1 << 20 };
/// How long the chain may take to show what a receipt says.
const SHOWN_TRIES: usize = 40;

/// Plays it from beginning to end.
pub(in crate::demo) async fn tell(stage: &Stage, chain: &Chain, telling: &mut Telling) -> Told {
    let payer = payer()?;
    scene(chain, telling).await?;
    let seller = list(stage, chain, telling).await?;
    asked_to_pay(stage, telling).await?;
    let payment = paid(stage, chain, telling, &payer).await?;
    if !chain.is_direct {
        let earned = earnings(stage, seller).await?;
        telling.note(format!("the books owe the seller {earned} USDC of it, the rest is the gateway's fee"));
        telling.must_be("the seller's earnings", earned, EARNED)?;
    }
    once_only(stage, chain, telling, &payer, &payment).await?;
    failing_upstream(stage, chain, telling, &payer).await?;
    // What is claimed of a channel can only come to the gateway.
    if !chain.is_direct {
        by_voucher(stage, chain, telling, &payer).await?;
    }
    check_books(stage, telling, "The books, as `farebox check-ledger` checks them").await?;
    telling.note("the books balance, and so does the chain");
    Ok(())
}

async fn scene(chain: &Chain, telling: &mut Telling) -> Told {
    telling.step("1. A chain of its own, with the token that clients know as USDC there, and a buyer with a dollar");
    telling.note(format!("anvil at {}, which plays Base Sepolia with a block each second", chain.anvil.url()));
    telling.note(format!("the token is at {}", checksummed(chain.token.address)));
    telling.note(format!("the buyer is {}: no account, no API key, only a key", checksummed(chain.buyer.address())));
    show(telling, "on chain", &balances(chain, telling).await?);
    Ok(())
}

async fn list(stage: &Stage, chain: &Chain, telling: &mut Telling) -> Told<PartyId> {
    telling.step("2. A seller lists its weather API at $0.05 a call");
    let registered = Ask::post("/auth/agent", json!({ "name": "Fjord Weather" }));
    let seller = telling.ask(&registered, StatusCode::CREATED).await?;
    let key = seller.at("/data/agent/api_key");
    telling.let_be("SELLER", &key);
    let listing = json!({
        "name": "Fjord Weather", "slug": "fjord-weather", "description": "Weather of any city, by name",
        "publisher_category": "integration", "integration_type": "api",
        "api_url": format!("http://{}", stage.weather_address), "price_per_call": "0.05", "categories": ["weather"],
        "wallet_address": checksummed(chain.seller), "wallet_network_id": "eip155:84532",
    });
    telling.ask(&Ask::post("/organizations/default/publishers", listing).key(&key), StatusCode::CREATED).await?;
    PartyId::parse(&seller.at("/data/agent/organization_id")).ok_or_else(|| telling.failed("no organization"))
}

async fn asked_to_pay(stage: &Stage, telling: &mut Telling) -> Told {
    telling.step(
        "3. The buyer calls with nothing: 402, with what to pay in a header (version 2) and the body (version 1)",
    );
    let before = stage.weather.asked();
    let got = telling.ask(&Ask::get(PATH), StatusCode::PAYMENT_REQUIRED).await?;
    telling.must(stage.weather.asked() == before, "the seller's server was not asked")?;
    let header = got.header(names::PAYMENT_REQUIRED);
    let offers = decode_base64_json(header).map_err(|refusal| telling.failed(&refusal.message))?;
    let first = offers.pointer("/accepts/0").map(ToString::to_string).unwrap_or_default();
    telling.note(format!("PAYMENT-REQUIRED, decoded, asks for {first}"));
    telling.must(!first.is_empty() && offers["x402Version"] == 2, "the header is of version 2")?;
    telling.must(got.at("/x402Version") == "1" && !got.at("/accepts/0").is_empty(), "the body is of version 1")
}

async fn paid(stage: &Stage, chain: &Chain, telling: &mut Telling, payer: &Payer) -> Told<SignedHeader> {
    telling.step("4. The buyer signs and calls again: served, and paid on chain");
    let before = balances(chain, telling).await?;
    telling.command(format!("farebox pay --wallet {} '{}{PATH}'", chain.buyer_file.display(), stage.base));
    let request = request(stage, telling, PATH)?;
    let bill = bill(telling, payer, &request).await?;
    telling.must_be("what is asked for", bill.amount(), PRICE)?;
    let payment = payer.sign(&bill, &chain.buyer).map_err(|error| telling.failed(&error.to_string()))?;
    let answer = payer.pay(&request, &payment).await.map_err(|error| telling.failed(&error.to_string()))?;
    came(telling, &answer, StatusCode::OK)?;
    let receipt = answer.receipt().ok_or_else(|| telling.failed("no receipt"))?;
    telling.must(receipt.success && !receipt.transaction.is_empty(), "the receipt names a transaction")?;
    telling.note(format!("receipt: transaction {} on {}", receipt.transaction, receipt.network));
    show(telling, "before", &before);
    let after = moved(chain, telling, before, PRICE).await?;
    show(telling, "after ", &after);
    Ok(payment)
}

async fn once_only(stage: &Stage, chain: &Chain, telling: &mut Telling, payer: &Payer, payment: &SignedHeader) -> Told {
    telling.step("5. The same signed payment once more, for another city: it has bought its call");
    let payment = &nameless(payment).map_err(|refusal| telling.failed(&refusal))?;
    let (before, asked) = (balances(chain, telling).await?, stage.weather.asked());
    let other = request(stage, telling, &PATH.replace("Oslo", "Bergen"))?;
    match payer.pay(&other, payment).await {
        Ok(answer) if answer.status.is_success() => return Err(telling.failed("one payment has bought two calls")),
        Ok(answer) => telling.came(answer.status, &text(&answer)),
        Err(PayError::Refused { reason, .. }) => {
            telling.note(format!("refused: {reason}"));
            telling.must(reason.starts_with(Reason::ExactNonceUsed.code()), "it is refused as a spent payment")?;
        }
        Err(error) => return Err(telling.failed(&error.to_string())),
    }
    telling.must(stage.weather.asked() == asked, "the seller was not asked")?;
    moved(chain, telling, before, Micros::ZERO).await.map(|_| ())
}

/// The payment without the name that the client gave it, under which the server would have answered before it looked at
/// the money. Nothing that is signed changes.
fn nameless(payment: &SignedHeader) -> Result<SignedHeader, String> {
    let mut header = decode_base64_json(&payment.value).map_err(|refusal| refusal.message)?;
    if let Some(header) = header.as_object_mut() {
        header.remove("extensions");
    }
    let value = encode_base64_json(&header).map_err(|error| error.to_string())?;
    Ok(SignedHeader { value, ..payment.clone() })
}

async fn failing_upstream(stage: &Stage, chain: &Chain, telling: &mut Telling, payer: &Payer) -> Told {
    telling.step("6. The seller's server fails: the buyer has signed, and nothing is taken");
    let before = balances(chain, telling).await?;
    let request = request(stage, telling, BROKEN)?;
    let paid = payer.call(&request, &chain.buyer).await.map_err(|error| telling.failed(&error.to_string()))?;
    telling.must(paid.bill.is_some(), "a payment was asked for")?;
    came(telling, &paid.answer, StatusCode::INTERNAL_SERVER_ERROR)?;
    let after = moved(chain, telling, before, Micros::ZERO).await?;
    show(telling, "on chain", &after);
    Ok(())
}

/// The balances, once so much has moved from the buyer to whoever receives.
async fn moved(chain: &Chain, telling: &Telling, before: Balances, amount: Micros) -> Told<Balances> {
    let mut now = balances(chain, telling).await?;
    for _ in 0..SHOWN_TRIES {
        if before.buyer.get() - now.buyer.get() == amount.get() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
        now = balances(chain, telling).await?;
    }
    let (gateway, seller) = if chain.is_direct { (Micros::ZERO, amount) } else { (amount, Micros::ZERO) };
    telling.must_be("what left the buyer's wallet", Micros::new(before.buyer.get() - now.buyer.get()), amount)?;
    telling.must_be("what the gateway received", Micros::new(now.gateway.get() - before.gateway.get()), gateway)?;
    telling.must_be("what the seller received", Micros::new(now.seller.get() - before.seller.get()), seller)?;
    Ok(now)
}

pub(super) async fn balances(chain: &Chain, telling: &Telling) -> Told<Balances> {
    chain.balances().await.map_err(|why| telling.failed(&why))
}

pub(super) fn show(telling: &Telling, when: &str, balances: &Balances) {
    let Balances { buyer, gateway, seller } = balances;
    telling.note(format!("{when}: buyer {buyer}, gateway {gateway}, seller {seller} USDC"));
}

async fn bill(telling: &Telling, payer: &Payer, request: &Request) -> Told<Box<Bill>> {
    match payer.ask(request).await.map_err(|error| telling.failed(&error.to_string()))? {
        Asked::ToPay(bill) => Ok(bill),
        Asked::Served(answer) => Err(telling.failed(&format!("no payment was asked for: status {}", answer.status))),
    }
}

pub(super) fn came(telling: &Telling, answer: &Answer, expected: StatusCode) -> Told {
    telling.came(answer.status, &text(answer));
    telling.must(answer.status == expected, &format!("expected status {}", expected.as_u16()))
}

fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

pub(super) fn request(stage: &Stage, telling: &Telling, path: &str) -> Told<Request> {
    let url = format!("{}{path}", stage.base).parse().map_err(|_| telling.failed("no URL"))?;
    Ok(Request { method: Method::GET, url, headers: HeaderMap::new(), body: Bytes::new() })
}

fn payer() -> Told<Payer> {
    Ok(Payer::new(PayerParts {
        client: loopback_client().map_err(|error| error.message)?,
        clock: Arc::new(SystemClock::default()),
        rng: Arc::new(SystemRng),
        networks: Networks::builtin().map_err(|error| error.to_string())?,
        preferences: Preferences::up_to(Micros::new(100_000)),
        limits: LIMITS,
    }))
}

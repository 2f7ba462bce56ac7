//! How many payments a second are verified without a chain, on all cores: `cargo run --release --example verify`.
//!
//! Prints one line of JSON: how many a second in all, and the microseconds of one, for the check alone and for the whole
//! way from the header's text.

#![expect(clippy::print_stdout, reason = "the figures are the purpose of this program")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use alloy_primitives::{U256, address};
use farebox_base::{Clock, SystemClock, Timestamp};
use farebox_x402::client::{Preferences, Required};
use farebox_x402::evm::SigningKey;
use farebox_x402::match_offer;
use farebox_x402::network::{Method, Networks};
use farebox_x402::offer::{Offer, Resource, Terms};
use farebox_x402::payment::Payment;
use farebox_x402::verify::{Limits, verify_local};
use farebox_x402::wire::{Challenge, Complaint, Object, PaymentHeader};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

const SIGNED: u8 = 64;
const SPAN: Duration = Duration::from_secs(3);

fn main() -> Outcome<()> {
    let now = SystemClock::default().now();
    let offers = [offer()?];
    let headers = headers(&offers, now)?;
    let mut payments = Vec::new();
    for header in &headers {
        payments.push(match_offer(&offers, &PaymentHeader::decode(header)?)?.1);
    }
    let check = |payment: &Payment| verify_local(&offers[0], payment, now, &Limits::default()).is_ok();
    let whole = |header: &String| {
        PaymentHeader::decode(header)
            .and_then(|header| match_offer(&offers, &header).map(|(_, payment)| check(&payment)))
            .unwrap_or(false)
    };
    let threads = std::thread::available_parallelism()?.get();
    let (check_rate, check_us) = measure(threads, &payments, check);
    let (whole_rate, whole_us) = measure(threads, &headers, whole);
    println!(
        "{{\"threads\":{threads},\"verify_per_s\":{check_rate},\"verify_us\":{check_us},\
         \"header_and_verify_per_s\":{whole_rate},\"header_and_verify_us\":{whole_us}}}"
    );
    Ok(())
}

fn offer() -> Outcome<Offer> {
    let networks = Networks::builtin()?;
    let network = networks.by_name("base").ok_or("no network")?;
    let token = network.token_by_symbol("USDC").ok_or("no token")?;
    let pay_to = address!("70997970C51812dc3A010C7d01b50e0d17dc79C8");
    let terms = Terms::Exact(Method::Eip3009);
    Ok(Offer::new(Arc::clone(network), Arc::clone(token), U256::from(10_000), pay_to, 3600, terms)?)
}

fn headers(offers: &[Offer], now: Timestamp) -> Outcome<Vec<String>> {
    let resource = Resource { url: "https://pay.example/now".into(), ..Resource::default() };
    let challenge = Challenge { offers, resource: &resource, extensions: Object::new(), complaint: Complaint::Unpaid };
    let (header, body) = (challenge.v2_header()?, challenge.v1_body()?);
    let required = Required::read(402, |name| (name == "payment-required").then_some(header.as_str()), &body)?;
    let choice = required.choose(&Networks::builtin()?, &Preferences::up_to(offers[0].micros()?))?;
    let mut headers = Vec::new();
    for number in 1..=SIGNED {
        let key = SigningKey::from_bytes([number; 32])?;
        headers.push(choice.sign(&key, [number; 32], now, None)?.value);
    }
    Ok(headers)
}

/// How many a second all threads do, and how many microseconds one takes a thread.
fn measure<T: Sync>(threads: usize, items: &[T], work: impl Fn(&T) -> bool + Sync) -> (u64, u64) {
    let clock = SystemClock::default();
    let (done, start) = (AtomicU64::new(0), clock.ticks());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while clock.ticks().since(start) < SPAN {
                    let good = items.iter().filter(|item| work(item)).count();
                    done.fetch_add(u64::try_from(good).unwrap_or_default(), Ordering::Relaxed);
                }
            });
        }
    });
    let (done, spent) = (done.into_inner().max(1), clock.ticks().since(start));
    let micros = u64::try_from(spent.as_micros()).unwrap_or(u64::MAX);
    let threads = u64::try_from(threads).unwrap_or(1);
    (done.saturating_mul(1_000_000) / micros.max(1), micros.saturating_mul(threads) / done)
}

//! How many payments a second are settled on a chain by one gas wallet: `cargo run --release --example settles`.
//!
//! Starts anvil (from `FAREBOX_ANVIL`, the path, or `npm install @foundry-rs/anvil` in the current folder), once with a
//! block for each transaction and once with a block a second, and settles signed payments of many payers with 16, 64 and
//! 256 in flight. Prints one line of JSON for each round; a line that begins with SKIPPED where there is no anvil.

#![expect(clippy::print_stdout, reason = "the figures are the purpose of this program")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use alloy_primitives::{Address, B256, U256, keccak256};
use farebox_base::{Clock, SystemClock, SystemRng, Ticks, uuid_v7};
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::ChainSettings;
use farebox_x402::chain::dev::{
    Anvil, AnvilOptions, DEFAULT_TOKEN, DEV_CHAIN_ID, DevRole, anvil_find, dev_rpc, loopback_client, token_deploy,
};
use farebox_x402::evm::{Authorization, Signature, SigningKey};
use farebox_x402::facilitator::{Earlier, Facilitator as _, LocalFacilitator, LocalParts, Settle, Settlement};
use farebox_x402::network::{Method, Networks};
use farebox_x402::offer::{Offer, Terms};
use farebox_x402::payment::Payment;
use farebox_x402::wire::{PaymentHeader, payload_of, v2};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const PAYERS: u64 = 32;
const PRICE: u64 = 1_000;
const SELLER: Address = Address::repeat_byte(0x5e);

struct Signed {
    payment: Payment,
    header: PaymentHeader,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let Some(program) = anvil_find(&[std::env::current_dir()?]) else {
        println!("SKIPPED: settles on a chain; anvil is not installed (npm install @foundry-rs/anvil)");
        return Ok(());
    };
    for block_time_s in [None, Some(1)] {
        let anvil = Anvil::start(&program, AnvilOptions { block_time_s, ..AnvilOptions::default() })?;
        let clock = Arc::new(SystemClock::default());
        let rpc = dev_rpc(anvil.url(), clock.clone()).map_err(internal)?;
        let token = token_deploy(&rpc, DEFAULT_TOKEN, "USDC").await?;
        for n in 0..PAYERS {
            token.mint(&rpc, payer(n)?.address(), U256::from(PRICE * 1_000_000)).await?;
        }
        let database = TestDb::sqlite().await;
        let networks = Networks::builtin()?;
        let network = networks.by_name("base-sepolia").ok_or("no network")?;
        let facilitator = LocalFacilitator::start(LocalParts {
            db: database.open(Arc::new(farebox_db::NoFaults)),
            client: loopback_client().map_err(internal)?,
            clock: clock.clone(),
            key: DevRole::GasWallet.key()?,
            settings: ChainSettings {
                confirmations: 1,
                block_time_hint: Duration::from_secs(block_time_s.unwrap_or(0).into()).max(Duration::from_millis(100)),
                patience: Duration::from_secs(60),
                ..ChainSettings::of(DEV_CHAIN_ID, vec![anvil.url().clone()])
            },
            network: Arc::clone(network),
        });
        facilitator.ready().await;
        let usdc = Arc::clone(network.tokens().first().ok_or("no token")?);
        let terms = Terms::Exact(Method::Eip3009);
        let offer = Offer::new(Arc::clone(network), usdc, U256::from(PRICE), SELLER, 3_600, terms)?;
        for in_flight in [16_usize, 64, 256] {
            let count = if block_time_s.is_some() { in_flight * 4 } else { 400 };
            let signed = (0..count).map(|n| sign(&offer, &*clock, in_flight * 1_000_000 + n));
            let round = round(&facilitator, &offer, signed.collect::<Outcome<_>>()?, in_flight, &*clock).await?;
            let blocks = block_time_s.map_or("automine", |_| "1s");
            println!("{{\"blocks\":\"{blocks}\",\"in_flight\":{in_flight},{round}}}");
        }
    }
    Ok(())
}

fn internal(error: farebox_base::Error) -> String {
    error.internal.unwrap_or(error.message)
}

fn payer(n: u64) -> Outcome<SigningKey> {
    Ok(SigningKey::from_bytes(keccak256(n.to_be_bytes()).0)?)
}

fn sign(offer: &Offer, clock: &dyn Clock, n: usize) -> Outcome<Signed> {
    let n = u64::try_from(n)?;
    let key = payer(n % PAYERS)?;
    let authorization = Authorization {
        from: key.address(),
        to: SELLER,
        value: offer.amount,
        valid_after: U256::ZERO,
        valid_before: U256::from(u64::try_from(clock.now().seconds())? + 3_600),
        nonce: B256::from(U256::from(n)),
    };
    let signature = Signature::Ecdsa(key.sign_digest(authorization.digest(offer.token().domain())));
    let payment = Payment::Eip3009 { authorization, signature };
    let accepted = serde_json::to_value(v2::Requirements::from(offer))?;
    let header = v2::Payload::new(accepted, None, payload_of(&payment), None)?.into();
    Ok(Signed { payment, header })
}

/// Settles all of them, so many at a time; gives what belongs into the line.
async fn round(
    facilitator: &Arc<LocalFacilitator>,
    offer: &Offer,
    signed: Vec<Signed>,
    in_flight: usize,
    clock: &dyn Clock,
) -> Outcome<String> {
    let (count, signed, next) = (signed.len(), Arc::new(signed), Arc::new(AtomicUsize::new(0)));
    let begun = clock.ticks();
    let workers: Vec<_> = (0..in_flight)
        .map(|_| {
            let (facilitator, offer) = (Arc::clone(facilitator), offer.clone());
            let (signed, next) = (Arc::clone(&signed), Arc::clone(&next));
            tokio::spawn(async move { work(&facilitator, &offer, &signed, &next).await })
        })
        .collect();
    let mut times = Vec::with_capacity(count);
    for worker in workers {
        times.extend(worker.await??);
    }
    let whole = clock.ticks().since(begun);
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).map_or(0, Duration::as_millis);
    let rate = u128::try_from(count)? * 1_000_000 / whole.as_micros().max(1);
    Ok(format!("\"settled\":{count},\"per_second\":{rate},\"p50_ms\":{},\"p99_ms\":{}", at(50), at(99)))
}

async fn work(
    facilitator: &LocalFacilitator,
    offer: &Offer,
    signed: &[Signed],
    next: &AtomicUsize,
) -> Outcome<Vec<Duration>> {
    let clock = SystemClock::default();
    let mut times = Vec::new();
    while let Some(Signed { payment, header }) = signed.get(next.fetch_add(1, Ordering::Relaxed)) {
        let begun: Ticks = clock.ticks();
        let settle = Settle {
            id: uuid_v7(&clock, &SystemRng),
            offer,
            payment,
            header,
            amount: offer.amount,
            earlier: Earlier::No,
        };
        match facilitator.settle(settle).await {
            Settlement::Settled { .. } => times.push(clock.ticks().since(begun)),
            other => return Err(format!("not settled: {other:?}").into()),
        }
    }
    Ok(times)
}

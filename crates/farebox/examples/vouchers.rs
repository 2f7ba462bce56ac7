//! How many calls a second are paid by voucher, beside calls from a balance: `cargo run --release --example vouchers`.
//!
//! One process has it all: a whole server on an embedded database, its seller, and 1, 4 and 16 clients with a connection
//! and a channel or a key each, the next request when the last is answered. Vouchers are signed before the clock runs, as a client signs
//! on a machine of its own. Starts anvil (from `FAREBOX_ANVIL`, the path, or `npm install @foundry-rs/anvil` in the current
//! folder). Prints one line of JSON with the medians for each number of clients; a line that begins with SKIPPED where there is
//! no anvil.

#![expect(clippy::print_stdout, reason = "the figures are the purpose of this program")]

use alloy_primitives::{B256, U256, hex};
use farebox_base::{Clock as _, Micros, SystemClock, Ticks};
use farebox_testkit::app::{Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::dev::{
    Anvil, AnvilOptions, DEFAULT_TOKEN, DEV_KEYS, anvil_find, channels_deploy, dev_rpc, token_deploy,
};
use farebox_x402::client::{ChannelBook, Choice, DepositChoice, Preferences, Required};
use farebox_x402::evm::SigningKey;
use farebox_x402::network::Networks;
use farebox_x402::offer::Scheme;
use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// That of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PATH: &str = "/publishers/things/ok";
const CLIENTS: [usize; 3] = [1, 4, 16];
const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_secs(1);
/// More than the first four clients send in all rounds, and more than the others do.
const VOUCHERS: [u64; 2] = [16_000, 3_000];
const PRICE: u64 = 10_000;

/// A payer with the requests that he will send.
struct Payer {
    requests: Vec<Vec<u8>>,
    next: AtomicUsize,
}

#[tokio::main]
async fn main() -> Outcome<()> {
    let Some(program) = anvil_find(&[std::env::current_dir()?]) else {
        println!("SKIPPED: calls by voucher; anvil is not installed (npm install @foundry-rs/anvil)");
        return Ok(());
    };
    let anvil = Anvil::start(&program, AnvilOptions::default())?;
    let rpc = dev_rpc(anvil.url(), Arc::new(SystemClock::default())).map_err(|e| format!("{e:?}"))?;
    let token = token_deploy(&rpc, DEFAULT_TOKEN, "USDC").await?;
    channels_deploy(&rpc).await?;
    let mut key = tempfile::NamedTempFile::new()?;
    write!(key, "{}", hex::encode(DEV_KEYS[1]))?;
    let (key_file, url) = (key.path().display().to_string(), anvil.url().to_string());
    let settings = [
        ("x402.networks", "base-sepolia"),
        ("x402.gas_key_file", key_file.as_str()),
        ("x402.network.base-sepolia.rpc_urls", url.as_str()),
        ("x402.network.base-sepolia.confirmations", "1"),
        ("x402.channel_claim_usdc", "100000"),
        ("calls.unsecured_max_usdc", "1000"),
    ];
    let app = TestApp::start(&TestDb::sqlite().await, &settings).await;
    let seller = app.agent("Seller").await;
    app.list(&seller, "things", "0.01").await;
    let (mut wallets, mut accounts) = (Vec::new(), Vec::new());
    for n in 1..=16 {
        let vouchers = VOUCHERS[usize::from(n > 4)];
        let deposit = U256::from(PRICE * (vouchers + 1));
        let key = SigningKey::from_bytes([n; 32])?;
        token.mint(&rpc, key.address(), deposit).await?;
        wallets.push(signed(&app, &key, deposit, vouchers).await?);
        let buyer = app.agent(&format!("Buyer {n}")).await;
        app.fund(buyer.party, 1_000_000_000).await;
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {}\r\n\r\n", buyer.key);
        accounts.push(Arc::new(Payer { requests: vec![request.into_bytes()], next: AtomicUsize::new(0) }));
    }
    for clients in CLIENTS {
        let (mut prepaid, mut vouchers, mut percents) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let (paid, signed) = (&accounts[..clients], &wallets[..clients]);
            let (paid, signed) = (per_second(&app, paid).await?, per_second(&app, signed).await?);
            percents.push(signed * 100 / paid.max(1));
            prepaid.push(paid);
            vouchers.push(signed);
        }
        println!(
            r#"{{"clients":{clients},"prepaid_per_s":{},"vouchers_per_s":{},"percent_of_prepaid":{},"rounds_percent":{:?}}}"#,
            median(&prepaid),
            median(&vouchers),
            median(&percents),
            percents
        );
    }
    app.settled().await;
    app.assert_books_balance().await;
    Ok(())
}

/// Fills a channel and signs vouchers for what is in it.
async fn signed(app: &TestApp, key: &SigningKey, amount: U256, vouchers: u64) -> Outcome<Arc<Payer>> {
    let choice = loop {
        if let Ok(choice) = offered(&app.expect(&Ask::get(PATH), 402).await) {
            break choice;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let mut book = ChannelBook { salt: B256::repeat_byte(1), ..ChannelBook::default() };
    let deposit = DepositChoice { amount, nonce: key.address().into_word().0 };
    let first = choice.sign_deposit(key, &book, deposit, SystemClock::default().now())?;
    app.expect(&Ask::get(PATH).with(first.name, first.value), 200).await;
    (book.balance, book.charged) = (amount, U256::from(PRICE));
    let mut requests = Vec::new();
    for _ in 0..vouchers {
        let voucher = choice.sign_voucher(key, &book)?;
        book.charged += U256::from(PRICE);
        let request = format!("GET {PATH} HTTP/1.1\r\nhost: bench\r\n{}: {}\r\n\r\n", voucher.name, voucher.value);
        requests.push(request.into_bytes());
    }
    Ok(Arc::new(Payer { requests, next: AtomicUsize::new(0) }))
}

fn offered(challenge: &Got) -> Outcome<Choice> {
    let header = |name: &str| challenge.headers.get(name).and_then(|value| value.to_str().ok());
    let required = Required::read(challenge.status.as_u16(), header, challenge.text.as_bytes())?;
    let limit = Preferences::up_to(Micros::new(1_000_000));
    Ok(required.choose(&Networks::builtin()?, &Preferences { schemes: vec![Scheme::BatchSettlement], ..limit })?)
}

/// Calls of all payers for a round.
async fn per_second(app: &TestApp, payers: &[Arc<Payer>]) -> Outcome<usize> {
    let address = app.base.strip_prefix("http://").unwrap_or_default().to_owned();
    let clock = Arc::new(SystemClock::default());
    let before = clock.ticks();
    let drive = |payer: &Arc<Payer>| tokio::spawn(drive(address.clone(), payer.clone(), clock.clone(), before));
    let tasks = payers.iter().map(drive);
    let mut calls = 0;
    for task in tasks.collect::<Vec<_>>() {
        calls += task.await??;
    }
    Ok(calls * 1_000 / usize::try_from(clock.ticks().since(before).as_millis())?.max(1))
}

async fn drive(address: String, payer: Arc<Payer>, clock: Arc<SystemClock>, began: Ticks) -> Outcome<usize> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (mut calls, mut buffer) = (0, Vec::with_capacity(16 << 10));
    while clock.ticks().since(began) < ROUND {
        let next = payer.next.fetch_add(1, Ordering::Relaxed) % payer.requests.len();
        stream.write_all(&payer.requests[next]).await?;
        read_reply(&mut stream, &mut buffer).await?;
        calls += 1;
    }
    Ok(calls)
}

/// Reads one reply with a length, which has to be a success.
async fn read_reply(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> Outcome<()> {
    buffer.clear();
    loop {
        if stream.read_buf(buffer).await? == 0 {
            return Err("the server has closed the connection".into());
        }
        let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end])?.to_ascii_lowercase();
        if !head.starts_with("http/1.1 200") {
            return Err(format!("not served: {}", String::from_utf8_lossy(buffer)).into());
        }
        let length =
            head.lines().find_map(|line| line.strip_prefix("content-length: ")).ok_or("a reply without a length")?;
        if buffer.len() >= end + 4 + length.trim().parse::<usize>()? {
            return Ok(());
        }
    }
}

fn median(all: &[usize]) -> usize {
    let mut all = all.to_vec();
    all.sort_unstable();
    all[all.len() / 2]
}

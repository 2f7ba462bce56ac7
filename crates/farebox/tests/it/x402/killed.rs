//! The server is killed again and again while wallets pay: chain and books tell the same story, and nobody has paid twice.
//!
//! A few rounds as a test, as many as a variable says for a drill.

use super::stage::{Chain, FORTUNE, PRICE, gas_wallet, payer, sign};
use crate::process::{Server, Shop, command, open_to_read};
use alloy_primitives::U256;
use farebox_base::{Rng as _, SystemRng};
use farebox_db::Db;
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::abi::token;
use farebox_x402::chain::rpc::CallAt;
use farebox_x402::client::SignedHeader;
use farebox_x402::payment::Payment;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

const ROUNDS: &str = "FAREBOX_TEST_DRILL_ROUNDS";
const WALLETS: u64 = 8;
const LONGEST_LIFE_MS: u64 = 700;

/// A payment that was sent, and whether its reply came.
struct Sent {
    path: String,
    signed: SignedHeader,
    served: bool,
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_moments_every_payment_is_settled_and_charged_or_neither() {
    let place = TestDb::sqlite().await;
    let Some(chain) = Chain::start().await else { return };
    let settings: Vec<(String, String)> =
        chain.settings().into_iter().map(|(key, value)| (variable(key), value)).collect();
    let settings: Vec<(&str, &str)> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let shop = Arc::new(Shop::open(&place, "0.01").await);
    let mut server = shop.serve(&settings).await;
    shop.list(&server).await;
    let rounds = std::env::var(ROUNDS).map_or(4, |text| text.parse().expect("a number of rounds"));
    let (mut sent, nonces) = (Vec::new(), Arc::new(AtomicU64::new(1)));
    for round in 0..rounds {
        let before = sent.len();
        let load = Load::start(&shop, &server, &nonces);
        load.until_served(1 + round % 5).await;
        tokio::time::sleep(Duration::from_millis(SystemRng.below(LONGEST_LIFE_MS))).await;
        server.kill();
        sent.extend(load.end().await);
        server = shop.serve(&settings).await;
        ended(&open_to_read(shop.folder.path(), &place)).await;
        compare(&chain, &shop, &place, &sent).await;
        come_back(&shop, &server, &mut sent[before..]).await;
        compare(&chain, &shop, &place, &sent).await;
    }
    server.kill();
    let (clean, text) = command(shop.folder.path(), &place, &["check-ledger"]);
    assert!(clean, "{text}");
    assert!(sent.iter().all(|one| one.served));
    println!("{rounds} rounds, {} payments sent, each served and paid", sent.len());
}

/// Wallets that pay without pause.
struct Load {
    stop: Arc<AtomicBool>,
    served: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<Vec<Sent>>>,
}

impl Load {
    fn start(shop: &Shop<'_>, server: &Server, nonces: &Arc<AtomicU64>) -> Self {
        let (stop, served) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let tasks = (0..WALLETS).map(|wallet| {
            let (client, base, nonces) = (shop.client.clone(), server.base.clone(), nonces.clone());
            let (stop, served) = (stop.clone(), served.clone());
            tokio::spawn(async move {
                let mut sent = Vec::new();
                while !stop.load(Ordering::SeqCst) {
                    let path = format!("/publishers/things/slow/{}", wallet * 3);
                    let Ok(challenge) = Ask::get(&path).send(&client, &base).await else { break };
                    let nonce = U256::from(nonces.fetch_add(1, Ordering::SeqCst)).to_be_bytes();
                    let signed = sign(&challenge, &payer(), nonce);
                    let ask = Ask::get(&path).with(signed.name, signed.value.clone());
                    let got = ask.send(&client, &base).await;
                    let is_served = got.is_ok_and(|got| got.status.as_u16() == 200);
                    served.fetch_add(is_served.into(), Ordering::SeqCst);
                    sent.push(Sent { path, signed, served: is_served });
                }
                sent
            })
        });
        Self { tasks: tasks.collect(), stop, served }
    }

    async fn until_served(&self, wanted: u64) {
        for _ in 0..3_000 {
            if self.served.load(Ordering::SeqCst) >= wanted {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("nothing is served");
    }

    async fn end(self) -> Vec<Sent> {
        self.stop.store(true, Ordering::SeqCst);
        let mut all = Vec::new();
        for task in self.tasks {
            all.extend(task.await.unwrap());
        }
        all
    }
}

/// Waits until no call and no payment is under way, for at most thirty seconds.
async fn ended(db: &Db) {
    const OPEN: &str = "SELECT (SELECT COUNT(*) FROM call WHERE state = 'open')
        + (SELECT COUNT(*) FROM payment WHERE state IN ('reserved', 'earned'))";
    for _ in 0..600 {
        if db.one(OPEN, &[]).await.unwrap().unwrap().get::<i64>(0).unwrap() == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("payments are under way after thirty seconds");
}

/// Every payment that the chain has taken is settled and charged in the books, once, and no other is.
async fn compare(chain: &Chain, shop: &Shop<'_>, place: &TestDb, sent: &[Sent]) {
    let db = open_to_read(shop.folder.path(), place);
    const SETTLED: &str = "SELECT p.payload, c.state, c.charged FROM payment p JOIN call c ON c.id = p.id
        WHERE p.state = 'settled'";
    let mut books = BTreeMap::new();
    for row in db.query(SETTLED, &[]).await.unwrap() {
        let payload: serde_json::Value = serde_json::from_str(row.get::<&str>(0).unwrap()).unwrap();
        let nonce = payload["payload"]["authorization"]["nonce"].as_str().unwrap().to_owned();
        assert_eq!((row.get::<&str>(1).unwrap(), row.get::<i64>(2).unwrap()), ("charged", 10_000), "{nonce}");
        assert!(books.insert(nonce.clone(), ()).is_none(), "{nonce} is settled twice");
    }
    for one in sent {
        let Payment::Eip3009 { authorization, .. } = &one.signed.payment else { panic!("{:?}", one.signed.payment) };
        let question = token::authorization_state(authorization.from, authorization.nonce);
        let state = chain.rpc.eth_call(None, chain.token.address, &question, CallAt::Latest).await.unwrap();
        let is_taken = state.last() == Some(&1);
        let is_settled = books.contains_key(&authorization.nonce.to_string());
        assert_eq!((is_taken, is_settled), (is_settled, is_taken), "{}", authorization.nonce);
        assert!(!one.served || is_taken, "{} was served and not paid", authorization.nonce);
    }
    let paid = PRICE * u64::try_from(books.len()).unwrap();
    let balance = |of| chain.token.balance(&chain.rpc, of);
    assert_eq!(balance(payer().address()).await.unwrap(), U256::from(FORTUNE - paid));
    assert_eq!(balance(gas_wallet()).await.unwrap(), U256::from(paid));
    let transactions = chain.rpc.nonce(gas_wallet(), CallAt::Latest).await.unwrap();
    assert_eq!(PRICE * transactions, paid, "transactions of the gas wallet that paid nothing");
    assert!(shop.upstream.asked() >= transactions);
}

/// Who had no reply sends the same payment again, and has it now, whenever the server was killed.
async fn come_back(shop: &Shop<'_>, server: &Server, sent: &mut [Sent]) {
    for one in sent.iter_mut().filter(|one| !one.served) {
        let ask = Ask::get(&one.path).with(one.signed.name, one.signed.value.clone());
        let got = loop {
            let got = ask.send(&shop.client, &server.base).await.unwrap();
            match got.status.as_u16() {
                409 | 503 => tokio::time::sleep(Duration::from_millis(20)).await,
                _ => break got,
            }
        };
        assert_eq!(got.status.as_u16(), 200, "{}", got.text);
        one.served = true;
    }
}

/// `x402.network.base-sepolia.rpc_urls` as the variable that sets it.
fn variable(key: &str) -> String {
    format!("FAREBOX_{}", key.to_uppercase().replace(['.', '-'], "_"))
}

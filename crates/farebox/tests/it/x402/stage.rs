//! A chain, a token, a server that takes payments in it, a listing, and a payer.

use alloy_primitives::{Address, B256, U256, hex};
use farebox_base::SystemClock;
use farebox_base::{Micros, Timestamp};
use farebox_testkit::anvil::anvil_program;
use farebox_testkit::app::{Agent, Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use farebox_testkit::proxy::Proxy;
use farebox_x402::chain::Rpc;
use farebox_x402::chain::dev::{
    Anvil, AnvilOptions, DEFAULT_TOKEN, DEV_KEYS, DevRole, Token, anvil_find, dev_rpc, token_deploy,
};
use farebox_x402::chain::rpc::Call;
use farebox_x402::client::{Preferences, Required, SignedHeader};
use farebox_x402::evm::SigningKey;
use farebox_x402::network::Networks;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The price of a call, in micros and in the token's smallest unit.
pub const PRICE: u64 = 10_000;
/// What the payer begins with.
pub const FORTUNE: u64 = 1_000_000_000;

pub struct Stage {
    pub app: TestApp,
    pub rpc: Arc<Rpc>,
    pub token: Token,
    pub payer: SigningKey,
    pub seller: Agent,
    /// The id of the listing `things`.
    pub listing: String,
    /// Held, as it ends with its handle.
    _anvil: Anvil,
    /// What the server reaches the chain through.
    pub proxy: Option<Proxy>,
    /// What makes another server take payments on the same chain.
    pub settings: Vec<(&'static str, String)>,
    _key: tempfile::NamedTempFile,
    nonces: AtomicU64,
}

impl Stage {
    /// `None`, after one SKIPPED line, where there is no anvil.
    pub async fn set(place: &TestDb, settings: &[(&str, &str)]) -> Option<Self> {
        let stage = Self::on(Chain::start().await?, place, settings).await;
        stage.ready().await;
        Some(stage)
    }

    /// As [`Stage::set`], with a proxy between the server and the chain.
    pub async fn behind_proxy(place: &TestDb, settings: &[(&str, &str)]) -> Option<Self> {
        let stage = Self::on(Chain::behind_proxy().await?, place, settings).await;
        stage.ready().await;
        Some(stage)
    }

    /// A server on a chain that is there already.
    pub async fn on(chain: Chain, place: &TestDb, settings: &[(&str, &str)]) -> Self {
        let own = chain.settings();
        let all: Vec<(&str, &str)> =
            own.iter().map(|(key, value)| (*key, value.as_str())).chain(settings.iter().copied()).collect();
        let app = TestApp::start(place, &all).await;
        let seller = app.agent("Seller").await;
        let (_, listing) = app.list(&seller, "things", "0.01").await;
        let Chain { anvil, rpc, token, proxy, key } = chain;
        let (payer, nonces) = (payer(), AtomicU64::new(1));
        Self { app, rpc, token, payer, seller, listing, _anvil: anvil, proxy, settings: own, _key: key, nonces }
    }

    /// Waits until the server has reached its chain: a payer without money is then told so.
    pub async fn ready(&self) {
        let challenge = self.app.expect(&Ask::get("/publishers/things/ok"), 402).await;
        let poor = sign(&challenge, &SigningKey::from_bytes([0x7a; 32]).unwrap(), self.nonce());
        for _ in 0..1_000 {
            let got = self.app.ask(&paying("/publishers/things/ok", &poor)).await;
            if got.at("/error") == "insufficient_funds" {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("the server does not reach its chain");
    }

    pub async fn balance(&self, of: Address) -> u64 {
        self.token.balance(&self.rpc, of).await.unwrap().to()
    }

    /// A transaction of somebody else's to the token, mined.
    pub async fn send_to_token(&self, data: Vec<u8>) {
        self.send_from(DevRole::Payer.key().unwrap().address(), self.token.address, data).await;
    }

    async fn send_from(&self, from: Address, to: Address, data: Vec<u8>) {
        let transaction = json!({ "from": from, "to": to, "data": hex::encode_prefixed(data) });
        let hash = self.rpc.call_changing(Call::new("eth_sendTransaction", json!([transaction]))).await.unwrap();
        let hash: B256 = hash.as_str().unwrap().parse().unwrap();
        let mined = loop {
            match self.rpc.receipt(hash).await.unwrap() {
                Some(receipt) => break receipt,
                None => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        };
        assert!(mined.succeeded);
    }

    /// All that the payer has goes elsewhere, by a transfer of his own.
    pub async fn empty_payer(&self) {
        let payer = self.payer.address();
        let rest = self.token.balance(&self.rpc, payer).await.unwrap();
        let words = [Address::repeat_byte(9).into_word().0, rest.to_be_bytes::<32>()].concat();
        let data = [&[0xa9, 0x05, 0x9c, 0xbb][..], &words].concat();
        self.as_payer(self.token.address, data).await;
    }

    /// A transaction that the payer sends himself, mined.
    pub async fn as_payer(&self, to: Address, data: Vec<u8>) {
        let payer = self.payer.address();
        self.rpc.dev_set_balance(payer, U256::from(10).pow(U256::from(18))).await.unwrap();
        self.rpc.call_changing(Call::new("anvil_impersonateAccount", json!([payer]))).await.unwrap();
        self.send_from(payer, to, data).await;
    }

    /// Asks, and leaves while the seller is at work.
    pub async fn leaves(&self, ask: &Ask) {
        let before = self.app.upstream.asked();
        let at_work = async {
            while self.app.upstream.asked() == before {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::select! {
            got = self.app.ask(ask) => panic!("answered before its client could leave: {} {}", got.status, got.text),
            () = at_work => {}
        }
    }

    /// Asks without paying, and signs what is asked for.
    pub async fn signed(&self, path: &str) -> SignedHeader {
        self.sign(&self.app.expect(&Ask::get(path), 402).await)
    }

    /// Signs the offer of a 402.
    pub fn sign(&self, got: &Got) -> SignedHeader {
        sign(got, &self.payer, self.nonce())
    }

    pub fn nonce(&self) -> [u8; 32] {
        U256::from(self.nonces.fetch_add(1, Ordering::Relaxed)).to_be_bytes()
    }
}

/// Who pays on every stage.
pub const PAYER_KEY: [u8; 32] = [0x77; 32];

pub fn payer() -> SigningKey {
    SigningKey::from_bytes(PAYER_KEY).unwrap()
}

/// A chain with its token and a payer who has some of it.
pub struct Chain {
    pub anvil: Anvil,
    pub rpc: Arc<Rpc>,
    pub token: Token,
    /// What servers reach it through.
    pub proxy: Option<Proxy>,
    key: tempfile::NamedTempFile,
}

impl Chain {
    /// `None`, after one SKIPPED line, where there is no anvil.
    pub async fn start() -> Option<Self> {
        let anvil =
            Anvil::start(anvil_program(env!("CARGO_TARGET_TMPDIR"), anvil_find)?, AnvilOptions::default()).unwrap();
        let rpc = Arc::new(dev_rpc(anvil.url(), Arc::new(SystemClock::default())).unwrap());
        let token = token_deploy(&rpc, DEFAULT_TOKEN, "USDC").await.unwrap();
        token.mint(&rpc, payer().address(), U256::from(FORTUNE)).await.unwrap();
        let key = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(key.path(), hex::encode(DEV_KEYS[1])).unwrap();
        Some(Self { anvil, rpc, token, proxy: None, key })
    }

    /// As [`Chain::start`], with a proxy before it.
    pub async fn behind_proxy() -> Option<Self> {
        let chain = Self::start().await?;
        let proxy = Proxy::start(chain.anvil.url().port().unwrap()).await;
        Some(Self { proxy: Some(proxy), ..chain })
    }

    /// What makes a server take payments here.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let proxied = self.proxy.as_ref().map(|proxy| format!("http://127.0.0.1:{}", proxy.port));
        vec![
            ("x402.networks", "base-sepolia".to_owned()),
            ("x402.gas_key_file", self.key.path().display().to_string()),
            ("x402.network.base-sepolia.rpc_urls", proxied.unwrap_or_else(|| self.anvil.url().to_string())),
            ("x402.network.base-sepolia.confirmations", "1".to_owned()),
            ("x402.network.base-sepolia.block_time_ms", "100".to_owned()),
            ("x402.facilitator_recipients", "*".to_owned()),
        ]
    }
}

/// Signs the exact offer of a 402 with any key.
pub fn sign(got: &Got, key: &SigningKey, nonce: [u8; 32]) -> SignedHeader {
    sign_preferring(got, key, nonce, &Preferences::up_to(Micros::new(1_000_000)))
}

pub fn sign_preferring(got: &Got, key: &SigningKey, nonce: [u8; 32], wanted: &Preferences) -> SignedHeader {
    let header = |name: &str| got.headers.get(name).and_then(|value| value.to_str().ok());
    let required = Required::read(got.status.as_u16(), header, got.text.as_bytes()).unwrap();
    required.choose(&Networks::builtin().unwrap(), wanted).unwrap().sign(key, nonce, now(), None).unwrap()
}

pub fn paying(path: &str, signed: &SignedHeader) -> Ask {
    Ask::get(path).with(signed.name, signed.value.clone())
}

pub fn now() -> Timestamp {
    farebox_base::Clock::now(&SystemClock::default())
}

pub fn gas_wallet() -> Address {
    DevRole::GasWallet.key().unwrap().address()
}

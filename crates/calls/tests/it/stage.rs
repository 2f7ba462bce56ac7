//! Calls on a database, deposits that a wallet has signed, and a facilitator that takes its time.

use alloy_primitives::{B256, U256};
use farebox_base::{Clock as _, ManualClock, PartyId, SystemClock, SystemRng};
use farebox_calls::{CallSettings, Calls, CallsParts, Deposit, Deposited, Payments, Receiver, Sender, SignedPayment};
use farebox_db::{Db, NoFaults};
use farebox_ledger::AccountId;
use farebox_net::{Client, Policy};
use farebox_testkit::engines::TestDb;
use farebox_x402::evm::{Authorization, Signature, SigningKey};
use farebox_x402::facilitator::{Earlier, Facilitator, Facilitators, Promised, Settle, Settlement};
use farebox_x402::network::{Caip2, Method, Network, Networks};
use farebox_x402::offer::{Offer, Terms};
use farebox_x402::payment::Payment;
use farebox_x402::verify::{Hold, Limits, verify_local};
use farebox_x402::wire::{PaymentHeader, payload_of, v2};
use farebox_x402::{Reason, Refusal};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use uuid::Uuid;

/// What each deposit brings, in micros and in the token's smallest unit.
pub const AMOUNT: u64 = 10_000;

/// Settles everything, after a while.
pub struct Slow {
    network: Caip2,
    pub delay: Duration,
    /// While it is, everything is pending.
    pub is_stuck: AtomicBool,
    /// What stays pending for ever.
    pub stuck: parking_lot::Mutex<HashSet<Uuid>>,
    /// What is said against what is pending.
    pub doubt: parking_lot::Mutex<Option<Reason>>,
    /// What was known of earlier attempts, in the order of all that was asked for.
    pub asked: parking_lot::Mutex<Vec<(Uuid, Earlier)>>,
    running: AtomicUsize,
    /// The most that ran at one time.
    pub at_once: AtomicUsize,
    /// What was settled, in the order of its beginning.
    pub begun: parking_lot::Mutex<Vec<Uuid>>,
}

pub struct Stage {
    pub db: Db,
    pub calls: Calls,
    pub slow: Arc<Slow>,
    /// Another network's.
    pub other: Arc<Slow>,
    pub clock: Arc<ManualClock>,
    pub buyer: AccountId,
}

impl Facilitator for Slow {
    fn network(&self) -> &Caip2 {
        &self.network
    }

    fn check<'a>(
        &'a self,
        _offer: &'a Offer,
        _payment: &'a Payment,
        _header: &'a PaymentHeader,
    ) -> Promised<'a, Result<Hold, Refusal>> {
        Box::pin(async { Ok(Hold::default()) })
    }

    fn settle<'a>(&'a self, settle: Settle<'a>) -> Promised<'a, Settlement> {
        Box::pin(async move {
            let transaction = format!("0x{}", settle.id.simple());
            self.asked.lock().push((settle.id, settle.earlier));
            if self.is_stuck.load(Ordering::SeqCst) || self.stuck.lock().contains(&settle.id) {
                return Settlement::Pending { transaction, doubt: *self.doubt.lock() };
            }
            self.begun.lock().push(settle.id);
            let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
            self.at_once.fetch_max(running, Ordering::SeqCst);
            tokio::time::sleep(self.delay).await;
            self.running.fetch_sub(1, Ordering::SeqCst);
            Settlement::Settled { transaction }
        })
    }
}

impl Stage {
    pub async fn set(place: &TestDb, delay: Duration) -> Self {
        let db = place.open(Arc::new(NoFaults));
        let (slow, other) = (Slow::on("base-sepolia", delay), Slow::on("base", delay));
        let clock = Arc::new(ManualClock::at(SystemClock::default().now()));
        let payments = Payments {
            networks: Arc::new(Networks::builtin().unwrap()),
            facilitators: Facilitators::new(vec![slow.clone(), other.clone()]).unwrap(),
            ..Payments::default()
        };
        let parts = CallsParts {
            db: db.clone(),
            clock: clock.clone(),
            rng: Arc::new(SystemRng),
            client: Client::new(Policy::default()).unwrap(),
            payments,
            settings: CallSettings::default(),
        };
        let buyer = AccountId::funded(PartyId::from_uuid(Uuid::from_u128(1)));
        Self { calls: Calls::start(parts).await.unwrap(), db, slow, other, clock, buyer }
    }

    /// A deposit whose end is not known yet.
    pub async fn begin(&self, n: u64) {
        self.begin_on("base-sepolia", n).await;
    }

    pub async fn begin_on(&self, network: &str, n: u64) {
        self.clock.advance(Duration::from_millis(2));
        let signed = signed(network, n);
        let deposit =
            Deposit { signed: &signed, account: self.buyer.clone(), memo: "test".to_owned(), fingerprint: None };
        let begun = self.calls.deposit(deposit).await.unwrap();
        assert!(matches!(begun, Deposited::Not { .. }), "{begun:?}");
    }

    /// Takes up whatever was begun until now.
    pub async fn resume(&self) -> u64 {
        self.calls.payments_resume_alone(self.clock.now()).await.unwrap()
    }

    pub async fn number(&self, sql: &'static str) -> i64 {
        self.db.one(sql, &[]).await.unwrap().unwrap().get(0).unwrap()
    }

    pub async fn texts(&self, sql: &'static str) -> Vec<String> {
        self.db.query(sql, &[]).await.unwrap().iter().map(|row| row.get(0).unwrap()).collect()
    }
}

impl Slow {
    fn on(name: &str, delay: Duration) -> Arc<Self> {
        Arc::new(Self {
            network: network(name).caip2().clone(),
            delay,
            is_stuck: AtomicBool::new(true),
            stuck: parking_lot::Mutex::default(),
            doubt: parking_lot::Mutex::default(),
            asked: parking_lot::Mutex::default(),
            running: AtomicUsize::new(0),
            at_once: AtomicUsize::new(0),
            begun: parking_lot::Mutex::default(),
        })
    }
}

fn network(name: &str) -> Arc<Network> {
    Networks::builtin().unwrap().by_name(name).unwrap().clone()
}

fn signed(name: &str, n: u64) -> SignedPayment {
    let (key, network) = (SigningKey::from_bytes([0x77; 32]).unwrap(), network(name));
    let now = SystemClock::default().now();
    let (token, pay_to) = (network.tokens()[0].clone(), SigningKey::from_bytes([0x78; 32]).unwrap().address());
    let terms = Terms::Exact(Method::Eip3009);
    let offer = Offer::new(network.clone(), token, U256::from(AMOUNT), pay_to, 60, terms).unwrap();
    let authorization = Authorization {
        from: key.address(),
        to: pay_to,
        value: offer.amount,
        valid_after: U256::ZERO,
        valid_before: U256::from(u64::try_from(now.seconds()).unwrap() + 60),
        nonce: B256::from(U256::from(n)),
    };
    let signature = Signature::Ecdsa(key.sign_digest(authorization.digest(offer.token().domain())));
    let payment = Payment::Eip3009 { authorization, signature };
    let verified = verify_local(&offer, &payment, now, &Limits::default()).unwrap();
    let accepted = serde_json::to_value(v2::Requirements::from(&offer)).unwrap();
    let header = Some(v2::Payload::new(accepted, None, payload_of(&payment), None).unwrap().into());
    let sender = Sender { address: std::net::Ipv4Addr::LOCALHOST.into(), is_proven: false };
    SignedPayment { offer, payment, header, verified, receiver: Receiver::Gateway, later: false, sender }
}

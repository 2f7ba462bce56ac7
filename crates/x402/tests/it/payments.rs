//! Payments that the stage's payer signs, with the headers and bodies that carry them; and facilitators on the stage.

use crate::given::networks;
use crate::stage::{SELLER, Stage};
use alloy_primitives::{Address, B256, U256};
use farebox_base::{Clock, SystemClock, SystemRng};
use farebox_db::Db;
use farebox_x402::chain::ChainSettings;
use farebox_x402::chain::dev::{DEV_KEYS, DevRole, loopback_client};
use farebox_x402::evm::{Authorization, Permit, Signature, SigningKey, Witness, contracts};
use farebox_x402::facilitator::{
    Earlier, Facilitator, FacilitatorService, Facilitators, LocalFacilitator, LocalParts, OwnPlace, Recipients,
    ServiceParts, SqlStore,
};
use farebox_x402::network::Method;
use farebox_x402::offer::{Offer, Terms};
use farebox_x402::payment::Payment;
use farebox_x402::wire::{PaymentHeader, payload_of, v1, v2};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// What each payment is of, where a test does not say.
pub const PRICE: u64 = 10_000;
pub const RESOURCE: &str = "https://pay.example/weather/now";

/// A signed payment with what it is for.
#[derive(Clone)]
pub struct Signed {
    pub offer: Offer,
    pub payment: Payment,
    pub header: PaymentHeader,
}

pub fn payer() -> SigningKey {
    SigningKey::from_bytes(DEV_KEYS[2].0).unwrap()
}

pub fn gas_wallet() -> Address {
    DevRole::GasWallet.key().unwrap().address()
}

pub fn offer(terms: Terms, amount: u64) -> Offer {
    let networks = networks();
    let network = networks.by_name("base-sepolia").unwrap();
    let token = Arc::clone(&network.tokens()[0]);
    Offer::new(Arc::clone(network), token, U256::from(amount), SELLER, 60, terms).unwrap()
}

pub fn now_s() -> u64 {
    u64::try_from(SystemClock::default().now().seconds()).unwrap()
}

/// `exact` by EIP-3009, under the `n`th nonce.
pub fn exact(amount: u64, n: u64) -> Signed {
    exact_until(amount, n, 60)
}

/// The same, good for so many seconds.
pub fn exact_until(amount: u64, n: u64, seconds: u64) -> Signed {
    let offer = offer(Terms::Exact(Method::Eip3009), amount);
    let authorization = Authorization {
        from: payer().address(),
        to: SELLER,
        value: offer.amount,
        valid_after: U256::ZERO,
        valid_before: U256::from(now_s() + seconds),
        nonce: B256::from(U256::from(n)),
    };
    let signature = Signature::Ecdsa(payer().sign_digest(authorization.digest(offer.token().domain())));
    carried(offer, Payment::Eip3009 { authorization, signature })
}

/// By Permit2: `exact`, or `upto` with the gas wallet as the facilitator.
pub fn permit2(terms: Terms, amount: u64, n: u64) -> Signed {
    let offer = offer(terms, amount);
    let (to, valid_after) = (SELLER, U256::ZERO);
    let (spender, witness) = match &offer.terms {
        Terms::Upto { facilitator } => {
            (contracts::UPTO_PERMIT2_PROXY, Witness::Upto { to, facilitator: *facilitator, valid_after })
        }
        _ => (contracts::EXACT_PERMIT2_PROXY, Witness::Exact { to, valid_after }),
    };
    let permit = Permit {
        from: payer().address(),
        token: offer.token().address(),
        amount: offer.amount,
        spender,
        nonce: U256::from(n),
        deadline: U256::from(now_s() + 60),
        witness,
    };
    let signature = Signature::Ecdsa(payer().sign_digest(permit.digest(offer.network().permit2())));
    let payment = match offer.terms {
        Terms::Upto { .. } => Payment::Upto { permit, signature },
        _ => Payment::Permit2 { permit, signature },
    };
    carried(offer, payment)
}

pub fn carried(offer: Offer, payment: Payment) -> Signed {
    let accepted = serde_json::to_value(v2::Requirements::from(&offer)).unwrap();
    let resource = json!({ "url": RESOURCE, "description": "The weather now" });
    let bazaar = json!({ "bazaar": { "info": { "input": { "type": "http", "method": "GET" } }, "schema": {} } });
    let extensions = bazaar.as_object().cloned();
    let payload = v2::Payload::new(accepted, Some(&resource), payload_of(&payment), extensions).unwrap();
    Signed { offer, payment, header: payload.into() }
}

impl Signed {
    /// The body of `POST /verify` and `POST /settle`, in version 2.
    pub fn body(&self) -> Vec<u8> {
        self.body_for(self.offer.amount.to())
    }

    /// The same, asking for another amount.
    pub fn body_for(&self, amount: u64) -> Vec<u8> {
        let mut requirements = serde_json::to_value(v2::Requirements::from(&self.offer)).unwrap();
        requirements["amount"] = json!(amount.to_string());
        body(2, self.header.json(), &requirements)
    }

    /// The same in version 1.
    pub fn body_v1(&self) -> Vec<u8> {
        let resource = farebox_x402::offer::Resource { url: RESOURCE.to_owned(), ..Default::default() };
        let requirements = v1::Requirements::of(&self.offer, &resource).unwrap();
        let payload = v1::Payload::new("exact", "base-sepolia", payload_of(&self.payment));
        body(1, payload.json(), &serde_json::to_value(requirements).unwrap())
    }

    pub fn settle(&self, id: uuid::Uuid) -> farebox_x402::facilitator::Settle<'_> {
        let Self { offer, payment, header } = self;
        farebox_x402::facilitator::Settle { id, offer, payment, header, amount: offer.amount, earlier: Earlier::No }
    }
}

pub fn body(version: u8, payment: &Value, requirements: &Value) -> Vec<u8> {
    let request = json!({ "x402Version": version, "paymentPayload": payment, "paymentRequirements": requirements });
    request.to_string().into_bytes()
}

/// A facilitator on the stage that has not reached its chain yet.
pub fn unready(db: &Db, settings: ChainSettings) -> Arc<LocalFacilitator> {
    unready_by(Arc::new(SystemClock::default()), db, settings)
}

/// The same by another clock.
pub fn unready_by(clock: Arc<dyn Clock>, db: &Db, settings: ChainSettings) -> Arc<LocalFacilitator> {
    LocalFacilitator::start(LocalParts {
        db: db.clone(),
        client: loopback_client().unwrap(),
        clock,
        key: DevRole::GasWallet.key().unwrap(),
        settings,
        network: Arc::clone(networks().by_name("base-sepolia").unwrap()),
    })
}

pub async fn local(stage: &Stage, db: &Db) -> Arc<LocalFacilitator> {
    let facilitator = unready(db, stage.settings());
    facilitator.ready().await;
    facilitator
}

pub fn service(db: &Db, facilitator: Arc<dyn Facilitator>) -> FacilitatorService {
    let clock = Arc::new(SystemClock::default());
    let store = Arc::new(SqlStore::new(db.clone(), clock.clone(), Arc::new(SystemRng)));
    FacilitatorService::new(ServiceParts {
        recipients: Recipients::Everybody,
        own: OwnPlace::default(),
        facilitators: Facilitators::new(vec![facilitator]).unwrap(),
        networks: networks(),
        store: store.clone(),
        catalogue: store,
        clock,
        patience: Duration::from_secs(60),
    })
}

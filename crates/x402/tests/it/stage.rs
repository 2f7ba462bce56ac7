//! What the tests share: anvil, a token, signed payments, senders.

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use farebox_base::SystemClock;
use farebox_db::Db;
use farebox_testkit::anvil::anvil_program;
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::abi::token::{Authorization, transfer_with_bytes};
use farebox_x402::chain::dev::{
    Anvil, AnvilOptions, DEFAULT_TOKEN, DEV_CHAIN_ID, DevRole, Token, anvil_find, dev_rpc, loopback_client,
    token_deploy,
};
use farebox_x402::chain::{ChainSettings, Rpc, Send, SendOutcome, Sender, SenderParts};
use farebox_x402::evm::Digest;
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use uuid::Uuid;

/// The payee of all payments.
pub const SELLER: Address = Address::repeat_byte(0x5e);
/// What the payer begins with.
pub const FORTUNE: u64 = 1_000_000_000;

/// A chain with a token, and a payer who has some.
pub struct Stage {
    pub anvil: Anvil,
    pub rpc: Arc<Rpc>,
    pub token: Token,
}

impl Stage {
    /// `None`, after one SKIPPED line, where there is no anvil.
    pub async fn set(options: AnvilOptions) -> Option<Self> {
        let program = anvil_program(env!("CARGO_TARGET_TMPDIR"), anvil_find)?;
        let anvil = Anvil::start(program, options).unwrap();
        let rpc = Arc::new(dev_rpc(anvil.url(), Arc::new(SystemClock::default())).unwrap());
        let token = token_deploy(&rpc, DEFAULT_TOKEN, "USDC").await.unwrap();
        token.mint(&rpc, DevRole::Payer.key().unwrap().address(), U256::from(FORTUNE)).await.unwrap();
        Some(Self { anvil, rpc, token })
    }

    pub fn settings(&self) -> ChainSettings {
        ChainSettings {
            confirmations: 1,
            block_time_hint: Duration::from_millis(100),
            patience: Duration::from_secs(60),
            ..ChainSettings::of(DEV_CHAIN_ID, vec![self.anvil.url().clone()])
        }
    }

    /// A payment of one unit that the payer signed, the gas wallet pays for, and that is for the `n`th purpose.
    pub fn payment(&self, n: u64) -> Send {
        let payer = DevRole::Payer.key().unwrap();
        let authorization = Authorization {
            from: payer.address(),
            to: SELLER,
            value: U256::from(1),
            valid_after: U256::ZERO,
            valid_before: U256::from(u64::MAX),
            nonce: B256::from(U256::from(n)),
        };
        let typehash = keccak256(
            "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)",
        );
        let mut message = typehash.to_vec();
        message.extend_from_slice(authorization.from.into_word().as_slice());
        message.extend_from_slice(authorization.to.into_word().as_slice());
        for word in [authorization.value, authorization.valid_after, authorization.valid_before] {
            message.extend_from_slice(&word.to_be_bytes::<32>());
        }
        message.extend_from_slice(authorization.nonce.as_slice());
        let digest =
            keccak256([&[0x19, 0x01], self.token.domain_separator.as_slice(), keccak256(message).as_slice()].concat());
        let signature = payer.sign_digest(Digest::new(digest)).to_bytes();
        Send {
            network: format!("eip155:{DEV_CHAIN_ID}"),
            to: self.token.address,
            data: transfer_with_bytes(&authorization, &Bytes::from(signature.to_vec())).into(),
            gas_limit: 150_000,
            purpose_id: purpose(n),
        }
    }

    /// What the seller has.
    pub async fn earned(&self) -> u64 {
        self.token.balance(&self.rpc, SELLER).await.unwrap().to()
    }
}

/// The id of the `n`th purpose.
pub fn purpose(n: u64) -> Uuid {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, &n.to_be_bytes())
}

/// A sender of the gas wallet.
pub async fn sender(db: &Db, settings: ChainSettings) -> Sender {
    let parts = SenderParts {
        db: db.clone(),
        client: loopback_client().unwrap(),
        clock: Arc::new(SystemClock::default()),
        key: DevRole::GasWallet.key().unwrap(),
        settings,
    };
    Sender::start(parts).await.unwrap()
}

/// Runs a case on each engine, with a chain of its own.
pub async fn each(options: AnvilOptions, case: impl AsyncFn(&Stage, &Db)) {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(options).await else { return };
        println!("on {:?}", place.engine());
        case(&stage, &place.open(Arc::new(farebox_db::NoFaults))).await;
    }
}

/// Waits until something is so, no longer than half a minute.
pub async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if is_so().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("never so: {what}");
}

pub fn mined(outcome: SendOutcome) -> B256 {
    match outcome {
        SendOutcome::Mined(receipt) => receipt.hash,
        other => panic!("not mined: {other:?}"),
    }
}

/// The one number that a statement answers.
pub async fn count(db: &Db, sql: &'static str) -> i64 {
    db.one(sql, &[]).await.unwrap().unwrap().get(0).unwrap()
}

/// The URL of a listener on this machine.
pub fn local(port: u16) -> Url {
    Url::parse(&format!("http://127.0.0.1:{port}")).unwrap()
}

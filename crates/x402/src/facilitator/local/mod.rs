//! Our own facilitator for one EVM network: reads the chain for what a signature does not say, and settles from a gas
//! wallet.
//!
//! Takes `exact` by EIP-3009 and by Permit2, `upto`, and deposits into payment channels, whose vouchers it claims. Not
//! here: wallets that are contracts, other families of chains. Begins in the background, so that a node that is away does not keep a server from starting; until then the
//! network is not reachable and says so.
//!
//! Invariants: nothing that could still be taken is answered as not taken; no answer holds the address of a node.

mod channels;
mod check;
mod failures;
mod orders;
mod purse;
mod settle;
mod start;

use super::channels::Channels;
use super::nonce::ChainNonce;
use super::relay::ChannelRelay;
use super::{Facilitator, Promised, Settle, Settlement};
use crate::chain::{ChainSettings, GasState, Reorganised, Sender, SpanCounts};
use crate::evm::{SigningKey, address::checksummed};
use crate::network::{Caip2, Method, Network};
use crate::offer::{Offer, Scheme};
use crate::payment::Payment;
use crate::verify::Hold;
use crate::wire::{Kind, Object, PaymentHeader, Supported};
use crate::{Reason, Refusal};
use alloy_primitives::Address;
use failures::Failures;
use farebox_base::{Clock, Ticks};
use farebox_db::Db;
use farebox_net::Client;
use parking_lot::Mutex;
use purse::Purse;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// The family of chains that the wallets of `GET /supported` stand under.
const FAMILY: &str = "eip155:*";

/// How long a nonce that was found spent is remembered, and how many are.
const SPENT_FOR: Duration = Duration::from_secs(60);
const SPENT_MAX: usize = 4_096;

/// What a facilitator is made of.
#[derive(Clone)]
pub struct LocalParts {
    pub db: Db,
    pub client: Client,
    pub clock: Arc<dyn Clock>,
    pub key: SigningKey,
    /// Those of `network`.
    pub settings: ChainSettings,
    pub network: Arc<Network>,
}

/// One network, settled from one gas wallet. Has to be made on a runtime; dropping it ends its tasks.
pub struct LocalFacilitator {
    shared: Arc<Shared>,
    starter: JoinHandle<()>,
}

/// How a network is doing, for health reports and metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    pub network: Caip2,
    pub wallet: Address,
    /// `None` until the chain was reached for the first time.
    pub gas: Option<GasState>,
    /// Whether the chain answered when it was asked last.
    pub reachable: bool,
    /// Transactions that are not final yet.
    pub in_flight: usize,
    /// How long settlements took on the chain.
    pub spans: SpanCounts,
    /// What reorganisations took back after it was final.
    pub reorganised: Reorganised,
}

struct Shared {
    parts: LocalParts,
    purse: Purse,
    failures: Failures,
    /// Nonces that a check has found spent lately: settling them would cost gas for nothing.
    spent: Mutex<HashMap<ChainNonce, Ticks>>,
    sender: watch::Sender<Option<Sender>>,
    is_reachable: AtomicBool,
    contracts: Contracts,
    /// Signs claims and refunds of channels.
    authorizer: SigningKey,
}

/// Which of the contracts that the schemes need are known to be deployed. None of them is ever taken away.
#[derive(Default)]
struct Contracts {
    exact: AtomicBool,
    upto: AtomicBool,
    channels: AtomicBool,
    deposit_eip3009: AtomicBool,
    deposit_permit2: AtomicBool,
}

impl LocalFacilitator {
    /// Begins to reach for the chain, on the current runtime. The gas wallet is the authorizer of channels.
    pub fn start(parts: LocalParts) -> Arc<Self> {
        let authorizer = parts.key.clone();
        Self::start_with(parts, authorizer)
    }

    /// The same with another key that signs claims and refunds of channels. Channels name it for ever: without it
    /// their vouchers can't be claimed here.
    pub fn start_with(parts: LocalParts, authorizer: SigningKey) -> Arc<Self> {
        let shared = Arc::new(Shared {
            purse: Purse::new(parts.clock.clone()),
            failures: Failures::new(parts.clock.clone()),
            spent: Mutex::default(),
            sender: watch::Sender::new(None),
            is_reachable: AtomicBool::new(false),
            contracts: Contracts::default(),
            authorizer,
            parts,
        });
        let starter = tokio::spawn(start::run(Arc::clone(&shared)));
        Arc::new(Self { shared, starter })
    }

    /// How the network is doing.
    pub fn status(&self) -> Status {
        let shared = &self.shared;
        let sender = shared.sender();
        Status {
            network: shared.network().caip2().clone(),
            wallet: shared.parts.key.address(),
            gas: sender.as_ref().map(Sender::gas),
            reachable: shared.is_reachable.load(Ordering::Relaxed),
            in_flight: sender.as_ref().map_or(0, Sender::in_flight),
            spans: sender.as_ref().map(Sender::spans).unwrap_or_default(),
            reorganised: sender.as_ref().map(Sender::reorganised).unwrap_or_default(),
        }
    }

    /// Waits until the chain was reached and what was left unfinished is taken up again.
    pub async fn ready(&self) {
        let mut started = self.shared.sender.subscribe();
        let _ = started.wait_for(Option::is_some).await;
    }

    /// The engine that sends; `None` until the chain was reached.
    pub fn sender(&self) -> Option<Sender> {
        self.shared.sender()
    }

    /// Writes what is queued and ends. What is in flight is taken up at the next start.
    pub async fn stop(&self) {
        self.starter.abort();
        if let Some(sender) = self.shared.sender() {
            sender.stop().await;
        }
    }
}

impl Drop for LocalFacilitator {
    fn drop(&mut self) {
        self.starter.abort();
    }
}

impl Shared {
    const fn network(&self) -> &Arc<Network> {
        &self.parts.network
    }

    fn sender(&self) -> Option<Sender> {
        self.sender.borrow().clone()
    }

    fn note_spent(&self, nonce: ChainNonce) {
        let now = self.parts.clock.ticks();
        let mut spent = self.spent.lock();
        if spent.len() >= SPENT_MAX {
            spent.retain(|_, at| now.since(*at) < SPENT_FOR);
        }
        if spent.len() < SPENT_MAX {
            spent.insert(nonce, now);
        }
    }

    fn was_spent(&self, nonce: &ChainNonce) -> bool {
        let now = self.parts.clock.ticks();
        self.spent.lock().get(nonce).is_some_and(|at| now.since(*at) < SPENT_FOR)
    }

    /// Refuses what is for another network.
    fn check_network(&self, offer: &Offer) -> Result<(), Refusal> {
        let (own, asked) = (self.network().caip2(), offer.network().caip2());
        if own == asked { Ok(()) } else { Err(Refusal::mismatch(Reason::InvalidNetwork, "network", own, asked)) }
    }

    fn has(&self, scheme: Scheme, method: Method) -> bool {
        let has_tokens = || self.network().tokens().iter().any(|token| token.takes(method));
        let has_contracts = match (scheme, method) {
            (Scheme::Exact, Method::Eip3009) => true,
            (Scheme::Exact, Method::Permit2) => self.contracts.exact.load(Ordering::Relaxed),
            (Scheme::Upto, _) => self.contracts.upto.load(Ordering::Relaxed),
            (Scheme::BatchSettlement, Method::Eip3009) => self.contracts.deposit_eip3009.load(Ordering::Relaxed),
            (Scheme::BatchSettlement, Method::Permit2) => self.contracts.deposit_permit2.load(Ordering::Relaxed),
        };
        has_contracts && has_tokens()
    }

    fn kind(&self, scheme: Scheme, extra: &[(&str, String)]) -> Kind {
        let extra: Object = extra.iter().map(|(key, value)| ((*key).to_owned(), value.as_str().into())).collect();
        Kind {
            x402_version: 2,
            scheme: scheme.as_str().to_owned(),
            network: self.network().caip2().to_string(),
            extra: (!extra.is_empty()).then_some(extra),
        }
    }

    fn supported(&self) -> Supported {
        let wallet = checksummed(self.parts.key.address());
        let permit2 = ("assetTransferMethod", Method::Permit2.as_str().to_owned());
        let mut kinds = Vec::new();
        if self.has(Scheme::Exact, Method::Eip3009) {
            let plain = self.kind(Scheme::Exact, &[]);
            let v1 = self.network().v1_name();
            kinds.extend(v1.map(|name| Kind { x402_version: 1, network: name.to_owned(), ..plain.clone() }));
            kinds.push(plain);
        }
        if self.has(Scheme::Exact, Method::Permit2) {
            kinds.push(self.kind(Scheme::Exact, std::slice::from_ref(&permit2)));
        }
        if self.has(Scheme::Upto, Method::Permit2) {
            kinds.push(self.kind(Scheme::Upto, &[("facilitatorAddress", wallet.clone()), permit2.clone()]));
        }
        let authorizer = ("receiverAuthorizer", checksummed(self.authorizer.address()));
        if self.has(Scheme::BatchSettlement, Method::Eip3009) {
            kinds.push(self.kind(Scheme::BatchSettlement, std::slice::from_ref(&authorizer)));
        }
        if self.has(Scheme::BatchSettlement, Method::Permit2) {
            kinds.push(self.kind(Scheme::BatchSettlement, &[authorizer, permit2]));
        }
        let signers = [(FAMILY.to_owned(), vec![wallet])].into();
        Supported { kinds, extensions: Vec::new(), signers }
    }
}

impl Facilitator for LocalFacilitator {
    fn network(&self) -> &Caip2 {
        self.shared.network().caip2()
    }

    fn check<'a>(
        &'a self,
        offer: &'a Offer,
        payment: &'a Payment,
        _header: &'a PaymentHeader,
    ) -> Promised<'a, Result<Hold, Refusal>> {
        Box::pin(async move { self.shared.check(offer, payment).await.map_err(|refusal| refusal.of(payment.payer())) })
    }

    fn settle<'a>(&'a self, settle: Settle<'a>) -> Promised<'a, Settlement> {
        Box::pin(async move {
            match self.shared.settle(&settle).await {
                Settlement::NotTaken(refusal) => Settlement::NotTaken(refusal.of(settle.payment.payer())),
                other => other,
            }
        })
    }

    fn settles(&self, scheme: Scheme, method: Method) -> bool {
        // What is not known yet is offered: a payment that comes again has to find its offer.
        !self.shared.is_reachable.load(Ordering::Relaxed) || self.shared.has(scheme, method)
    }

    fn supported(&self) -> Supported {
        self.shared.supported()
    }

    fn channels(&self) -> Option<&dyn Channels> {
        Some(self)
    }

    fn channel_relay(&self) -> Option<&dyn ChannelRelay> {
        Some(self)
    }

    fn own_status(&self) -> Option<Status> {
        Some(self.status())
    }
}

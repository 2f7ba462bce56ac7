//! The paid call: hold first, then call, then post or void, and only then answer.
//!
//! Owns the tables `call`, `idempotency`, `free_tier_use`, `payment`, `chain_deposit` and `channel`. Doors hand it a caller, a listing and a request;
//! it answers with the reply and a receipt. It knows no door's headers or envelopes.
//!
//! Invariants:
//! - nothing is forwarded before its call row and hold are committed, or its money is set aside in memory from a buyer
//!   who has plenty; a long reply does not begin before they are;
//! - the last byte of a served reply leaves only after its posting is committed, so that whoever received a
//!   whole reply was charged, and whoever was charged has a row that says so;
//! - where durability is relaxed, and only for calls whose money is set aside in memory, the reply does not wait for
//!   its posting: it follows within milliseconds;
//! - a call that failed upstream, or whose client left before the reply began, costs nothing and gives its
//!   free-tier slot back;
//! - a call that a crash left open is closed, free of charge: on an embedded database when the next process starts,
//!   on a shared one after its expiry.

mod admit;
mod answers;
mod apply;
mod channel;
mod check;
mod close;
mod free_tier;
mod held_back;
mod http_call;
mod idempotency;
mod metered;
mod open;
mod payment;
mod reconcile;
mod reply;
mod reserve;
mod rows;
mod running;
mod settings;
#[cfg(feature = "sim")]
pub mod sim;
mod slots;
mod sql_call;
mod target;
mod ticket;
mod unattended;
mod usage;
mod writer;

pub use channel::ClaimRule;
pub use check::{CALL_INVARIANTS, check};
pub use http_call::{HttpCall, UserAccount};
pub use idempotency::IdempotencyKey;
pub use payment::{
    Arrived, Deposit, Deposited, LaterSettling, Payments, Receiver, Sender, SignedPayment, arrived_hash,
    refused as payment_refused, replies_had, replies_offer_again,
};
pub use reconcile::{Reconciled, calls_expire_all};
pub use settings::{CallSettings, CallsParts, Durability};
pub use sql_call::{SqlAnswer, SqlCall, SqlEstimate};
pub use usage::{UsageTotals, usage_totals};

use farebox_accounts::Caller;
use farebox_base::{CallId, Error, FastMap, KeyId, Micros, PartyId};
use farebox_net::Body;
use farebox_upstream::sql::SqlConnectors;
use farebox_x402::wire::SettlementResponse;
use std::sync::Arc;

/// Databases of sellers that stay connected at one time.
const SQL_TARGETS_MAX: usize = 256;

/// How long the end of the process waits for calls that go on without their client.
const STOP_PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// The paid calls of one process. Cheap to clone.
#[derive(Clone)]
pub struct Calls {
    parts: Arc<CallsParts>,
    writer: writer::Writer,
    slots: Arc<slots::Slots>,
    channels: Arc<channel::Seats>,
    connectors: Arc<SqlConnectors>,
    costs: Arc<payment::SeenCosts>,
    rounds: Arc<payment::Rounds>,
    targets: Arc<parking_lot::RwLock<FastMap<farebox_base::ListingId, http_call::CachedTarget>>>,
    #[cfg(feature = "sim")]
    outside: Option<Arc<dyn sim::Outside>>,
}

impl Calls {
    /// Begins a chain in the book and starts the writer thread on the current runtime.
    ///
    /// # Errors
    /// Those of the database; `Internal` where the thread cannot be started.
    pub async fn start(parts: CallsParts) -> farebox_base::Result<Self> {
        let parts = Arc::new(parts);
        let writer = writer::Writer::start(parts.clone(), writer::Place::Thread).await?;
        Ok(Self::of(parts, writer))
    }

    fn of(parts: Arc<CallsParts>, writer: writer::Writer) -> Self {
        let slots = slots::Slots::new(parts.settings.in_flight_max, parts.settings.in_flight_buyer_max);
        let connectors = SqlConnectors::new(parts.client.clone(), parts.settings.sql_limits, SQL_TARGETS_MAX);
        Self {
            parts,
            writer,
            slots,
            channels: Arc::default(),
            connectors: Arc::new(connectors),
            costs: Arc::default(),
            rounds: Arc::default(),
            targets: Arc::default(),
            #[cfg(feature = "sim")]
            outside: None,
        }
    }

    /// Where signed payments are taken.
    pub fn payments(&self) -> &Payments {
        &self.parts.payments
    }

    /// Waits a little for calls under way, commits what is queued and stops the writer; calls after this are refused.
    pub async fn stop(&self) {
        if !self.slots.drained(STOP_PATIENCE).await {
            tracing::warn!("calls are still under way; what they hold is released when the holds expire");
        }
        self.writer.stop().await;
    }
}

/// Who pays for a call, and by which key that was proven; a bare wallet has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payer {
    pub party_id: PartyId,
    pub key_id: Option<KeyId>,
}

impl From<&Caller> for Payer {
    fn from(caller: &Caller) -> Self {
        Self { party_id: caller.party_id, key_id: caller.key_id() }
    }
}

/// What a call came to, for the door's headers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub call_id: CallId,
    /// What is charged; zero for free and failed calls.
    pub amount: Micros,
    /// Served from the listing's free tier.
    pub free_tier: bool,
    /// From the request's arrival to the head of the seller's reply.
    pub latency_ms: u64,
    /// The answer to an earlier request with the same idempotency key; nothing was charged now.
    pub replayed: bool,
}

/// A call that was forwarded: the seller's reply, or why there is none. A failure costs nothing.
pub struct Answer {
    pub reply: Result<http::Response<Body>, Error>,
    pub receipt: Receipt,
    /// What became of the payment that came with the request, where one did.
    pub payment: Option<Box<SettlementResponse>>,
}

impl Answer {
    pub(crate) fn new(reply: Result<http::Response<Body>, Error>, receipt: Receipt) -> Self {
        Self { reply, receipt, payment: None }
    }
}

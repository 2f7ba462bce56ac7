//! Verifying and settling payments: what a resource server asks of a facilitator, answered by our own access to a chain
//! or by somebody else's facilitator over HTTP.
//!
//! Knows no listing or door, and of stores only that of payments for other servers (`service`): whoever settles has
//! reserved the payment before, under the `id` that it settles by. Owns the tables `x402_settlement`, `x402_resource` and
//! `x402_resource_terms`. Invariants: one `id` is settled at most once, however often it is asked for and whatever crashes between;
//! a payment whose fate is unknown is `Pending`, never refused.

pub mod catalogue;
pub mod channels;
mod local;
mod nonce;
mod own_place;
mod plan;
pub mod record;
mod registry;
pub mod relay;
mod remote;
mod service;
mod store;
mod tally;
mod trace;
mod witness;

pub use local::{LocalFacilitator, LocalParts, Status};
pub use own_place::OwnPlace;
pub use registry::{DuplicateNetwork, Facilitators};
pub use remote::{RemoteError, RemoteFacilitator, RemoteSettings};
pub use service::{DiscoveryError, FacilitatorService, Heard, Recipients, Reply, ServiceParts};
pub use store::{SqlStore, settlements_forget_in};
pub use tally::{Outcomes, Report};

use crate::network::{Caip2, Method};
use crate::offer::{Offer, Scheme};
use crate::payment::Payment;
use crate::verify::Hold;
use crate::wire::{PaymentHeader, Supported};
use crate::{Reason, Refusal};
use alloy_primitives::U256;
use std::pin::Pin;
use uuid::Uuid;

/// What is being worked on.
pub type Promised<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A payment that is to be settled. It was verified before.
#[derive(Clone, Copy, Debug)]
pub struct Settle<'a> {
    /// Who asks again with it gets the first outcome.
    pub id: Uuid,
    pub offer: &'a Offer,
    pub payment: &'a Payment,
    /// As it came, for facilitators that want the original.
    pub header: &'a PaymentHeader,
    /// In the token's smallest unit; at most what is authorized, for `exact` just that. A deposit is always of what was
    /// signed for it.
    pub amount: U256,
    pub earlier: Earlier,
}

/// What is known of earlier attempts to settle the same payment for the same purpose, by this process or another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Earlier {
    /// There was none.
    #[default]
    No,
    /// One may have left, and its answer was not kept.
    Maybe,
    /// The same, and a later answer has said what is said of payments that were settled.
    Doubted,
}

/// What became of a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// Final on its chain.
    Settled {
        /// As the network writes hashes; empty where nothing was due.
        transaction: String,
    },
    /// Begun, its end unknown yet. Ask again with the same `id`; never ask for another payment meanwhile.
    Pending {
        transaction: String,
        /// What somebody else's facilitator says against it, and would also say if it had settled it.
        doubt: Option<Reason>,
    },
    /// Nothing was taken, and nothing will be: refused by the chain, or never begun.
    NotTaken(Refusal),
}

impl Settlement {
    /// Begun by this transaction, empty where it is not known.
    pub fn pending(transaction: impl Into<String>) -> Self {
        Self::Pending { transaction: transaction.into(), doubt: None }
    }
}

/// Where the payments of one network are verified and settled.
pub trait Facilitator: Send + Sync {
    fn network(&self) -> &Caip2;

    /// What only the chain can tell: balance, spent nonces, allowances, contracts' signatures. The rest was checked by
    /// `verify_local`. No other payment is promised the same money as long as the answer is held.
    ///
    /// # Errors
    /// The reason why it would not be settled; `UnexpectedVerifyError` where the chain can't be asked.
    fn check<'a>(
        &'a self,
        offer: &'a Offer,
        payment: &'a Payment,
        header: &'a PaymentHeader,
    ) -> Promised<'a, Result<Hold, Refusal>>;

    fn settle<'a>(&'a self, settle: Settle<'a>) -> Promised<'a, Settlement>;

    /// Whether it would settle payments of this scheme and method, as far as is known now: what it would not is not
    /// offered.
    fn settles(&self, _scheme: Scheme, _method: Method) -> bool {
        true
    }

    /// Its part of the reply to `GET /supported`, as far as it is known now.
    fn supported(&self) -> Supported {
        Supported::default()
    }

    /// Whether `check` proves signatures of contracts, which `verify_local` refuses.
    fn proves_contracts(&self) -> bool {
        false
    }

    /// How its own gas wallet is doing; `None` where it has none.
    fn own_status(&self) -> Option<Status> {
        None
    }

    /// Its payment channels; `None` where it has none.
    fn channels(&self) -> Option<&dyn channels::Channels> {
        None
    }

    /// What it does with other servers' channels; `None` where it does nothing.
    fn channel_relay(&self) -> Option<&dyn relay::ChannelRelay> {
        None
    }
}

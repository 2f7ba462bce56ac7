//! What a facilitator remembers of the payments that other servers have it settle: as traits, so that the service knows
//! no database.

use super::{Promised, Settlement};
use crate::facilitator::catalogue::{Entry, ListQuery, SearchQuery};
use crate::verify::NonceKey;
use crate::wire::DiscoveryItem;
use alloy_primitives::{Address, B256, U256};
use farebox_base::Result;
use uuid::Uuid;

/// A payment that is about to be settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSettlement {
    pub nonce: NonceKey,
    /// Of everything that has to be the same for the answer to be the same.
    pub fingerprint: B256,
    /// CAIP-2.
    pub network: String,
    pub token: Address,
    pub payer: Address,
    pub pay_to: Address,
    /// In the token's smallest unit.
    pub amount: U256,
}

/// What is remembered of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    pub id: Uuid,
    pub fingerprint: B256,
    /// `None` while it is under way.
    pub end: Option<Settlement>,
}

/// What came of a reservation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The nonce is reserved for this settlement.
    Fresh(Uuid),
    /// It was reserved before.
    Known(Remembered),
}

/// Reserves nonces and remembers ends. Of one nonce there is one settlement, in all processes.
pub trait SettlementStore: Send + Sync {
    /// What is remembered of a nonce.
    fn find<'a>(&'a self, nonce: &'a NonceKey) -> Promised<'a, Result<Option<Remembered>>>;

    /// Reserves the nonce, unless it is. An end of `UnexpectedSettleError`, after which nothing had begun, counts as none.
    fn begin<'a>(&'a self, new: &'a NewSettlement) -> Promised<'a, Result<Begun>>;

    /// Notes the end, and in the catalogue what was paid for. `Pending` is no end.
    fn ended<'a>(
        &'a self,
        id: Uuid,
        settlement: &'a Settlement,
        resource: Option<&'a Entry>,
    ) -> Promised<'a, Result<()>>;
}

/// The catalogue of resources that were paid for.
pub trait Catalogue: Send + Sync {
    /// Notes that a resource was paid for a number of times; that it is listed so is nobody's claim but the caller's.
    fn paid<'a>(&'a self, entry: &'a Entry, times: u32) -> Promised<'a, Result<()>>;

    /// A page, the latest paid first, and how many there are in all.
    fn list<'a>(&'a self, query: &'a ListQuery) -> Promised<'a, Result<(Vec<DiscoveryItem>, u64)>>;

    /// A page of those that have all the words, the most often paid first; one more than the limit where there are more.
    fn search<'a>(&'a self, query: &'a SearchQuery) -> Promised<'a, Result<Vec<DiscoveryItem>>>;
}

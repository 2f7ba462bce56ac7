//! The hash that ties a batch to the one before it, over every field of its transfers and entries.
//!
//! Invariant: computed from what is stored, it is the same as when it was written. `check_deep` relies on that.

use crate::batch::ChainId;
use farebox_base::planted::{Bug, is_planted};

/// How many entries a chain can have; the chain's number stands above that in each entry's.
const ENTRIES_BITS: u32 = 44;
/// The same as a number.
pub(crate) const ENTRIES_MAX: i64 = (1 << ENTRIES_BITS) - 1;

/// The number before the first entry of a chain.
pub(crate) fn first_number(chain: ChainId) -> i64 {
    chain.get() << ENTRIES_BITS
}

/// A transfer as it is sealed.
pub(crate) struct Sealed<'a> {
    pub id: &'a str,
    pub kind: &'a str,
    pub digest: &'a [u8],
    pub hold_id: Option<&'a str>,
    pub listing_id: Option<&'a str>,
    pub memo: &'a str,
    pub first_entry: i64,
}

/// The hash of one batch while it is computed.
pub(crate) struct Seal(blake3::Hasher);

/// Begins the hash of batch `seq` of `chain` after the one that is hashed as `before`.
pub(crate) fn seal(chain: i64, seq: i64, before: &[u8]) -> Seal {
    let mut seal = Seal(blake3::Hasher::new());
    seal.number(chain);
    seal.number(seq);
    seal.bytes(before);
    seal
}

impl Seal {
    pub(crate) fn transfer(&mut self, transfer: &Sealed<'_>) {
        self.bytes(transfer.id.as_bytes());
        self.bytes(transfer.kind.as_bytes());
        self.bytes(transfer.digest);
        self.optional(transfer.hold_id);
        self.optional(transfer.listing_id);
        self.bytes(transfer.memo.as_bytes());
        self.number(transfer.first_entry);
    }

    /// An entry of the transfer before: account, amount, balance after, previous entry, time.
    pub(crate) fn entry(&mut self, account: &str, amount: i64, rest: [Option<i64>; 3]) {
        self.bytes(account.as_bytes());
        self.number(if is_planted(Bug::AmountUnsealed) { 0 } else { amount });
        for number in rest {
            self.number(i64::from(number.is_some()));
            self.number(number.unwrap_or_default());
        }
    }

    pub(crate) fn finish(self) -> [u8; 32] {
        *self.0.finalize().as_bytes()
    }

    fn number(&mut self, number: i64) {
        self.0.update(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        self.0.update(bytes);
    }

    fn optional(&mut self, text: Option<&str>) {
        self.number(i64::from(text.is_some()));
        self.bytes(text.unwrap_or_default().as_bytes());
    }
}

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

/// How many bytes are gathered before they are hashed, so that the largest batch needs no more memory.
const GATHERED_MAX: usize = 1 << 16;

/// The hash of one batch while it is computed.
pub(crate) struct Seal {
    hash: blake3::Hasher,
    /// What is not hashed yet: one long piece costs a fraction of its many short fields.
    gathered: Vec<u8>,
}

/// Begins the hash of batch `seq` of `chain` after the one that is hashed as `before`.
pub(crate) fn seal(chain: i64, seq: i64, before: &[u8]) -> Seal {
    let mut seal = Seal { hash: blake3::Hasher::new(), gathered: Vec::with_capacity(1 << 12) };
    seal.number(chain);
    seal.number(seq);
    seal.bytes(before);
    seal
}

impl Seal {
    pub(crate) fn transfer(&mut self, transfer: &Sealed<'_>) {
        if self.gathered.len() >= GATHERED_MAX {
            self.hash.update(&self.gathered);
            self.gathered.clear();
        }
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

    pub(crate) fn finish(mut self) -> [u8; 32] {
        *self.hash.update(&self.gathered).finalize().as_bytes()
    }

    fn number(&mut self, number: i64) {
        self.gathered.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(i64::try_from(bytes.len()).unwrap_or(i64::MAX));
        self.gathered.extend_from_slice(bytes);
    }

    fn optional(&mut self, text: Option<&str>) {
        self.number(i64::from(text.is_some()));
        self.bytes(text.unwrap_or_default().as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(transfers: usize) -> String {
        let mut seal = seal(3, 7, &[9; 32]);
        for number in 0..transfers {
            let id = format!("transfer-{number}");
            seal.transfer(&Sealed {
                id: &id,
                kind: "call",
                digest: &[5; 32],
                hold_id: (number % 2 == 0).then_some("hold"),
                listing_id: (number % 3 == 0).then_some("listing"),
                memo: "Weather",
                first_entry: 2 * number as i64,
            });
            seal.entry("funded:a", -100, [Some(900), None, Some(1)]);
            seal.entry("fees", 100, [None, Some(4), Some(1)]);
        }
        seal.finish().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[test]
    fn a_batch_of_any_size_is_hashed_as_it_always_was() {
        assert_eq!(sealed(1), "bd326def329a8006ff570ea0b6bdcec7646752b270f000bd863c766c65f660c5");
        assert_eq!(sealed(1_000), "8d8d2712bd82525cea9964b0dcc2d76e5f480f21211a9f42ccfcb5ef876a50f8");
    }
}

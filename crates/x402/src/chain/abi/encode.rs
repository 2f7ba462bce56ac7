//! Puts arguments together: fixed ones in place, dynamic ones behind them with their offset in place.

use super::{Selector, padded};
use alloy_primitives::{Address, B256, U256};

/// Arguments of a call, or members of a dynamic tuple.
pub(in crate::chain) struct Args {
    head: Vec<u8>,
    tail: Vec<u8>,
    head_bytes: usize,
}

impl Args {
    /// `words` is the number of words in place: one for each dynamic argument, as many as it has for each fixed one.
    pub(in crate::chain) fn new(words: usize) -> Self {
        Self { head: Vec::with_capacity(words * 32), tail: Vec::new(), head_bytes: words * 32 }
    }

    pub(in crate::chain) fn word(mut self, word: U256) -> Self {
        self.head.extend_from_slice(&word.to_be_bytes::<32>());
        self
    }

    pub(in crate::chain) fn number(self, number: u128) -> Self {
        self.word(U256::from(number))
    }

    pub(in crate::chain) fn address(self, address: Address) -> Self {
        self.hash(padded(address))
    }

    pub(in crate::chain) fn hash(mut self, hash: B256) -> Self {
        self.head.extend_from_slice(hash.as_slice());
        self
    }

    /// Words that are in place already, of a fixed tuple.
    pub(in crate::chain) fn fixed(mut self, encoded: &[u8]) -> Self {
        self.head.extend_from_slice(encoded);
        self
    }

    /// `bytes` or `string`.
    pub(in crate::chain) fn bytes(self, bytes: &[u8]) -> Self {
        self.dynamic(&with_length(bytes))
    }

    /// `bytes[]`.
    pub(in crate::chain) fn many_bytes(self, all: &[Vec<u8>]) -> Self {
        self.tuples(all.iter().map(|bytes| with_length(bytes)).collect())
    }

    /// An array of dynamic tuples, each encoded by itself.
    pub(in crate::chain) fn tuples(self, tuples: Vec<Vec<u8>>) -> Self {
        let mut members = Args::new(tuples.len());
        for tuple in &tuples {
            members = members.dynamic(tuple);
        }
        let mut encoded = U256::from(tuples.len()).to_be_bytes_vec();
        encoded.extend(members.encoded());
        self.dynamic(&encoded)
    }

    pub(in crate::chain) fn dynamic(mut self, encoded: &[u8]) -> Self {
        let offset = self.head_bytes + self.tail.len();
        self.tail.extend_from_slice(encoded);
        self.word(U256::from(offset))
    }

    pub(in crate::chain) fn encoded(self) -> Vec<u8> {
        debug_assert_eq!(self.head.len(), self.head_bytes, "the number of words was announced wrongly");
        let mut all = self.head;
        all.extend_from_slice(&self.tail);
        all
    }

    pub(in crate::chain) fn call(self, selector: Selector) -> Vec<u8> {
        let mut all = Vec::with_capacity(4 + self.head.len() + self.tail.len());
        all.extend_from_slice(&selector);
        all.extend(self.encoded());
        all
    }
}

fn with_length(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = U256::from(bytes.len()).to_be_bytes_vec();
    encoded.extend_from_slice(bytes);
    encoded.resize(32 + bytes.len().div_ceil(32) * 32, 0);
    encoded
}

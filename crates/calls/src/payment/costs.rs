//! What queries have cost that were expected to cost less, remembered for a while: who is asked to sign again is asked for
//! enough.
//!
//! Lost with the process, which costs one more refusal. Never grows beyond a fixed size.

use farebox_base::Micros;
use farebox_market::ListingEntry;
use parking_lot::Mutex;
use serde_json::Value;
use std::collections::HashMap;

/// How many queries are remembered; then all are forgotten.
const REMEMBERED: usize = 1_000;

/// Costs by query.
#[derive(Debug, Default)]
pub(crate) struct SeenCosts(Mutex<HashMap<[u8; 32], Micros>>);

impl SeenCosts {
    pub(super) fn note(&self, key: [u8; 32], cost: Micros) {
        let mut seen = self.0.lock();
        if seen.len() >= REMEMBERED {
            seen.clear();
        }
        seen.insert(key, cost);
    }

    pub(super) fn find(&self, key: &[u8; 32]) -> Option<Micros> {
        self.0.lock().get(key).copied()
    }
}

/// Names a query: listing, statement and parameters.
pub(super) fn key(entry: &ListingEntry, sql: &str, params: &[Value]) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    let params = Value::from(params).to_string();
    for part in [entry.listing.id.to_string().as_str(), sql, &params] {
        hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
        hash.update(part.as_bytes());
    }
    *hash.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_queries_are_remembered_than_there_is_room_for() {
        let costs = SeenCosts::default();
        for number in 0..10 * REMEMBERED {
            let key = *blake3::hash(&number.to_le_bytes()).as_bytes();
            costs.note(key, Micros::new(7));
            assert_eq!(costs.find(&key), Some(Micros::new(7)));
        }
        assert!(costs.0.lock().len() <= REMEMBERED);
    }
}

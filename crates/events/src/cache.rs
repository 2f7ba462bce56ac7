//! A bounded map of state that was read from the database, valid as long as its scope's version stands still.
//!
//! Owns no loading: on a miss the caller reads the version, then the database, then inserts under that version, so
//! that a change in between is never hidden. Invariant: `get` never returns a value of an older version.

use crate::Scope;
use farebox_base::FastState;
use parking_lot::RwLock;
use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash};

const SHARDS: usize = 16;

/// Values by key. A hit takes one shared lock on one of several shards and clones the value (keep it an `Arc`).
pub struct Cache<K, V> {
    scope: Scope,
    hasher: FastState,
    shards: Vec<RwLock<Shard<K, V>>>,
    shard_capacity: usize,
}

type Shard<K, V> = HashMap<K, (u64, V), FastState>;

impl<K: Hash + Eq + Clone, V: Clone> Cache<K, V> {
    /// Holds at most about `capacity` values.
    pub fn new(scope: Scope, capacity: usize) -> Self {
        let hasher = FastState::default();
        let shards = (0..SHARDS).map(|_| RwLock::new(HashMap::with_hasher(hasher.clone()))).collect();
        Self { scope, hasher, shards, shard_capacity: capacity.div_ceil(SHARDS).max(1) }
    }

    /// To be read before the database, and handed to `insert`.
    pub fn version(&self) -> u64 {
        self.scope.version()
    }

    pub fn get<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let current = self.scope.version();
        let shard = self.shard(key).read();
        shard.get(key).filter(|(version, _)| *version == current).map(|(_, value)| value.clone())
    }

    /// Keeps what was read from the database after `version` was. A full shard drops what is stale, and if nothing
    /// is, one entry in no particular order.
    pub fn insert(&self, key: K, version: u64, value: V) {
        let mut shard = self.shard(&key).write();
        if shard.len() >= self.shard_capacity && !shard.contains_key(&key) {
            let current = self.scope.version();
            shard.retain(|_, (version, _)| *version == current);
            if shard.len() >= self.shard_capacity
                && let Some(victim) = shard.keys().next().cloned()
            {
                shard.remove(&victim);
            }
        }
        shard.insert(key, (version, value));
    }

    fn shard<Q: Hash + ?Sized>(&self, key: &Q) -> &RwLock<Shard<K, V>> {
        let hash = self.hasher.hash_one(key);
        // The map inside picks by the lowest and highest bits, so the shard takes others.
        &self.shards[usize::try_from((hash >> 32) & 0xff).unwrap_or(0) % SHARDS]
    }
}

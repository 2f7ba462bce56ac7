//! Maps on the path of every call.
//!
//! Their hash is several times as fast as the standard one. It is seeded at each start, so that nobody can choose keys
//! which collide from outside; it is no secret, and no map whose order shows through belongs here.

use std::collections::HashMap;

/// A `HashMap` for small keys that are looked up with every call. Made by `default()`.
pub type FastMap<K, V> = HashMap<K, V, FastState>;

/// The seed of a [`FastMap`].
pub type FastState = foldhash::fast::RandomState;

//! Randomness, injected. The only place that asks the operating system for it.

use std::cell::RefCell;
use std::sync::Mutex;

/// A source of random bytes; `SystemRng` is fit for secrets, `SeededRng` is not.
pub trait Rng: Send + Sync + 'static {
    fn fill(&self, bytes: &mut [u8]);

    fn next_u64(&self) -> u64 {
        let mut bytes = [0; 8];
        self.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// A number below `bound`, which must not be zero. The bias of the remainder is of no matter here.
    fn below(&self, bound: u64) -> u64 {
        self.next_u64() % bound
    }
}

/// The operating system's generator. Short asks, such as ids, are served from a store of each thread, so that most
/// of them cost no system call; what was handed out is wiped from it.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

/// Longer asks are for secrets and go past the store.
const SHORT_BYTES_MAX: usize = 16;
const STORE_BYTES: usize = 256;

struct Store {
    bytes: [u8; STORE_BYTES],
    left: usize,
}

thread_local! {
    static STORE: RefCell<Store> = const { RefCell::new(Store { bytes: [0; STORE_BYTES], left: 0 }) };
}

impl Rng for SystemRng {
    fn fill(&self, bytes: &mut [u8]) {
        if bytes.len() > SHORT_BYTES_MAX {
            return ask(bytes);
        }
        STORE.with_borrow_mut(|store| {
            if store.left < bytes.len() {
                ask(&mut store.bytes);
                store.left = STORE_BYTES;
            }
            let rest = store.left - bytes.len();
            bytes.copy_from_slice(&store.bytes[rest..store.left]);
            store.bytes[rest..store.left].fill(0);
            store.left = rest;
        });
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the operating system")]
fn ask(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system provides randomness; without it no secret is safe");
}

/// A reproducible sequence (SplitMix64) for tests and simulation.
#[derive(Debug)]
pub struct SeededRng {
    state: Mutex<u64>,
}

impl SeededRng {
    pub fn new(seed: u64) -> Self {
        Self { state: Mutex::new(seed) }
    }
}

impl Rng for SeededRng {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = *state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            chunk.copy_from_slice(&z.to_le_bytes()[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_two_short_asks_get_the_same_bytes_whatever_their_lengths() {
        let mut seen = HashSet::new();
        for round in 0..1_000 {
            let mut bytes = [0; SHORT_BYTES_MAX];
            let length = 8 + round % 9;
            SystemRng.fill(&mut bytes[..length]);
            assert!(seen.insert(bytes[..8].to_vec()), "round {round}");
        }
    }
}

//! What is asked: requests by seed, each with what its seller and its buyer will do.

use farebox_base::{Rng, SeededRng};

/// One request.
#[derive(Clone, Debug)]
pub struct Plan {
    pub n: usize,
    pub buyer: usize,
    pub listing: usize,
    /// With an idempotency key: which one, and which of the bodies it is sent with.
    pub key: Option<u64>,
    pub body: u64,
    pub seller: Seller,
    pub leaves: Leaves,
}

/// What the seller answers.
#[derive(Clone, Debug)]
pub enum Seller {
    /// A reply of so many bytes whose length is known, after a while.
    Whole { status: u16, after_ms: u64, bytes: usize },
    /// A reply in frames, of known length or not; `breaks`: the connection breaks before the last frame.
    Frames { after_ms: u64, frames: usize, pause_ms: u64, is_sized: bool, breaks: bool },
    /// No connection, or no answer in time.
    Never { after_ms: u64 },
}

/// When the buyer goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leaves {
    Never,
    /// So long after asking, whatever has come.
    After {
        ms: u64,
    },
    /// After so many frames of the reply.
    Within {
        frames: usize,
    },
}

impl Seller {
    /// Whether what the seller sends is an answer to pay for.
    pub fn is_good(&self) -> bool {
        match self {
            Seller::Whole { status, .. } => *status < 500,
            Seller::Frames { breaks, .. } => !breaks,
            Seller::Never { .. } => false,
        }
    }
}

/// Draws requests. Each seed has its own mixture.
pub struct Mixture {
    keyed: u64,
    trouble: u64,
    leaving: u64,
    streams: u64,
    favourite: u64,
}

/// Out of ten: how often a request repeats a key that was used before.
const REPEATS: u64 = 5;

impl Mixture {
    pub fn new(rng: &SeededRng) -> Self {
        let draw = |most: u64| rng.below(most + 1);
        Self { keyed: draw(6), trouble: draw(5), leaving: draw(4), streams: draw(5), favourite: draw(4) }
    }

    pub fn next(&self, rng: &SeededRng, n: usize, before: &[Plan], sides: (usize, usize)) -> Plan {
        if rng.below(10) < self.keyed {
            let keyed: Vec<&Plan> = before.iter().filter(|plan| plan.key.is_some()).collect();
            if !keyed.is_empty() && rng.below(10) < REPEATS {
                let recent = keyed.len().min(6);
                let old = keyed[keyed.len() - 1 - pick(rng, recent)];
                let body = old.body + u64::from(rng.below(4) == 0);
                let (seller, leaves) = (self.seller(rng), self.leaves(rng));
                return Plan { n, body, seller, leaves, ..old.clone() };
            }
        }
        let (buyer, listing) = (self.buyer(rng, sides.0), pick(rng, sides.1));
        let key = (rng.below(10) < self.keyed).then(|| rng.below(1 << 40));
        Plan { n, buyer, listing, key, body: 0, seller: self.seller(rng), leaves: self.leaves(rng) }
    }

    /// Some seeds are mostly about one buyer.
    fn buyer(&self, rng: &SeededRng, buyers: usize) -> usize {
        if rng.below(5) < self.favourite { 0 } else { pick(rng, buyers) }
    }

    fn seller(&self, rng: &SeededRng) -> Seller {
        let after_ms = [0, 0, 5, 40, 700, 3_000][pick(rng, 6)];
        if rng.below(12) < self.trouble {
            return match rng.below(4) {
                0 => Seller::Whole { status: 503, after_ms, bytes: 20 },
                1 => Seller::Never { after_ms: 10 + rng.below(30_000) },
                // Later than its hold lives, and than twice that.
                2 => Seller::Whole { status: 200, after_ms: 61_000 + rng.below(2) * 70_000, bytes: 30 },
                _ => Seller::Frames {
                    after_ms,
                    frames: 1 + pick(rng, 6),
                    pause_ms: 30,
                    is_sized: rng.below(2) == 0,
                    breaks: true,
                },
            };
        }
        if rng.below(10) < self.streams {
            let (frames, pause_ms) = (1 + pick(rng, 8), [0, 3, 30, 400][pick(rng, 4)]);
            return Seller::Frames { after_ms, frames, pause_ms, is_sized: rng.below(2) == 0, breaks: false };
        }
        let status = [200, 200, 201, 302, 404][pick(rng, 5)];
        Seller::Whole { status, after_ms, bytes: [0, 12, 900, 3_000, 6_000][pick(rng, 5)] }
    }

    fn leaves(&self, rng: &SeededRng) -> Leaves {
        if rng.below(10) >= self.leaving {
            return Leaves::Never;
        }
        match rng.below(3) {
            0 => Leaves::Within { frames: pick(rng, 4) },
            1 => Leaves::After { ms: rng.below(10) },
            _ => Leaves::After { ms: rng.below(1_000) },
        }
    }
}

/// A place in a list of `length`.
pub fn pick(rng: &SeededRng, length: usize) -> usize {
    usize::try_from(rng.below(length as u64)).unwrap_or(0)
}

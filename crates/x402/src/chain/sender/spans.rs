//! How long sends took, from the first signed form to their end: counted in buckets, for metrics.

use parking_lot::Mutex;
use std::time::Duration;

/// How many buckets there are.
const BUCKETS: usize = 12;

/// Sends that ended, by how long they took. Since the start of the process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpanCounts {
    /// For each of [`SpanCounts::BOUNDS_MS`] how many took no longer.
    pub within: [u64; BUCKETS],
    pub count: u64,
    /// Of all of them together.
    pub total: Duration,
}

/// Counts them.
#[derive(Default)]
pub(super) struct Spans(Mutex<SpanCounts>);

impl SpanCounts {
    /// The upper ends of the buckets, in milliseconds.
    pub const BOUNDS_MS: [u64; BUCKETS] =
        [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 30_000, 60_000, 300_000, 1_800_000];

    fn add(&mut self, took: Duration) {
        for (within, bound) in self.within.iter_mut().zip(Self::BOUNDS_MS) {
            *within += u64::from(took <= Duration::from_millis(bound));
        }
        self.count += 1;
        self.total = self.total.saturating_add(took);
    }
}

impl Spans {
    pub(super) fn add(&self, took: Duration) {
        self.0.lock().add(took);
    }

    pub(super) fn counts(&self) -> SpanCounts {
        *self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_counts_in_its_bucket_and_in_all_wider_ones() {
        let spans = Spans::default();
        for ms in [100, 101, 4_000_000] {
            spans.add(Duration::from_millis(ms));
        }
        let counts = spans.counts();
        assert_eq!((counts.within[0], counts.within[1], counts.within[BUCKETS - 1]), (1, 2, 2));
        assert_eq!((counts.count, counts.total), (3, Duration::from_millis(4_000_201)));
    }
}

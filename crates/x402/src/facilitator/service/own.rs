//! What this server sells itself, in its own catalogue: noted when it is paid for, in groups, as a busy resource has one row.

use super::{FacilitatorService, ServiceParts};
use crate::facilitator::catalogue::Entry;
use alloy_primitives::B256;
use farebox_base::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// How often one resource is written.
const EVERY: Duration = Duration::from_secs(10);
/// Whoever sells more resources than this at once has some of them written more often.
const REMEMBERED_MAX: usize = 10_000;

/// When each resource was written last, and how often it was paid for since.
#[derive(Default)]
pub(super) struct Noted(Mutex<HashMap<B256, (Timestamp, u32)>>);

impl FacilitatorService {
    /// Notes that a resource of our own was paid for. Returns at once; what can't be written is logged.
    pub fn sold(&self, entry: Entry) {
        let Some(times) = self.noted.due(entry.id(), self.parts.clock.now()) else { return };
        let parts: Arc<ServiceParts> = Arc::clone(&self.parts);
        tokio::spawn(async move {
            if let Err(error) = parts.catalogue.paid(&entry, times).await {
                tracing::warn!(error = ?error.internal, "a resource that was paid for can't be noted in the catalogue");
            }
        });
    }
}

impl Noted {
    /// How many payments are to be written now; `None`: later, with those to come.
    fn due(&self, id: B256, now: Timestamp) -> Option<u32> {
        let mut noted = self.0.lock();
        if noted.len() >= REMEMBERED_MAX {
            noted.clear();
        }
        let Some((written, waiting)) = noted.get_mut(&id) else {
            noted.insert(id, (now, 0));
            return Some(1);
        };
        *waiting = waiting.saturating_add(1);
        if now < written.plus(EVERY) {
            return None;
        }
        *written = now;
        Some(std::mem::take(waiting))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_resource_is_written_now_and_then_with_all_payments_that_came_meanwhile() {
        let (noted, first) = (Noted::default(), Timestamp::from_micros(1_000_000));
        let (id, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
        assert_eq!(noted.due(id, first), Some(1));
        assert_eq!(noted.due(other, first), Some(1));
        assert_eq!((noted.due(id, first), noted.due(id, first)), (None, None));
        assert_eq!(noted.due(id, first.plus(EVERY)), Some(3));
        assert_eq!(noted.due(id, first.plus(EVERY)), None);
    }
}

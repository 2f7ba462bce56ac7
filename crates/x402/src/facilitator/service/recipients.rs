//! For whom it settles for other servers, and what the operator is told of those who were turned away.

use super::FacilitatorService;
use crate::{Reason, Refusal};
use alloy_primitives::Address;
use farebox_base::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;

/// How often the log names one address.
const EVERY: Duration = Duration::from_secs(3_600);
/// Strangers can ask for any number of addresses: beyond this many the log is quiet until it may speak again.
const NAMED_MAX: usize = 100;

/// Whose payments are verified and settled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipients {
    Everybody,
    Only(Vec<Address>),
}

/// The addresses that the log has named, and when.
#[derive(Default)]
pub(super) struct TurnedAway(Mutex<HashMap<Address, Timestamp>>);

impl Recipients {
    fn has(&self, to: Address) -> bool {
        match self {
            Self::Everybody => true,
            Self::Only(known) => known.contains(&to),
        }
    }
}

impl FacilitatorService {
    /// Refuses who is not settled for; the operator's log says so now and then.
    pub(super) fn check_recipient(&self, to: Address) -> Result<(), Refusal> {
        if self.parts.recipients.has(to) {
            return Ok(());
        }
        if self.turned_away.is_news(to, self.parts.clock.now()) {
            tracing::info!(recipient = %to, "another server's payment was refused: its recipient is not in x402.facilitator_recipients");
        }
        let message =
            format!("payTo: this facilitator does not settle for {to}; its operator has to allow that address");
        Err(Refusal::new(Reason::RecipientNotAllowed, message))
    }
}

impl TurnedAway {
    fn is_news(&self, to: Address, now: Timestamp) -> bool {
        let mut named = self.0.lock();
        named.retain(|_, at| now < at.plus(EVERY));
        let is_news = named.len() < NAMED_MAX && !named.contains_key(&to);
        if is_news {
            named.insert(to, now);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_named_once_an_hour_and_not_more_than_so_many_are() {
        let (seen, first) = (TurnedAway::default(), Timestamp::from_micros(1_000_000));
        let address = |n: u8| Address::repeat_byte(n);
        assert!(seen.is_news(address(1), first));
        assert!(!seen.is_news(address(1), first.plus(EVERY / 2)));
        assert!(seen.is_news(address(1), first.plus(EVERY)));
        let named = (2..=255).filter(|n| seen.is_news(address(*n), first.plus(EVERY))).count();
        assert_eq!(named, NAMED_MAX - 1);
    }
}

//! Which facilitator serves which network.

use super::tally::Tally;
use super::{Facilitator, Report, Settle, Settlement};
use crate::network::Caip2;
use crate::offer::Offer;
use crate::payment::Payment;
use crate::verify::{Limits, Verified, verify_local, verify_terms};
use crate::wire::{PaymentHeader, Supported};
use crate::{Reason, Refusal};
use farebox_base::Timestamp;
use std::sync::Arc;

/// The facilitators of a process, one for each network.
#[derive(Clone, Default)]
pub struct Facilitators {
    all: Vec<Arc<dyn Facilitator>>,
    /// Of each of them, in the same order.
    tallies: Arc<[Tally]>,
}

/// Two facilitators for one network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0} has more than one facilitator")]
pub struct DuplicateNetwork(pub Caip2);

impl Facilitators {
    /// # Errors
    /// Where two are for the same network.
    pub fn new(all: Vec<Arc<dyn Facilitator>>) -> Result<Self, DuplicateNetwork> {
        for (index, one) in all.iter().enumerate() {
            if all.iter().skip(index + 1).any(|other| other.network() == one.network()) {
                return Err(DuplicateNetwork(one.network().clone()));
            }
        }
        let tallies = all.iter().map(|_| Tally::default()).collect();
        Ok(Self { all, tallies })
    }

    pub fn of(&self, network: &Caip2) -> Option<&Arc<dyn Facilitator>> {
        self.all.iter().find(|one| one.network() == network)
    }

    pub fn networks(&self) -> impl Iterator<Item = &Caip2> {
        self.all.iter().map(|one| one.network())
    }

    /// What is known of each network now.
    pub fn reports(&self) -> Vec<Report> {
        let known = self.all.iter().zip(self.tallies.iter());
        let report = |(one, tally): (&Arc<dyn Facilitator>, &Tally)| Report {
            network: one.network().clone(),
            outcomes: tally.outcomes(),
            own: one.own_status(),
        };
        known.map(report).collect()
    }

    /// The reply to `GET /supported`: what all of them take now. Names no extension.
    pub fn supported(&self) -> Supported {
        let mut whole = Supported::default();
        for part in self.all.iter().map(|one| one.supported()) {
            whole.kinds.extend(part.kinds);
            for (family, signers) in part.signers {
                let known = whole.signers.entry(family).or_default();
                let new: Vec<String> = signers.into_iter().filter(|signer| !known.contains(signer)).collect();
                known.extend(new);
            }
        }
        whole
    }

    /// Verifies a payment whole: its terms and its signature here, the rest on its chain.
    ///
    /// # Errors
    /// Those of `verify_local` and of `Facilitator::check`; `InvalidNetwork` where nobody serves the network.
    pub async fn verify(
        &self,
        offer: &Offer,
        payment: &Payment,
        header: &PaymentHeader,
        now: Timestamp,
    ) -> Result<Verified, Refusal> {
        let facilitator = self.serving(offer)?;
        let limits = Limits::default();
        let verified = match verify_local(offer, payment, now, &limits) {
            Err(refusal) if facilitator.proves_contracts() && is_about_signature(refusal.reason) => {
                verify_terms(offer, payment, now, &limits)?
            }
            other => other?,
        };
        let hold = facilitator.check(offer, payment, header).await?;
        Ok(Verified { hold, ..verified })
    }

    /// Settles where the network is served.
    pub async fn settle(&self, settle: Settle<'_>) -> Settlement {
        match self.serving(settle.offer) {
            Ok(facilitator) => {
                let settlement = facilitator.settle(settle).await;
                let place = self.networks().position(|network| network == facilitator.network());
                if let Some(tally) = place.and_then(|place| self.tallies.get(place)) {
                    tally.note(&settlement);
                }
                settlement
            }
            Err(refusal) => Settlement::NotTaken(refusal),
        }
    }

    fn serving(&self, offer: &Offer) -> Result<&Arc<dyn Facilitator>, Refusal> {
        let network = offer.network().caip2();
        self.of(network).ok_or_else(|| {
            let served: Vec<&str> = self.networks().map(Caip2::as_str).collect();
            Refusal::mismatch(Reason::InvalidNetwork, "network", format!("one of {}", served.join(", ")), network)
        })
    }
}

/// What `verify_local` says of signatures that may be a contract's.
const fn is_about_signature(reason: Reason) -> bool {
    matches!(reason, Reason::ExactSignature | Reason::ExactUndeployedSmartWallet | Reason::Permit2Signature)
}

//! The facilitator for somebody else's server: `/verify`, `/settle`, `/supported` and the catalogue, as functions from
//! bytes to replies.
//!
//! Knows no HTTP: a reply says whether the question could be read, and the door chooses the status. Rate limits are the
//! door's too.
//! Invariants: of one nonce there is one settlement, under one id; the same request gets the same answer, however often
//! and how many at once; a settlement that has begun goes on when its caller leaves; nothing is fetched.

mod asked;
mod channel_state;
mod discovery;
mod order;
mod own;
mod recipients;
mod settling;

pub use discovery::DiscoveryError;
pub use recipients::Recipients;

use super::catalogue::{Entry, EntryError};
use super::record::{Catalogue, SettlementStore};
use super::{Facilitators, OwnPlace, Settlement};
use crate::extension::bazaar;
use crate::network::Networks;
use crate::wire::{Object, SettlementResponse, Supported, Uint, VerifyResponse};
use crate::{Reason, Refusal};
use asked::{Asked, Unread};
use farebox_base::Clock;
use order::Ordered;
use own::Noted;
use recipients::TurnedAway;
use serde_json::json;
use settling::Running;
use std::sync::Arc;
use std::time::Duration;

/// What a service is made of.
pub struct ServiceParts {
    pub facilitators: Facilitators,
    pub networks: Networks,
    pub store: Arc<dyn SettlementStore>,
    pub catalogue: Arc<dyn Catalogue>,
    pub clock: Arc<dyn Clock>,
    /// For whom it settles: every settlement costs its operator gas, and a stranger could pay himself.
    pub recipients: Recipients,
    /// Whose resources are not taken from others.
    pub own: OwnPlace,
    /// How long `settle` waits before it answers `settlement_pending`. Published clients wait 90 s.
    pub patience: Duration,
}

/// Verifies and settles for other servers. Clones share it.
#[derive(Clone)]
pub struct FacilitatorService {
    parts: Arc<ServiceParts>,
    running: Arc<Running>,
    noted: Arc<Noted>,
    turned_away: Arc<TurnedAway>,
}

/// Whether a question was one; published clients expect status 200 for the first, whatever the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// Read and answered, be it with a refusal.
    Answered,
    /// No request to a facilitator.
    Malformed,
    TooLarge,
    /// Our own store does not answer now.
    Unavailable,
}

/// A reply with the body that goes with it in any case.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply<T> {
    pub heard: Heard,
    pub body: T,
    /// For the header `EXTENSION-RESPONSES`, by extension.
    pub extension_responses: Option<Object>,
}

impl FacilitatorService {
    pub fn new(parts: ServiceParts) -> Self {
        Self { parts: Arc::new(parts), running: Arc::default(), noted: Arc::default(), turned_away: Arc::default() }
    }

    /// `POST /verify`: whether the payment would be settled. One that is being settled or was is refused, so that no
    /// server works twice for it.
    pub async fn verify(&self, body: &[u8]) -> Reply<VerifyResponse> {
        let asked = match Asked::read(body, &self.parts.networks) {
            Ok(asked) => asked,
            Err(refused) => return refused.reply(|refusal, version, _| VerifyResponse::refused(refusal, version)),
        };
        let refused = |refusal: &Refusal| VerifyResponse::refused(refusal, asked.version());
        if let Err(refusal) = self.check_recipient(asked.offer.pay_to) {
            return Reply::of(Heard::Answered, refused(&refusal));
        }
        let known = match self.parts.store.find(&asked.nonce).await {
            Ok(known) => known.filter(|known| !matches!(known.end, Some(Settlement::NotTaken(_)))),
            Err(_) => {
                return Reply::of(Heard::Unavailable, refused(&store_away(Reason::UnexpectedVerifyError)));
            }
        };
        if known.is_some() {
            return Reply::of(Heard::Answered, refused(&asked.spent()));
        }
        match self.parts.verify(&asked).await {
            Ok(()) => {
                let extra = self.parts.verified_extra(&asked).await;
                Reply {
                    extension_responses: catalogued(&asked.entry(&self.parts.own), "processing"),
                    ..Reply::of(
                        Heard::Answered,
                        VerifyResponse { extra, ..VerifyResponse::valid(asked.payment.payer()) },
                    )
                }
            }
            Err(refusal) => Reply::of(Heard::Answered, refused(&refusal)),
        }
    }

    /// `POST /settle`. Nothing is lost when its future is dropped.
    pub async fn settle(&self, body: &[u8]) -> Reply<SettlementResponse> {
        let read = match Unread::parse(body) {
            Ok(request) => match Ordered::read(&request, &self.parts.networks) {
                Some(Ok(ordered)) => return Reply::of(Heard::Answered, self.settle_order(&ordered).await),
                Some(Err(refusal)) => Err(Unread::answered(refusal, request.requirements.network())),
                None => Asked::of(request, &self.parts.networks),
            },
            Err(unread) => Err(unread),
        };
        let asked = match read {
            Ok(asked) => Arc::new(asked),
            Err(refused) => {
                return refused
                    .reply(|refusal, version, network| SettlementResponse::refused(network, refusal, version));
            }
        };
        let allowed = self.check_recipient(asked.offer.pay_to).and_then(|()| asked.check_settles());
        if let Err(refusal) = allowed {
            return Reply::of(Heard::Answered, asked.response(&Settlement::NotTaken(refusal)));
        }
        let settlement = match self.settle_asked(&asked).await {
            Ok(settlement) => settlement,
            Err(error) => {
                tracing::warn!(error = ?error.internal, "the store of settlements does not answer");
                let refusal = store_away(Reason::UnexpectedSettleError);
                return Reply::of(Heard::Unavailable, asked.response(&Settlement::NotTaken(refusal)));
            }
        };
        let is_settled = matches!(settlement, Settlement::Settled { .. });
        let extra = if is_settled { self.parts.settled_extra(&asked).await } else { None };
        Reply {
            extension_responses: is_settled.then(|| catalogued(&asked.entry(&self.parts.own), "success")).flatten(),
            ..Reply::of(Heard::Answered, SettlementResponse { extra, ..asked.response(&settlement) })
        }
    }

    /// `GET /supported`.
    pub fn supported(&self) -> Supported {
        Supported { extensions: vec![bazaar::KEY.to_owned()], ..self.parts.facilitators.supported() }
    }
}

impl ServiceParts {
    async fn verify(&self, asked: &Asked) -> Result<(), Refusal> {
        let now = self.clock.now();
        let (offer, payment, header) = (&asked.offer, &asked.payment, &asked.request.payment);
        self.facilitators.verify(offer, payment, header, now).await.map(|_| ())
    }
}

impl Asked {
    fn response(&self, settlement: &Settlement) -> SettlementResponse {
        let payer = self.payment.payer();
        let network = self.request.requirements.network();
        match settlement {
            Settlement::Settled { transaction } => {
                let amount = (self.version() == 2).then_some(Uint(self.settled_amount()));
                SettlementResponse {
                    transaction: transaction.clone(),
                    ..SettlementResponse::settled(network, payer, None, amount)
                }
            }
            Settlement::Pending { transaction, .. } => {
                let message = "the settlement has begun and is not final yet; ask again with the same body";
                let refusal = Refusal::new(Reason::SettlementPending, message).of(payer);
                SettlementResponse {
                    transaction: transaction.clone(),
                    ..SettlementResponse::refused(network, &refusal, self.version())
                }
            }
            Settlement::NotTaken(refusal) => {
                SettlementResponse::refused(network, &refusal.clone().of(payer), self.version())
            }
        }
    }
}

impl<T> Reply<T> {
    const fn of(heard: Heard, body: T) -> Self {
        Self { heard, body, extension_responses: None }
    }
}

fn store_away(reason: Reason) -> Refusal {
    Refusal::new(reason, "the facilitator can't reach its own store; try again")
}

/// What `EXTENSION-RESPONSES` says of the catalogue.
fn catalogued(entry: &Result<Option<Entry>, EntryError>, status: &str) -> Option<Object> {
    let said = match entry {
        Ok(None) => return None,
        Ok(Some(_)) => json!({ "status": status }),
        Err(error) => json!({ "status": "rejected", "rejectedReason": error.to_string() }),
    };
    Some([(bazaar::KEY.to_owned(), said)].into_iter().collect())
}

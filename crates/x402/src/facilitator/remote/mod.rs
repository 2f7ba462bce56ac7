//! Somebody else's facilitator, asked over HTTP as the published clients ask: for networks without a node of ours and
//! for wallets that are contracts.
//!
//! Invariants: once a settlement may have left, no failure of the way is an answer; a settlement that may have left is
//! never called refused because its nonce is spent, since it is we who may have spent it (`doubt`); no answer holds the
//! facilitator's URL or our credentials.

mod doubt;
mod reply;

use super::witness::Witness;
use super::{Earlier, Facilitator, Promised, Settle, Settlement};
use crate::chain::ChainSettings;
use crate::network::Caip2;
use crate::offer::{Offer, Resource};
use crate::payment::Payment;
use crate::verify::Hold;
use crate::wire::{FacilitatorRequest, Kind, PaymentHeader, Requirements, Supported, Uint, v1, v2};
use crate::{Reason, Refusal};
use alloy_primitives::U256;
use bytes::Bytes;
use farebox_base::Clock;
use farebox_net::{Client, FetchLimits, NetError, NetErrorKind, empty, full};
use http::{HeaderValue, Method, Request, Response, header};
use parking_lot::RwLock;
use std::sync::{Arc, Weak};
use std::time::Duration;
use url::Url;

const REPLY_BYTES_MAX: usize = 256 * 1024;
/// How often it is asked what it takes, after the first answer and before it.
const LOOK_EVERY: Duration = Duration::from_secs(600);
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Settings of a remote facilitator. Its `Debug` hides the credentials.
#[derive(Clone)]
pub struct RemoteSettings {
    /// What `/verify`, `/settle` and `/supported` are appended to.
    pub url: Url,
    pub network: Caip2,
    /// The value of `Authorization`, such as `Bearer …`.
    pub authorization: Option<String>,
    /// For a whole exchange; a settlement waits for its chain in it.
    pub timeout: Duration,
    /// After a settlement that is pending, before it is asked after once more.
    pub pending_wait: Duration,
    /// What version 1 gives as the resource: this server's public URL.
    pub resource_url: String,
    /// Endpoints that are asked what became of a payment where the facilitator does not say; they send nothing.
    pub chain: Option<ChainSettings>,
}

/// A facilitator over HTTP, for one network.
pub struct RemoteFacilitator {
    client: Client,
    settings: RemoteSettings,
    authorization: Option<HeaderValue>,
    supported: RwLock<Supported>,
    witness: Option<Witness>,
    clock: Arc<dyn Clock>,
}

/// The settings can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {rule}")]
pub struct RemoteError {
    pub field: &'static str,
    pub rule: &'static str,
}

impl std::fmt::Debug for RemoteSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let host = self.url.host_str().unwrap_or_default();
        f.debug_struct("RemoteSettings").field("host", &host).field("network", &self.network).finish_non_exhaustive()
    }
}

impl RemoteFacilitator {
    /// Begins to ask what it takes, on the current runtime.
    ///
    /// # Errors
    /// Names the setting that can't be used.
    pub fn start(client: Client, clock: Arc<dyn Clock>, settings: RemoteSettings) -> Result<Arc<Self>, RemoteError> {
        if settings.url.cannot_be_a_base() || !matches!(settings.url.scheme(), "http" | "https") {
            return Err(RemoteError { field: "url", rule: "must begin with http:// or https://" });
        }
        let authorization = settings.authorization.as_deref().map(HeaderValue::from_str).transpose();
        let mut authorization = authorization
            .map_err(|_| RemoteError { field: "authorization", rule: "must be printable characters alone" })?;
        if let Some(value) = &mut authorization {
            value.set_sensitive(true);
        }
        let witness = settings.chain.as_ref().map(|chain| Witness::new(client.clone(), clock.clone(), chain));
        let supported = RwLock::default();
        let facilitator = Arc::new(Self { client, settings, authorization, supported, witness, clock });
        tokio::spawn(look(Arc::downgrade(&facilitator)));
        Ok(facilitator)
    }

    async fn ask(&self, method: Method, name: &str, body: Option<Vec<u8>>) -> Result<Response<Bytes>, NetError> {
        let base = self.settings.url.as_str().trim_end_matches('/');
        let mut request = Request::builder().method(method).uri(format!("{base}/{name}"));
        request = request.header(header::ACCEPT, "application/json");
        if let Some(value) = &self.authorization {
            request = request.header(header::AUTHORIZATION, value);
        }
        let request = match body {
            Some(body) => request.header(header::CONTENT_TYPE, "application/json").body(full(body)),
            None => request.body(empty()),
        };
        let request = request.map_err(|error| NetError::new(NetErrorKind::Blocked, error.to_string()))?;
        let timeout_ms = u64::try_from(self.settings.timeout.as_millis()).unwrap_or(u64::MAX);
        self.client.fetch(request, FetchLimits { timeout_ms, max_response_bytes: REPLY_BYTES_MAX }).await
    }

    /// The body of a request, with the payment as it came. `amount` in the token's smallest unit.
    fn body(&self, offer: &Offer, header: &PaymentHeader, amount: U256) -> Result<Vec<u8>, Refusal> {
        let requirements = match header {
            // As the payer accepted it, which may say more than the offer.
            PaymentHeader::V2(payload) => {
                Requirements::V2(v2::Requirements { amount: Uint(amount), ..payload.accepted.clone() })
            }
            PaymentHeader::V1(_) => {
                let resource = Resource { url: self.settings.resource_url.clone(), ..Resource::default() };
                let requirements = v1::Requirements::of(offer, &resource)
                    .ok_or_else(|| Refusal::new(Reason::InvalidVersion, "version 1 has no such offer"))?;
                Requirements::V1(requirements)
            }
        };
        let request = FacilitatorRequest { payment: header.clone(), requirements };
        serde_json::to_vec(&request.to_json())
            .map_err(|_| Refusal::new(Reason::InvalidPayload, "the payment can't be written"))
    }

    async fn verify(&self, offer: &Offer, header: &PaymentHeader) -> Result<(), Refusal> {
        let body = self.body(offer, header, offer.amount)?;
        match self.ask(Method::POST, "verify", Some(body)).await {
            Ok(answer) => reply::verified(answer.status(), answer.body()),
            Err(error) => {
                tracing::warn!(network = %self.settings.network, %error, "the facilitator does not answer");
                Err(Refusal::new(Reason::UnexpectedVerifyError, "the facilitator is not reachable now; try again"))
            }
        }
    }

    async fn settle_once(&self, body: &[u8], settle: &Settle<'_>) -> Settlement {
        match self.ask(Method::POST, "settle", Some(body.to_vec())).await {
            Ok(answer) => {
                let settlement = reply::settled(answer.status(), answer.body());
                if !matches!(&settlement, Settlement::Settled { transaction } if transaction.is_empty())
                    || settle.amount.is_zero()
                {
                    return settlement;
                }
                tracing::warn!(network = %self.settings.network, id = %settle.id, "the facilitator calls a payment settled and names no transaction");
                Settlement::Pending { transaction: String::new(), doubt: Some(Reason::DuplicateSettlement) }
            }
            Err(error) => {
                tracing::warn!(network = %self.settings.network, %error, "the facilitator does not answer");
                if may_have_arrived(error.kind) {
                    return Settlement::pending("");
                }
                let message = "the facilitator is not reachable now; try again";
                Settlement::NotTaken(Refusal::new(Reason::UnexpectedSettleError, message))
            }
        }
    }

    async fn settle_asked(&self, settle: &Settle<'_>) -> Settlement {
        let body = match self.body(settle.offer, settle.header, settle.amount) {
            Ok(body) => body,
            Err(refusal) => return Settlement::NotTaken(refusal),
        };
        let mut earlier = settle.earlier;
        let mut settlement = self.settle_once(&body, settle).await;
        if matches!(&settlement, Settlement::Pending { transaction, .. } if !transaction.is_empty()) {
            earlier = if earlier == Earlier::No { Earlier::Maybe } else { earlier };
            tokio::time::sleep(self.settings.pending_wait).await;
            settlement = self.settle_once(&body, settle).await.or_pending(&settlement);
        }
        if earlier == Earlier::No { settlement } else { self.weighed(&Settle { earlier, ..*settle }, settlement).await }
    }

    /// Whether it could be asked.
    async fn look(&self) -> bool {
        let asked = self.ask(Method::GET, "supported", None).await;
        let read = asked.ok().and_then(|answer| serde_json::from_slice::<Supported>(answer.body()).ok());
        let Some(read) = read else { return false };
        *self.supported.write() = self.own_part(read);
        true
    }

    /// What concerns this network; anything else is another facilitator's affair.
    fn own_part(&self, whole: Supported) -> Supported {
        let network = &self.settings.network;
        let v1 = network.chain_id().and_then(|chain| {
            crate::network::V1_NAMES.iter().find(|(_, id)| *id == chain.get()).map(|(name, _)| *name)
        });
        let is_own = |kind: &Kind| kind.network == network.as_str() || Some(kind.network.as_str()) == v1;
        let family = network.as_str().split(':').next().unwrap_or_default();
        let is_family = |pattern: &str| pattern.split(':').next() == Some(family);
        Supported {
            kinds: whole.kinds.into_iter().filter(is_own).collect(),
            extensions: Vec::new(),
            signers: whole.signers.into_iter().filter(|(pattern, _)| is_family(pattern)).collect(),
        }
    }
}

impl Facilitator for RemoteFacilitator {
    fn network(&self) -> &Caip2 {
        &self.settings.network
    }

    fn check<'a>(
        &'a self,
        offer: &'a Offer,
        payment: &'a Payment,
        header: &'a PaymentHeader,
    ) -> Promised<'a, Result<Hold, Refusal>> {
        Box::pin(async move {
            let verified = self.verify(offer, header).await;
            verified.map(|()| Hold::default()).map_err(|refusal| refusal.of(payment.payer()))
        })
    }

    fn settle<'a>(&'a self, settle: Settle<'a>) -> Promised<'a, Settlement> {
        Box::pin(async move {
            match self.settle_asked(&settle).await {
                Settlement::NotTaken(refusal) => Settlement::NotTaken(refusal.of(settle.payment.payer())),
                other => other,
            }
        })
    }

    fn supported(&self) -> Supported {
        self.supported.read().clone()
    }

    fn proves_contracts(&self) -> bool {
        true
    }
}

impl Settlement {
    /// This one; but where it tells no more, the earlier one, which names the transaction.
    fn or_pending(self, earlier: &Self) -> Self {
        match self {
            Self::Pending { transaction, .. } if transaction.is_empty() => earlier.clone(),
            other => other,
        }
    }
}

const fn may_have_arrived(kind: NetErrorKind) -> bool {
    !matches!(
        kind,
        NetErrorKind::Blocked
            | NetErrorKind::Dns
            | NetErrorKind::Connect
            | NetErrorKind::ConnectTimeout
            | NetErrorKind::Tls
    )
}

async fn look(facilitator: Weak<RemoteFacilitator>) {
    while let Some(facilitator) = facilitator.upgrade() {
        let wait = if facilitator.look().await { LOOK_EVERY } else { LOOK_AGAIN };
        drop(facilitator);
        tokio::time::sleep(wait).await;
    }
}

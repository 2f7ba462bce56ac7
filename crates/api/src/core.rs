//! What every handler can reach, and how the kit's wrapper authenticates and admits.

use crate::audit::{self, LeftOut};
use crate::limits::{Limits, Rate, Subject, Verdict};
use crate::organization::named;
use crate::payments::Remembered;
use crate::settings::ApiSettings;
use crate::{credentials, limits};
use farebox_accounts::{Accounts, Caller, Memberships, VpcEndpoints};
use farebox_api_kit::{Admission, Attempt, DoorId, RateClass, Standing};
use farebox_audit::AuditLog;
use farebox_base::{Clock, Error, Kind, Permission, Result, Rng};
use farebox_billing::Wallets;
use farebox_calls::Calls;
use farebox_db::Db;
use farebox_events::Changes;
use farebox_market::Market;
use farebox_oauth::Oauth;
use farebox_skills::Skills;
use farebox_x402::facilitator::FacilitatorService;
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// What the core is made of.
pub struct CoreParts {
    pub db: Db,
    pub changes: Changes,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub audit: AuditLog,
    pub accounts: Accounts,
    pub market: Market,
    pub skills: Skills,
    pub wallets: Wallets,
    pub calls: Calls,
    pub oauth: Oauth,
    pub vpc: VpcEndpoints,
    /// For other servers; `None` where payments on chain are not taken.
    pub facilitator: Option<FacilitatorService>,
    pub settings: ApiSettings,
    pub registry: prometheus::Registry,
}

/// The server behind the doors. Cheap to clone.
#[derive(Clone)]
pub struct Core(Arc<Inner>);

struct Inner {
    parts: CoreParts,
    limits: Limits,
    asked: Remembered,
    /// Refusals that have no line in the audit log.
    left_out: Arc<LeftOut>,
}

impl std::ops::Deref for Core {
    type Target = CoreParts;

    fn deref(&self) -> &CoreParts {
        &self.0.parts
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Core")
    }
}

impl Core {
    pub fn new(parts: CoreParts) -> Self {
        let (limits, asked, left_out) = (Limits::default(), Remembered::default(), Arc::default());
        Self(Arc::new(Inner { parts, limits, asked, left_out }))
    }

    /// Refusals that have no line in the audit log, because there were too many.
    pub fn refusals_left_out(&self) -> Arc<LeftOut> {
        self.0.left_out.clone()
    }

    /// What was asked for a moment ago.
    pub(crate) fn asked_before(&self) -> &Remembered {
        &self.0.asked
    }

    fn take(&self, subject: Subject, rate: Option<Rate>) -> Option<Verdict> {
        rate.map(|rate| self.0.limits.take(subject, rate, self.clock.ticks()))
    }

    /// Of a caller whose request came through private endpoints, what may act through them: the organisations that have
    /// recorded each.
    async fn behind_links(&self, mut caller: Arc<Caller>, parts: &Parts, header: &HeaderName) -> Result<Arc<Caller>> {
        for endpoint in parts.headers.get_all(header) {
            let endpoint = endpoint.to_str().unwrap_or_default();
            let (mut left, mut refusal) = (vec![], None);
            for membership in caller.memberships.iter() {
                match self.vpc.admit(membership.party_id, endpoint).await {
                    Ok(()) => left.push(*membership),
                    Err(error) if error.kind == Kind::Forbidden => refusal = Some(error),
                    Err(error) => return Err(error),
                }
            }
            match refusal {
                Some(error) if left.is_empty() => return Err(error),
                Some(_) => caller = Arc::new(Caller { memberships: Memberships::new(left), ..(*caller).clone() }),
                None => {}
            }
        }
        Ok(caller)
    }

    /// The verdicts of every limit that applies; the first by address, the last by key.
    fn verdicts(&self, door: DoorId, caller: Option<&Arc<Caller>>, peer: IpAddr, class: RateClass) -> Vec<Verdict> {
        let limits = &self.settings.limits;
        let mut verdicts = Vec::new();
        if class == RateClass::Free {
            return verdicts;
        }
        match door {
            DoorId::Marketplace => verdicts.extend(self.take(Subject::Marketplace(peer), limits.marketplace)),
            DoorId::SqlGateway => verdicts.extend(match class {
                RateClass::Query => self.take(Subject::SqlGatewayQuery(peer), limits.sql_gateway_query),
                RateClass::Deposit => self.take(Subject::SqlGatewayDeposit(peer), limits.sql_gateway_deposit),
                _ => self.take(Subject::SqlGateway(peer), limits.sql_gateway_general),
            }),
            DoorId::Platform if class == RateClass::Query => {
                verdicts.extend(self.take(Subject::PlatformEstimate(peer), limits.platform_estimate));
            }
            DoorId::Platform | DoorId::System => {}
        }
        if class == RateClass::Auth {
            verdicts.extend(self.take(Subject::Auth(peer), limits.auth));
        }
        if let Some(caller) = caller
            && let Some(key) = caller.key()
            && let Some(per_minute) = key.rate_limit_per_minute
        {
            verdicts.extend(self.take(Subject::Key(key.key_id), Some(Rate::per_minute(per_minute, per_minute))));
        }
        verdicts
    }
}

impl farebox_api_kit::Core for Core {
    type Caller = Caller;

    async fn authenticate(&self, door: DoorId, parts: &Parts) -> Result<Option<Arc<Caller>>> {
        match credentials::presented(door, &parts.headers)? {
            Some(key) => {
                let caller = self.accounts.authenticate(key).await;
                let caller = caller.map_err(|error| credentials::in_words_of(door, error))?;
                match &self.settings.vpc_endpoint_header {
                    Some(header) => Box::pin(self.behind_links(caller, parts, header)).await.map(Some),
                    None => Ok(Some(caller)),
                }
            }
            None => Ok(None),
        }
    }

    fn standing(&self, caller: &Caller, organization: Option<&str>, permission: Permission) -> Result<Standing> {
        let party = match organization {
            None => caller.party_id,
            Some(text) => named(caller, text)?,
        };
        Ok(match caller.membership(party) {
            None => Standing::Stranger,
            Some(membership) if membership.permissions.contains(permission) => Standing::Allowed,
            Some(_) => Standing::Lacks,
        })
    }

    fn admit(
        &self,
        door: DoorId,
        caller: Option<&Arc<Caller>>,
        _parts: &Parts,
        peer: IpAddr,
        class: RateClass,
    ) -> Result<Admission> {
        let verdicts = self.verdicts(door, caller, peer, class);
        let mut admission = Admission::default();
        if door == DoorId::SqlGateway
            && let Some(first) = verdicts.first()
        {
            admission.headers = rate_headers(first, self.clock.now().seconds());
        }
        admission.refusal = verdicts.iter().find(|verdict| !verdict.allowed).map(|verdict| too_many(door, verdict));
        Ok(admission)
    }

    fn audit(&self, attempt: Attempt<Caller>) -> impl Future<Output = ()> + Send {
        let line = audit::line(self, &self.0.limits, &self.0.left_out, attempt);
        let recorded = line.map(|line| self.0.parts.audit.record(line));
        async move {
            if let Some(recorded) = recorded {
                recorded.await;
            }
        }
    }

    /// The last address that a trusted proxy did not add itself.
    fn client_ip(&self, parts: &Parts, peer: SocketAddr) -> IpAddr {
        let trusted = &self.settings.is_trusted_proxy;
        if !trusted(peer.ip()) {
            return peer.ip();
        }
        let forwarded = parts.headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
        let hops: Vec<IpAddr> =
            forwarded.flat_map(|line| line.split(',')).filter_map(|hop| hop.trim().parse().ok()).collect();
        hops.iter().rev().copied().find(|hop| !trusted(*hop)).unwrap_or_else(|| peer.ip())
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.parts.clock
    }

    fn rng(&self) -> &dyn Rng {
        &*self.0.parts.rng
    }
}

fn too_many(door: DoorId, verdict: &limits::Verdict) -> Error {
    let message = match door {
        DoorId::Marketplace => "Rate limit exceeded. Try again later.",
        _ => "Too many requests",
    };
    let seconds = verdict.reset_after.as_secs() + u64::from(verdict.reset_after.subsec_nanos() > 0);
    Error::new(Kind::TooManyRequests, "rate_limited", message).with_retry_after(seconds.max(1))
}

fn rate_headers(verdict: &limits::Verdict, now_s: i64) -> Vec<(HeaderName, HeaderValue)> {
    let reset = now_s.saturating_add(i64::try_from(verdict.reset_after.as_secs()).unwrap_or(i64::MAX));
    vec![
        (HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(verdict.limit)),
        (HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(verdict.remaining)),
        (HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(reset)),
    ]
}

//! What the server is told of requests to operations that change something, so that its audit log misses none.
//!
//! Owns which requests those are and what of them is told. Invariants: each is told of once, whether it was answered,
//! refused, ended in a panic or was left by its client; of the request nothing is told but ids in its path, who sent it
//! from where with which program, and its name: no body, no query, no header but the user agent.

pub(crate) mod resource;

use crate::body::Body;
use crate::core::Core;
use crate::operation::Operation;
use crate::path_params::PathParams;
use crate::{DoorId, RequestId};
use farebox_base::{Error, Kind, PartyId, UserId};
use http::Response;
use http::header::USER_AGENT;
use http::request::Parts;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

/// The status of a request whose client left before the answer.
const CLIENT_GONE: u16 = 499;
/// The longest name of a field that is told.
const FIELD_MAX: usize = 100;

/// A request to an operation that changes something, and what became of it.
#[derive(Debug)]
pub struct Attempt<Caller> {
    pub operation: &'static str,
    pub door: DoorId,
    /// The operation's path, with its variable parts unfilled.
    pub path: &'static str,
    /// What kind of thing it is about: `publisher`, `api_key`.
    pub resource_type: String,
    /// The id that the path has of it, or the one that a thing which was made now has; any text.
    pub resource: Option<String>,
    /// The organisation that the path names; any text.
    pub organization: Option<String>,
    /// Whose credentials were sent, where they are valid.
    pub caller: Option<Arc<Caller>>,
    /// As whom the handler found a caller without credentials to act.
    pub doer: Option<Doer>,
    pub peer: IpAddr,
    pub user_agent: Option<String>,
    pub request_id: RequestId,
    pub status: u16,
    pub refusal: Option<Refusal>,
}

/// Who acts where credentials do not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Doer {
    pub user: UserId,
    /// The organisation in whose log the line belongs.
    pub party: Option<PartyId>,
}

/// Why an attempt came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// A stable word.
    pub code: &'static str,
    /// What the caller was told; of broken rules only the field, because a rule may repeat what was sent.
    pub message: String,
}

/// The id of a thing that a reply tells was made; kept with the reply.
#[derive(Clone, Debug)]
pub(crate) struct Made(String);

impl Made {
    /// Reads `id` of a reply, in its envelope or without.
    pub(crate) fn read(json: &[u8]) -> Option<Self> {
        let reply: serde_json::Value = serde_json::from_slice(json).ok()?;
        let id = ["/data/id", "/id"].iter().find_map(|place| reply.pointer(place)?.as_str())?;
        Some(Self(id.to_owned()))
    }
}

/// One request under way. Dropped before its end, it tells that the client went away.
pub(crate) struct Trail<'a, C: Core> {
    core: &'a C,
    attempt: Option<Attempt<C::Caller>>,
    doer: Arc<OnceLock<Doer>>,
}

impl<'a, C: Core> Trail<'a, C> {
    /// Follows a request that has reached a row; one that needs no line leaves none.
    pub(crate) fn begin(
        core: &'a C,
        op: &Operation<C>,
        params: &PathParams,
        parts: &Parts,
        (peer, request_id): (IpAddr, &RequestId),
    ) -> Self {
        let user_agent = || Some(String::from_utf8_lossy(parts.headers.get(USER_AGENT)?.as_bytes()).into_owned());
        let kind = op.audited_kind().filter(|_| op.is_audited(&parts.method));
        let attempt = kind.map(|resource_type| Attempt {
            operation: op.id,
            door: op.door,
            path: op.path,
            resource_type,
            resource: resource::id_name(op.path).and_then(|name| params.decoded(name).ok()),
            organization: params.decoded(resource::ORGANIZATION).ok(),
            caller: None,
            doer: None,
            peer,
            user_agent: user_agent(),
            request_id: request_id.clone(),
            status: CLIENT_GONE,
            refusal: None,
        });
        Self { core, attempt, doer: Arc::default() }
    }

    /// Whose credentials were sent.
    pub(crate) fn found(&mut self, caller: Option<&Arc<C::Caller>>) {
        if let Some(attempt) = &mut self.attempt {
            attempt.caller = caller.cloned();
        }
    }

    /// Where the handler can say who acts.
    pub(crate) fn doer(&self) -> Arc<OnceLock<Doer>> {
        self.doer.clone()
    }

    /// Has the line kept before the reply goes on.
    pub(crate) async fn answered(mut self, response: Response<Body>) -> Response<Body> {
        if let Some(attempt) = &mut self.attempt {
            attempt.status = response.status().as_u16();
            let made = response.extensions().get::<Made>().map(|made| made.0.clone());
            attempt.resource = attempt.resource.take().or(made);
        }
        self.end().await;
        response
    }

    pub(crate) async fn refused(mut self, error: &Error) {
        if let Some(attempt) = &mut self.attempt {
            attempt.status = error.kind.status();
            attempt.refusal = Some(Refusal { code: error.code, message: told(error) });
        }
        self.end().await;
    }

    async fn end(&mut self) {
        if let Some(attempt) = self.take() {
            Box::pin(self.core.audit(attempt)).await;
        }
    }

    fn take(&mut self) -> Option<Attempt<C::Caller>> {
        let mut attempt = self.attempt.take()?;
        attempt.doer = self.doer.get().copied();
        Some(attempt)
    }
}

impl<C: Core> Drop for Trail<'_, C> {
    fn drop(&mut self) {
        if let Some(attempt) = self.take() {
            drop(self.core.audit(attempt));
        }
    }
}

/// The sentence that the caller reads, without what they sent.
fn told(error: &Error) -> String {
    match &error.field {
        _ if error.kind != Kind::Invalid => error.message.clone(),
        Some(field) if is_name(field) => format!("{field} breaks a rule"),
        _ => "the input breaks a rule".to_owned(),
    }
}

fn is_name(field: &str) -> bool {
    field.len() <= FIELD_MAX && field.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

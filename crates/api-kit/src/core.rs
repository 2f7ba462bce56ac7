//! What the kit asks of the server behind it, and what a handler is given.

use crate::{DoorId, RequestId};
use farebox_base::{Clock, Error, Permission, Result, Rng, Ticks};
use http::request::Parts;
use http::{HeaderName, HeaderValue};
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

/// The server behind the doors. Cheap to clone: every request gets one.
pub trait Core: Clone + Send + Sync + 'static {
    /// Who is calling, as far as credentials say.
    type Caller: Send + Sync + 'static;

    /// Reads the credentials that `door` knows. `None` where none were sent; never called for public operations.
    ///
    /// # Errors
    /// `Unauthenticated` where credentials were sent and are not valid.
    fn authenticate(
        &self,
        door: DoorId,
        parts: &Parts,
    ) -> impl Future<Output = Result<Option<Arc<Self::Caller>>>> + Send;

    /// Whether the caller has the permission in the organisation that the path names as `{organization_id}`, or in his
    /// own where it names none.
    ///
    /// # Errors
    /// `Invalid` where the path's text names no organisation.
    fn standing(&self, caller: &Self::Caller, organization: Option<&str>, permission: Permission) -> Result<Standing>;

    /// Counts the request against the limits of its class. Also called, with no caller, for requests whose
    /// credentials are invalid and for unknown paths, so that guessing is limited too.
    ///
    /// # Errors
    /// `TooManyRequests`, here or in [`Admission::refusal`] where headers go with it.
    fn admit(
        &self,
        door: DoorId,
        caller: Option<&Arc<Self::Caller>>,
        parts: &Parts,
        peer: IpAddr,
        class: RateClass,
    ) -> Result<Admission>;

    /// The caller's address; override it where a trusted proxy in front names the true one in a header.
    fn client_ip(&self, _parts: &Parts, peer: SocketAddr) -> IpAddr {
        peer.ip()
    }

    fn clock(&self) -> &dyn Clock;

    fn rng(&self) -> &dyn Rng;
}

/// What a caller is in an organisation, as far as one permission goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// He belongs to it and has the permission.
    Allowed,
    /// He belongs to it and lacks the permission.
    Lacks,
    /// He does not belong to it, or there is no such organisation; the answer is the same.
    Stranger,
}

/// Which limit a request counts against. What each means at each door is the server's configuration.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum RateClass {
    /// The ordinary limit.
    #[default]
    General,
    /// Sign-in, sign-up, recovery: where guessing is the danger.
    Auth,
    /// SQL and document queries.
    Query,
    /// Deposits, which cost a look at a chain.
    Deposit,
    /// Paid calls of listings.
    Call,
    /// Not counted.
    Free,
}

/// The answer of [`Core::admit`].
#[derive(Debug, Default)]
pub struct Admission {
    /// Added to the reply, whatever it is: `X-RateLimit-Limit` and its like.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Why the request is not served, where it is not.
    pub refusal: Option<Error>,
}

/// One request, as a handler sees it.
#[derive(Debug)]
pub struct Cx<C: Core> {
    pub core: C,
    /// Set where the operation reads credentials and the caller sent some.
    pub caller: Option<Arc<C::Caller>>,
    pub door: DoorId,
    /// The operation's id, as audit lines name it.
    pub operation: &'static str,
    pub request_id: RequestId,
    /// The caller's address, as [`Core::client_ip`] sees it.
    pub peer: IpAddr,
    /// When the request's head had arrived.
    pub received: Ticks,
}

impl<C: Core> Cx<C> {
    /// The caller of an operation that needs one.
    ///
    /// # Errors
    /// `Unauthenticated` where there is none, which only public and optional operations can meet.
    pub fn caller(&self) -> Result<&Arc<C::Caller>> {
        self.caller.as_ref().ok_or_else(|| self.door.credentials_missing())
    }

    /// An error as this door shows it, for handlers that build their own replies.
    pub fn error_response(&self, error: &Error) -> http::Response<crate::Body> {
        crate::error_response(self.door, error, &self.request_id)
    }
}

impl<C: Core> Clone for Cx<C> {
    fn clone(&self) -> Self {
        Self {
            core: self.core.clone(),
            caller: self.caller.clone(),
            door: self.door,
            operation: self.operation,
            request_id: self.request_id.clone(),
            peer: self.peer,
            received: self.received,
        }
    }
}

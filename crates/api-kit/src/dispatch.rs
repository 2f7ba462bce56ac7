//! The way of every request, in this order: name it, find its row, authenticate, admit, check the permission,
//! decode, run the handler, encode, record, observe.

use crate::args::Input;
use crate::audit::Trail;
use crate::body::{self, Body};
use crate::core::{Core, Cx, RateClass, Standing};
use crate::envelope::{self, error_response};
use crate::handler::Pending;
use crate::observe::{Meters, Watch, report};
use crate::operation::Operation;
use crate::path_params::PathParams;
use crate::request_id::{self, RequestId};
use crate::routes::{Found, Routes};
use crate::table::{TableError, mistakes};
use crate::{Cors, DoorId, reply};
use farebox_base::{Access, Error, Result, Ticks};
use futures_util::FutureExt;
use http::header::{CONTENT_LENGTH, ORIGIN};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body as _;
use std::any::Any;
use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::task::JoinSet;

/// The variable part of a path that names an organisation.
const ORGANIZATION: &str = "organization_id";

/// Limits and policies that hold for every operation which does not say otherwise.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The longest body that is read whole. Default: 1 MiB.
    pub body_limit_bytes: usize,
    /// The longest body that is handed on as a stream. Default: 64 MiB.
    pub stream_limit_bytes: usize,
    /// How long a caller may take to send a body that is read whole. Default: 30 s.
    pub body_patience: Duration,
    /// The doors that pages of other origins may use. Default: the SQL gateway, from every origin.
    pub cors: Vec<(DoorId, Cors)>,
    /// Where the counters are registered.
    pub registry: prometheus::Registry,
    /// Where operations run that are not calls, for requests that come in on another runtime: they may wait for a
    /// disk, and other connections must not wait with them. Default: where the request is.
    pub home: Option<Handle>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            body_limit_bytes: 1 << 20,
            stream_limit_bytes: 64 << 20,
            body_patience: Duration::from_secs(30),
            cors: vec![(DoorId::SqlGateway, Cors::sql_gateway())],
            registry: prometheus::Registry::new(),
            home: None,
        }
    }
}

/// All doors of one server. Share it in an `Arc`.
pub struct Dispatcher<C: Core> {
    core: C,
    operations: Vec<Operation<C>>,
    routes: Routes,
    meters: Meters,
    settings: Settings,
}

/// A request on its way to a row.
struct Arrived {
    parts: Parts,
    body: Body,
    peer: IpAddr,
    request_id: RequestId,
    received: Ticks,
}

type Extra = Vec<(HeaderName, HeaderValue)>;

impl<C: Core> Dispatcher<C> {
    /// With default settings.
    ///
    /// # Errors
    /// Names every row that collides with another or contradicts its handler.
    pub fn new(core: C, operations: Vec<Operation<C>>) -> Result<Self, TableError> {
        Self::with_settings(core, operations, Settings::default())
    }

    /// # Errors
    /// Names every row that collides with another or contradicts its handler.
    pub fn with_settings(core: C, operations: Vec<Operation<C>>, settings: Settings) -> Result<Self, TableError> {
        let mut found = mistakes(&operations);
        let (routes, collisions) = Routes::new(&operations);
        found.extend(collisions);
        if !found.is_empty() {
            return Err(TableError(found));
        }
        let meters = Meters::new(&settings.registry, &operations).map_err(|e| TableError(vec![e.to_string()]))?;
        Ok(Self { core, operations, routes, meters, settings })
    }

    /// The table, for documents, guards and clients.
    pub fn operations(&self) -> &[Operation<C>] {
        &self.operations
    }

    pub fn core(&self) -> &C {
        &self.core
    }

    /// Answers one request. Never fails: every error becomes a reply in the shape of its door.
    pub async fn handle(&self, request: Request<Body>, peer: SocketAddr) -> Response<Body> {
        let received = self.core.clock().ticks();
        let (parts, body) = request.into_parts();
        let found = self.routes.find(&parts.method, parts.uri.path());
        let (door, row) = match &found {
            Found::Row { index, .. } => (self.operations[*index].door, Some((*index, self.operations[*index].id))),
            Found::OtherMethods { door, .. } => (*door, None),
            Found::Nothing => (DoorId::of_path(parts.uri.path()), None),
        };
        let request_id = RequestId::of(&parts.headers, self.core.rng());
        let watch = Watch {
            clock: self.core.clock(),
            meters: &self.meters,
            received,
            method: parts.method.clone(),
            path: parts.uri.path().to_owned(),
            request_id: request_id.clone(),
            door,
            row,
            status: None,
        };
        let peer = self.core.client_ip(&parts, peer);
        let arrived = Arrived { parts, body, peer, request_id: request_id.clone(), received };
        let response = self.answer(door, found, arrived).await;
        let response = finished(response, &request_id);
        watch.finish(response.status().as_u16());
        response
    }

    async fn answer(&self, door: DoorId, found: Found, arrived: Arrived) -> Response<Body> {
        let cors = self.settings.cors.iter().find(|(known, _)| *known == door).map(|(_, cors)| cors);
        let origin = arrived.parts.headers.get(ORIGIN).cloned();
        let asks_first = arrived.parts.method == Method::OPTIONS;
        let mut response = if asks_first && cors.is_some_and(|cors| cors.is_preflight(&arrived.parts.headers)) {
            reply::bare(StatusCode::NO_CONTENT)
        } else {
            self.routed(door, found, arrived).await
        };
        if let Some(cors) = cors {
            cors.apply(origin.as_ref(), asks_first, response.headers_mut());
        }
        response
    }

    async fn routed(&self, door: DoorId, found: Found, arrived: Arrived) -> Response<Body> {
        let request_id = arrived.request_id.clone();
        let mut extra = Extra::new();
        let mut response = match found {
            Found::Row { index, params, head } => {
                let op = &self.operations[index];
                let mut trail = Trail::begin(&self.core, op, &params, &arrived.parts, (arrived.peer, &request_id));
                let run = AssertUnwindSafe(self.run(op, params, arrived, &mut extra, &mut trail)).catch_unwind();
                let outcome = run.await.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
                let response = match outcome {
                    Ok(response) => trail.answered(response).await,
                    Err(error) => {
                        report(&error, op.id, &request_id);
                        trail.refused(&error).await;
                        error_response(door, &error, &request_id)
                    }
                };
                if head { without_body(response) } else { response }
            }
            Found::OtherMethods { allow, .. } => match self.admit(door, None, &arrived, RateClass::General, &mut extra)
            {
                Ok(()) => envelope::method_response(door, &allow, &request_id),
                Err(error) => error_response(door, &error, &request_id),
            },
            Found::Nothing => {
                let admitted = self.admit(door, None, &arrived, RateClass::General, &mut extra);
                let error = admitted.err().unwrap_or_else(|| door.path_unknown());
                error_response(door, &error, &request_id)
            }
        };
        for (name, value) in extra {
            response.headers_mut().insert(name, value);
        }
        response
    }

    /// The wrapper around every handler.
    async fn run(
        &self,
        op: &Operation<C>,
        params: PathParams,
        arrived: Arrived,
        extra: &mut Extra,
        trail: &mut Trail<'_, C>,
    ) -> Result<Response<Body>> {
        let authenticated = match op.access {
            Access::Public => Ok(None),
            _ => self.core.authenticate(op.door, &arrived.parts).await,
        };
        let known = authenticated.as_ref().ok().and_then(Option::as_ref);
        trail.found(known);
        self.admit(op.door, known, &arrived, op.rate, extra)?;
        let caller = authenticated?;
        if let Access::Needs(permission) = op.access {
            let caller = caller.as_ref().ok_or_else(|| op.door.credentials_missing())?;
            let organization = params.raw(ORGANIZATION).map(|_| params.decoded(ORGANIZATION)).transpose()?;
            match self.core.standing(caller, organization.as_deref(), permission)? {
                Standing::Allowed => {}
                Standing::Lacks => return Err(op.door.permission_missing(permission)),
                Standing::Stranger => return Err(op.stranger.refusal()),
            }
        }
        let Arrived { parts, body, peer, request_id, received } = arrived;
        let (core, doer) = (self.core.clone(), trail.doer());
        let cx = Cx { core, caller, door: op.door, operation: op.id, request_id, peer, received, doer };
        let usual = if op.raw { self.settings.stream_limit_bytes } else { self.settings.body_limit_bytes };
        let body_limit_bytes = op.body_limit_bytes.unwrap_or(usual);
        let input = Input { parts, params, body, body_limit_bytes, body_patience: self.settings.body_patience };
        let running = (op.call)(cx, input);
        let here = Handle::try_current().map(|here| here.id()).ok();
        match &self.settings.home {
            Some(home) if op.rate != RateClass::Call && here != Some(home.id()) => away(home, running).await,
            _ => running.await,
        }
    }

    fn admit(
        &self,
        door: DoorId,
        caller: Option<&std::sync::Arc<C::Caller>>,
        arrived: &Arrived,
        class: RateClass,
        extra: &mut Extra,
    ) -> Result<()> {
        let admission = self.core.admit(door, caller, &arrived.parts, arrived.peer, class)?;
        extra.extend(admission.headers);
        admission.refusal.map_or(Ok(()), Err)
    }
}

/// Runs a handler on another runtime; it ends with this future.
async fn away(home: &Handle, running: Pending) -> Result<Response<Body>> {
    let mut tasks = JoinSet::new();
    tasks.spawn_on(running, home);
    match tasks.join_next().await {
        Some(Ok(outcome)) => outcome,
        Some(Err(error)) if error.is_panic() => Err(panicked(&*error.into_panic())),
        _ => Err(Error::unavailable("The server is shutting down; try again")),
    }
}

/// Every reply carries the request's name.
fn finished(mut response: Response<Body>, request_id: &RequestId) -> Response<Body> {
    if let Some(id) = request_id.header_value() {
        response.headers_mut().insert(request_id::HEADER, id);
    }
    response
}

/// The answer to HEAD: the head that GET would have had.
fn without_body(response: Response<Body>) -> Response<Body> {
    let (mut parts, whole) = response.into_parts();
    if let Some(bytes) = whole.size_hint().exact().filter(|_| parts.status != StatusCode::NO_CONTENT) {
        parts.headers.entry(CONTENT_LENGTH).or_insert_with(|| HeaderValue::from(bytes));
    }
    Response::from_parts(parts, body::empty())
}

fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    Error::internal(format!("handler panicked: {}", text.unwrap_or("no message")))
}

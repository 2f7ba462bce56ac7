//! A server small enough to read: things at the platform, services at the marketplace, balances at the SQL gateway.

pub mod balances;
mod lines;
pub mod services;
pub mod things;

use bytes::Bytes;
use farebox_api_kit::*;
use farebox_base::{Clock, Error, ManualClock, Permission, Result, Rng, SeededRng, Timestamp};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

pub use lines::Lines;

pub type Cx = farebox_api_kit::Cx<App>;

/// Who presents the token; `reader` may read only, `boss` may everything.
#[derive(Debug)]
pub struct Caller {
    pub name: String,
}

/// An organisation that nobody here belongs to.
pub const FOREIGN: &str = "ffffffff-ffff-4fff-8fff-ffffffffffff";

#[derive(Clone)]
pub struct App {
    pub clock: Arc<ManualClock>,
    pub rng: Arc<SeededRng>,
    /// How many handlers ran.
    pub served: Arc<AtomicUsize>,
    /// How many requests were admitted.
    pub admitted: Arc<AtomicUsize>,
}

impl Core for App {
    type Caller = Caller;

    async fn authenticate(&self, door: DoorId, parts: &Parts) -> Result<Option<Arc<Caller>>> {
        let header = if door == DoorId::SqlGateway { "x-api-key" } else { "authorization" };
        let Some(value) = parts.headers.get(header) else { return Ok(None) };
        let text = value.to_str().unwrap_or_default().trim_start_matches("Bearer ");
        match text {
            "boss" | "reader" => Ok(Some(Arc::new(Caller { name: text.to_owned() }))),
            _ => Err(Error::unauthenticated("Invalid API key")),
        }
    }

    fn standing(&self, caller: &Caller, organization: Option<&str>, permission: Permission) -> Result<Standing> {
        let may = caller.name == "boss" || permission.text().ends_with(".read");
        Ok(match organization {
            Some(named) if named == FOREIGN => Standing::Stranger,
            _ if may => Standing::Allowed,
            _ => Standing::Lacks,
        })
    }

    fn admit(
        &self,
        _door: DoorId,
        _caller: Option<&Arc<Caller>>,
        parts: &Parts,
        _peer: IpAddr,
        class: RateClass,
    ) -> Result<Admission> {
        self.admitted.fetch_add(1, Ordering::Relaxed);
        let limit = HeaderValue::from_static(if class == RateClass::Query { "20" } else { "100" });
        let headers = vec![(HeaderName::from_static("x-ratelimit-limit"), limit)];
        let refusal = parts.headers.contains_key("x-flood").then(|| {
            Error::new(farebox_base::Kind::TooManyRequests, "rate_limited", "Too many requests").with_retry_after(900)
        });
        Ok(Admission { headers, refusal })
    }

    fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    fn rng(&self) -> &dyn Rng {
        &*self.rng
    }
}

impl App {
    pub fn new() -> Self {
        lines::install();
        Self {
            clock: Arc::new(ManualClock::at(Timestamp::from_micros(1_773_914_400_000_000))),
            rng: Arc::new(SeededRng::new(1)),
            served: Arc::default(),
            admitted: Arc::default(),
        }
    }

    pub fn serve(&self) {
        self.served.fetch_add(1, Ordering::Relaxed);
    }
}

pub fn operations() -> Vec<Operation<App>> {
    let mut all = things::operations();
    all.extend(services::operations());
    all.extend(balances::operations());
    all
}

/// The server with a client.
pub struct Demo {
    pub app: App,
    pub doors: Dispatcher<App>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Bytes,
}

impl Demo {
    pub fn new() -> Self {
        Self::with(Settings::default())
    }

    pub fn with(settings: Settings) -> Self {
        let app = App::new();
        Self { doors: Dispatcher::with_settings(app.clone(), operations(), settings).unwrap(), app }
    }

    pub async fn send(&self, request: Request<Body>) -> Answer {
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 4711));
        let response: Response<Body> = self.doors.handle(request, peer).await;
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: parts.status.as_u16(), headers: parts.headers, body }
    }

    /// Sends as `boss` at every door.
    pub async fn call(&self, method: &str, path: &str, body: &str) -> Answer {
        let request = request(method, path).header("authorization", "Bearer boss").header("x-api-key", "boss");
        self.send(request.body(full(body.to_owned())).unwrap()).await
    }

    pub async fn stranger(&self, method: &str, path: &str) -> Answer {
        self.send(request(method, path).body(empty()).unwrap()).await
    }
}

pub fn request(method: &str, path: &str) -> http::request::Builder {
    Request::builder().method(method).uri(path)
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {:?}", self.body))
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }
}

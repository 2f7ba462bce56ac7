//! The demo seller's own server: a small real HTTP API on the loopback.

use crate::serve::{Service, full};
use farebox_api_kit::Body;
use http::{HeaderValue, Request, Response, StatusCode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

/// Answers `/forecast?city=…`, fails at `/broken`, and counts what it was asked.
#[derive(Debug, Default)]
pub struct WeatherServer {
    asked: AtomicU64,
}

impl WeatherServer {
    /// How many requests reached the seller.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Service for WeatherServer {
    async fn handle(&self, request: Request<Body>, _peer: SocketAddr) -> Response<Body> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        match request.uri().path() {
            "/forecast" => reply(StatusCode::OK, &forecast(request.uri().query().unwrap_or_default())),
            "/broken" => reply(StatusCode::INTERNAL_SERVER_ERROR, &json!({ "error": "the weather station is down" })),
            _ => reply(StatusCode::NOT_FOUND, &json!({ "error": "no such page", "try": "/forecast?city=Oslo" })),
        }
    }
}

/// The same city has the same weather each time, so that replies can be compared.
fn forecast(query: &str) -> Value {
    let city = query.split('&').find_map(|pair| pair.strip_prefix("city=")).unwrap_or("Oslo");
    let sum: u32 = city.bytes().map(u32::from).sum();
    let sky = ["clear", "cloudy", "rain", "snow"][usize::try_from(sum % 4).unwrap_or(0)];
    json!({ "city": city, "celsius": i64::from(sum % 31) - 5, "sky": sky })
}

fn reply(status: StatusCode, body: &Value) -> Response<Body> {
    let mut response = Response::new(full(body.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/json"));
    response
}

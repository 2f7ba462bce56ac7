//! A provider in the test's process where everybody who connects is somebody new, and the steps of a flow.

use farebox::serve::{self, Service, SocketSettings, full};
use farebox_api_kit::Body;
use farebox_testkit::app::{Agent, Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use http::{Request, Response};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use url::Url;

/// Answers at once: `/token` with `access-N`, `/me` with the account of the token, `/revoke`.
#[derive(Default)]
pub struct Provider {
    tokens: AtomicU64,
    pub revoked: AtomicU64,
}

impl Service for Provider {
    async fn handle(&self, request: Request<Body>, _peer: SocketAddr) -> Response<Body> {
        let reply = match request.uri().path() {
            "/token" => {
                let n = self.tokens.fetch_add(1, Ordering::SeqCst) + 1;
                json!({ "access_token": format!("access-{n}"), "token_type": "Bearer", "expires_in": 3600,
                    "refresh_token": format!("refresh-{n}"), "scope": "read" })
            }
            "/me" => {
                let bearer = request.headers().get("authorization").and_then(|value| value.to_str().ok());
                json!({ "sub": bearer.unwrap_or_default().replace("Bearer access-", "user-"), "email": "ada@example.com" })
            }
            "/revoke" => {
                self.revoked.fetch_add(1, Ordering::SeqCst);
                json!({})
            }
            _ => json!({ "error": "not_here" }),
        };
        Response::new(full(reply.to_string()))
    }
}

pub struct Stage {
    pub app: TestApp,
    pub provider: Arc<Provider>,
    pub address: SocketAddr,
    pub seller: Agent,
    pub buyer: Agent,
}

impl Stage {
    pub async fn set(place: &TestDb) -> Self {
        let socket = serve::bind("127.0.0.1:0").await.unwrap();
        let address = socket.local_addr().unwrap();
        let provider = Arc::new(Provider::default());
        tokio::spawn(serve::serve(socket, provider.clone(), SocketSettings::default(), std::future::pending()));
        let app = TestApp::start(place, &[("net.allow", "127.0.0.1")]).await;
        let (seller, buyer) = (app.agent("Seller").await, app.agent("Buyer").await);
        app.fund(buyer.party, 1_000_000).await;
        Self { app, provider, address, seller, buyer }
    }

    /// The fields of a provider of this stage.
    pub fn described(&self, slug: &str) -> Value {
        let url = |path: &str| format!("http://{}{path}", self.address);
        json!({
            "slug": slug, "name": "Example", "authorization_url": url("/authorize"), "token_url": url("/token"),
            "userinfo_url": url("/me"), "revocation_url": url("/revoke"), "client_id": "client-1",
            "client_secret": "hunter2-secret", "scopes": ["read"],
        })
    }

    /// Sets a provider up for an agent's organization; answers its id.
    pub async fn own_provider(&self, owner: &Agent, slug: &str) -> String {
        let ask = Ask::post("/organizations/default/oauth/providers", self.described(slug)).key(&owner.key);
        self.app.expect(&ask, 201).await.at("/data/id")
    }

    /// Lists the upstream as a publisher whose calls need accounts at the seller's provider.
    pub async fn listing(&self, slug: &str, provider_slug: &str) -> (String, String) {
        let more = json!({ "requires_user_oauth": true, "oauth_provider_slug": provider_slug });
        let got = self.app.expect(&self.app.listing(&self.seller, slug, "0.01", &more), 201).await;
        assert_eq!(got.at("/data/requires_user_oauth"), "true");
        (got.at("/data/id"), got.at("/data/oauth_provider_id"))
    }

    /// Begins a flow as an agent does; answers the state and the cookie.
    pub async fn begun(&self, key: &str, provider: &str) -> (String, String) {
        begun(&self.app.expect(&authorize(provider).key(key), 302).await)
    }

    /// Connects in the browser that began; answers the connection's id.
    pub async fn connected(&self, key: &str, provider: &str) -> String {
        let (state, cookie) = self.begun(key, provider).await;
        let ask = Ask::get(format!("/oauth/providers/{provider}/callback?code=c&state={state}"));
        let done = self.app.expect(&ask.with("Cookie", cookie), 302).await;
        parameter(done.header("location"), "connection_id")
    }
}

pub fn authorize(provider: &str) -> Ask {
    Ask::get(format!("/oauth/providers/{provider}/authorize"))
}

/// The state and the cookie of a flow that began.
pub fn begun(got: &Got) -> (String, String) {
    (parameter(got.header("location"), "state"), cookie(got))
}

/// The cookie that a reply sets.
pub fn cookie(got: &Got) -> String {
    let line = got.header("set-cookie");
    assert!(line.contains("HttpOnly") && line.contains("SameSite=Lax") && line.contains("Path=/oauth;"), "{line}");
    line.split(';').next().unwrap().to_owned()
}

/// A parameter of an address; empty where it has none.
pub fn parameter(url: &str, name: &str) -> String {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

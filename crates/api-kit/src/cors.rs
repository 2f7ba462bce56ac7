//! Which pages of other origins may read a door's replies.

use farebox_base::{Error, Result};
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue};

/// The policy of one door. Never allows cookies: callers prove themselves with headers.
#[derive(Debug, Clone)]
pub struct Cors {
    /// `None` for every origin.
    origins: Option<Vec<HeaderValue>>,
    /// Whether every OPTIONS request is answered here, also one that is no browser's question.
    takes_options: bool,
    methods: HeaderValue,
    headers: HeaderValue,
    exposed: HeaderValue,
}

const EXPOSED: &str = "X-Request-Id, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Retry-After, \
                       PAYMENT-REQUIRED, PAYMENT-RESPONSE, X-PAYMENT-RESPONSE, EXTENSION-RESPONSES";

/// Published clients send `Access-Control-Expose-Headers` with their requests, which browsers ask for permission for.
const PAYING: &str = "Accept, Authorization, Content-Type, Idempotency-Key, X-Request-Id, PAYMENT-SIGNATURE, X-PAYMENT, \
                      SIGN-IN-WITH-X, X-Farebox-Schemes, Access-Control-Expose-Headers";

/// Those that the SQL gateway publishes, and those by which a wallet pays or proves itself.
const WALLETS: &str =
    "Content-Type, X-API-Key, PAYMENT-SIGNATURE, X-PAYMENT, SIGN-IN-WITH-X, Access-Control-Expose-Headers";

impl Cors {
    /// Every origin, with the methods and headers that the SQL gateway publishes and those of wallets.
    pub fn sql_gateway() -> Self {
        Self {
            origins: None,
            takes_options: true,
            methods: HeaderValue::from_static("GET, POST, PUT, DELETE, OPTIONS"),
            headers: HeaderValue::from_static(WALLETS),
            exposed: HeaderValue::from_static(EXPOSED),
        }
    }

    /// What a page needs to call listings and pay for them, by key or by signature, from these origins, as in `of`.
    ///
    /// # Errors
    /// As `of`.
    pub fn paying(origins: &[String]) -> Result<Self> {
        Self::of(origins, "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS", PAYING)
    }

    /// These origins (`https://app.example.com`; a `*` among them means every one) with the methods and request
    /// headers that their pages may use.
    ///
    /// # Errors
    /// `Invalid` where a text cannot stand in a header.
    pub fn of(origins: &[String], methods: &str, headers: &str) -> Result<Self> {
        let value = |field: &str, text: &str| {
            HeaderValue::from_str(text).map_err(|_| Error::invalid(field, "must be visible ASCII"))
        };
        let listed = origins.iter().map(|origin| value("cors.origins", origin)).collect::<Result<Vec<_>>>()?;
        Ok(Self {
            takes_options: false,
            origins: (!origins.iter().any(|origin| origin == "*")).then_some(listed),
            methods: value("cors.methods", methods)?,
            headers: value("cors.headers", headers)?,
            exposed: HeaderValue::from_static(EXPOSED),
        })
    }

    /// Whether an OPTIONS request is a browser's question to answer here, and not the operation's.
    pub(crate) fn is_preflight(&self, request: &HeaderMap) -> bool {
        self.takes_options || (request.contains_key(ORIGIN) && request.contains_key(ACCESS_CONTROL_REQUEST_METHOD))
    }

    /// Adds the policy to a reply for a request from `origin`, in place of what a listing's own server says. What may be
    /// sent is told to who asks first, and to everybody where OPTIONS is always answered here.
    pub(crate) fn apply(&self, origin: Option<&HeaderValue>, asks_first: bool, reply: &mut HeaderMap) {
        for own in [ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_ALLOW_CREDENTIALS] {
            reply.remove(own);
        }
        let allowed = match &self.origins {
            None => Some(HeaderValue::from_static("*")),
            Some(listed) => {
                reply.append(VARY, HeaderValue::from_static("Origin"));
                origin.filter(|origin| listed.contains(origin)).cloned()
            }
        };
        if let Some(allowed) = allowed {
            reply.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
            if asks_first || self.takes_options {
                reply.insert(ACCESS_CONTROL_ALLOW_METHODS, self.methods.clone());
                reply.insert(ACCESS_CONTROL_ALLOW_HEADERS, self.headers.clone());
            }
            // Beside what the listing's own server wants its pages to see.
            reply.append(ACCESS_CONTROL_EXPOSE_HEADERS, self.exposed.clone());
        }
    }
}

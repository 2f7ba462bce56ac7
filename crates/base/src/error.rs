//! The one error that domain code returns. Doors choose status and shape from its `Kind`.
//!
//! What the caller may read (`message`, `field`, `code`, `details`) is kept apart from what only the log may
//! hold (`internal`). There is deliberately no `Display`: nobody can print the wrong half by accident.

use crate::{Micros, MoneyError};

/// The closed list of what can go wrong; each kind is one HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// 400: the request breaks a rule; `field` and `message` say which.
    Invalid,
    /// 401: no credentials, or none that are valid.
    Unauthenticated,
    /// 402: the balance does not pay for the call.
    PaymentRequired,
    /// 403: the caller is known and may not do this.
    Forbidden,
    /// 404: there is no such thing, or the caller may not know of it.
    NotFound,
    /// 405: the path exists, the method does not.
    MethodNotAllowed,
    /// 409: the state of things, or another request, stands against it.
    Conflict,
    /// 412: something has to be done elsewhere first, as a payer's approval of a spender.
    PreconditionFailed,
    /// 413: a body or header is over its limit.
    TooLarge,
    /// 429: over a rate limit; `retry_after_s` says how long to wait.
    TooManyRequests,
    /// 500: our fault. The caller never sees why.
    Internal,
    /// 502: the seller's server could not be reached or broke the protocol.
    UpstreamFailed,
    /// 503: we can't do this now; try again.
    Unavailable,
    /// 504: the seller's server took too long.
    UpstreamTimeout,
}

/// An error with its public and its internal half.
#[derive(Debug, Clone)]
pub struct Error {
    pub kind: Kind,
    /// A stable word for programs: `insufficient_balance`, `slug_taken`.
    pub code: &'static str,
    /// One sentence for people: what is wrong and what to do.
    pub message: String,
    /// The input at fault, dotted: `price_per_call`, `endpoints.0.path`.
    pub field: Option<String>,
    pub retry_after_s: Option<u64>,
    /// With `PaymentRequired`: what the call needs and what the caller has.
    pub payment: Option<PaymentNeed>,
    /// For the log only.
    pub internal: Option<String>,
}

/// What a call needs and what the caller's balance is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PaymentNeed {
    pub required: Micros,
    pub available: Micros,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self { kind, code, message: message.into(), field: None, retry_after_s: None, payment: None, internal: None }
    }

    /// 400. `rule` completes a sentence that begins with the field: "must not be empty".
    pub fn invalid(field: impl Into<String>, rule: impl AsRef<str>) -> Self {
        let field = field.into();
        let message = format!("{field} {}", rule.as_ref());
        Self { field: Some(field), ..Self::new(Kind::Invalid, "invalid_request", message) }
    }

    pub fn unauthenticated(message: impl Into<String>) -> Self {
        Self::new(Kind::Unauthenticated, "unauthenticated", message)
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(Kind::Forbidden, "forbidden", message)
    }

    /// 404. `what` is the thing in the door's word: "Service", "Publisher".
    pub fn not_found(what: &str) -> Self {
        Self::new(Kind::NotFound, "not_found", format!("{what} not found"))
    }

    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(Kind::Conflict, code, message)
    }

    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(Kind::Unavailable, "unavailable", message)
    }

    /// 402. Says what is missing and where to get it.
    pub fn insufficient_balance(need: PaymentNeed) -> Self {
        let message = format!(
            "Insufficient balance: this call needs {} USDC and {} USDC is available. Add funds and call again.",
            need.required, need.available
        );
        Self { payment: Some(need), ..Self::new(Kind::PaymentRequired, "insufficient_balance", message) }
    }

    /// 500. The text goes to the log, the caller reads a fixed sentence.
    pub fn internal(detail: impl Into<String>) -> Self {
        let message = "Internal error; the request id leads to the cause in the server's log";
        Self { internal: Some(detail.into()), ..Self::new(Kind::Internal, "internal", message) }
    }

    #[must_use]
    pub fn with_internal(mut self, detail: impl Into<String>) -> Self {
        self.internal = Some(detail.into());
        self
    }

    #[must_use]
    pub fn with_code(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    #[must_use]
    pub fn with_retry_after(mut self, seconds: u64) -> Self {
        self.retry_after_s = Some(seconds);
        self
    }

    /// Names the field of an amount that could not be read.
    pub fn money(field: impl Into<String>, error: MoneyError) -> Self {
        Self::invalid(field, error.to_string())
    }
}

impl From<MoneyError> for Error {
    fn from(error: MoneyError) -> Self {
        Self::invalid("amount", error.to_string())
    }
}

impl Kind {
    pub const fn status(self) -> u16 {
        match self {
            Kind::Invalid => 400,
            Kind::Unauthenticated => 401,
            Kind::PaymentRequired => 402,
            Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::MethodNotAllowed => 405,
            Kind::Conflict => 409,
            Kind::PreconditionFailed => 412,
            Kind::TooLarge => 413,
            Kind::TooManyRequests => 429,
            Kind::Internal => 500,
            Kind::UpstreamFailed => 502,
            Kind::Unavailable => 503,
            Kind::UpstreamTimeout => 504,
        }
    }
}

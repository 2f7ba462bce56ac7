//! The one way out: every request that Farebox makes to the outside goes through this crate.
//!
//! Owns the rules for where a connection may go, name resolution, TLS and the pool of connections. It does
//! not know what is asked for nor why: proxying, payments and webhooks are built on it elsewhere.
//! Invariants: a name is resolved once per connection, every address of the answer is judged, and the
//! connection goes to a judged address; a redirect is an answer, never followed; a request whose bytes may
//! have left is repeated only where its method is idempotent and it has no body.

mod address;
mod allow;
mod answer;
mod body;
mod client;
mod connector;
mod dial;
mod error;
mod link;
mod outgoing;
mod policy;
mod pool;
mod resolve;
mod stream;
mod target;
mod tls;

pub use address::address_refusal;
pub use allow::{AllowRule, AllowRuleError};
pub use answer::Answer;
pub use body::{Body, BoxError, empty, full};
pub use client::{Client, FetchLimits};
pub use error::{NetError, NetErrorKind};
pub use policy::Policy;
pub use resolve::{Resolver, Resolving, SystemResolver};

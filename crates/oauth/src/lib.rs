//! Accounts that users have elsewhere and let Farebox act for: OAuth 2 with Farebox as the client.
//!
//! Owns the tables `oauth_provider`, `oauth_pending` and `oauth_connection`: which servers there are, connections that are
//! being made, and the tokens of those that were. Knows neither doors nor calls; it hands a token out to whoever forwards a
//! call. Invariants:
//! - client secrets, tokens, codes and verifiers are stored sealed, and are neither logged nor shown;
//! - a state is good once, for a few minutes, at the provider that it was made for;
//! - a connection is made in the browser that asked for it, or in one whose user was told who asks and said yes;
//! - a refresh token is sent once: whoever renews a connection has it for himself, in all processes of one database;
//! - nothing is sent but by `farebox_net`, and no browser is sent to an address that the operator has not allowed;
//! - a token goes only to servers that its provider's owner answers for (`Provider::check_use`), and to none that were
//!   named after its connection was made (`provider_moves`).

mod begin;
mod callback;
mod confirm;
mod connection;
mod disconnect;
mod exchange;
mod flights;
mod holder;
mod pending;
mod provider;
mod provider_moves;
mod provider_rules;
mod provider_slug;
mod provider_use;
mod providers;
mod redirect;
mod renew;
mod save;
mod sealed;
mod sensitive;
mod token;
mod token_reply;
mod userinfo;

pub use begin::{Begin, Begun, Named};
pub use callback::{Arrived, Returned};
pub use confirm::Asked;
pub use connection::Connection;
pub use holder::Holder;
pub use pending::Flow;
pub use provider::{NewProvider, Provider, ProviderPatch, TokenAuth};
pub use redirect::RedirectRule;
pub use sensitive::Sensitive;
pub use token::{Granted, UserToken};

use farebox_accounts::Vault;
use farebox_base::{Clock, Rng, Timestamp};
use farebox_db::Db;
use farebox_net::Client;
use flights::Flights;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// What `Oauth` is made of.
pub struct OauthParts {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub client: Client,
    pub vault: Vault,
    /// Mixed into the hashes of states; whoever lacks it can't make one up for a stolen database.
    pub pepper: [u8; 32],
    pub settings: OauthSettings,
}

/// What the operator decides.
#[derive(Clone, Debug)]
pub struct OauthSettings {
    /// Where clients reach this server, without a slash at its end.
    pub public_url: Url,
    /// Where browsers may be sent in the end, besides this server's own pages.
    pub redirects: Vec<RedirectRule>,
    /// How long a connection may take to be made.
    pub pending_for: Duration,
}

/// The service; a clone shares everything.
#[derive(Clone)]
pub struct Oauth(Arc<Inner>);

struct Inner {
    parts: OauthParts,
    hash_key: [u8; 32],
    flights: Flights,
}

impl Oauth {
    pub fn new(parts: OauthParts) -> Self {
        let hash_key = blake3::derive_key("farebox 2026 states of OAuth", &parts.pepper);
        Self(Arc::new(Inner { parts, hash_key, flights: Flights::default() }))
    }

    fn db(&self) -> &Db {
        &self.0.parts.db
    }

    fn client(&self) -> &Client {
        &self.0.parts.client
    }

    fn vault(&self) -> &Vault {
        &self.0.parts.vault
    }

    fn settings(&self) -> &OauthSettings {
        &self.0.parts.settings
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.parts.clock
    }

    fn rng(&self) -> &dyn Rng {
        &*self.0.parts.rng
    }

    fn now(&self) -> Timestamp {
        self.clock().now()
    }

    /// An address of this server.
    fn own_address(&self, path: &str) -> String {
        format!("{}{path}", self.settings().public_url.as_str().trim_end_matches('/'))
    }
}

impl std::fmt::Debug for Oauth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Oauth")
    }
}

//! Sessions of people: one for each sign-in, until it is revoked or runs out.
//!
//! Owns the tables `user_session` and `signing_key`. A session has two credentials: an access token, which is signed,
//! short-lived and good at every door, and a refresh token, which is exchanged for the next pair. Invariants:
//! - a session that was revoked is refused in this process at once, elsewhere after the next `Changes::refresh`;
//! - of all refresh tokens of a session only the last one is good; an older one ends the session;
//! - the database holds no token, only what proves one.

mod access_token;
mod check;
mod list;
mod open;
mod refresh;
mod refresh_token;
mod signing_key;

pub(crate) use access_token::is_access_token;
pub(crate) use check::{SessionEntry, invalid as session_over};
pub use list::SessionInfo;
pub(crate) use refresh_token::{is_refresh_token, refresh_token_session};
pub(crate) use signing_key::SigningKeys;

use crate::{Accounts, SESSIONS_SCOPE, User};
use farebox_base::{PartyId, Result};
use farebox_db::Tx;
use std::fmt;
use std::time::Duration;

/// How long an access token is good.
const ACCESS_FOR: Duration = Duration::from_secs(15 * 60);
/// How long a session goes on after its last refresh.
const IDLE_MAX: Duration = Duration::from_secs(30 * 86_400);
/// How long a session goes on in any case.
const AGE_MAX: Duration = Duration::from_secs(90 * 86_400);
/// The most sessions of one user; a further one ends the one that was quiet longest.
const SESSIONS_MAX: i64 = 100;

/// A session's credentials, shown once.
#[derive(Clone)]
pub struct Tokens {
    pub access: String,
    pub refresh: String,
    /// Until the access token is over, in seconds.
    pub expires_in_s: i64,
}

/// A person who has just signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub user: User,
    /// The organisation that the person acts for where nothing else is said.
    pub default_party: PartyId,
    pub tokens: Tokens,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").field("expires_in_s", &self.expires_in_s).finish_non_exhaustive()
    }
}

impl Accounts {
    /// To be called in every transaction that ends a session; afterwards `sessions_changed`.
    async fn sessions_changed_in(&self, tx: &mut Tx) -> Result<()> {
        self.changes().bump_in(tx, SESSIONS_SCOPE).await
    }

    /// Lets this process see at once which sessions it has ended.
    pub(crate) fn sessions_changed(&self) {
        self.changes().local(SESSIONS_SCOPE);
    }
}

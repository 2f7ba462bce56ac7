//! The check of an access token that is presented.
//!
//! A hit costs parsing, one keyed hash and one shared lock; the database is asked for a session that is not cached, and
//! for a signing key that this process has not seen.

use super::access_token;
use crate::{Accounts, Caller};
use farebox_base::{Error, Result, SessionId, UserId};
use farebox_db::sql;
use std::sync::Arc;

/// A session as it is cached.
#[derive(Clone)]
pub(crate) struct SessionEntry(Arc<Caller>);

impl Accounts {
    /// Whose an access token is.
    ///
    /// # Errors
    /// `Unauthenticated`: `expired_token` where its time is over, `invalid_token` otherwise, also where its session was
    /// ended; those of the database.
    pub(crate) async fn session_check(&self, presented: &str) -> Result<Arc<Caller>> {
        let token = access_token::parse(presented).ok_or_else(invalid)?;
        let key = self.signing_key_named(token.key_id).await?.ok_or_else(invalid)?;
        let claims = token.open(&key.secret).ok_or_else(invalid)?;
        if claims.expires_at <= self.now() {
            return Err(Error::unauthenticated("Access token expired; refresh it").with_code("expired_token"));
        }
        if let Some(SessionEntry(caller)) = self.session_cache().get(&claims.session_id) {
            return Ok(caller);
        }
        self.session_load(claims.session_id, claims.user_id).await?.ok_or_else(invalid)
    }

    async fn session_load(&self, id: SessionId, user: UserId) -> Result<Option<Arc<Caller>>> {
        let version = self.session_cache().version();
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT 1 FROM user_session
                     WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3"
                ),
                &[(&id.to_string()).into(), (&user.to_string()).into(), self.now().into()],
            )
            .await?;
        if row.is_none() {
            return Ok(None);
        }
        let Some(caller) = self.session_caller(id, user).await?.map(Arc::new) else { return Ok(None) };
        self.session_cache().insert(id, version, SessionEntry(caller.clone()));
        Ok(Some(caller))
    }
}

/// A token that is no good, or a session that has ended.
pub(crate) fn invalid() -> Error {
    Error::unauthenticated("Invalid access token; sign in again").with_code("invalid_token")
}

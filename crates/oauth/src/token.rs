//! The token that a call of a listing carries.

use crate::renew::Renewed;
use crate::userinfo::bearer;
use crate::{Connection, Holder, Oauth, Provider, Sensitive};
use farebox_base::{Error, OauthConnectionId, Result, Timestamp};
use farebox_db::{Isolation, Row, sql, tx};
use http::HeaderValue;
use std::time::Duration;

/// Tokens are renewed this long before their end, as a call takes time too.
const EARLY: Duration = Duration::from_secs(60);
/// How exact the time of last use is.
const USE_NOTED_EVERY: Duration = Duration::from_secs(60);
const RETRY_AFTER_S: u64 = 5;

/// A user's token, ready to be sent.
#[derive(Clone, Debug)]
pub struct UserToken {
    pub connection_id: OauthConnectionId,
    /// The value of `Authorization`; `Debug` hides it.
    pub authorization: HeaderValue,
}

/// What a holder has at a provider.
#[derive(Clone, Debug)]
pub enum Granted {
    Token(UserToken),
    /// No connection.
    Nothing,
    /// One that is no longer good: the user has to connect anew.
    Expired,
    /// Several, and none of them is the default.
    Several(Vec<Connection>),
}

/// A connection with its tokens.
pub(crate) struct Stored {
    pub id: OauthConnectionId,
    pub access: Sensitive,
    pub refresh: Option<Sensitive>,
    pub expires_at: Option<Timestamp>,
    pub is_valid: bool,
    pub generation: i64,
    pub leased_until: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
}

impl Oauth {
    /// The token of the connection that is named, of the default, or of the only one. Renewed first where it ends soon.
    ///
    /// # Errors
    /// `NotFound` where the holder has no such connection to this provider; `Unavailable` where a token has ended and its
    /// provider gives no new one now.
    pub async fn token(
        &self,
        holder: Holder,
        provider: &Provider,
        named: Option<OauthConnectionId>,
    ) -> Result<Granted> {
        let mut connections = self.connections_to(holder, provider.id).await?;
        let chosen = match named {
            Some(id) => connections.iter().position(|one| one.id == id).ok_or_else(crate::connection::not_found)?,
            None if connections.len() == 1 => 0,
            None => match connections.iter().position(|one| one.is_default) {
                Some(index) => index,
                None if connections.is_empty() => return Ok(Granted::Nothing),
                None => return Ok(Granted::Several(connections)),
            },
        };
        let id = connections.swap_remove(chosen).id;
        let Some(stored) = self.stored(holder, id).await? else { return Ok(Granted::Nothing) };
        self.usable(holder, provider, stored).await
    }

    async fn usable(&self, holder: Holder, provider: &Provider, stored: Stored) -> Result<Granted> {
        if !stored.is_valid {
            return Ok(Granted::Expired);
        }
        let now = self.now();
        let ends_soon = stored.expires_at.is_some_and(|at| at <= now.plus(EARLY));
        let has_ended = stored.expires_at.is_some_and(|at| at <= now);
        if !ends_soon || (stored.refresh.is_none() && !has_ended) {
            return self.granted(holder, stored).await;
        }
        if stored.refresh.is_none() {
            return Ok(Granted::Expired);
        }
        match self.renewed(holder, provider, &stored).await? {
            Renewed::Yes(fresh) => self.granted(holder, fresh).await,
            Renewed::Refused => Ok(Granted::Expired),
            Renewed::Gone => Ok(Granted::Nothing),
            Renewed::NotNow if !has_ended => self.granted(holder, stored).await,
            Renewed::NotNow => {
                let message = format!("{} gives no new token for your account at present; try again", provider.name);
                Err(Error::unavailable(message).with_code("oauth_refresh_failed").with_retry_after(RETRY_AFTER_S))
            }
        }
    }

    async fn granted(&self, holder: Holder, stored: Stored) -> Result<Granted> {
        let authorization = bearer(&stored.access).map_err(|_| Error::internal("a token can't stand in a header"))?;
        let now = self.now();
        if stored.last_used_at.is_none_or(|at| at <= now.minus(USE_NOTED_EVERY)) {
            let (owner, id) = (holder.text(), stored.id.to_string());
            const NOTE: &str = sql!("UPDATE oauth_connection SET last_used_at = $1 WHERE holder = $2 AND id = $3");
            tx!(self.db(), Isolation::ReadCommitted, tx => {
                Ok(tx.execute(NOTE, &[now.into(), (&owner).into(), (&id).into()]).await?)
            })?;
        }
        Ok(Granted::Token(UserToken { connection_id: stored.id, authorization }))
    }

    pub(crate) async fn stored(&self, holder: Holder, id: OauthConnectionId) -> Result<Option<Stored>> {
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT id, tokens, expires_at, is_valid, generation, leased_until, last_used_at
                     FROM oauth_connection WHERE holder = $1 AND id = $2"
                ),
                &[(&holder.text()).into(), (&id.to_string()).into()],
            )
            .await?;
        row.map(|row| self.stored_read(&row)).transpose()
    }

    fn stored_read(&self, row: &Row) -> Result<Stored> {
        let id = row.get(0)?;
        let (access, refresh) = self.tokens_open(id, row.get(1)?)?;
        Ok(Stored {
            id,
            access,
            refresh,
            expires_at: row.get(2)?,
            is_valid: row.get(3)?,
            generation: row.get(4)?,
            leased_until: row.get(5)?,
            last_used_at: row.get(6)?,
        })
    }
}

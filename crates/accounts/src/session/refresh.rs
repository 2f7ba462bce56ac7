//! The exchange of a refresh token for the next pair.
//!
//! A token is exchanged once. When an older one of the same session is shown, somebody has a copy, and the session
//! ends for both. The one exception takes nothing from that: the token before the last, within a few seconds of its
//! exchange, is only refused, because two windows of one browser do that to each other; nobody is given anything for it.

use super::open::Opened;
use super::refresh_token::{RefreshKeys, RefreshToken};
use super::{AGE_MAX, IDLE_MAX, Tokens};
use crate::Accounts;
use crate::sign_in::Visitor;
use farebox_base::{Error, Result, Timestamp, UserId};
use farebox_db::{Row, Tx, sql, tx};
use std::time::Duration;

/// How long after an exchange its token is refused without ending the session.
const GRACE: Duration = Duration::from_secs(5);

enum Outcome {
    Next(Opened),
    /// Exchanged a moment ago by somebody else who had it rightfully.
    Superseded,
    Reused,
    Invalid,
}

/// The session as its row has it.
struct Stored {
    user_id: UserId,
    generation: i64,
    hash: Vec<u8>,
    refreshed_at: Timestamp,
    created_at: Timestamp,
}

impl Accounts {
    /// Exchanges a refresh token for new credentials of its session.
    ///
    /// # Errors
    /// `Unauthenticated`: `invalid_refresh_token`; `refresh_token_superseded` where it was exchanged within the last
    /// seconds; `refresh_token_reused` where it was exchanged before that: the session is over then.
    pub async fn session_refresh(&self, presented: &str, visitor: &Visitor) -> Result<Tokens> {
        let keys = RefreshKeys::new(self.pepper());
        let token = keys.parse(presented).ok_or_else(invalid)?;
        let outcome = tx!(self.db(), tx => { self.refresh_in(tx, &keys, &token, visitor).await })?;
        match outcome {
            Outcome::Next(opened) => self.tokens(opened).await,
            Outcome::Invalid => Err(invalid()),
            Outcome::Superseded => {
                let message = "This refresh token was exchanged a moment ago; use the tokens of that exchange";
                Err(Error::unauthenticated(message).with_code("refresh_token_superseded"))
            }
            Outcome::Reused => {
                self.sessions_changed();
                let message = "This refresh token was used before, so its session was ended; sign in again";
                Err(Error::unauthenticated(message).with_code("refresh_token_reused"))
            }
        }
    }

    async fn refresh_in(
        &self,
        tx: &mut Tx,
        keys: &RefreshKeys,
        token: &RefreshToken,
        visitor: &Visitor,
    ) -> Result<Outcome> {
        let now = self.now();
        let Some(stored) = stored_in(tx, token, now).await? else { return Ok(Outcome::Invalid) };
        let generation = i64::from(token.generation);
        if generation == stored.generation && keys.hash(token).as_bytes().as_slice() == stored.hash {
            return self.exchange_in(tx, keys, (token, &stored), visitor).await;
        }
        if generation >= stored.generation {
            return Ok(Outcome::Invalid);
        }
        if generation + 1 == stored.generation && now < stored.refreshed_at.plus(GRACE) {
            return Ok(Outcome::Superseded);
        }
        self.session_end_in(tx, stored.user_id, token.session_id).await?;
        Ok(Outcome::Reused)
    }

    async fn exchange_in(
        &self,
        tx: &mut Tx,
        keys: &RefreshKeys,
        (token, stored): (&RefreshToken, &Stored),
        visitor: &Visitor,
    ) -> Result<Outcome> {
        let (now, address) = (self.now(), visitor.address.to_string());
        let next = RefreshToken::new(token.session_id, token.generation.saturating_add(1), self.rng());
        let expires_at = now.plus(IDLE_MAX).min(stored.created_at.plus(AGE_MAX));
        let exchanged = tx
            .execute(
                sql!(
                    "UPDATE user_session SET generation = $3, refresh_hash = $4, refreshed_at = $5, expires_at = $6,
                       user_agent = $7, ip_address = $8
                     WHERE id = $1 AND generation = $2 AND revoked_at IS NULL"
                ),
                &[
                    (&token.session_id.to_string()).into(),
                    stored.generation.into(),
                    i64::from(next.generation).into(),
                    keys.hash(&next).as_bytes().into(),
                    now.into(),
                    expires_at.into(),
                    visitor.user_agent.as_ref().into(),
                    (&address).into(),
                ],
            )
            .await?;
        if exchanged == 0 {
            return Ok(Outcome::Superseded);
        }
        let (session_id, user_id) = (token.session_id, stored.user_id);
        Ok(Outcome::Next(Opened { session_id, user_id, refresh: keys.text(&next), expires_at }))
    }
}

/// The token's session, if it goes on and its user is active.
async fn stored_in(tx: &mut Tx, token: &RefreshToken, now: Timestamp) -> Result<Option<Stored>> {
    let row = tx
        .one(
            sql!(
                "SELECT s.user_id, s.generation, s.refresh_hash, s.refreshed_at, s.created_at
                 FROM user_session s JOIN app_user u ON u.id = s.user_id
                 WHERE s.id = $1 AND s.revoked_at IS NULL AND s.expires_at > $2 AND u.status = 'active'"
            ),
            &[(&token.session_id.to_string()).into(), now.into()],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

fn read(row: &Row) -> Result<Stored> {
    Ok(Stored {
        user_id: row.get(0)?,
        generation: row.get(1)?,
        hash: row.get(2)?,
        refreshed_at: row.get(3)?,
        created_at: row.get(4)?,
    })
}

fn invalid() -> Error {
    Error::unauthenticated("Invalid refresh token; sign in again").with_code("invalid_refresh_token")
}

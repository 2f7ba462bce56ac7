//! The beginning of a session, and the credentials that it is given.

use super::access_token::{self, Claims};
use super::refresh_token::{RefreshKeys, RefreshToken};
use super::{ACCESS_FOR, AGE_MAX, IDLE_MAX, SESSIONS_MAX, SignedIn, Tokens};
use crate::sign_in::Visitor;
use crate::{Accounts, User};
use farebox_base::{Error, PartyId, Result, SessionId, Timestamp, UserId};
use farebox_db::{Tx, sql};

/// A session that was just begun or refreshed; its access token is signed once that is committed.
pub(crate) struct Opened {
    pub session_id: SessionId,
    pub user_id: UserId,
    pub refresh: String,
    pub expires_at: Timestamp,
}

/// A session that was just begun, and whose it is.
pub(crate) struct Begun {
    opened: Opened,
    user: User,
    default_party: PartyId,
}

impl Accounts {
    /// Begins a session of a user who has just proved who he is.
    pub(crate) async fn session_open_in(&self, tx: &mut Tx, user: UserId, visitor: &Visitor) -> Result<Begun> {
        let user = self.user_in(tx, user).await?.ok_or_else(|| Error::internal("a user who signed in is gone"))?;
        let default_party = self.place_in(tx, &user).await?;
        let now = self.now();
        let session_id = SessionId::generate(self.clock(), self.rng());
        let keys = RefreshKeys::new(self.pepper());
        let token = RefreshToken::new(session_id, 1, self.rng());
        let expires_at = now.plus(IDLE_MAX.min(AGE_MAX));
        let address = visitor.address.to_string();
        tx.execute_one(
            sql!(
                "INSERT INTO user_session (id, user_id, generation, refresh_hash, refreshed_at, user_agent, ip_address,
                   created_at, expires_at)
                 VALUES ($1, $2, 1, $3, $4, $5, $6, $4, $7)"
            ),
            &[
                (&session_id.to_string()).into(),
                (&user.id.to_string()).into(),
                keys.hash(&token).as_bytes().into(),
                now.into(),
                visitor.user_agent.as_ref().into(),
                (&address).into(),
                expires_at.into(),
            ],
        )
        .await?;
        self.sessions_bound_in(tx, user.id).await?;
        let opened = Opened { session_id, user_id: user.id, refresh: keys.text(&token), expires_at };
        Ok(Begun { opened, user, default_party })
    }

    /// Ends what is more than a user may have.
    async fn sessions_bound_in(&self, tx: &mut Tx, user: UserId) -> Result<()> {
        let ended = tx
            .execute(
                sql!(
                    "UPDATE user_session SET revoked_at = $2 WHERE user_id = $1 AND revoked_at IS NULL AND id NOT IN (
                       SELECT id FROM user_session WHERE user_id = $1 AND revoked_at IS NULL
                       ORDER BY refreshed_at DESC, id DESC LIMIT $3)"
                ),
                &[(&user.to_string()).into(), self.now().into(), SESSIONS_MAX.into()],
            )
            .await?;
        if ended > 0 { self.sessions_changed_in(tx).await } else { Ok(()) }
    }

    /// What the person who signed in is given.
    pub(crate) async fn signed_in(&self, begun: Begun) -> Result<SignedIn> {
        let tokens = self.tokens(begun.opened).await?;
        Ok(SignedIn { user: begun.user, default_party: begun.default_party, tokens })
    }

    /// Signs the access token. Not to be called inside a transaction.
    pub(super) async fn tokens(&self, opened: Opened) -> Result<Tokens> {
        let (now, key) = (self.now(), self.signing_key().await?);
        let expires_at = now.plus(ACCESS_FOR).min(opened.expires_at);
        let claims = Claims { session_id: opened.session_id, user_id: opened.user_id, expires_at };
        Ok(Tokens {
            access: access_token::sign(&key.id, &key.secret, &claims),
            refresh: opened.refresh,
            expires_in_s: (expires_at.micros() - now.micros()) / 1_000_000,
        })
    }
}

//! What a user sees of his sessions, and how he ends them.

use crate::Accounts;
use farebox_base::{Error, Result, SessionId, Timestamp, UserId};
use farebox_db::{Row, Tx, sql, tx};

/// A session that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    pub id: SessionId,
    pub user_agent: Option<String>,
    pub ip_address: Option<String>,
    pub created_at: Timestamp,
    /// When it was begun or refreshed last, so up to a quarter of an hour late.
    pub last_active_at: Timestamp,
    pub expires_at: Timestamp,
}

impl Accounts {
    /// The user's sessions that go on, the last active first; there are at most 100.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sessions_list(&self, user: UserId) -> Result<Vec<SessionInfo>> {
        let rows = self
            .db()
            .query(
                sql!(
                    "SELECT id, user_agent, ip_address, created_at, refreshed_at, expires_at FROM user_session
                     WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2
                     ORDER BY refreshed_at DESC, id DESC"
                ),
                &[(&user.to_string()).into(), self.now().into()],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Ends one of the user's sessions.
    ///
    /// # Errors
    /// `NotFound` where the user has no such session, or it is over.
    pub async fn session_revoke(&self, user: UserId, id: SessionId) -> Result<()> {
        tx!(self.db(), tx => {
            if self.session_end_in(tx, user, id).await? { Ok(()) } else { Err(Error::not_found("Session")) }
        })?;
        self.sessions_changed();
        Ok(())
    }

    /// Ends all of the user's sessions but one, which must go on; answers how many.
    ///
    /// # Errors
    /// `NotFound` where the user has no session `keep`, or it is over.
    pub async fn sessions_revoke_others(&self, user: UserId, keep: SessionId) -> Result<u64> {
        let ended = tx!(self.db(), tx => {
            let kept = tx.one(
                sql!(
                    "SELECT 1 FROM user_session
                     WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3"
                ),
                &[(&keep.to_string()).into(), (&user.to_string()).into(), self.now().into()],
            ).await?;
            kept.ok_or_else(|| Error::not_found("Session"))?;
            self.sessions_revoke_in(tx, user, Some(keep)).await
        })?;
        self.sessions_changed();
        Ok(ended)
    }

    /// Ends all of the user's sessions; answers how many.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sessions_revoke_all(&self, user: UserId) -> Result<u64> {
        let ended = tx!(self.db(), tx => { self.sessions_revoke_in(tx, user, None).await })?;
        self.sessions_changed();
        Ok(ended)
    }

    /// As `sessions_revoke_all`, but for `keep`, with whatever else the transaction does.
    pub(crate) async fn sessions_revoke_in(&self, tx: &mut Tx, user: UserId, keep: Option<SessionId>) -> Result<u64> {
        let keep = keep.map_or_else(String::new, |keep| keep.to_string());
        let ended = tx
            .execute(
                sql!(
                    "UPDATE user_session SET revoked_at = $3
                     WHERE user_id = $1 AND id <> $2 AND revoked_at IS NULL AND expires_at > $3"
                ),
                &[(&user.to_string()).into(), (&keep).into(), self.now().into()],
            )
            .await?;
        self.sessions_changed_in(tx).await?;
        Ok(ended)
    }

    /// Ends a session; answers whether it went on until now.
    pub(super) async fn session_end_in(&self, tx: &mut Tx, user: UserId, id: SessionId) -> Result<bool> {
        let ended = tx
            .execute(
                sql!(
                    "UPDATE user_session SET revoked_at = $3
                     WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3"
                ),
                &[(&id.to_string()).into(), (&user.to_string()).into(), self.now().into()],
            )
            .await?;
        self.sessions_changed_in(tx).await?;
        Ok(ended == 1)
    }
}

fn read(row: &Row) -> Result<SessionInfo> {
    Ok(SessionInfo {
        id: row.get(0)?,
        user_agent: row.get(1)?,
        ip_address: row.get(2)?,
        created_at: row.get(3)?,
        last_active_at: row.get(4)?,
        expires_at: row.get(5)?,
    })
}

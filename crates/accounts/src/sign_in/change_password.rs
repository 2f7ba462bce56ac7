//! A new password for who knows the old one, and what there is to say of how one signs in.

use super::{Visitor, letters, password};
use crate::Accounts;
use farebox_base::{Error, Result, SessionId, UserId};
use farebox_db::{sql, tx};

impl Accounts {
    /// Sets a new password. All sessions of the user but `keep` end. Answers how many.
    ///
    /// # Errors
    /// `Invalid` for `new_password`, or for `current_password` where it is not the user's; `NotFound` where the user has
    /// none; `TooManyRequests`.
    pub async fn password_change(
        &self,
        user: UserId,
        keep: Option<SessionId>,
        (current, new): (&str, &str),
        visitor: &Visitor,
    ) -> Result<u64> {
        password::check("new_password", new)?;
        if current == new {
            return Err(Error::invalid("new_password", "must differ from current_password"));
        }
        let (email, old_hash) = self.password_of(user).await?.ok_or_else(|| Error::not_found("Password"))?;
        let counts = self.sign_in_counts(&email, visitor);
        self.attempt(&counts).await?;
        if !self.passwords().is(current, Some(old_hash.clone())).await? {
            return Err(Error::invalid("current_password", "is not your password").with_code("wrong_password"));
        }
        let hash = self.passwords().hash(new, self.rng()).await?;
        let ended = tx!(self.db(), tx => {
            let id = user.to_string();
            let changed = tx.execute(
                sql!("UPDATE user_password SET hash = $3, changed_at = $4 WHERE user_id = $1 AND hash = $2"),
                &[(&id).into(), (&old_hash).into(), (&hash).into(), self.now().into()],
            ).await?;
            if changed == 0 {
                return Err(Error::conflict("password_changed", "The password was changed meanwhile; try again"));
            }
            self.attempts_return_in(tx, &counts).await?;
            self.mail_tokens_end_in(tx, user, super::mail_token::Purpose::Reset).await?;
            let ended = self.sessions_revoke_in(tx, user, keep).await?;
            let base = &self.0.parts.public_url;
            self.mailer().queue_in(tx, &letters::password_changed(&email, base)).await?;
            Ok(ended)
        })?;
        self.sessions_changed();
        Ok(ended)
    }

    /// Whether the user has a password to sign in with.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn has_password(&self, user: UserId) -> Result<bool> {
        Ok(self.password_of(user).await?.is_some())
    }

    async fn password_of(&self, user: UserId) -> Result<Option<(String, String)>> {
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT u.email, p.hash FROM user_password p JOIN app_user u ON u.id = p.user_id
                     WHERE p.user_id = $1"
                ),
                &[(&user.to_string()).into()],
            )
            .await?;
        row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
    }
}

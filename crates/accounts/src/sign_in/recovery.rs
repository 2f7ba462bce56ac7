//! A new password for who has lost the old one: the link of a mail in its place.

use super::attempts::Limit;
use super::mail_token::{NewToken, Proved, Purpose, Shown};
use super::{Visitor, letters, password};
use crate::user::{User, UserStatus};
use crate::{Accounts, rules};
use farebox_base::{Error, Result};
use farebox_db::{Tx, tx};
use std::time::Duration;

const RESET_FOR: Duration = Duration::from_secs(3_600);

impl Accounts {
    /// Sends the mail that a new password can be chosen with, or does nothing, which nobody can tell apart.
    ///
    /// # Errors
    /// `Invalid` for `email`; `TooManyRequests`.
    pub async fn password_forgotten(&self, email: &str, visitor: &Visitor) -> Result<()> {
        let email = rules::email("email", email)?;
        self.mail_asked_by(visitor).await?;
        tx!(self.db(), tx => {
            let may_write = self.attempt_in(tx, &Limit::MAILS.of(self, &["reset", &email])).await?;
            match self.user_by_email_in(tx, &email).await? {
                Some(user) if may_write && may_reset(&user) => self.reset_mail_in(tx, &user).await,
                _ => Ok(()),
            }
        })
    }

    async fn reset_mail_in(&self, tx: &mut Tx, user: &User) -> Result<()> {
        let (user_id, email) = (user.id, user.email.as_str());
        let new = NewToken { purpose: Purpose::Reset, user_id, email, good_for: RESET_FOR };
        let token = self.mail_token_new_in(tx, new).await?;
        let link = self.link("reset-password", &token);
        self.mailer().queue_in(tx, &letters::reset(email, &link)).await
    }

    /// Sets a new password by the token of a mail. All sessions of the user end, and so do the other mails.
    ///
    /// # Errors
    /// `Invalid` for `new_password`, or for `token` where it was used or is over; `NotFound` where there is no such
    /// token; `TooManyRequests`.
    pub async fn password_reset(&self, token: &str, new_password: &str, visitor: &Visitor) -> Result<()> {
        password::check("new_password", new_password)?;
        self.mail_asked_by(visitor).await?;
        // Whoever makes tokens up must not cost a hash each.
        if !self.mail_token_known(Purpose::Reset, token).await? {
            return Err(Error::not_found("Token"));
        }
        let hash = self.passwords().hash(new_password, self.rng()).await?;
        tx!(self.db(), tx => {
            let proved = match self.mail_token_use_in(tx, Purpose::Reset, token).await? {
                Shown::Good(proved) => proved,
                Shown::Over => return Err(over()),
                Shown::Unknown => return Err(Error::not_found("Token")),
            };
            self.reset_in(tx, &proved, &hash).await
        })?;
        self.sessions_changed();
        Ok(())
    }

    async fn reset_in(&self, tx: &mut Tx, proved: &Proved, hash: &str) -> Result<()> {
        let user = self.user_in(tx, proved.user_id).await?.ok_or_else(over)?;
        if user.email != proved.email || !may_reset(&user) {
            return Err(over());
        }
        self.password_set_in(tx, proved.user_id, hash).await?;
        self.mail_tokens_end_in(tx, proved.user_id, Purpose::Reset).await?;
        self.mail_tokens_end_in(tx, proved.user_id, Purpose::Verify).await?;
        self.sessions_revoke_in(tx, proved.user_id, None).await?;
        let base = &self.0.parts.public_url;
        self.mailer().queue_in(tx, &letters::password_changed(&proved.email, base)).await
    }
}

/// An address that nobody has proved is not the way into an account.
fn may_reset(user: &User) -> bool {
    user.status == UserStatus::Active && user.email_verified
}

fn over() -> Error {
    Error::invalid("token", "was used before or is over; ask for another mail").with_code("invalid_token")
}

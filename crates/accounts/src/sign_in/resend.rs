//! Another mail for a sign-up that was not confirmed.

use super::attempts::Limit;
use super::mail_token::{NewToken, Purpose};
use super::sign_up::VERIFY_FOR;
use super::{Visitor, letters};
use crate::user::{User, UserKind, UserStatus};
use crate::{Accounts, rules};
use farebox_base::Result;
use farebox_db::{Tx, tx};

impl Accounts {
    /// Sends the mail of a sign-up again, or does nothing, which nobody can tell apart.
    ///
    /// # Errors
    /// `Invalid` for `email`; `TooManyRequests`.
    pub async fn verification_resend(&self, email: &str, visitor: &Visitor) -> Result<()> {
        let email = rules::email("email", email)?;
        self.mail_asked_by(visitor).await?;
        tx!(self.db(), tx => {
            let may_write = self.attempt_in(tx, &Limit::MAILS.of(self, &["again", &email])).await?;
            match self.user_by_email_in(tx, &email).await? {
                Some(user) if may_write && waits(&user) => self.send_again_in(tx, &user).await,
                _ => Ok(()),
            }
        })
    }

    /// Where several have signed up with the address, none of their passwords comes into force: which one the reader of
    /// the mail means is not known, and a new one can be asked for.
    async fn send_again_in(&self, tx: &mut Tx, user: &User) -> Result<()> {
        let mut sign_ups = self.sign_ups_in(tx, user.id).await?;
        let sign_up = sign_ups.pop().filter(|_| sign_ups.is_empty());
        let (user_id, email) = (user.id, user.email.as_str());
        let new = NewToken { purpose: Purpose::Verify, user_id, email, sign_up, good_for: VERIFY_FOR };
        let token = self.mail_token_new_in(tx, new).await?;
        let link = self.link("verify-email", &token);
        self.mailer().queue_in(tx, &letters::verify_sign_up(email, &link)).await
    }
}

fn waits(user: &User) -> bool {
    !user.email_verified && user.kind == UserKind::Human && user.status == UserStatus::Active
}

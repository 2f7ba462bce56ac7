//! Another mail for a sign-up that was not confirmed.

use super::attempts::Limit;
use super::sign_up::is_account;
use super::{Visitor, letters};
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
            if may_write { self.send_again_in(tx, &email).await } else { Ok(()) }
        })
    }

    /// The sign-up waits longer from here on, also where the address has an account and no mail is sent.
    async fn send_again_in(&self, tx: &mut Tx, email: &str) -> Result<()> {
        let Some(pending) = self.pending_of_in(tx, email).await? else { return Ok(()) };
        let token = self.pending_new_in(tx, &pending).await?;
        if self.user_by_email_in(tx, email).await?.is_some_and(|holder| is_account(&holder)) {
            return Ok(());
        }
        let link = self.link("verify-email", &token);
        self.mailer().queue_in(tx, &letters::verify_sign_up(email, &link)).await
    }
}

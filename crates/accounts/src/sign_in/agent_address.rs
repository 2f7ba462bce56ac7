//! The address of an agent's owner: named by the agent, proved by a mail.
//!
//! Until it is proved it stands beside the user and takes nobody's place, so that naming an address neither reserves it
//! nor tells whether it has an account.

use super::attempts::Limit;
use super::letters;
use super::mail_token::{NewToken, Purpose};
use super::sign_up::VERIFY_FOR;
use crate::user::{User, UserKind};
use crate::{Accounts, rules};
use farebox_base::{Error, Result, UserId};
use farebox_db::{Tx, sql, tx};

/// What became of a named address.
#[derive(Clone, Debug)]
pub struct AddressAsked {
    pub user: User,
    /// Whether a mail is on its way; not where the address was proved before.
    pub mail_sent: bool,
}

impl Accounts {
    /// Names the address of an agent's owner and sends the mail that proves it.
    ///
    /// # Errors
    /// `Invalid` for `email`; `Forbidden` where the user is a person; `NotFound`; `TooManyRequests`.
    pub async fn agent_address_set(&self, user: UserId, email: &str) -> Result<AddressAsked> {
        let email = rules::email("email", email)?;
        self.attempt(&[Limit::ASKS.of(self, &[&user.to_string()])]).await?;
        tx!(self.db(), tx => {
            let user = self.user_in(tx, user).await?.ok_or_else(|| Error::not_found("User"))?;
            if user.kind != UserKind::Agent {
                return Err(Error::forbidden("Only the address of an agent is changed here"));
            }
            self.agent_address_in(tx, user, &email).await
        })
    }

    /// As `agent_address_set`, for an agent that was just written.
    pub(crate) async fn agent_address_in(&self, tx: &mut Tx, user: User, email: &str) -> Result<AddressAsked> {
        let mail_sent = !(user.email_verified && user.email == email);
        let pending_email = mail_sent.then(|| email.to_owned());
        tx.execute_one(
            sql!("UPDATE app_user SET pending_email = $2 WHERE id = $1"),
            &[(&user.id.to_string()).into(), pending_email.as_ref().into()],
        )
        .await?;
        self.mail_tokens_end_in(tx, user.id, Purpose::Verify).await?;
        if mail_sent && self.attempt_in(tx, &Limit::MAILS.of(self, &["agent", email])).await? {
            self.agent_mail_in(tx, &user, email).await?;
        }
        Ok(AddressAsked { user: User { pending_email, ..user }, mail_sent })
    }

    async fn agent_mail_in(&self, tx: &mut Tx, user: &User, email: &str) -> Result<()> {
        let holder = self.user_by_email_in(tx, email).await?;
        if holder.is_some_and(|holder| holder.email_verified) {
            return self.mailer().queue_in(tx, &letters::address_is_taken(email, &user.name)).await;
        }
        let new = NewToken { purpose: Purpose::Verify, user_id: user.id, email, good_for: VERIFY_FOR };
        let token = self.mail_token_new_in(tx, new).await?;
        let link = self.link("verify-email", &token);
        self.mailer().queue_in(tx, &letters::verify_agent(email, &user.name, &link)).await
    }
}

//! Proof of an address by the link of a mail, which signs in.
//!
//! Invariant: an address is that of one user, who comes by it with the link of his own mail; with the proof all other
//! links that were sent there end.

use super::mail_token::{Purpose, Shown};
use super::pending::Pending;
use super::{Visitor, letters};
use crate::user::{UserKind, UserStatus, user_insert_in};
use crate::{Accounts, SignedIn};
use farebox_base::{Error, Result, UserId, uuid_v7};
use farebox_db::{Tx, sql, tx};

impl Accounts {
    /// Takes the token of a mail and signs in: the one of a sign-up makes the person, with what was chosen at that
    /// sign-up; the one of an agent's address makes it the agent's.
    ///
    /// # Errors
    /// `Invalid` for `token`, the same whether it is unknown, used or over.
    pub async fn verify_email(&self, token: &str, visitor: &Visitor) -> Result<SignedIn> {
        let begun = tx!(self.db(), tx => {
            let user = match self.pending_use_in(tx, token).await? {
                Some(proved) => self.person_make_in(tx, &proved).await?,
                None => self.agent_address_take_in(tx, token).await?,
            };
            self.session_open_in(tx, user, visitor).await
        })?;
        self.signed_in(begun).await
    }

    async fn person_make_in(&self, tx: &mut Tx, proved: &Pending) -> Result<UserId> {
        self.address_claims_end_in(tx, &proved.email).await?;
        let person = self.new_person(proved);
        if !user_insert_in(tx, &person).await? {
            return Err(useless());
        }
        self.personal_party_in(tx, &person).await?;
        if let Some(hash) = &proved.password_hash {
            self.password_set_in(tx, person.id, hash).await?;
        }
        self.pending_over_in(tx, proved).await?;
        Ok(person.id)
    }

    async fn agent_address_take_in(&self, tx: &mut Tx, token: &str) -> Result<UserId> {
        let Shown::Good(proved) = self.mail_token_use_in(tx, Purpose::Verify, token).await? else {
            return Err(useless());
        };
        let agent = self.user_in(tx, proved.user_id).await?.ok_or_else(useless)?;
        if agent.kind != UserKind::Agent || agent.status != UserStatus::Active {
            return Err(useless());
        }
        self.address_claims_end_in(tx, &proved.email).await?;
        self.mail_tokens_end_in(tx, agent.id, Purpose::Verify).await?;
        let taken = tx
            .execute(
                sql!(
                    "UPDATE app_user SET email = $2, email_verified = 1, pending_email = NULL
                     WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM app_user other WHERE other.email = $2 AND other.id <> $1)"
                ),
                &[(&agent.id.to_string()).into(), (&proved.email).into()],
            )
            .await?;
        if taken == 0 {
            return Err(useless());
        }
        if agent.email_verified && agent.email != proved.email {
            let base = &self.0.parts.public_url;
            self.mailer().queue_in(tx, &letters::address_was_replaced(&agent.email, &agent.name, base)).await?;
        }
        Ok(agent.id)
    }

    /// Ends what others have begun with an address that is being proved. Whoever has proved it before keeps it.
    async fn address_claims_end_in(&self, tx: &mut Tx, email: &str) -> Result<()> {
        // An older release wrote people before they had proved their address.
        let nobody = format!("{}@unverified.farebox.invalid", uuid_v7(self.clock(), self.rng()));
        tx.execute(
            sql!("UPDATE app_user SET email = $2 WHERE email = $1 AND email_verified = 0 AND kind = 'human'"),
            &[email.into(), (&nobody).into()],
        )
        .await?;
        tx.execute(
            sql!(
                "UPDATE app_user SET pending_email = NULL WHERE pending_email = $1 AND id IN (
                   SELECT user_id FROM mail_token WHERE email = $1 AND purpose = 'verify' AND used_at IS NULL)"
            ),
            &[email.into()],
        )
        .await?;
        self.mail_tokens_of_address_end_in(tx, email, Purpose::Verify).await?;
        self.pending_end_in(tx, email).await
    }
}

fn useless() -> Error {
    Error::invalid("token", "is unknown, was used before or is over; ask for another mail").with_code("invalid_token")
}

//! Proof of an address by the link of a mail, which signs in.

use super::Visitor;
use super::mail_token::{Proved, Purpose, Shown};
use crate::{Accounts, SignedIn};
use farebox_base::{Error, Result, UserId, uuid_v7};
use farebox_db::{Tx, sql, tx};

impl Accounts {
    /// Takes the token of a mail: the address is the user's from here on, what was chosen at that sign-up comes into
    /// force, and the user is signed in.
    ///
    /// # Errors
    /// `Invalid` for `token`, the same whether it is unknown, used or over.
    pub async fn verify_email(&self, token: &str, visitor: &Visitor) -> Result<SignedIn> {
        let begun = tx!(self.db(), tx => {
            let Shown::Good(proved) = self.mail_token_use_in(tx, Purpose::Verify, token).await? else {
                return Err(useless());
            };
            self.address_take_in(tx, proved.user_id, &proved.email).await?;
            self.choices_apply_in(tx, &proved).await?;
            self.mail_tokens_end_in(tx, proved.user_id, Purpose::Verify).await?;
            self.session_open_in(tx, proved.user_id, visitor).await
        })?;
        self.signed_in(begun).await
    }

    /// Makes the address the user's. Whoever has it unproved loses it; whoever has proved it keeps it.
    async fn address_take_in(&self, tx: &mut Tx, user: UserId, email: &str) -> Result<()> {
        let nobody = format!("{}@unverified.farebox.invalid", uuid_v7(self.clock(), self.rng()));
        let id = user.to_string();
        tx.execute(
            sql!("UPDATE app_user SET email = $3 WHERE email = $1 AND id <> $2 AND email_verified = 0"),
            &[email.into(), (&id).into(), (&nobody).into()],
        )
        .await?;
        let holder = tx
            .one(sql!("SELECT id FROM app_user WHERE email = $1 AND id <> $2"), &[email.into(), (&id).into()])
            .await?;
        if holder.is_some() {
            return Err(useless());
        }
        let taken = tx
            .execute(
                sql!(
                    "UPDATE app_user SET email = $2, email_verified = 1, pending_email = NULL
                     WHERE id = $1 AND status = 'active'"
                ),
                &[(&id).into(), email.into()],
            )
            .await?;
        if taken == 1 { Ok(()) } else { Err(useless()) }
    }

    async fn choices_apply_in(&self, tx: &mut Tx, proved: &Proved) -> Result<()> {
        let Some(choices) = &proved.sign_up else { return Ok(()) };
        self.password_set_in(tx, proved.user_id, &choices.password_hash).await?;
        tx.execute_one(
            sql!("UPDATE app_user SET name = $2 WHERE id = $1"),
            &[(&proved.user_id.to_string()).into(), (&choices.name).into()],
        )
        .await?;
        Ok(())
    }
}

fn useless() -> Error {
    Error::invalid("token", "is unknown, was used before or is over; ask for another mail").with_code("invalid_token")
}

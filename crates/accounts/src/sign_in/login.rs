//! Sign-in with a password.

use super::Visitor;
use super::attempts::{Count, Limit};
use crate::text_enum::read_word;
use crate::user::UserStatus;
use crate::{Accounts, SignedIn, rules};
use farebox_base::{Error, Result, UserId};
use farebox_db::{Row, Tx, sql, tx};

/// What a password is compared with.
struct Candidate {
    user_id: UserId,
    status: UserStatus,
    verified: bool,
    hash: Option<String>,
}

impl Accounts {
    /// Signs a person in.
    ///
    /// # Errors
    /// `Invalid` for `email`; `TooManyRequests`; `Unauthenticated` (`invalid_credentials`), the same for a wrong
    /// password and an unknown address; `Forbidden` with the password of a sign-up that waits at this address, whether it
    /// has an account or not (`email_not_verified`), and with the right one where the user is not active
    /// (`account_disabled`).
    pub async fn login(&self, email: &str, password: &str, visitor: &Visitor) -> Result<SignedIn> {
        let email = rules::email("email", email)?;
        let counts = self.sign_in_counts(&email, visitor);
        self.attempt(&counts).await?;
        let candidate = self.candidate(&email).await?;
        let hash = candidate.as_ref().and_then(|candidate| candidate.hash.clone());
        let right = self.passwords().is(password, hash).await?;
        let Some(candidate) = candidate.filter(|_| right) else {
            return Err(self.why_not(&email, password).await?);
        };
        admitted(&candidate)?;
        let begun = tx!(self.db(), tx => {
            self.still_its_password_in(tx, &candidate).await?;
            self.attempts_return_in(tx, &counts).await?;
            self.session_open_in(tx, candidate.user_id, visitor).await
        })?;
        self.signed_in(begun).await
    }

    /// What an attempt to name somebody's password counts against.
    pub(super) fn sign_in_counts(&self, email: &str, visitor: &Visitor) -> [Count; 3] {
        let network = visitor.network();
        [
            Limit::SIGN_IN.of(self, &[email, &network]),
            Limit::ACCOUNT.of(self, &[email]),
            Limit::NETWORK.of(self, &[&network]),
        ]
    }

    /// What is said to who does not know the password of an account. Takes as long for every address.
    async fn why_not(&self, email: &str, password: &str) -> Result<Error> {
        let hash = self.pending_hash(email).await?;
        Ok(if self.passwords().is(password, hash).await? { not_proved() } else { wrong() })
    }

    async fn candidate(&self, email: &str) -> Result<Option<Candidate>> {
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT u.id, u.status, u.email_verified, p.hash
                     FROM app_user u LEFT JOIN user_password p ON p.user_id = u.id WHERE u.email = $1"
                ),
                &[email.into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// A password that was changed while its hash was worked out opens nothing.
    async fn still_its_password_in(&self, tx: &mut Tx, candidate: &Candidate) -> Result<()> {
        let row = tx
            .one(
                sql!(
                    "SELECT p.hash FROM user_password p JOIN app_user u ON u.id = p.user_id
                     WHERE p.user_id = $1 AND u.status = 'active'"
                ),
                &[(&candidate.user_id.to_string()).into()],
            )
            .await?;
        let hash: Option<String> = row.map(|row| row.get(0)).transpose()?;
        if hash.is_some() && hash == candidate.hash { Ok(()) } else { Err(wrong()) }
    }
}

fn admitted(candidate: &Candidate) -> Result<()> {
    match candidate.status {
        UserStatus::Active if candidate.verified => Ok(()),
        UserStatus::Active => Err(not_proved()),
        UserStatus::Disabled | UserStatus::Paused => {
            Err(Error::forbidden("This account is not active").with_code("account_disabled"))
        }
        UserStatus::Deleted => Err(wrong()),
    }
}

fn not_proved() -> Error {
    let message = "Confirm your address first: the link is in the mail that was sent at sign-up";
    Error::forbidden(message).with_code("email_not_verified")
}

fn wrong() -> Error {
    Error::unauthenticated("Email or password is wrong").with_code("invalid_credentials")
}

fn read(row: &Row) -> Result<Candidate> {
    Ok(Candidate {
        user_id: row.get(0)?,
        status: read_word(row, 1, UserStatus::parse)?,
        verified: row.get(2)?,
        hash: row.get(3)?,
    })
}

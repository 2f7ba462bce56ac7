//! Sign-up of people. The answer, and what is written, are the same whether the address is new, waits for its proof or
//! has an account; only the mail differs. The user and his organisation are made by the proof.

use super::attempts::Limit;
use super::pending::Pending;
use super::{Visitor, letters, password};
use crate::user::{User, UserKind, UserStatus};
use crate::{Accounts, rules};
use farebox_base::{Result, UserId};
use farebox_db::{Tx, tx};
use std::time::Duration;

pub(super) const VERIFY_FOR: Duration = Duration::from_secs(24 * 3_600);

/// What a person says of itself.
#[derive(Clone)]
pub struct SignUp {
    pub email: String,
    /// 12 to 128 characters.
    pub password: String,
    /// 1 to 100 characters.
    pub name: String,
}

impl Accounts {
    /// Signs a person up: keeps what he chose, and sends a mail whose link makes it good. The user that is returned is
    /// the one that the link makes, or looks like one where the address has an account.
    ///
    /// # Errors
    /// `Invalid` for `email`, `password` or `name`; `TooManyRequests`; `Unavailable`.
    pub async fn sign_up(&self, ask: &SignUp, visitor: &Visitor) -> Result<User> {
        let (email, name) = (rules::email("email", &ask.email)?, rules::name("name", &ask.name)?);
        password::check("password", &ask.password)?;
        self.mail_asked_by(visitor).await?;
        let password_hash = Some(self.passwords().hash(&ask.password, self.rng()).await?);
        let pending = Pending { user_id: UserId::generate(self.clock(), self.rng()), email, name, password_hash };
        tx!(self.db(), tx => { self.sign_up_in(tx, &pending).await })?;
        Ok(User { email_verified: false, ..self.new_person(&pending) })
    }

    async fn sign_up_in(&self, tx: &mut Tx, pending: &Pending) -> Result<()> {
        let email = pending.email.as_str();
        if !self.attempt_in(tx, &Limit::MAILS.of(self, &["sign-up", email])).await? {
            return Ok(());
        }
        let holder = self.user_by_email_in(tx, email).await?;
        let token = self.pending_new_in(tx, pending).await?;
        let mail = match holder {
            Some(user) if is_account(&user) => letters::already_there(email, &self.0.parts.public_url),
            _ => letters::verify_sign_up(email, &self.link("verify-email", &token)),
        };
        self.mailer().queue_in(tx, &mail).await
    }

    /// The person that the proof of a sign-up makes.
    pub(super) fn new_person(&self, pending: &Pending) -> User {
        User {
            id: pending.user_id,
            email: pending.email.clone(),
            email_verified: true,
            pending_email: None,
            name: pending.name.clone(),
            kind: UserKind::Human,
            status: UserStatus::Active,
            created_at: self.now(),
        }
    }
}

/// Whether an address is its holder's for good. An older release wrote people before they had proved theirs.
pub(super) fn is_account(holder: &User) -> bool {
    holder.email_verified || holder.kind != UserKind::Human
}

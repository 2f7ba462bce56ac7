//! Sign-up of people. The answer is the same whether the address is new, waits for its proof or has an account; only
//! the mail differs.

use super::attempts::Limit;
use super::mail_token::{Choices, NewToken, Purpose};
use super::{Visitor, letters, password};
use crate::party::{Party, PartyKind, party_insert_in};
use crate::user::{User, UserKind, UserStatus, member_insert_in, user_insert_in};
use crate::{Accounts, rules};
use farebox_base::{Error, MemberRole, PartyId, Result, UserId};
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
    /// Signs a person up: user, personal organisation and membership, and a mail whose link makes them good. The user
    /// that is returned is the new one, or looks like one where the address is known already.
    ///
    /// # Errors
    /// `Invalid` for `email`, `password` or `name`; `TooManyRequests`; `Conflict` (`sign_up_race`) where the same
    /// address signs up at this very moment.
    pub async fn sign_up(&self, ask: &SignUp, visitor: &Visitor) -> Result<User> {
        let (email, name) = (rules::email("email", &ask.email)?, rules::name("name", &ask.name)?);
        password::check("password", &ask.password)?;
        self.mail_asked_by(visitor).await?;
        let password_hash = self.passwords().hash(&ask.password, self.rng()).await?;
        let choices = Choices { name, password_hash };
        tx!(self.db(), tx => { self.sign_up_in(tx, &email, &choices).await })
    }

    async fn sign_up_in(&self, tx: &mut Tx, email: &str, choices: &Choices) -> Result<User> {
        let known = self.user_by_email_in(tx, email).await?;
        let new = self.new_person(email, &choices.name);
        let may_write = self.attempt_in(tx, &Limit::MAILS.of(self, &["sign-up", email])).await?;
        let user_id = match &known {
            Some(user) => user.id,
            None => {
                self.person_insert_in(tx, &new).await?;
                new.id
            }
        };
        match known {
            _ if !may_write => {}
            Some(user) if user.email_verified || user.kind != UserKind::Human => {
                let base = &self.0.parts.public_url;
                self.mailer().queue_in(tx, &letters::already_there(email, base)).await?;
            }
            _ => {
                let sign_up = Some(choices.clone());
                let new = NewToken { purpose: Purpose::Verify, user_id, email, sign_up, good_for: VERIFY_FOR };
                let token = self.mail_token_new_in(tx, new).await?;
                let link = self.link("verify-email", &token);
                self.mailer().queue_in(tx, &letters::verify_sign_up(email, &link)).await?;
            }
        }
        Ok(new)
    }

    async fn person_insert_in(&self, tx: &mut Tx, user: &User) -> Result<()> {
        if !user_insert_in(tx, user).await? {
            return Err(Error::conflict("sign_up_race", "This address signs up at this moment; try again"));
        }
        let id = PartyId::generate(self.clock(), self.rng());
        let party = Party {
            id,
            kind: PartyKind::Organization,
            handle: id.to_string(),
            name: user.name.clone(),
            wallet_address: None,
            created_at: user.created_at,
        };
        if !party_insert_in(tx, &party).await? {
            return Err(Error::internal(format!("the handle of the new party {id} is taken")));
        }
        member_insert_in(tx, id, user.id, MemberRole::Owner, user.created_at).await
    }

    fn new_person(&self, email: &str, name: &str) -> User {
        User {
            id: UserId::generate(self.clock(), self.rng()),
            email: email.to_owned(),
            email_verified: false,
            pending_email: None,
            name: name.to_owned(),
            kind: UserKind::Human,
            status: UserStatus::Active,
            created_at: self.now(),
        }
    }
}

//! Registration of agents: user, personal organisation, membership and a first key, all or nothing.

use crate::keys::{NewKey, key_insert_in};
use crate::party::Party;
use crate::slug::slugify;
use crate::star_name::star_name;
use crate::user::{User, UserKind, UserStatus, user_insert_in};
use crate::{Accounts, MintedKey, rules};
use farebox_base::{Error, Result, Role, UserId};
use farebox_db::{Tx, tx};

/// What an agent says of itself; nothing is required.
#[derive(Clone, Debug, Default)]
pub struct AgentRegistration {
    /// 1 to 100 characters; a name of a star where absent.
    pub name: Option<String>,
    /// Of whoever owns the agent; a mail asks there, and until it is answered an address that reaches nobody is made up.
    pub email: Option<String>,
}

/// An agent that was just registered.
#[derive(Clone, Debug)]
pub struct Registered {
    pub user: User,
    /// The agent's personal organisation.
    pub party: Party,
    pub key: MintedKey,
}

const GENERATED_EMAIL_TRIES: usize = 4;

impl Accounts {
    /// Registers an agent. Its key may sell as well as buy, and does not expire.
    ///
    /// # Errors
    /// `Invalid` for `name` or `email`.
    pub async fn register_agent(&self, registration: &AgentRegistration) -> Result<Registered> {
        tx!(self.db(), tx => { self.register_agent_in(tx, registration).await })
    }

    /// As `register_agent`, inside a transaction that does more.
    ///
    /// # Errors
    /// As `register_agent`.
    pub async fn register_agent_in(&self, tx: &mut Tx, registration: &AgentRegistration) -> Result<Registered> {
        let name = match &registration.name {
            Some(name) => rules::name("name", name)?,
            None => star_name(self.rng()),
        };
        let user = match &registration.email {
            Some(email) => {
                let email = rules::email("email", email)?;
                let user = self.agent_insert_in(tx, &name).await?;
                self.agent_address_in(tx, user, &email).await?.user
            }
            None => self.agent_insert_in(tx, &name).await?,
        };
        let party = self.personal_party_in(tx, &user).await?;
        let key = NewKey::plain(party.id, Some(user.id), "agent", Role::Provider);
        let key = key_insert_in(tx, self, key).await?;
        Ok(Registered { user, party, key })
    }

    /// Writes an agent user with a made-up address.
    pub(crate) async fn agent_insert_in(&self, tx: &mut Tx, name: &str) -> Result<User> {
        for _ in 0..GENERATED_EMAIL_TRIES {
            let user = self.new_agent(name, self.generated_email(name));
            if user_insert_in(tx, &user).await? {
                return Ok(user);
            }
        }
        Err(Error::internal("no free address for a new agent in several tries"))
    }

    fn new_agent(&self, name: &str, email: String) -> User {
        User {
            id: UserId::generate(self.clock(), self.rng()),
            email,
            email_verified: false,
            pending_email: None,
            name: name.to_owned(),
            kind: UserKind::Agent,
            status: UserStatus::Active,
            created_at: self.now(),
        }
    }

    fn generated_email(&self, name: &str) -> String {
        let stem = slugify(name, 40);
        let stem = if stem.is_empty() { "agent" } else { &stem };
        format!("{stem}-{:08x}@agents.farebox.invalid", self.rng().below(1 << 32))
    }
}

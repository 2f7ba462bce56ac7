//! People: how they sign up, prove their address, sign in, and get back in.
//!
//! Owns the tables `user_password`, `sign_up`, `mail_token` and `attempt_count`. Invariants:
//! - whoever asks learns from neither answer nor effort whether an address has an account;
//! - a password that counts was chosen by whoever read the mail that proved the address;
//! - what a mail proves, it proves once and for a time; the database has a keyed hash of it;
//! - attempts are counted in the database, before the work that they cause, for all processes together.

mod agent_address;
mod attempts;
mod change_password;
mod letters;
mod login;
mod mail_token;
mod password;
mod pending;
mod recovery;
mod resend;
mod sign_up;
mod verification;
mod whose;

pub use agent_address::AddressAsked;
pub(crate) use password::Passwords;
pub use sign_up::SignUp;
pub use whose::Whose;

use crate::Accounts;
use farebox_base::{Result, UserId};
use farebox_db::{Isolation, Tx, sql, tx};
use std::net::IpAddr;
use std::time::Duration;

/// What was proved or tried is kept for so long after its end, so that a link that is too old is known as such.
const KEPT_AFTER_END: Duration = Duration::from_secs(7 * 86_400);
const USER_AGENT_CHARS: usize = 300;

/// Where a request of a person comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visitor {
    pub address: IpAddr,
    pub user_agent: Option<String>,
}

impl Visitor {
    /// Keeps of a user agent what can be shown.
    pub fn new(address: IpAddr, user_agent: Option<&[u8]>) -> Self {
        let shown = user_agent.map(|bytes| {
            let text = String::from_utf8_lossy(bytes);
            text.chars().filter(|c| !c.is_control()).take(USER_AGENT_CHARS).collect()
        });
        Self { address: address.to_canonical(), user_agent: shown.filter(|text: &String| !text.is_empty()) }
    }

    /// What stands for everybody who shares an address: of IPv6 the network that one customer gets.
    fn network(&self) -> String {
        match self.address {
            IpAddr::V4(address) => address.to_string(),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
            }
        }
    }
}

impl Accounts {
    /// Removes counts of attempts and sign-ups that are over, tokens and sessions that are long over; answers how many.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn sign_ins_forget(&self) -> Result<u64> {
        let (now, old) = (self.now(), self.now().minus(KEPT_AFTER_END));
        tx!(self.db(), Isolation::ReadCommitted, tx => {
            let counts = tx.execute(sql!("DELETE FROM attempt_count WHERE ends_at <= $1"), &[now.into()]).await?;
            let sign_ups = tx.execute(sql!("DELETE FROM sign_up WHERE expires_at <= $1"), &[now.into()]).await?;
            let tokens = tx.execute(sql!("DELETE FROM mail_token WHERE expires_at < $1"), &[old.into()]).await?;
            let sessions = tx.execute(sql!("DELETE FROM user_session WHERE expires_at < $1"), &[old.into()]).await?;
            Ok(counts + sign_ups + tokens + sessions)
        })
    }

    /// Sets the password, whether there was one or not.
    pub(crate) async fn password_set_in(&self, tx: &mut Tx, user: UserId, hash: &str) -> Result<()> {
        tx.execute_one(
            sql!(
                "INSERT INTO user_password (user_id, hash, changed_at) VALUES ($1, $2, $3)
                 ON CONFLICT (user_id) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at"
            ),
            &[(&user.to_string()).into(), hash.into(), self.now().into()],
        )
        .await?;
        Ok(())
    }
}

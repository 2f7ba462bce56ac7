//! Accepting an invitation: a token becomes a membership.
//!
//! Writes `member` and what became of the row in `org_invite`, in one transaction. Invariant: of many that show one token
//! at once, one becomes a member.

use crate::key::hash_secret;
use crate::membership::AnyRole;
use crate::user::member_insert_in;
use crate::{Accounts, Caller};
use farebox_base::{Error, InviteId, PartyId, Result, Timestamp, UserId};
use farebox_db::{Row, Tx, sql, tx};

/// The longest text that is looked up as a token.
const TOKEN_BYTES_MAX: usize = 200;

/// A membership that an invitation has just given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub party_id: PartyId,
    pub party_name: String,
    pub role: String,
}

impl Accounts {
    /// Makes the caller's user a member by the token of a mail that was sent to his address. He must have confirmed the
    /// address: whoever merely holds the mail of another one and names its address is refused.
    ///
    /// # Errors
    /// `NotFound` where no invitation has the token; `Invalid` for `token` where it is used, revoked, out of date or for
    /// another address; `Forbidden` where the caller's key belongs to no user.
    pub async fn invite_accept(&self, caller: &Caller, token: &str) -> Result<Accepted> {
        let Some(user) = caller.user_id else {
            return Err(Error::forbidden("This key belongs to no user, and members are users"));
        };
        if token.is_empty() || token.len() > TOKEN_BYTES_MAX {
            return Err(Error::not_found("Invite"));
        }
        let hash = hash_secret(self.pepper(), token);
        let accepted = tx!(self.db(), tx => {
            self.caller_again_in(tx, caller, caller.party_id).await?;
            self.invite_accept_in(tx, user, hash.as_bytes()).await
        })?;
        self.access_changed();
        Ok(accepted)
    }

    async fn invite_accept_in(&self, tx: &mut Tx, user: UserId, hash: &[u8]) -> Result<Accepted> {
        let row = tx
            .one(
                sql!(
                    "SELECT i.id, i.party_id, i.email, i.role, i.role_name, i.expires_at, i.accepted_at, i.revoked_at,
                       p.name, (SELECT u.email FROM app_user u WHERE u.id = $2 AND u.email_verified = 1),
                       (SELECT m.user_id FROM member m WHERE m.party_id = i.party_id AND m.user_id = $2)
                     FROM org_invite i JOIN party p ON p.id = i.party_id WHERE i.token_hash = $1"
                ),
                &[hash.into(), (&user.to_string()).into()],
            )
            .await?
            .ok_or_else(|| Error::not_found("Invite"))?;
        let now = self.now();
        acceptable(&row, now)?;
        let (id, party, role): (InviteId, PartyId, AnyRole) = (row.get(0)?, row.get(1)?, AnyRole::read(row.get(3)?)?);
        let taken = tx
            .execute(
                sql!(
                    "UPDATE org_invite SET accepted_at = $3, accepted_by = $4
                     WHERE id = $1 AND party_id = $2 AND accepted_at IS NULL AND revoked_at IS NULL"
                ),
                &[(&id.to_string()).into(), (&party.to_string()).into(), now.into(), (&user.to_string()).into()],
            )
            .await?;
        if taken == 0 {
            return Err(used());
        }
        member_insert_in(tx, party, user, role, now).await?;
        self.access_changed_in(tx).await?;
        Ok(Accepted { party_id: party, party_name: row.get(8)?, role: row.get(4)? })
    }
}

/// Whether the invitation in this row can be accepted by the user in it, at this time.
fn acceptable(row: &Row, now: Timestamp) -> Result<()> {
    if row.get::<Option<&str>>(9)? != Some(row.get::<&str>(2)?) {
        return Err(Error::invalid(
            "token",
            "was sent to another address than the one that your account has confirmed",
        ));
    }
    if row.get::<Option<Timestamp>>(6)?.is_some() {
        return Err(used());
    }
    if row.get::<Option<Timestamp>>(7)?.is_some() {
        return Err(Error::invalid("token", "was revoked: ask for another invitation"));
    }
    if row.get::<Timestamp>(5)? <= now {
        return Err(Error::invalid("token", "is out of date: ask for another invitation"));
    }
    if row.get::<Option<&str>>(10)?.is_some() {
        return Err(Error::invalid("token", "is not needed: you are a member already"));
    }
    Ok(())
}

fn used() -> Error {
    Error::invalid("token", "was used already")
}

//! Personal organisations: every user has a place.
//!
//! Invariant: a user belongs to an organisation as long as he exists. One of his own is made with him, and another one in
//! the transaction that takes his last membership.

use crate::Accounts;
use crate::party::{Party, PartyKind, party_insert_in};
use crate::user::{User, member_insert_in};
use farebox_base::{Error, MemberRole, PartyId, Result};
use farebox_db::{Tx, sql};

impl Accounts {
    /// Makes an organisation that the user owns and that has his name.
    pub(crate) async fn personal_party_in(&self, tx: &mut Tx, user: &User) -> Result<Party> {
        let id = PartyId::generate(self.clock(), self.rng());
        let party = Party {
            id,
            kind: PartyKind::Organization,
            handle: id.to_string(),
            name: user.name.clone(),
            wallet_address: None,
            created_at: self.now(),
        };
        if !party_insert_in(tx, &party).await? {
            return Err(Error::internal(format!("the handle of the new party {id} is taken")));
        }
        member_insert_in(tx, id, user.id, MemberRole::Owner, party.created_at).await?;
        Ok(party)
    }

    /// The organisation that the user belongs to longest; where he belongs to none, a new one of his own.
    pub(crate) async fn place_in(&self, tx: &mut Tx, user: &User) -> Result<PartyId> {
        let row = tx
            .one(
                sql!("SELECT party_id FROM member WHERE user_id = $1 ORDER BY created_at, party_id LIMIT 1"),
                &[(&user.id.to_string()).into()],
            )
            .await?;
        match row {
            Some(row) => Ok(row.get(0)?),
            None => Ok(self.personal_party_in(tx, user).await?.id),
        }
    }
}

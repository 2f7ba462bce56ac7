//! Members of an organisation: list, give another role, take away.
//!
//! Owns the writing of the table `member` but for the first rows, which registration writes. Invariants: an organisation
//! that has an owner keeps one; owners are made, changed and removed by owners only; nobody gives or takes away what he
//! may not do himself; whoever is removed loses his keys and invitations in the same transaction, and where it was his
//! last membership he gets an organisation of his own.

use crate::membership::{AnyRole, Membership, read_role};
use crate::role_rows::role_named_in;
use crate::roles::RoleName;
use crate::{Accounts, Caller, Page, Paged, RoleInfo};
use farebox_base::{Error, MemberRole, PartyId, Permission, PermissionSet, Result, Timestamp, UserId};
use farebox_db::{Row, Tx, sql, tx};

/// A member as lists show him.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    /// The name of his role.
    pub role: String,
    pub created_at: Timestamp,
}

/// A member's role, before it is changed.
struct Standing {
    role: AnyRole,
    permissions: PermissionSet,
}

impl Accounts {
    /// The organisation's members, the oldest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn members_list(&self, party: PartyId, page: Page) -> Result<Paged<Member>> {
        let party = party.to_string();
        let rows = self
            .db()
            .query(
                sql!(
                    "SELECT m.user_id, u.email, u.name, COALESCE(r.name, m.role), m.created_at
                     FROM member m JOIN app_user u ON u.id = m.user_id
                       LEFT JOIN org_role r ON r.party_id = m.party_id AND r.id = m.role
                     WHERE m.party_id = $1 ORDER BY m.created_at, m.user_id LIMIT $2 OFFSET $3"
                ),
                &[(&party).into(), page.limit_param(), page.offset_param()],
            )
            .await?;
        let total = self.db().one(sql!("SELECT COUNT(*) FROM member WHERE party_id = $1"), &[(&party).into()]).await?;
        let total: i64 = total.map_or(Ok(0), |row| row.get(0))?;
        Ok(Paged { items: rows.iter().map(read).collect::<Result<_>>()?, total: u64::try_from(total).unwrap_or(0) })
    }

    /// Gives a member another role. What he may do changes at once here, and elsewhere within a second.
    ///
    /// # Errors
    /// `NotFound` for the member or the role; `Forbidden` where the caller may not give the one or touch the other;
    /// `Invalid` where no owner would be left.
    pub async fn member_role_set(
        &self,
        caller: &Caller,
        party: PartyId,
        user: UserId,
        role: &RoleName,
    ) -> Result<Member> {
        let member = tx!(self.db(), tx => {
            let caller = self.caller_again_in(tx, caller, party).await?;
            self.member_role_set_in(tx, &caller, manager(&caller, party)?, user, role).await
        })?;
        self.access_changed();
        Ok(member)
    }

    /// Takes a member out of an organisation, with his keys for it and the invitations that he sent. Who belongs to no
    /// other one gets one of his own, so that he can go on signing in and accept invitations.
    ///
    /// # Errors
    /// `NotFound`; `Forbidden` where the caller may not touch him; `Invalid` where no owner would be left.
    pub async fn member_remove(&self, caller: &Caller, party: PartyId, user: UserId) -> Result<()> {
        tx!(self.db(), tx => {
            let caller = self.caller_again_in(tx, caller, party).await?;
            self.member_remove_in(tx, &caller, manager(&caller, party)?, user).await
        })?;
        self.access_changed();
        Ok(())
    }

    async fn member_role_set_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        by: &Membership,
        user: UserId,
        role: &RoleName,
    ) -> Result<Member> {
        let party = by.party_id;
        let before = touched_in(tx, caller, by, user).await?;
        let role = role_named_in(tx, party, role).await?;
        may_give(caller, by, &role)?;
        if before.role == AnyRole::OWNER && role.role != AnyRole::OWNER {
            other_owner_in(tx, party, user).await?;
        }
        tx.execute_one(
            sql!("UPDATE member SET role = $3 WHERE party_id = $1 AND user_id = $2"),
            &[(&party.to_string()).into(), (&user.to_string()).into(), (&role.role.to_string()).into()],
        )
        .await?;
        self.invites_revoke_of_in(tx, party, user).await?;
        self.access_changed_in(tx).await?;
        member_in(tx, party, user).await
    }

    async fn member_remove_in(&self, tx: &mut Tx, caller: &Caller, by: &Membership, user: UserId) -> Result<()> {
        let party = by.party_id;
        if touched_in(tx, caller, by, user).await?.role == AnyRole::OWNER {
            other_owner_in(tx, party, user).await?;
        }
        let (party_text, user_text, now) = (party.to_string(), user.to_string(), self.now());
        tx.execute(
            sql!("UPDATE api_key SET revoked_at = $3 WHERE party_id = $1 AND user_id = $2 AND revoked_at IS NULL"),
            &[(&party_text).into(), (&user_text).into(), now.into()],
        )
        .await?;
        self.invites_revoke_of_in(tx, party, user).await?;
        tx.execute_one(
            sql!("DELETE FROM member WHERE party_id = $1 AND user_id = $2"),
            &[(&party_text).into(), (&user_text).into()],
        )
        .await?;
        let removed = self.user_in(tx, user).await?.ok_or_else(|| Error::internal("a member's user is gone"))?;
        self.place_in(tx, &removed).await?;
        self.access_changed_in(tx).await
    }

    /// Revokes the pending invitations that a member sent, and those that were sent to him: what he could give he may no
    /// longer be able to give, and nobody comes back by an old mail.
    async fn invites_revoke_of_in(&self, tx: &mut Tx, party: PartyId, user: UserId) -> Result<()> {
        tx.execute(
            sql!(
                "UPDATE org_invite SET revoked_at = $3
                 WHERE party_id = $1 AND accepted_at IS NULL AND revoked_at IS NULL
                   AND (invited_by = $2 OR email = (SELECT email FROM app_user WHERE id = $2))"
            ),
            &[(&party.to_string()).into(), (&user.to_string()).into(), self.now().into()],
        )
        .await?;
        Ok(())
    }
}

/// What the caller is in an organisation whose members he manages.
pub(crate) fn manager(caller: &Caller, party: PartyId) -> Result<&Membership> {
    caller.require_in(party, Permission::OrgManageMembers)?;
    caller.membership(party).ok_or_else(|| Error::forbidden("You are not a member of this organization"))
}

/// Whether a caller may give a role: owners make owners, and nobody gives what he may not do.
///
/// # Errors
/// `Forbidden`.
pub(crate) fn may_give(caller: &Caller, by: &Membership, role: &RoleInfo) -> Result<()> {
    if role.role == AnyRole::BuiltIn(MemberRole::Owner) && !caller.is_owner_of(by.party_id) {
        return Err(Error::forbidden("Only an owner can make another one"));
    }
    if !by.reaches(role.permissions) {
        return Err(Error::forbidden(format!("The role {} may do what you may not: you can't give it", role.name)));
    }
    Ok(())
}

/// The member, if the caller may change what he is.
async fn touched_in(tx: &mut Tx, caller: &Caller, by: &Membership, user: UserId) -> Result<Standing> {
    let row = tx
        .one(
            sql!(
                "SELECT m.role, r.permissions
                 FROM member m LEFT JOIN org_role r ON r.party_id = m.party_id AND r.id = m.role
                 WHERE m.party_id = $1 AND m.user_id = $2"
            ),
            &[(&by.party_id.to_string()).into(), (&user.to_string()).into()],
        )
        .await?
        .ok_or_else(|| Error::not_found("Member"))?;
    let (role, permissions) = read_role(&row, 0, 1)?;
    let standing = Standing { role, permissions };
    if standing.role == AnyRole::OWNER && !caller.is_owner_of(by.party_id) {
        return Err(Error::forbidden("Only an owner can change or remove an owner"));
    }
    if !by.reaches(standing.permissions) {
        return Err(Error::forbidden("The member may do what you may not: you can't change or remove him"));
    }
    Ok(standing)
}

/// Whether somebody else owns the organisation too.
async fn other_owner_in(tx: &mut Tx, party: PartyId, user: UserId) -> Result<()> {
    let other = tx
        .one(
            sql!("SELECT user_id FROM member WHERE party_id = $1 AND role = 'owner' AND user_id <> $2 LIMIT 1"),
            &[(&party.to_string()).into(), (&user.to_string()).into()],
        )
        .await?;
    match other {
        Some(_) => Ok(()),
        None => Err(Error::invalid("member_id", "must not be the last owner: make another member an owner first")),
    }
}

async fn member_in(tx: &mut Tx, party: PartyId, user: UserId) -> Result<Member> {
    let row = tx
        .one(
            sql!(
                "SELECT m.user_id, u.email, u.name, COALESCE(r.name, m.role), m.created_at
                 FROM member m JOIN app_user u ON u.id = m.user_id
                   LEFT JOIN org_role r ON r.party_id = m.party_id AND r.id = m.role
                 WHERE m.party_id = $1 AND m.user_id = $2"
            ),
            &[(&party.to_string()).into(), (&user.to_string()).into()],
        )
        .await?;
    read(&row.ok_or_else(|| Error::not_found("Member"))?)
}

fn read(row: &Row) -> Result<Member> {
    Ok(Member {
        user_id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        role: row.get(3)?,
        created_at: row.get(4)?,
    })
}

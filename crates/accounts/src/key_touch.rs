//! Who may revoke or narrow a key.
//!
//! Invariant: nobody takes from another one what he could not give him.

use crate::Caller;
use crate::membership::{AnyRole, read_role};
use crate::text_enum::read_word;
use farebox_base::{ApiKeyId, Error, PartyId, Permission, PermissionSet, Result, Role, UserId};
use farebox_db::{Row, Tx, sql};

/// The role of a key that the caller may revoke or narrow: his own user's, or where he manages members that of another
/// one who may do nothing that he may not; an owner's is touched by owners only.
///
/// # Errors
/// `NotFound` where the party has no such key, or it is revoked already; `Forbidden` where he may not touch it.
pub(crate) async fn key_touched_in(tx: &mut Tx, caller: &Caller, party: PartyId, id: ApiKeyId) -> Result<Role> {
    let row = tx
        .one(
            sql!(
                "SELECT k.role, k.user_id, k.scopes, m.role, r.permissions
                 FROM api_key k LEFT JOIN member m ON m.party_id = k.party_id AND m.user_id = k.user_id
                   LEFT JOIN org_role r ON r.party_id = m.party_id AND r.id = m.role
                 WHERE k.id = $1 AND k.party_id = $2 AND k.revoked_at IS NULL"
            ),
            &[(&id.to_string()).into(), (&party.to_string()).into()],
        )
        .await?
        .ok_or_else(|| Error::not_found("Key"))?;
    let role = read_word(&row, 0, Role::parse)?;
    if role > caller.role() {
        return Err(Error::forbidden("A key can't revoke or change one with a higher role"));
    }
    let holder: Option<UserId> = row.get(1)?;
    let is_own = caller.api_key_id() == Some(id) || (holder.is_some() && holder == caller.user_id);
    if !is_own {
        others_key(caller, party, holder_of(&row, role)?)?;
    }
    Ok(role)
}

/// What the holder of a key is, from the row that `key_touched_in` reads: the role of its user and what that gives, or
/// what a key without a user gives by itself.
fn holder_of(row: &Row, role: Role) -> Result<(Option<AnyRole>, PermissionSet)> {
    if row.get::<Option<&str>>(3)?.is_some() {
        let (role, permissions) = read_role(row, 3, 4)?;
        return Ok((Some(role), permissions));
    }
    let scopes = row.get::<Option<&str>>(2)?.map_or(PermissionSet::ALL, PermissionSet::parse);
    Ok((None, role.permissions().intersection(scopes)))
}

/// Whether the caller may touch a key that is not his.
fn others_key(caller: &Caller, party: PartyId, (role, permissions): (Option<AnyRole>, PermissionSet)) -> Result<()> {
    if !caller.may_in(party, Permission::OrgManageMembers) {
        return Err(Error::forbidden(format!(
            "The key is another member's: that needs the permission {}",
            Permission::OrgManageMembers
        )));
    }
    if role == Some(AnyRole::OWNER) && !caller.is_owner_of(party) {
        return Err(Error::forbidden("The key is an owner's: only owners may revoke or change it"));
    }
    if !caller.membership(party).is_some_and(|by| by.reaches(permissions)) {
        return Err(Error::forbidden("The key's holder may do what you may not: you can't revoke or change it"));
    }
    Ok(())
}

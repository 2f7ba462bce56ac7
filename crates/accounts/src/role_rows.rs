//! Rows of the table `org_role`, and the built-in roles as if they had rows.
//!
//! Knows nothing of who may change them; that is `roles.rs`.

use crate::fixed_id::fixed_id;
use crate::membership::AnyRole;
use crate::roles::{DEFAULT_ROLE, ROLES_MAX, RoleInfo, RoleName};
use farebox_base::{Error, MemberRole, PartyId, PermissionSet, Result, RoleId};
use farebox_db::{Row, Tx, sql};

/// A role that somebody names by id or name; `member` is a viewer.
///
/// # Errors
/// `NotFound`.
pub(crate) async fn role_named_in(tx: &mut Tx, party: PartyId, name: &RoleName) -> Result<RoleInfo> {
    let name = match name {
        RoleName::Id(id) => return role_by_id_in(tx, party, *id).await,
        RoleName::Name(name) if name == DEFAULT_ROLE => return Ok(RoleInfo::built_in(MemberRole::Viewer)),
        RoleName::Name(name) => name,
    };
    if let Some(role) = MemberRole::parse(name) {
        return Ok(RoleInfo::built_in(role));
    }
    // The database refuses the question, which a caller may ask.
    if name.contains('\0') {
        return Err(Error::not_found("Role"));
    }
    let row = tx
        .one(
            sql!(
                "SELECT id, name, description, permissions, created_at FROM org_role
                 WHERE party_id = $1 AND name_key = $2"
            ),
            &[(&party.to_string()).into(), (&name_key(name)).into()],
        )
        .await?;
    read(&row.ok_or_else(|| Error::not_found("Role"))?)
}

pub(crate) async fn role_by_id_in(tx: &mut Tx, party: PartyId, id: RoleId) -> Result<RoleInfo> {
    if let Some(role) = MemberRole::ALL.iter().find(|role| built_in_id(**role) == id) {
        return Ok(RoleInfo::built_in(*role));
    }
    let row = tx
        .one(
            sql!("SELECT id, name, description, permissions, created_at FROM org_role WHERE party_id = $1 AND id = $2"),
            &[(&party.to_string()).into(), (&id.to_string()).into()],
        )
        .await?;
    read(&row.ok_or_else(|| Error::not_found("Role"))?)
}

pub(crate) async fn role_insert_in(tx: &mut Tx, party: PartyId, role: &RoleInfo) -> Result<()> {
    let party_text = party.to_string();
    let count = tx.one(sql!("SELECT COUNT(*) FROM org_role WHERE party_id = $1"), &[(&party_text).into()]).await?;
    if count.map_or(Ok(0), |row| row.get::<i64>(0))? >= ROLES_MAX {
        let rule = format!("must not be that of one more role: an organization has at most {ROLES_MAX} of its own");
        return Err(Error::invalid("name", rule));
    }
    let written = tx
        .execute(
            sql!(
                "INSERT INTO org_role (id, party_id, name, name_key, description, permissions, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7) ON CONFLICT (party_id, name_key) DO NOTHING"
            ),
            &[
                (&role.id.to_string()).into(),
                (&party_text).into(),
                (&role.name).into(),
                (&name_key(&role.name)).into(),
                role.description.as_deref().into(),
                (&role.permissions.text()).into(),
                role.created_at.into(),
            ],
        )
        .await?;
    if written == 0 { Err(name_taken()) } else { Ok(()) }
}

pub(crate) async fn name_free_in(tx: &mut Tx, party: PartyId, role: &RoleInfo) -> Result<()> {
    let taken = tx
        .one(
            sql!("SELECT id FROM org_role WHERE party_id = $1 AND name_key = $2 AND id <> $3"),
            &[(&party.to_string()).into(), (&name_key(&role.name)).into(), (&role.id.to_string()).into()],
        )
        .await?;
    match taken {
        None => Ok(()),
        Some(_) => Err(name_taken()),
    }
}

fn name_taken() -> Error {
    Error::invalid("name", "must not be that of another role of the organization")
}

pub(crate) fn name_key(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The same on every server, and never that of a role in the database.
pub(crate) fn built_in_id(role: MemberRole) -> RoleId {
    RoleId::from_uuid(fixed_id("role", role.text()))
}

pub(crate) fn read(row: &Row) -> Result<RoleInfo> {
    let id = row.get(0)?;
    Ok(RoleInfo {
        id,
        role: AnyRole::Custom(id),
        name: row.get(1)?,
        description: row.get(2)?,
        permissions: PermissionSet::parse(row.get::<&str>(3)?),
        created_at: row.get(4)?,
    })
}

//! Roles: the built-in ones, and those that an organisation makes for itself.
//!
//! Owns the table `org_role`. Invariants: nobody makes, changes or takes away a role that may do more than he may; a
//! built-in role never changes; a role that a member has cannot be deleted.

use crate::lookalike::looks_built_in;
use crate::membership::AnyRole;
use crate::role_rows::{built_in_id, name_free_in, name_key, read, role_by_id_in, role_insert_in};
use crate::{Accounts, Caller, Membership, rules};
use farebox_base::{Error, MemberRole, PartyId, Permission, PermissionSet, Result, RoleId, Timestamp};
use farebox_db::{Tx, sql, tx};

const NAME_CHARS: usize = 64;
const DESCRIPTION_CHARS: usize = 500;

/// The most roles of its own that an organisation has.
pub(crate) const ROLES_MAX: i64 = 100;

/// What an invited person becomes where nothing else is said, in the word of the platform door: a viewer.
pub(crate) const DEFAULT_ROLE: &str = "member";

/// A role as lists show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleInfo {
    pub id: RoleId,
    pub role: AnyRole,
    pub name: String,
    pub description: Option<String>,
    pub permissions: PermissionSet,
    /// The epoch for built-in roles.
    pub created_at: Timestamp,
}

/// A role to make.
#[derive(Clone, Debug)]
pub struct RoleCreate {
    /// 1 to 64 characters; unique in the organisation, whatever the case of its letters; nothing that looks like the
    /// name of a built-in role.
    pub name: String,
    /// At most 500 characters.
    pub description: Option<String>,
    /// Permissions by their text.
    pub permissions: Vec<String>,
}

/// What to change of a role; `None` leaves it as it is.
#[derive(Clone, Debug, Default)]
pub struct RolePatch {
    pub name: Option<String>,
    /// `Some(None)` clears it.
    pub description: Option<Option<String>>,
    pub permissions: Option<Vec<String>>,
}

/// A role as somebody names it.
#[derive(Clone, Debug)]
pub enum RoleName {
    Id(RoleId),
    Name(String),
}

impl RoleInfo {
    /// One of those that every organisation has.
    pub fn built_in(role: MemberRole) -> Self {
        Self {
            id: built_in_id(role),
            role: AnyRole::BuiltIn(role),
            name: role.text().to_owned(),
            description: Some(role.description().to_owned()),
            permissions: role.permissions(),
            created_at: Timestamp::from_micros(0),
        }
    }

    pub fn is_built_in(&self) -> bool {
        matches!(self.role, AnyRole::BuiltIn(_))
    }
}

impl Membership {
    /// Whether he may give or take a role that gives `permissions`: they must be within his own, leaving out what
    /// everybody has.
    pub(crate) fn reaches(&self, permissions: PermissionSet) -> bool {
        permissions.is_within(self.permissions.union(PermissionSet::PERSONAL))
    }
}

impl Accounts {
    /// The built-in roles, and the organisation's own from the oldest.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn roles_list(&self, party: PartyId) -> Result<Vec<RoleInfo>> {
        let rows = self
            .db()
            .query(
                sql!(
                    "SELECT id, name, description, permissions, created_at FROM org_role
                     WHERE party_id = $1 ORDER BY created_at, id LIMIT $2"
                ),
                &[(&party.to_string()).into(), ROLES_MAX.into()],
            )
            .await?;
        let built_in = MemberRole::ALL.iter().map(|role| Ok(RoleInfo::built_in(*role)));
        built_in.chain(rows.iter().map(read)).collect()
    }

    /// A built-in role or one of the organisation's own.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn role(&self, party: PartyId, id: RoleId) -> Result<RoleInfo> {
        tx!(self.db(), tx => { role_by_id_in(tx, party, id).await })
    }

    /// Makes a role for an organisation.
    ///
    /// # Errors
    /// `Invalid` for `name`, `description` or `permissions`; `Forbidden` where the role would have what the caller lacks.
    pub async fn role_create(&self, caller: &Caller, party: PartyId, create: &RoleCreate) -> Result<RoleInfo> {
        let name = checked_name(&create.name)?;
        let description = checked_description(create.description.as_deref())?;
        let id = RoleId::generate(self.clock(), self.rng());
        tx!(self.db(), tx => {
            let caller = self.caller_again_in(tx, caller, party).await?;
            let role = RoleInfo {
                id,
                role: AnyRole::Custom(id),
                name: name.clone(),
                description: description.clone(),
                permissions: checked_permissions(manager(&caller, party)?, &create.permissions)?,
                created_at: self.now(),
            };
            role_insert_in(tx, party, &role).await?;
            Ok(role)
        })
    }

    /// Changes a role of an organisation; its members may do at once what it now says.
    ///
    /// # Errors
    /// As `role_create`; `Invalid` for a built-in role; `NotFound`; `Forbidden` where the role has what the caller lacks.
    pub async fn role_update(
        &self,
        caller: &Caller,
        party: PartyId,
        id: RoleId,
        patch: &RolePatch,
    ) -> Result<RoleInfo> {
        let name = patch.name.as_deref().map(checked_name).transpose()?;
        let description = patch.description.as_ref().map(|text| checked_description(text.as_deref())).transpose()?;
        let changed = |mut role: RoleInfo, permissions: Option<PermissionSet>| {
            role.name = name.clone().unwrap_or(role.name);
            role.description = description.clone().unwrap_or(role.description);
            role.permissions = permissions.unwrap_or(role.permissions);
            role
        };
        let role = tx!(self.db(), tx => {
            let caller = self.caller_again_in(tx, caller, party).await?;
            let by = manager(&caller, party)?;
            let permissions = patch.permissions.as_ref().map(|asked| checked_permissions(by, asked)).transpose()?;
            let role = changed(role_touched_in(tx, by, party, id).await?, permissions);
            self.role_write_in(tx, party, &role).await?;
            Ok(role)
        })?;
        self.access_changed();
        Ok(role)
    }

    /// Deletes a role that no member has; invitations that would give it are revoked.
    ///
    /// # Errors
    /// `Invalid` for a built-in role and for one that members have; `NotFound`; `Forbidden` where the role has what the
    /// caller lacks.
    pub async fn role_delete(&self, caller: &Caller, party: PartyId, id: RoleId) -> Result<()> {
        tx!(self.db(), tx => {
            let caller = self.caller_again_in(tx, caller, party).await?;
            role_touched_in(tx, manager(&caller, party)?, party, id).await?;
            self.role_delete_in(tx, party, id).await
        })
    }

    async fn role_write_in(&self, tx: &mut Tx, party: PartyId, role: &RoleInfo) -> Result<()> {
        name_free_in(tx, party, role).await?;
        tx.execute_one(
            sql!(
                "UPDATE org_role SET name = $3, name_key = $4, description = $5, permissions = $6, updated_at = $7
                 WHERE id = $1 AND party_id = $2"
            ),
            &[
                (&role.id.to_string()).into(),
                (&party.to_string()).into(),
                (&role.name).into(),
                (&name_key(&role.name)).into(),
                role.description.as_deref().into(),
                (&role.permissions.text()).into(),
                self.now().into(),
            ],
        )
        .await?;
        self.access_changed_in(tx).await
    }

    async fn role_delete_in(&self, tx: &mut Tx, party: PartyId, id: RoleId) -> Result<()> {
        let (party, id) = (party.to_string(), id.to_string());
        let held = tx
            .one(
                sql!("SELECT COUNT(*) FROM member WHERE party_id = $1 AND role = $2"),
                &[(&party).into(), (&id).into()],
            )
            .await?;
        let held: i64 = held.map_or(Ok(0), |row| row.get(0))?;
        if held > 0 {
            let rule = format!("must not be deleted while members have it ({held} do): give them another role first");
            return Err(Error::invalid("role_id", rule));
        }
        tx.execute(
            sql!(
                "UPDATE org_invite SET revoked_at = $3
                 WHERE party_id = $1 AND role = $2 AND accepted_at IS NULL AND revoked_at IS NULL"
            ),
            &[(&party).into(), (&id).into(), self.now().into()],
        )
        .await?;
        tx.execute_one(sql!("DELETE FROM org_role WHERE party_id = $1 AND id = $2"), &[(&party).into(), (&id).into()])
            .await?;
        Ok(())
    }
}

/// One of the organisation's own roles that the caller may change or delete.
async fn role_touched_in(tx: &mut Tx, membership: &Membership, party: PartyId, id: RoleId) -> Result<RoleInfo> {
    let role = role_by_id_in(tx, party, id).await?;
    if role.is_built_in() {
        return Err(Error::invalid("role_id", "must not be that of a built-in role, which nobody can change"));
    }
    if !membership.reaches(role.permissions) {
        return Err(Error::forbidden("The role may do what you may not: you can't change it"));
    }
    Ok(role)
}

/// What the caller is in an organisation whose roles he manages.
fn manager(caller: &Caller, party: PartyId) -> Result<&Membership> {
    caller.require_in(party, Permission::OrgManageRoles)?;
    caller.membership(party).ok_or_else(|| Error::forbidden("You are not a member of this organization"))
}

fn checked_name(text: &str) -> Result<String> {
    let name = rules::visible_text("name", text, NAME_CHARS)?;
    let key = name_key(&name);
    if looks_built_in(&name) || RoleId::parse(&key).is_some() {
        return Err(Error::invalid("name", "must neither be nor look like a built-in role's, \"member\" or a UUID"));
    }
    Ok(name)
}

fn checked_description(text: Option<&str>) -> Result<Option<String>> {
    match text.map(str::trim) {
        None | Some("") => Ok(None),
        Some(text) => rules::visible_text("description", text, DESCRIPTION_CHARS).map(Some),
    }
}

fn checked_permissions(membership: &Membership, asked: &[String]) -> Result<PermissionSet> {
    let mut set = PermissionSet::NONE;
    for text in asked {
        let permission =
            Permission::parse(text).filter(|permission| PermissionSet::MEMBERSHIP.contains(*permission)).ok_or_else(
                || Error::invalid("permissions", format!("must not contain {text:?}: no role can have it")),
            )?;
        if !membership.reaches(PermissionSet::of(&[permission])) {
            return Err(Error::forbidden(format!("You can't give a role what you may not do yourself: {permission}")));
        }
        set = set.with(permission);
    }
    Ok(set)
}

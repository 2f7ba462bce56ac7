//! Roles and permissions: what there is, who has what, and giving it.

use super::Cx;
use super::organizations::member;
use crate::Core;
use crate::organization::organization;
use farebox_accounts::{RoleCreate, RoleInfo, RoleName, RolePatch, permission_id};
use farebox_api_kit::{Created, Data, Json, NoContent, Ok200, Path, operations};
use farebox_api_types::Patch;
use farebox_api_types::platform::{
    AssignRoleRequest, CreateRoleRequest, OrganizationMemberWithUser, Permission as Shown, RbacRole, UpdateRoleRequest,
};
use farebox_base::{Error, PartyId, Permission, Result, RoleId, Timestamp, UserId};
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "RBAC";
    GET    "/permissions" list_permissions(Needs(AccountRead)) "List all permissions";
    GET    "/organizations/{organization_id}/permissions/mine" get_my_permissions(Needs(AccountRead)) "Tell what the caller may do in an organization";
    GET    "/organizations/{organization_id}/permissions/check/{permission}" check_permission(Needs(AccountRead)) "Tell whether the caller has a permission in an organization";
    GET    "/organizations/{organization_id}/roles" list_organization_roles(Needs(OrgRead)) "List an organization's roles, the built-in ones first";
    POST   "/organizations/{organization_id}/roles" create_organization_role(Needs(OrgManageRoles)) "Make a role";
    GET    "/organizations/{organization_id}/roles/{role_id}" get_role(Needs(OrgRead)) "Show a role";
    PATCH  "/organizations/{organization_id}/roles/{role_id}" update_role(Needs(OrgManageRoles)) "Change a role; its members may do at once what it says";
    DELETE "/organizations/{organization_id}/roles/{role_id}" delete_organization_role(Needs(OrgManageRoles)) "Delete a role that no member has";
    PUT    "/organizations/{organization_id}/members/{member_id}/role" assign_role(Needs(OrgManageMembers)) "Give a member another role";
}

type OneRole = Result<Ok200<Data<RbacRole>>>;

async fn list_permissions(_: Cx) -> Result<Ok200<Vec<Shown>>> {
    Ok(Ok200(Permission::ALL.iter().copied().map(permission).collect()))
}

async fn get_my_permissions(cx: Cx, path: Path<String>) -> Result<Ok200<Vec<String>>> {
    let caller = cx.caller()?;
    let membership = caller.membership(organization(caller, &path.0)?);
    let permissions = membership.map(|membership| membership.permissions).unwrap_or_default();
    Ok(Ok200(permissions.iter().map(|permission| permission.text().to_owned()).collect()))
}

/// What is no permission is nobody's.
async fn check_permission(cx: Cx, path: Path<(String, String)>) -> Result<Ok200<Data<bool>>> {
    let caller = cx.caller()?;
    let party = organization(caller, &path.0.0)?;
    let has = Permission::parse(&path.0.1).is_some_and(|permission| caller.may_in(party, permission));
    Ok(Ok200(Data(has)))
}

async fn list_organization_roles(cx: Cx, path: Path<String>) -> Result<Ok200<Data<Vec<RbacRole>>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let roles = cx.core.accounts.roles_list(party).await?;
    Ok(Ok200(Data(roles.into_iter().map(role).collect())))
}

async fn create_organization_role(
    cx: Cx,
    path: Path<String>,
    body: Json<CreateRoleRequest>,
) -> Result<Created<Data<RbacRole>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let CreateRoleRequest { name, description, permissions } = body.0;
    let create = RoleCreate { name, description, permissions };
    Ok(Created(Data(role(cx.core.accounts.role_create(cx.caller()?, party, &create).await?))))
}

async fn get_role(cx: Cx, path: Path<(String, Uuid)>) -> OneRole {
    let (party, id) = named(&cx, &path.0)?;
    Ok(Ok200(Data(role(cx.core.accounts.role(party, id).await?))))
}

async fn update_role(cx: Cx, path: Path<(String, Uuid)>, body: Json<UpdateRoleRequest>) -> OneRole {
    let (party, id) = named(&cx, &path.0)?;
    let description = match body.0.description {
        Patch::Absent => None,
        Patch::Null => Some(None),
        Patch::Value(text) => Some(Some(text)),
    };
    let patch = RolePatch { name: body.0.name, description, permissions: body.0.permissions };
    Ok(Ok200(Data(role(cx.core.accounts.role_update(cx.caller()?, party, id, &patch).await?))))
}

async fn delete_organization_role(cx: Cx, path: Path<(String, Uuid)>) -> Result<NoContent> {
    let (party, id) = named(&cx, &path.0)?;
    cx.core.accounts.role_delete(cx.caller()?, party, id).await?;
    Ok(NoContent)
}

async fn assign_role(
    cx: Cx,
    path: Path<(String, Uuid)>,
    body: Json<AssignRoleRequest>,
) -> Result<Ok200<Data<OrganizationMemberWithUser>>> {
    let party = organization(cx.caller()?, &path.0.0)?;
    let name = match (body.0.role_id, body.0.role_name) {
        (Some(id), None) => RoleName::Id(RoleId::from_uuid(id)),
        (None, Some(name)) => RoleName::Name(name),
        (None, None) => return Err(Error::invalid("role_name", "or role_id must be there")),
        (Some(_), Some(_)) => return Err(Error::invalid("role_name", "must not be there together with role_id")),
    };
    let user = UserId::from_uuid(path.0.1);
    let changed = cx.core.accounts.member_role_set(cx.caller()?, party, user, &name).await?;
    Ok(Ok200(Data(member(party, changed))))
}

fn named(cx: &Cx, (organization_text, id): &(String, Uuid)) -> Result<(PartyId, RoleId)> {
    Ok((organization(cx.caller()?, organization_text)?, RoleId::from_uuid(*id)))
}

fn permission(one: Permission) -> Shown {
    let (resource_type, action) = one.text().split_once('.').unwrap_or((one.text(), "use"));
    Shown {
        id: permission_id(one),
        name: one.text().to_owned(),
        resource_type: resource_type.to_owned(),
        action: action.to_owned(),
        description: Some(one.description().to_owned()),
        created_at: Timestamp::from_micros(0).into(),
    }
}

fn role(one: RoleInfo) -> RbacRole {
    RbacRole {
        id: one.id.uuid(),
        is_built_in: one.is_built_in(),
        name: one.name,
        description: one.description,
        permissions: one.permissions.iter().map(|permission| permission.text().to_owned()).collect(),
        created_at: one.created_at.into(),
    }
}

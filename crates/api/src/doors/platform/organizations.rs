//! Organizations of the caller, their members and invitations.

use super::Cx;
use crate::Core;
use crate::organization::organization;
use farebox_accounts::{Invite, InviteCreate, Member, Organization as Listed, Page};
use farebox_api_kit::{Created, Data, Doer, Json, NoContent, Ok200, Path, operations};
use farebox_api_types::platform::{
    AcceptOrganizationInviteRequest, AcceptOrganizationInviteResult, CreateOrganizationInviteRequest, Email,
    Organization, OrganizationInvite, OrganizationMemberWithUser, Slug,
};
use farebox_base::{InviteId, PartyId, Result, Timestamp, UserId};
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "Organizations";
    GET    "/organizations" list_organizations(Needs(AccountRead)) "List the organizations that the caller belongs to";
    GET    "/organizations/{organization_id}/members" list_members(Needs(OrgRead)) "List an organization's members";
    DELETE "/organizations/{organization_id}/members/{member_id}" remove_member(Needs(OrgManageMembers)) "Remove a member; the keys that he made for the organization end with it";
    GET    "/organizations/{organization_id}/invites" list_invites(Needs(OrgManageMembers)) "List an organization's invitations, also those that are accepted, revoked or out of date";
    POST   "/organizations/{organization_id}/invites" create_invite(Needs(OrgManageMembers)) "Invite somebody by mail";
    DELETE "/organizations/{organization_id}/invites/{invite_id}" revoke_invite(Needs(OrgManageMembers)) "Take a pending invitation back";
    POST   "/auth/accept-invite" accept_organization_invite(Needs(AccountWrite)) tag("Auth") errors(404) rate(Auth) "Become a member by the token of an invitation";
}

/// The most items that a list shows; the contract's lists have no paging parameters.
const LIST_MAX: u32 = 1_000;

async fn list_organizations(cx: Cx) -> Result<Ok200<Data<Vec<Organization>>>> {
    let all = cx.core.accounts.organizations_of(cx.caller()?).await?;
    Ok(Ok200(Data(all.into_iter().map(shown).collect())))
}

async fn list_members(cx: Cx, path: Path<String>) -> Result<Ok200<Data<Vec<OrganizationMemberWithUser>>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let members = cx.core.accounts.members_list(party, Page::first(LIST_MAX)).await?;
    Ok(Ok200(Data(members.items.into_iter().map(|one| member(party, one)).collect())))
}

async fn remove_member(cx: Cx, path: Path<(String, Uuid)>) -> Result<NoContent> {
    let party = organization(cx.caller()?, &path.0.0)?;
    cx.core.accounts.member_remove(cx.caller()?, party, UserId::from_uuid(path.0.1)).await?;
    Ok(NoContent)
}

async fn list_invites(cx: Cx, path: Path<String>) -> Result<Ok200<Data<Vec<OrganizationInvite>>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let invites = cx.core.accounts.invites_list(party, Page::first(LIST_MAX)).await?;
    Ok(Ok200(Data(invites.items.into_iter().map(invite).collect())))
}

async fn create_invite(
    cx: Cx,
    path: Path<String>,
    body: Json<CreateOrganizationInviteRequest>,
) -> Result<Created<Data<OrganizationInvite>>> {
    let party = organization(cx.caller()?, &path.0)?;
    let create = InviteCreate { email: body.0.email, role: body.0.role };
    let made = cx.core.accounts.invite_create(cx.caller()?, party, &create).await?;
    Ok(Created(Data(invite(made))))
}

async fn revoke_invite(cx: Cx, path: Path<(String, Uuid)>) -> Result<NoContent> {
    let party = organization(cx.caller()?, &path.0.0)?;
    cx.core.accounts.invite_revoke(cx.caller()?, party, InviteId::from_uuid(path.0.1)).await?;
    Ok(NoContent)
}

async fn accept_organization_invite(
    cx: Cx,
    body: Json<AcceptOrganizationInviteRequest>,
) -> Result<Ok200<Data<AcceptOrganizationInviteResult>>> {
    let caller = cx.caller()?;
    let accepted = cx.core.accounts.invite_accept(caller, &body.0.token).await?;
    if let Some(user) = caller.user_id {
        cx.acts_as(Doer { user, party: Some(accepted.party_id) });
    }
    Ok(Ok200(Data(AcceptOrganizationInviteResult {
        organization_id: accepted.party_id.uuid(),
        organization_name: accepted.party_name,
        role: accepted.role,
        affiliate_referral_code: None,
    })))
}

fn shown(one: Listed) -> Organization {
    Organization {
        id: one.id.uuid(),
        name: one.name,
        slug: Slug(one.slug),
        created_by: one.first_member.map_or_else(Uuid::nil, UserId::uuid),
        is_personal: one.is_personal,
        stripe_customer_id: None,
        created_at: one.created_at.into(),
        updated_at: one.created_at.into(),
        deleted_at: None,
    }
}

pub(super) fn member(party: PartyId, one: Member) -> OrganizationMemberWithUser {
    OrganizationMemberWithUser {
        id: one.user_id.uuid(),
        organization_id: party.uuid(),
        user_id: one.user_id.uuid(),
        email: Email(one.email),
        name: Some(one.name),
        role: one.role,
        created_at: one.created_at.into(),
    }
}

fn invite(one: Invite) -> OrganizationInvite {
    OrganizationInvite {
        id: one.id.uuid(),
        organization_id: one.party_id.uuid(),
        email: one.email,
        role: one.role,
        invited_by: one.invited_by.uuid(),
        created_at: one.created_at.rfc3339(),
        expires_at: one.expires_at.rfc3339(),
        accepted_at: one.accepted_at.map(Timestamp::rfc3339),
        revoked_at: one.revoked_at.map(Timestamp::rfc3339),
    }
}

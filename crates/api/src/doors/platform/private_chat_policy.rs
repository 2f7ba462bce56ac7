//! An organization's private chat policy.

mod mapping;

use super::Cx;
use crate::Core;
use crate::organization::organization;
use farebox_accounts::{ChatPolicy, SessionDatabase};
use farebox_api_kit::{Data, Json, Ok200, Path, operations};
use farebox_api_types::platform::{OrganizationPrivateChatPolicy, UpdateOrganizationPrivateChatPolicyRequest};
use farebox_base::{Error, PartyId, Result};

operations! {
    core Core, door Platform, tag "Organizations";
    GET "/organizations/{organization_id}/private-chat-policy" get_private_chat_policy(Needs(OrgRead)) "Show an organization's private chat policy";
    PUT "/organizations/{organization_id}/private-chat-policy" update_private_chat_policy(Needs(OrgUpdate)) "Change an organization's private chat policy";
}

type Shown = Result<Ok200<Data<OrganizationPrivateChatPolicy>>>;

async fn get_private_chat_policy(cx: Cx, path: Path<String>) -> Shown {
    let party = organization(cx.caller()?, &path.0)?;
    let policy = cx.core.accounts.chat_policy(party).await?;
    Ok(Ok200(Data(mapping::shown(party, policy))))
}

async fn update_private_chat_policy(
    cx: Cx,
    path: Path<String>,
    body: Json<UpdateOrganizationPrivateChatPolicyRequest>,
) -> Shown {
    let party = organization(cx.caller()?, &path.0)?;
    let request = body.0;
    if let Some(wanted) = mapping::session_database(&request) {
        check_database(&cx, party, &wanted).await?;
    }
    let change = |policy: &mut ChatPolicy| mapping::apply(&request, policy);
    let policy = cx.core.accounts.chat_policy_update(party, change).await?;
    Ok(Ok200(Data(mapping::shown(party, policy))))
}

/// A database that is named has to be one of the organization's.
async fn check_database(cx: &Cx, party: PartyId, wanted: &SessionDatabase) -> Result<()> {
    let Some(name) = &wanted.database_name else { return Ok(()) };
    let known = cx.core.market.databases(&[party]).await?;
    if known.iter().any(|database| database.name == name.trim()) {
        return Ok(());
    }
    let rule = "must name a database of the organization, as GET /databases shows them";
    Err(Error::invalid("session_database.database_name", rule))
}

//! Who the caller is.

use super::Cx;
use crate::Core;
use farebox_accounts::{User, UserStatus as Status};
use farebox_api_kit::{Data, Ok200, operations};
use farebox_api_types::platform::{Email, UserInfo, UserMe, UserStatus};
use farebox_base::{Error, Result};

operations! {
    core Core, door Platform, tag "Auth";
    GET "/auth/me" get_current_user(Needs(AccountRead)) "Show the caller's user, organization and key";
}

async fn get_current_user(cx: Cx) -> Result<Ok200<Data<UserMe>>> {
    let caller = cx.caller()?;
    let user_id = caller.user_id.ok_or_else(|| Error::not_found("User"))?;
    let user = cx.core.accounts.user(user_id).await?.ok_or_else(|| Error::not_found("User"))?;
    Ok(Ok200(Data(UserMe {
        user: user_info(user),
        default_organization_id: caller.party_id.uuid(),
        agent_identity_id: None,
        api_key_id: caller.api_key_id().map(farebox_base::ApiKeyId::uuid),
        api_key_scopes: caller.scopes().map(|all| all.iter().map(|p| p.text().to_owned()).collect()),
        api_key_type: caller.key().map(|key| super::api_keys::key_type(key.key_type)),
    })))
}

/// An address that was only named is not the user's and not shown as his.
pub(super) fn user_info(user: User) -> UserInfo {
    UserInfo {
        id: user.id.uuid(),
        email: Email(user.email),
        name: user.name,
        status: status(user.status),
        avatar_url: None,
        affiliate_referral_code: None,
        created_at: user.created_at.into(),
    }
}

fn status(status: Status) -> UserStatus {
    match status {
        Status::Active => UserStatus::Active,
        Status::Disabled => UserStatus::Disabled,
        Status::Paused => UserStatus::Paused,
        Status::Deleted => UserStatus::Deleted,
    }
}

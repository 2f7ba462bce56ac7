//! Which OAuth provider a publisher may ask its callers for.
//!
//! Calls ask the same again, as providers and targets change; here sellers learn at once what will not work.

use super::Cx;
use farebox_base::{Error, OauthProviderId, PartyId, Result};
use farebox_market::UserOauth;

const FIELD: &str = "oauth_provider_id";

/// The provider that a seller names by its slug: its own, else the operator's; whose member asks does not matter.
///
/// # Errors
/// `Invalid` for `oauth_provider_slug`.
pub(super) async fn named(cx: &Cx, seller: PartyId, slug: &str) -> Result<OauthProviderId> {
    let found = cx.core.oauth.provider_by_slug(seller, &[], slug).await?;
    let rule = "must name an OAuth provider of the organization or of the operator";
    found.map(|provider| provider.id).ok_or_else(|| Error::invalid("oauth_provider_slug", rule))
}

/// Checks what a publisher will be after a change.
///
/// # Errors
/// `Invalid` for `oauth_provider_id`.
pub(super) async fn check(cx: &Cx, seller: PartyId, user_oauth: UserOauth, target: &str) -> Result<()> {
    let Some(id) = user_oauth.provider else { return Ok(()) };
    let found = cx.core.oauth.provider(id).await?;
    let near = found.filter(|provider| provider.party_id.is_none_or(|owner| owner == seller));
    let rule = "must name an OAuth provider of the organization or of the operator";
    let provider = near.ok_or_else(|| Error::invalid(FIELD, rule))?;
    if user_oauth.required
        && let Err(rule) = provider.check_use(seller, target)
    {
        return Err(Error::invalid(FIELD, format!("can't be {}, which {rule}", provider.slug)));
    }
    Ok(())
}

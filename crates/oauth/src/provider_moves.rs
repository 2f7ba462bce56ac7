//! What happens to connections where their provider becomes another one under the same id.
//!
//! Users have agreed to certain servers and a certain client. Whoever may change a provider could otherwise have the
//! tokens of connections that were made before sent to servers of his own choice.

use crate::Provider;
use crate::providers::provider_in;
use farebox_base::{OauthProviderId, Result};
use farebox_db::{Tx, sql};

impl Provider {
    /// Whether connections that were made with `before` are none to this provider: an address or the client is another
    /// one, or tokens may go to a server that they could not go to. A name, scopes and the secret do not matter.
    pub fn is_another_than(&self, before: &Provider) -> bool {
        let asked = |one: &Provider| {
            (
                one.authorization_url.clone(),
                one.token_url.clone(),
                one.revocation_url.clone(),
                one.userinfo_url.clone(),
                one.client_id.clone(),
            )
        };
        asked(self) != asked(before) || self.upstream_hosts.iter().any(|host| !before.upstream_hosts.contains(host))
    }
}

/// Deletes the connections to a provider and the flows that are under way, where `after` is another one than what is
/// stored. To be called before `after` is written.
pub(crate) async fn connections_end_in(tx: &mut Tx, after: &Provider) -> Result<()> {
    if provider_in(tx, after.id).await?.is_some_and(|before| after.is_another_than(&before)) {
        connections_delete_in(tx, after.id).await?;
    }
    Ok(())
}

/// Deletes all connections to a provider and the flows that are under way.
pub(crate) async fn connections_delete_in(tx: &mut Tx, id: OauthProviderId) -> Result<()> {
    let id = id.to_string();
    tx.execute(sql!("DELETE FROM oauth_pending WHERE provider_id = $1"), &[(&id).into()]).await?;
    tx.execute(sql!("DELETE FROM oauth_connection WHERE provider_id = $1"), &[(&id).into()]).await?;
    Ok(())
}

/// Whether the provider that a flow was made with is still the same.
pub(crate) async fn is_same_in(tx: &mut Tx, provider: &Provider) -> Result<bool> {
    Ok(provider_in(tx, provider.id).await?.is_some_and(|now| !now.is_another_than(provider)))
}

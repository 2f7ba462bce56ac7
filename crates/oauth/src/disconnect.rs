//! Giving connections up: gone here at once, and revoked at the provider as far as it lets itself be asked.

use crate::connection::not_found;
use crate::providers::provider_in;
use crate::{Holder, Oauth, Provider};
use farebox_base::{Error, OauthConnectionId, OauthProviderId, Result};
use farebox_db::{sql, tx};

/// A connection that is gone here.
struct Gone {
    id: OauthConnectionId,
    /// As it was when the connection went: its tokens are for no servers that are named later.
    provider: Provider,
    sealed: Vec<u8>,
}

impl Oauth {
    /// Gives up all connections of the holder to a provider.
    ///
    /// # Errors
    /// `NotFound` where there is none.
    pub async fn disconnect_provider(&self, holder: Holder, provider: OauthProviderId) -> Result<()> {
        const DELETE: &str = sql!(
            "DELETE FROM oauth_connection WHERE holder = $1 AND provider_id = $2
             RETURNING id, provider_id, tokens"
        );
        self.disconnected(DELETE, holder, &provider.to_string()).await
    }

    /// Gives up one connection of the holder.
    ///
    /// # Errors
    /// `NotFound` where the holder has no such connection.
    pub async fn disconnect(&self, holder: Holder, id: OauthConnectionId) -> Result<()> {
        const DELETE: &str = sql!(
            "DELETE FROM oauth_connection WHERE holder = $1 AND id = $2
             RETURNING id, provider_id, tokens"
        );
        self.disconnected(DELETE, holder, &id.to_string()).await
    }

    async fn disconnected(&self, statement: &'static str, holder: Holder, second: &str) -> Result<()> {
        let owner = holder.text();
        let gone = tx!(self.db(), tx => {
            let mut gone = Vec::new();
            for row in tx.query(statement, &[(&owner).into(), second.into()]).await? {
                let provider = provider_in(tx, row.get(1)?).await?.ok_or_else(not_found)?;
                gone.push(Gone { id: row.get(0)?, provider, sealed: row.get(2)? });
            }
            Ok(gone)
        })?;
        if gone.is_empty() {
            return Err(not_found());
        }
        // A client that leaves meanwhile has still asked for it.
        let oauth = self.clone();
        let running = tokio::spawn(async move { oauth.revoke(&gone).await });
        running.await.map_err(|e| Error::internal(format!("a revocation's task ended early: {e}")))?
    }

    async fn revoke(&self, gone: &[Gone]) -> Result<()> {
        for connection in gone {
            self.revoke_one(connection).await?;
        }
        Ok(())
    }

    /// The refresh token first: with it many providers forget all that came of it.
    async fn revoke_one(&self, connection: &Gone) -> Result<()> {
        let provider = &connection.provider;
        let (access, refresh) = self.tokens_open(connection.id, &connection.sealed)?;
        if let Some(refresh) = refresh {
            self.forget(provider, &refresh, "refresh_token").await?;
        }
        self.forget(provider, &access, "access_token").await?;
        Ok(())
    }
}

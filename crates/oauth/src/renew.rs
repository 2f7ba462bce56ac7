//! Renewing a token. Providers take a refresh token that comes twice for a stolen one and revoke everything, so that it
//! is sent by one task of one process: in a process by a seat, among processes by a lease in the database.

use crate::token::Stored;
use crate::token_reply::{Failed, Tokens};
use crate::{Holder, Oauth, Provider, Sensitive};
use farebox_base::{Error, Result};
use farebox_db::{Isolation, Param, sql, tx};
use std::time::Duration;

/// Longer than a provider is waited for, so that it ends only where its holder has died.
const LEASE: Duration = Duration::from_secs(30);
/// How often others look whether the new tokens are there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS_MOST: u32 = 300;

/// What became of it.
pub(crate) enum Renewed {
    Yes(Stored),
    /// The provider takes the refresh token no more.
    Refused,
    /// The connection was given up meanwhile.
    Gone,
    /// The provider does not answer, or somebody else still waits for it.
    NotNow,
}

impl Oauth {
    /// Renews what was read, unless somebody has done so since.
    pub(crate) async fn renewed(&self, holder: Holder, provider: &Provider, read: &Stored) -> Result<Renewed> {
        let (oauth, provider, id, generation) = (self.clone(), provider.clone(), read.id, read.generation);
        // The new tokens must be kept also where the caller leaves before they come.
        let running = tokio::spawn(async move {
            let _seat = oauth.0.flights.seat(id).await;
            for _ in 0..LOOKS_MOST {
                let Some(stored) = oauth.stored(holder, id).await? else { return Ok(Renewed::Gone) };
                if !stored.is_valid {
                    return Ok(Renewed::Refused);
                }
                if stored.generation != generation {
                    return Ok(Renewed::Yes(stored));
                }
                if stored.leased_until.is_none_or(|until| until <= oauth.now()) && oauth.lease(holder, &stored).await? {
                    return oauth.renew(holder, &provider, stored).await;
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
            Ok(Renewed::NotNow)
        });
        running.await.map_err(|e| Error::internal(format!("a renewal's task ended early: {e}")))?
    }

    /// Whether the right to renew is ours now.
    async fn lease(&self, holder: Holder, stored: &Stored) -> Result<bool> {
        const LEASE_IT: &str = sql!(
            "UPDATE oauth_connection SET leased_until = $4
             WHERE holder = $1 AND id = $2 AND generation = $3 AND is_valid = 1
               AND (leased_until IS NULL OR leased_until <= $5)"
        );
        let now = self.now();
        Ok(self.change(LEASE_IT, holder, stored, &[now.plus(LEASE).into(), now.into()]).await? == 1)
    }

    async fn renew(&self, holder: Holder, provider: &Provider, stored: Stored) -> Result<Renewed> {
        let Some(refresh) = &stored.refresh else { return Ok(Renewed::Refused) };
        match self.traded(provider, refresh).await {
            Ok(Ok(tokens)) => self.keep(holder, stored.generation, &stored, tokens, refresh.clone()).await,
            Ok(Err(Failed::Refused(word))) if word == "invalid_grant" => {
                tracing::warn!(provider = %provider.id, connection = %stored.id, "a refresh token is no longer taken");
                const INVALID: &str = sql!(
                    "UPDATE oauth_connection SET is_valid = 0, leased_until = NULL, updated_at = $4
                     WHERE holder = $1 AND id = $2 AND generation = $3"
                );
                self.change(INVALID, holder, &stored, &[self.now().into()]).await?;
                Ok(Renewed::Refused)
            }
            Ok(Err(failed)) => {
                let (cause, connection) = (failed.cause(), stored.id);
                tracing::warn!(provider = %provider.id, %connection, cause, "a token was not renewed");
                self.give_back(holder, &stored).await?;
                Ok(Renewed::NotNow)
            }
            Err(error) => {
                self.give_back(holder, &stored).await?;
                Err(error)
            }
        }
    }

    async fn keep(
        &self,
        holder: Holder,
        generation: i64,
        stored: &Stored,
        mut tokens: Tokens,
        old: Sensitive,
    ) -> Result<Renewed> {
        tokens.refresh.get_or_insert(old);
        let sealed = self.tokens_seal(stored.id, &tokens)?;
        let scopes = tokens.scopes.as_ref().map(|scopes| scopes.join(" "));
        const KEEP: &str = sql!(
            "UPDATE oauth_connection SET tokens = $4, expires_at = $5, scopes = COALESCE($6, scopes),
               generation = generation + 1, leased_until = NULL, updated_at = $7
             WHERE holder = $1 AND id = $2 AND generation = $3"
        );
        let more = [(&sealed).into(), tokens.expires_at.into(), scopes.as_ref().into(), self.now().into()];
        self.change(KEEP, holder, stored, &more).await?;
        // Where the user has connected anew meanwhile, those tokens count.
        let now = self.stored(holder, stored.id).await?;
        Ok(now
            .map_or(Renewed::Gone, |now| if now.generation > generation { Renewed::Yes(now) } else { Renewed::NotNow }))
    }

    async fn give_back(&self, holder: Holder, stored: &Stored) -> Result<()> {
        const GIVE_BACK: &str = sql!(
            "UPDATE oauth_connection SET leased_until = NULL
             WHERE holder = $1 AND id = $2 AND generation = $3"
        );
        self.change(GIVE_BACK, holder, stored, &[]).await?;
        Ok(())
    }

    /// Runs a statement that begins with holder, id and generation.
    async fn change(
        &self,
        statement: &'static str,
        holder: Holder,
        stored: &Stored,
        more: &[Param<'_>],
    ) -> Result<u64> {
        let (owner, id) = (holder.text(), stored.id.to_string());
        let mut params: Vec<Param<'_>> = vec![(&owner).into(), (&id).into(), stored.generation.into()];
        params.extend_from_slice(more);
        tx!(self.db(), Isolation::ReadCommitted, tx => { Ok(tx.execute(statement, &params).await?) })
    }
}

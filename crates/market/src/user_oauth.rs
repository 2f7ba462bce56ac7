//! Whether calls of a listing are made with an account that the buyer has at the seller's server.
//!
//! Which providers a listing may name, and how buyers connect, is decided elsewhere; here is only what was decided.

use crate::{Change, Market};
use farebox_base::{Error, OauthProviderId, Result};
use farebox_db::sql;

/// What a seller has decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserOauth {
    /// Where buyers have that account.
    pub provider: Option<OauthProviderId>,
    /// Whether calls carry the buyer's token, and are refused without one.
    pub required: bool,
}

/// Changes of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserOauthChanges {
    pub provider: Change<OauthProviderId>,
    pub required: Option<bool>,
}

impl UserOauth {
    /// The provider whose tokens calls have to carry.
    pub fn needed(&self) -> Option<OauthProviderId> {
        self.provider.filter(|_| self.required)
    }

    /// As it is after the changes.
    #[must_use]
    pub fn changed(mut self, changes: UserOauthChanges) -> Self {
        changes.provider.apply(&mut self.provider);
        self.required = changes.required.unwrap_or(self.required);
        self
    }

    /// # Errors
    /// `Invalid` where tokens are needed and nobody knows whose, or nothing could carry them.
    pub(crate) fn check(&self, is_database: bool) -> Result<()> {
        if is_database && (self.required || self.provider.is_some()) {
            return Err(Error::invalid("requires_user_oauth", "must be false: the publisher is a database"));
        }
        if self.required && self.provider.is_none() {
            let rule = "must name the provider of the accounts, as requires_user_oauth is true";
            return Err(Error::invalid("oauth_provider_id", rule));
        }
        Ok(())
    }
}

impl Market {
    /// Whether a listing that can be found needs accounts of this provider.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn needs_accounts_of(&self, provider: OauthProviderId) -> Result<bool> {
        let id = provider.to_string();
        let found = self
            .db()
            .one(
                sql!(
                    "SELECT 1 FROM listing
                     WHERE oauth_provider_id = $1 AND requires_user_oauth = 1 AND status = 'active' LIMIT 1"
                ),
                &[(&id).into()],
            )
            .await?;
        Ok(found.is_some())
    }
}

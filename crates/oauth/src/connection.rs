//! Connections as their holders see them: list, and which one is meant where none is named.

use crate::{Holder, Oauth};
use farebox_base::{Error, OauthConnectionId, OauthProviderId, Result, Timestamp};
use farebox_db::{Row, Where, sql, tx};

const CONNECTIONS: &str = sql!(
    "SELECT c.id, c.provider_id, p.slug, p.name, p.logo_url, c.account, c.email, c.scopes, c.expires_at, c.renews,
       c.is_valid, c.is_default, c.last_used_at, c.created_at
     FROM oauth_connection c JOIN oauth_provider p ON p.id = c.provider_id"
);

/// A user's account at a provider, without its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    pub id: OauthConnectionId,
    pub provider_id: OauthProviderId,
    pub provider_slug: String,
    pub provider_name: String,
    pub provider_logo_url: Option<String>,
    /// Who it is at the provider; `None`: not known.
    pub account: Option<String>,
    pub email: Option<String>,
    pub scopes: Vec<String>,
    /// Of the present access token.
    pub expires_at: Option<Timestamp>,
    /// Whether calls can be made with it; otherwise the user has to connect anew.
    pub is_valid: bool,
    /// The one that is meant where a call names none.
    pub is_default: bool,
    pub last_used_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

impl Oauth {
    /// All connections of the holder, oldest first; there are never more than a hundred.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn connections(&self, holder: Holder) -> Result<Vec<Connection>> {
        self.connections_where(holder, None, None).await
    }

    /// The holder's connections to one provider.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn connections_to(&self, holder: Holder, provider: OauthProviderId) -> Result<Vec<Connection>> {
        self.connections_where(holder, Some(provider), None).await
    }

    /// Makes a connection the one that is meant where a call of its provider's listings names none.
    ///
    /// # Errors
    /// `NotFound` where the holder has no such connection.
    pub async fn connection_make_default(&self, holder: Holder, id: OauthConnectionId) -> Result<Connection> {
        let (owner, id_text) = (holder.text(), id.to_string());
        let found = tx!(self.db(), tx => {
            tx.execute(
                sql!(
                    "UPDATE oauth_connection SET is_default = 0
                     WHERE holder = $1 AND is_default = 1 AND id <> $2 AND provider_id IN
                       (SELECT provider_id FROM oauth_connection WHERE id = $2 AND holder = $1)"
                ),
                &[(&owner).into(), (&id_text).into()],
            )
            .await?;
            Ok(tx
                .execute(
                    sql!("UPDATE oauth_connection SET is_default = 1 WHERE holder = $1 AND id = $2"),
                    &[(&owner).into(), (&id_text).into()],
                )
                .await?)
        })?;
        let shown = self.connections_where(holder, None, Some(id)).await?.pop();
        shown.filter(|_| found == 1).ok_or_else(not_found)
    }

    async fn connections_where(
        &self,
        holder: Holder,
        provider: Option<OauthProviderId>,
        id: Option<OauthConnectionId>,
    ) -> Result<Vec<Connection>> {
        let owner = holder.text();
        let (provider, id) = (provider.map(|id| id.to_string()), id.map(|id| id.to_string()));
        let mut wanted = Where::new(CONNECTIONS);
        wanted
            .and("c.holder = $1", &[(&owner).into()])
            .and_some("c.provider_id = $1", provider.as_ref())
            .and_some("c.id = $1", id.as_ref());
        let (statement, params) = wanted.finish("ORDER BY c.created_at, c.id LIMIT 1000", &[]);
        let now = self.now();
        self.db().query_built(&statement, &params).await?.iter().map(|row| read(row, now)).collect()
    }
}

pub(crate) fn not_found() -> Error {
    Error::not_found("Connection")
}

fn read(row: &Row, now: Timestamp) -> Result<Connection> {
    let (expires_at, renews, is_valid): (Option<Timestamp>, bool, bool) = (row.get(8)?, row.get(9)?, row.get(10)?);
    Ok(Connection {
        id: row.get(0)?,
        provider_id: row.get(1)?,
        provider_slug: row.get(2)?,
        provider_name: row.get(3)?,
        provider_logo_url: row.get(4)?,
        account: Some(row.get::<String>(5)?).filter(|account| !account.is_empty()),
        email: row.get(6)?,
        scopes: row.get::<&str>(7)?.split_whitespace().map(str::to_owned).collect(),
        expires_at,
        is_valid: is_valid && (renews || expires_at.is_none_or(|at| at > now)),
        is_default: row.get(11)?,
        last_used_at: row.get(12)?,
        created_at: row.get(13)?,
    })
}

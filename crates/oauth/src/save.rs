//! Keeping a new connection, or the new tokens of one that there is.

use crate::provider_moves::is_same_in;
use crate::token_reply::Tokens;
use crate::userinfo::Account;
use crate::{Holder, Oauth, Provider};
use farebox_base::{Error, OauthConnectionId, Result, Timestamp};
use farebox_db::{Tx, sql, tx};

/// Where tokens are sealed for.
pub(crate) const TOKENS: &str = "oauth_connection.tokens";
/// The most connections of one holder.
const CONNECTIONS_MOST: i64 = 100;

/// What became of a new connection.
pub(crate) enum Saved {
    Connection(OauthConnectionId),
    /// The holder has too many.
    TooMany,
    /// The provider is gone, or became another one meanwhile.
    ProviderMoved,
}

/// What is written of a connection.
struct New<'a> {
    id: String,
    provider: String,
    holder: String,
    account: &'a Account,
    scopes: String,
    sealed: Vec<u8>,
    renews: bool,
    expires_at: Option<Timestamp>,
    now: Timestamp,
}

impl Oauth {
    /// Keeps what a flow brought. The same account of the same holder stays one connection; the holder's first one at a
    /// provider is the default.
    pub(crate) async fn save(
        &self,
        holder: Holder,
        provider: &Provider,
        tokens: &Tokens,
        account: &Account,
    ) -> Result<Saved> {
        let fresh = OauthConnectionId::generate(self.clock(), self.rng());
        tx!(self.db(), tx => {
            if !is_same_in(tx, provider).await? {
                return Ok(Saved::ProviderMoved);
            }
            let known = known_in(tx, holder, provider, account).await?;
            let id = known.as_ref().map_or(fresh, |(id, _)| *id);
            let mut tokens = tokens.clone();
            if let Some((_, sealed)) = &known && tokens.refresh.is_none() {
                // Some providers give a refresh token the first time only.
                tokens.refresh = self.tokens_open(id, sealed).ok().and_then(|(_, refresh)| refresh);
            }
            let new = New {
                id: id.to_string(),
                provider: provider.id.to_string(),
                holder: holder.text(),
                account,
                scopes: tokens.scopes.as_ref().unwrap_or(&provider.scopes).join(" "),
                sealed: self.tokens_seal(id, &tokens)?,
                renews: tokens.refresh.is_some(),
                expires_at: tokens.expires_at,
                now: self.now(),
            };
            let written = if known.is_some() { new.replace_in(tx).await? } else { new.insert_in(tx).await? };
            Ok(if written { Saved::Connection(id) } else { Saved::TooMany })
        })
    }

    pub(crate) fn tokens_seal(&self, id: OauthConnectionId, tokens: &Tokens) -> Result<Vec<u8>> {
        let text = tokens.stored().map_err(|e| Error::internal(format!("tokens of {id}: {e}")))?;
        self.seal(TOKENS, &id.to_string(), &text)
    }

    /// The access token and the refresh token.
    pub(crate) fn tokens_open(
        &self,
        id: OauthConnectionId,
        sealed: &[u8],
    ) -> Result<(crate::Sensitive, Option<crate::Sensitive>)> {
        let text = self.open(TOKENS, &id.to_string(), sealed)?;
        Tokens::opened(&text).ok_or_else(|| Error::internal(format!("the tokens of connection {id} can't be read")))
    }
}

/// The connection that the holder has with this account already.
async fn known_in(
    tx: &mut Tx,
    holder: Holder,
    provider: &Provider,
    account: &Account,
) -> Result<Option<(OauthConnectionId, Vec<u8>)>> {
    let row = tx
        .one(
            sql!(
                "SELECT id, tokens FROM oauth_connection
                 WHERE holder = $1 AND provider_id = $2 AND account = $3"
            ),
            &[(&holder.text()).into(), (&provider.id.to_string()).into(), (&account.id).into()],
        )
        .await?;
    row.map(|row| Ok((row.get(0)?, row.get(1)?))).transpose()
}

impl New<'_> {
    async fn replace_in(&self, tx: &mut Tx) -> Result<bool> {
        tx.execute_one(
            sql!(
                "UPDATE oauth_connection SET email = $1, scopes = $2, tokens = $3, renews = $4, expires_at = $5,
                   is_valid = 1, generation = generation + 1, leased_until = NULL, updated_at = $6
                 WHERE id = $7 AND holder = $8"
            ),
            &[
                self.account.email.as_ref().into(),
                (&self.scopes).into(),
                (&self.sealed).into(),
                self.renews.into(),
                self.expires_at.into(),
                self.now.into(),
                (&self.id).into(),
                (&self.holder).into(),
            ],
        )
        .await?;
        Ok(true)
    }

    /// False where the holder has too many.
    async fn insert_in(&self, tx: &mut Tx) -> Result<bool> {
        let row = tx
            .one(
                sql!(
                    "SELECT COUNT(*), COUNT(CASE WHEN provider_id = $2 THEN 1 END)
                     FROM oauth_connection WHERE holder = $1"
                ),
                &[(&self.holder).into(), (&self.provider).into()],
            )
            .await?;
        let (all, at_provider): (i64, i64) =
            row.map_or(Ok((0, 0)), |row| Ok::<_, Error>((row.get(0)?, row.get(1)?)))?;
        if all >= CONNECTIONS_MOST {
            return Ok(false);
        }
        tx.execute_one(
            sql!(
                "INSERT INTO oauth_connection (id, provider_id, holder, account, email, scopes, tokens, renews,
                   expires_at, is_valid, is_default, generation, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, 1, $11, $11)"
            ),
            &[
                (&self.id).into(),
                (&self.provider).into(),
                (&self.holder).into(),
                (&self.account.id).into(),
                self.account.email.as_ref().into(),
                (&self.scopes).into(),
                (&self.sealed).into(),
                self.renews.into(),
                self.expires_at.into(),
                (at_provider == 0).into(),
                self.now.into(),
            ],
        )
        .await?;
        Ok(true)
    }
}

//! The table `oauth_pending`: connections that are being made.
//!
//! A row is found by the hash of its state (later, of the browser's secret) and is gone once it was found. One that a key
//! began is good while that key is.

use crate::{Holder, Oauth, Sensitive};
use farebox_accounts::key_lives_in;
use farebox_base::{ApiKeyId, Error, Kind, OauthProviderId, PartyId, Result, Timestamp};
use farebox_db::{Isolation, Row, Tx, sql, tx};

const VERIFIER: &str = "oauth_pending.verifier";
const CODE: &str = "oauth_pending.code";
/// The most that one holder can have under way.
const PENDING_MOST: i64 = 50;
const STATE_BYTES_MAX: usize = 200;
/// Where `api_key_id` stands in what is read.
const KEY_COLUMN: usize = 9;

/// What ties a flow to a browser: a cookie by this name with this value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// 16 hex digits; several flows of one browser do not get in each other's way.
    pub name: String,
    pub secret: Sensitive,
}

/// A connection that is being made.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub provider_id: OauthProviderId,
    pub holder: Holder,
    /// The key that began it.
    pub key: Option<ApiKeyId>,
    /// The address that the provider sends the browser to.
    pub callback: String,
    /// Where the browser goes in the end.
    pub redirect_uri: String,
    pub verifier: Sensitive,
    pub browser: blake3::Hash,
    /// What the provider answered; `None`: nothing yet.
    pub code: Option<Sensitive>,
    pub expires_at: Timestamp,
}

impl Oauth {
    /// The name of the flow that a state belongs to; tells nothing of the state.
    pub fn flow_name(&self, state: &str) -> String {
        self.hash("flow", state).to_hex().chars().take(16).collect()
    }

    /// Writes a flow down under a key, which only the browser or the provider will know.
    ///
    /// # Errors
    /// `TooManyRequests` where the holder has too many under way.
    pub(crate) async fn pending_insert(&self, key: &Sensitive, pending: &Pending) -> Result<()> {
        let hash = self.pending_hash(key.expose());
        let row = hash.to_hex();
        let verifier = self.seal(VERIFIER, &row, &pending.verifier)?;
        let code = pending.code.as_ref().map(|code| self.seal(CODE, &row, code)).transpose()?;
        let now = self.now();
        tx!(self.db(), Isolation::ReadCommitted, tx => {
            let written = Written { hash: hash.as_bytes(), pending, verifier: &verifier, code: code.as_deref(), now };
            written.insert_in(tx).await
        })
    }

    /// Takes a flow that waits for its provider.
    pub(crate) async fn pending_take(&self, state: &str) -> Result<Option<Pending>> {
        const TAKE: &str = sql!(
            "DELETE FROM oauth_pending WHERE state_hash = $1 AND expires_at > $2 AND code IS NULL
             RETURNING provider_id, party_id, holder, callback, redirect_uri, verifier, browser_hash, code, expires_at,
               api_key_id"
        );
        self.taken(TAKE, state).await
    }

    /// Takes a flow that waits for its user's yes.
    pub(crate) async fn confirmation_take(&self, secret: &str) -> Result<Option<Pending>> {
        const TAKE: &str = sql!(
            "DELETE FROM oauth_pending WHERE state_hash = $1 AND expires_at > $2 AND code IS NOT NULL
             RETURNING provider_id, party_id, holder, callback, redirect_uri, verifier, browser_hash, code, expires_at,
               api_key_id"
        );
        self.taken(TAKE, secret).await
    }

    /// Looks at a flow that waits for its user's yes.
    pub(crate) async fn confirmation(&self, secret: &str) -> Result<Option<Pending>> {
        const LOOK: &str = sql!(
            "SELECT provider_id, party_id, holder, callback, redirect_uri, verifier, browser_hash, code, expires_at,
               api_key_id
             FROM oauth_pending WHERE state_hash = $1 AND expires_at > $2 AND code IS NOT NULL"
        );
        self.taken(LOOK, secret).await
    }

    /// Runs a statement that finds a flow, and answers the flow where whatever began it is still good.
    async fn taken(&self, statement: &'static str, key: &str) -> Result<Option<Pending>> {
        if key.len() > STATE_BYTES_MAX {
            return Ok(None);
        }
        let (hash, now) = (self.pending_hash(key), self.now());
        let row = tx!(self.db(), Isolation::ReadCommitted, tx => {
            let Some(row) = tx.one(statement, &[hash.as_bytes().into(), now.into()]).await? else { return Ok(None) };
            let lives = match row.get::<Option<ApiKeyId>>(KEY_COLUMN)? {
                Some(key) => key_lives_in(tx, key, now).await?,
                None => true,
            };
            Ok(lives.then_some(row))
        })?;
        row.map(|row| self.pending_read(&hash, &row)).transpose()
    }

    fn pending_hash(&self, key: &str) -> blake3::Hash {
        self.hash("pending", key)
    }

    fn pending_read(&self, hash: &blake3::Hash, row: &Row) -> Result<Pending> {
        let name = hash.to_hex();
        let party: PartyId = row.get(1)?;
        let browser: &[u8] = row.get(6)?;
        let code: Option<&[u8]> = row.get(7)?;
        Ok(Pending {
            provider_id: row.get(0)?,
            holder: Holder::read(party, row.get(2)?),
            key: row.get(KEY_COLUMN)?,
            callback: row.get(3)?,
            redirect_uri: row.get(4)?,
            verifier: self.open(VERIFIER, &name, row.get(5)?)?,
            browser: blake3::Hash::from_slice(browser).map_err(|e| Error::internal(format!("browser_hash: {e}")))?,
            code: code.map(|sealed| self.open(CODE, &name, sealed)).transpose()?,
            expires_at: row.get(8)?,
        })
    }
}

struct Written<'a> {
    hash: &'a [u8; 32],
    pending: &'a Pending,
    verifier: &'a [u8],
    code: Option<&'a [u8]>,
    now: Timestamp,
}

impl Written<'_> {
    async fn insert_in(self, tx: &mut Tx) -> Result<()> {
        let pending = self.pending;
        let (party, holder) = (pending.holder.party_id.to_string(), pending.holder.text());
        tx.execute(sql!("DELETE FROM oauth_pending WHERE expires_at <= $1"), &[self.now.into()]).await?;
        let row = tx.one(sql!("SELECT COUNT(*) FROM oauth_pending WHERE holder = $1"), &[(&holder).into()]).await?;
        let under_way: i64 = row.map_or(Ok(0), |row| row.get(0))?;
        if under_way >= PENDING_MOST {
            let message = "Too many connections are being made; finish them, or wait until they expire";
            return Err(Error::new(Kind::TooManyRequests, "too_many_pending", message).with_retry_after(60));
        }
        tx.execute_one(
            sql!(
                "INSERT INTO oauth_pending (state_hash, provider_id, party_id, holder, callback, redirect_uri, verifier,
                   browser_hash, code, created_at, expires_at, api_key_id)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)"
            ),
            &[
                self.hash.into(),
                (&pending.provider_id.to_string()).into(),
                (&party).into(),
                (&holder).into(),
                (&pending.callback).into(),
                (&pending.redirect_uri).into(),
                self.verifier.into(),
                pending.browser.as_bytes().into(),
                self.code.into(),
                self.now.into(),
                pending.expires_at.into(),
                pending.key.map(|key| key.to_string()).as_ref().into(),
            ],
        )
        .await?;
        Ok(())
    }
}

//! Scopes of a key that exists: narrowed, or widened as far as whoever asks may go himself.

use crate::key_touch::key_touched_in;
use crate::keys::{narrowed, read, scopes_text};
use crate::{Accounts, Caller, KEYS_SCOPE, KeyInfo};
use farebox_base::{ApiKeyId, Error, PartyId, Permission, Result};
use farebox_db::{Tx, sql, tx};

impl Accounts {
    /// Replaces the scopes of a key of one of the caller's organisations; in effect here at once, elsewhere within a
    /// second.
    ///
    /// # Errors
    /// `Invalid` for `scopes`; `NotFound`; `Forbidden` where the caller may not touch the key or lacks a scope himself.
    pub async fn key_scopes_set(
        &self,
        caller: &Caller,
        party: PartyId,
        id: ApiKeyId,
        scopes: &[String],
    ) -> Result<KeyInfo> {
        let key = tx!(self.db(), tx => { self.key_scopes_set_in(tx, caller, (party, id), scopes).await })?;
        self.changes().local(KEYS_SCOPE);
        Ok(key)
    }

    async fn key_scopes_set_in(
        &self,
        tx: &mut Tx,
        caller: &Caller,
        (party, id): (PartyId, ApiKeyId),
        scopes: &[String],
    ) -> Result<KeyInfo> {
        let caller = self.caller_again_in(tx, caller, party).await?;
        caller.require_in(party, Permission::KeysWrite)?;
        let role = key_touched_in(tx, &caller, party, id).await?;
        let scopes = scopes_text(&narrowed(&caller, party, role, scopes)?);
        let (id, party) = (id.to_string(), party.to_string());
        tx.execute_one(
            sql!("UPDATE api_key SET scopes = $3 WHERE id = $1 AND party_id = $2"),
            &[(&id).into(), (&party).into(), (&scopes).into()],
        )
        .await?;
        self.changes().bump_in(tx, KEYS_SCOPE).await?;
        let row = tx
            .one(
                sql!(
                    "SELECT id, key_id, name, role, scopes, rate_limit_per_minute, wallet_address, created_at,
                       expires_at, last_used_at, key_type
                     FROM api_key WHERE id = $1 AND party_id = $2"
                ),
                &[(&id).into(), (&party).into()],
            )
            .await?;
        read(&row.ok_or_else(|| Error::not_found("Key"))?)
    }
}

//! The check of a key that is presented.
//!
//! A hit costs parsing, one keyed hash and one shared lock; the database is asked only on a miss. Times of use are kept
//! in memory and written by `flush_last_used`, never by the call. Invariant: whether a key is unknown, revoked,
//! mistyped, or its user no longer active or no member, the answer is the same.

use crate::key::{bare_secret, hash_secret, parse_key_id, parse_presented};
use crate::keys::{read_rate_limit, read_scopes};
use crate::membership::read_role;
use crate::session::{is_access_token, is_refresh_token};
use crate::text_enum::read_word;
use crate::{Accounts, Caller, Credential, KeyCredential, KeyType, Membership, Memberships};
use farebox_base::{Error, KeyId, PartyId, Permission, PermissionSet, Result, Role, Timestamp, UserId};
use farebox_db::{Isolation, Row, Tx, sql, tx};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

/// How many times of use go into one transaction.
const FLUSH_BATCH: usize = 200;

/// A key that is good now, as far as its row tells, with the role of its user.
const KEY_AND_HOLDER: &str = sql!(
    "SELECT k.id, k.party_id, p.handle, k.user_id, k.role, k.scopes, k.rate_limit_per_minute,
       COALESCE(k.wallet_address, p.wallet_address), k.secret_hash, k.expires_at, k.key_type,
       m.role, r.permissions
     FROM api_key k JOIN party p ON p.id = k.party_id LEFT JOIN app_user u ON u.id = k.user_id
       LEFT JOIN member m ON m.party_id = k.party_id AND m.user_id = k.user_id
       LEFT JOIN org_role r ON r.party_id = m.party_id AND r.id = m.role
     WHERE k.key_id = $1 AND k.revoked_at IS NULL
       AND (k.user_id IS NULL OR (u.status = 'active' AND m.role IS NOT NULL))"
);

/// A key as it is cached.
pub(crate) struct KeyEntry {
    key_id: KeyId,
    caller: Arc<Caller>,
    secret_hash: blake3::Hash,
    expires_at: Option<Timestamp>,
    /// Microseconds; meaningful while `unflushed`.
    last_used: AtomicI64,
    unflushed: AtomicBool,
}

impl Accounts {
    /// Whom a bearer credential belongs to: a key in any spelling (`fbx_<id>_<secret>`, `<id>:<secret>`,
    /// `acf_<id>:sec_<secret>`), or the access token of a session (`fbt_…`).
    ///
    /// # Errors
    /// `Unauthenticated` with code `malformed_key`, `invalid_key` or `expired_key`, of tokens `invalid_token`,
    /// `expired_token` or `refresh_token_sent`; those of the database.
    pub async fn authenticate(&self, presented: &str) -> Result<Arc<Caller>> {
        if is_access_token(presented) {
            return self.session_check(presented).await;
        }
        if is_refresh_token(presented) {
            let message = "This is a refresh token, which no request is made with: exchange it for an access token at \
                           POST /auth/refresh, and send that one";
            return Err(Error::unauthenticated(message).with_code("refresh_token_sent"));
        }
        let (key_id, secret) = parse_presented(presented).ok_or_else(|| invalid_key().with_code("malformed_key"))?;
        self.checked(key_id, secret).await
    }

    /// As `authenticate`, for a key in two parts, each with or without its prefix.
    ///
    /// # Errors
    /// As `authenticate`.
    pub async fn caller_for_marketplace(&self, key_id: &str, secret: &str) -> Result<Arc<Caller>> {
        let parts = parse_key_id(key_id).zip(bare_secret(secret));
        let (key_id, secret) = parts.ok_or_else(|| invalid_key().with_code("malformed_key"))?;
        self.checked(key_id, secret).await
    }

    async fn checked(&self, key_id: KeyId, secret: &str) -> Result<Arc<Caller>> {
        let hash = hash_secret(self.pepper(), secret);
        let entry = match self.0.cache.get(&key_id) {
            Some(entry) => entry,
            None => self.key_load(key_id).await?.ok_or_else(invalid_key)?,
        };
        // Equality of `blake3::Hash` takes the same time wherever the bytes differ.
        if entry.secret_hash != hash {
            return Err(invalid_key());
        }
        let now = self.now();
        if entry.expires_at.is_some_and(|at| at <= now) {
            return Err(Error::unauthenticated("API key expired").with_code("expired_key"));
        }
        self.note_use(&entry, now);
        Ok(entry.caller.clone())
    }

    fn note_use(&self, entry: &Arc<KeyEntry>, now: Timestamp) {
        entry.last_used.store(now.micros(), Ordering::Relaxed);
        if !entry.unflushed.load(Ordering::Relaxed) && !entry.unflushed.swap(true, Ordering::AcqRel) {
            self.0.used.lock().push(entry.clone());
        }
    }

    async fn key_load(&self, key_id: KeyId) -> Result<Option<Arc<KeyEntry>>> {
        let version = self.0.cache.version();
        let row = self.db().one(KEY_AND_HOLDER, &[(&key_id.to_string()).into()]).await?;
        let Some(row) = row else { return Ok(None) };
        let entry = Arc::new(read(&row, key_id)?);
        self.0.cache.insert(key_id, version, entry.clone());
        Ok(Some(entry))
    }

    /// Writes when keys were last used; to be called at an interval and before the process ends. Answers how many
    /// keys were written.
    ///
    /// # Errors
    /// Those of the database; what was not written is kept for the next flush.
    pub async fn flush_last_used(&self) -> Result<usize> {
        let entries = std::mem::take(&mut *self.0.used.lock());
        for (index, batch) in entries.chunks(FLUSH_BATCH).enumerate() {
            for entry in batch {
                entry.unflushed.store(false, Ordering::Release);
            }
            if let Err(error) = self.flush(batch).await {
                for entry in &entries[index * FLUSH_BATCH..] {
                    entry.unflushed.store(true, Ordering::Release);
                }
                self.0.used.lock().extend_from_slice(&entries[index * FLUSH_BATCH..]);
                return Err(error);
            }
        }
        Ok(entries.len())
    }

    async fn flush(&self, batch: &[Arc<KeyEntry>]) -> Result<()> {
        tx!(self.db(), Isolation::ReadCommitted, tx => { flush_in(tx, batch).await })
    }
}

/// Keys in the order of their ids, so that two flushes never wait for each other in a circle.
async fn flush_in(tx: &mut Tx, batch: &[Arc<KeyEntry>]) -> Result<()> {
    let mut entries: Vec<&KeyEntry> = batch.iter().map(|entry| &**entry).collect();
    entries.sort_by_key(|entry| entry.key_id);
    for entry in entries {
        let used = Timestamp::from_micros(entry.last_used.load(Ordering::Relaxed));
        tx.execute(
            sql!(
                "UPDATE api_key SET last_used_at = $2
                 WHERE key_id = $1 AND (last_used_at IS NULL OR last_used_at < $2)"
            ),
            &[(&entry.key_id.to_string()).into(), used.into()],
        )
        .await?;
    }
    Ok(())
}

/// The caller of a key as a transaction sees it; its time is not checked.
pub(crate) async fn key_caller_in(tx: &mut Tx, key_id: KeyId) -> Result<Option<Caller>> {
    let row = tx.one(KEY_AND_HOLDER, &[(&key_id.to_string()).into()]).await?;
    row.map(|row| Ok((*read(&row, key_id)?.caller).clone())).transpose()
}

pub(crate) fn invalid_key() -> Error {
    Error::unauthenticated("Invalid API key").with_code("invalid_key")
}

/// The one organisation of a key: what the role of its user allows there, narrowed to the key's own limit.
fn membership(row: &Row, party_id: PartyId, user: Option<UserId>, limit: PermissionSet) -> Result<Membership> {
    if user.is_none() {
        return Ok(Membership { party_id, role: None, permissions: limit });
    }
    let (role, given) = read_role(row, 11, 12)?;
    // Running the platform comes with the key and not with membership.
    let permissions = limit.intersection(given.with(Permission::PlatformAdmin));
    Ok(Membership { party_id, role: Some(role), permissions })
}

fn read(row: &Row, key_id: KeyId) -> Result<KeyEntry> {
    let key = KeyCredential {
        api_key_id: row.get(0)?,
        key_id,
        role: read_word(row, 4, Role::parse)?,
        key_type: read_word(row, 10, KeyType::parse)?,
        expires_at: row.get(9)?,
        scopes: row.get::<Option<&str>>(5)?.map(read_scopes),
        rate_limit_per_minute: read_rate_limit(row, 6)?,
    };
    let (party_id, user_id) = (row.get(1)?, row.get(3)?);
    let caller = Caller {
        party_id,
        owner_id: row.get(2)?,
        user_id,
        memberships: Memberships::new(vec![membership(row, party_id, user_id, key.limit())?]),
        credential: Credential::Key(key),
        wallet_address: row.get(7)?,
    };
    let hash: [u8; 32] = row
        .get::<&[u8]>(8)?
        .try_into()
        .map_err(|_| Error::internal(format!("the stored hash of key {key_id} is not 32 bytes long")))?;
    Ok(KeyEntry {
        key_id,
        caller: Arc::new(caller),
        secret_hash: blake3::Hash::from(hash),
        expires_at: row.get(9)?,
        last_used: AtomicI64::new(0),
        unflushed: AtomicBool::new(false),
    })
}

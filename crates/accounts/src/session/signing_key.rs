//! The keys that sign access tokens: made here, kept in the database sealed by the vault, shared by all processes.
//!
//! A key signs for a day from its making and is good for checking until the last token that it signed is over. Keys
//! never change, so a process keeps those that it has seen; one that it does not know it looks up. Two processes that
//! make a key at the same moment both use theirs, and each finds the other's.

use super::ACCESS_FOR;
use crate::{Accounts, Vault};
use farebox_base::{Error, Result, Timestamp};
use farebox_db::{Isolation, Row, sql, tx};
use parking_lot::RwLock;
use std::sync::Arc;
use std::time::Duration;

const SIGNS_FOR: Duration = Duration::from_secs(86_400);
/// By how much the clocks of processes may differ.
const SLACK: Duration = Duration::from_secs(60);

pub(crate) struct SigningKey {
    /// 16 hex digits.
    pub id: String,
    pub secret: [u8; 32],
    created_at: Timestamp,
}

/// The keys that this process has seen, the newest last.
#[derive(Default)]
pub(crate) struct SigningKeys(RwLock<Vec<Arc<SigningKey>>>);

impl SigningKey {
    fn signs_at(&self, now: Timestamp) -> bool {
        now < self.created_at.plus(SIGNS_FOR)
    }

    /// Whether a token that it signed can still be good.
    fn is_good_at(&self, now: Timestamp) -> bool {
        now < self.created_at.plus(SIGNS_FOR + ACCESS_FOR + SLACK)
    }
}

impl SigningKeys {
    fn newest(&self, now: Timestamp) -> Option<Arc<SigningKey>> {
        self.0.read().last().filter(|key| key.signs_at(now)).cloned()
    }

    fn named(&self, id: &str, now: Timestamp) -> Option<Arc<SigningKey>> {
        self.0.read().iter().find(|key| key.id == id && key.is_good_at(now)).cloned()
    }

    fn learn(&self, key: SigningKey, now: Timestamp) -> Arc<SigningKey> {
        let key = Arc::new(key);
        let mut keys = self.0.write();
        keys.retain(|known| known.id != key.id && known.is_good_at(now));
        keys.push(key.clone());
        keys.sort_by_key(|key| key.created_at);
        key
    }
}

impl Accounts {
    /// The key that signs at this moment, made where there is none. Not to be asked for inside a transaction.
    pub(super) async fn signing_key(&self) -> Result<Arc<SigningKey>> {
        let now = self.now();
        if let Some(key) = self.signing_keys().newest(now) {
            return Ok(key);
        }
        let latest = self
            .db()
            .one(sql!("SELECT id, sealed, created_at FROM signing_key ORDER BY created_at DESC, id LIMIT 1"), &[])
            .await?;
        if let Some(key) = latest.map(|row| self.read_key(&row)).transpose()?.filter(|key| key.signs_at(now)) {
            return Ok(self.signing_keys().learn(key, now));
        }
        self.signing_key_make(now).await
    }

    /// The key of a token; `None` where there is none, or it is too old.
    pub(super) async fn signing_key_named(&self, id: &str) -> Result<Option<Arc<SigningKey>>> {
        let now = self.now();
        if let Some(key) = self.signing_keys().named(id, now) {
            return Ok(Some(key));
        }
        if id.len() != 16 || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let row =
            self.db().one(sql!("SELECT id, sealed, created_at FROM signing_key WHERE id = $1"), &[id.into()]).await?;
        let key = row.map(|row| self.read_key(&row)).transpose()?;
        Ok(key.filter(|key| key.is_good_at(now)).map(|key| self.signing_keys().learn(key, now)))
    }

    async fn signing_key_make(&self, now: Timestamp) -> Result<Arc<SigningKey>> {
        let mut secret = [0; 32];
        self.rng().fill(&mut secret);
        let key = SigningKey { id: format!("{:016x}", self.rng().next_u64()), secret, created_at: now };
        let sealed = self.vault().seal(&key.secret, &place(&key.id))?;
        let useless = now.minus(SIGNS_FOR + ACCESS_FOR + SLACK);
        tx!(self.db(), Isolation::ReadCommitted, tx => {
            tx.execute(sql!("DELETE FROM signing_key WHERE created_at < $1"), &[useless.into()]).await?;
            tx.execute_one(
                sql!("INSERT INTO signing_key (id, sealed, created_at) VALUES ($1, $2, $3)"),
                &[(&key.id).into(), (&sealed).into(), now.into()],
            ).await?;
            Ok(())
        })?;
        Ok(self.signing_keys().learn(key, now))
    }

    fn read_key(&self, row: &Row) -> Result<SigningKey> {
        let id: String = row.get(0)?;
        let secret = self.vault().open(row.get(1)?, &place(&id))?;
        let secret = secret.try_into().map_err(|_| Error::internal("a signing key is not 32 bytes long"))?;
        Ok(SigningKey { id, secret, created_at: row.get(2)? })
    }
}

fn place(id: &str) -> Vec<u8> {
    Vault::place("signing_key.sealed", id)
}

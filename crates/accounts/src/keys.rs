//! The keys of a party: make, list, revoke.
//!
//! Owns the table `api_key` except for the marketplace's rules of who may make one (`owner_keys.rs`) and the check of a
//! key that is presented (`authenticate.rs`).

use crate::key::{KeyType, hash_secret, key_prefix, new_secret};
use crate::key_touch::key_touched_in;
use crate::text_enum::read_word;
use crate::{Accounts, Caller, KEYS_SCOPE, MintedKey, Page, Paged, rules};
use farebox_base::{ApiKeyId, Error, KeyId, PartyId, Permission, Result, Role, Timestamp, UserId};
use farebox_db::{Row, Tx, sql, tx};
use std::time::Duration;

const LONGEST_EXPIRY_DAYS: i64 = 3_650;

/// A key to make.
#[derive(Clone, Debug, Default)]
pub struct KeyCreate {
    /// 1 to 100 characters.
    pub name: String,
    /// 1 to 3650; `None`: does not expire.
    pub expires_in_days: Option<i64>,
    /// Permissions by their text; `None`: as many as the creator's key has.
    pub scopes: Option<Vec<String>>,
    /// `None`: the creator's.
    pub role: Option<Role>,
    /// `None`: a user's.
    pub key_type: Option<KeyType>,
}

/// A key as lists show it, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyInfo {
    pub api_key_id: ApiKeyId,
    pub key_id: KeyId,
    pub name: String,
    pub role: Role,
    pub key_type: KeyType,
    pub scopes: Option<Vec<Permission>>,
    pub rate_limit_per_minute: Option<u32>,
    pub wallet_address: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    /// As of the last flush, so up to that interval late.
    pub last_used_at: Option<Timestamp>,
}

impl KeyInfo {
    /// `fbx_<id>`: tells keys apart without giving anything away.
    pub fn key_prefix(&self) -> String {
        key_prefix(self.key_id)
    }
}

/// A key to be written.
pub(crate) struct NewKey {
    pub party_id: PartyId,
    pub user_id: Option<UserId>,
    pub name: String,
    pub role: Role,
    pub key_type: KeyType,
    pub scopes: Option<Vec<Permission>>,
    pub rate_limit_per_minute: Option<u32>,
    pub wallet_address: Option<String>,
    pub expires_at: Option<Timestamp>,
}

impl NewKey {
    /// A key without limits other than its role.
    pub fn plain(party_id: PartyId, user_id: Option<UserId>, name: &str, role: Role) -> Self {
        Self {
            party_id,
            user_id,
            name: name.to_owned(),
            role,
            key_type: KeyType::Agent,
            scopes: None,
            rate_limit_per_minute: None,
            wallet_address: None,
            expires_at: None,
        }
    }
}

impl Accounts {
    /// The party's keys that are not revoked, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keys_list(&self, party: PartyId, page: Page) -> Result<Paged<KeyInfo>> {
        let party = party.to_string();
        let rows = self
            .db()
            .query(
                sql!(
                    "SELECT id, key_id, name, role, scopes, rate_limit_per_minute, wallet_address, created_at,
                       expires_at, last_used_at, key_type
                     FROM api_key WHERE party_id = $1 AND revoked_at IS NULL
                     ORDER BY created_at DESC, key_id LIMIT $2 OFFSET $3"
                ),
                &[(&party).into(), page.limit_param(), page.offset_param()],
            )
            .await?;
        let total = self
            .db()
            .one(sql!("SELECT COUNT(*) FROM api_key WHERE party_id = $1 AND revoked_at IS NULL"), &[(&party).into()])
            .await?;
        let total: i64 = total.map_or(Ok(0), |row| row.get(0))?;
        Ok(Paged { items: rows.iter().map(read).collect::<Result<_>>()?, total: u64::try_from(total).unwrap_or(0) })
    }

    /// Makes a key for one of the caller's organisations and for his user.
    ///
    /// # Errors
    /// `Invalid` for `name`, `expires_in_days` or `scopes`; `Forbidden` where the key would get more than the caller has.
    pub async fn key_create(&self, caller: &Caller, party: PartyId, create: &KeyCreate) -> Result<MintedKey> {
        let name = rules::name("name", &create.name)?;
        let asked = create.expires_in_days.map(checked_expiry).transpose()?.map(|span| self.now().plus(span));
        tx!(self.db(), tx => {
            let caller = self.caller_again_in(tx, caller, party).await?;
            let new = new_key(&caller, party, (&name, asked), create)?;
            key_insert_in(tx, self, new).await
        })
    }

    /// Revokes a key of one of the caller's organisations, for good.
    ///
    /// # Errors
    /// `NotFound` where the party has no such key, or it is revoked already; `Forbidden` where the caller may not touch it.
    pub async fn key_revoke(&self, caller: &Caller, party: PartyId, id: ApiKeyId) -> Result<()> {
        tx!(self.db(), tx => { self.key_revoke_in(tx, caller, party, id).await })?;
        self.changes().local(KEYS_SCOPE);
        Ok(())
    }

    /// As `key_revoke`, by the key's public id and with the marketplace's answers.
    ///
    /// # Errors
    /// `NotFound` where there is no such key, or it is revoked already; `Forbidden` where it is another party's.
    pub async fn key_revoke_by_key_id(&self, caller: &Caller, key_id: KeyId) -> Result<()> {
        tx!(self.db(), tx => { self.key_revoke_by_key_id_in(tx, caller, key_id).await })?;
        self.changes().local(KEYS_SCOPE);
        Ok(())
    }

    async fn key_revoke_by_key_id_in(&self, tx: &mut Tx, caller: &Caller, key_id: KeyId) -> Result<()> {
        let row = tx
            .one(
                sql!("SELECT id, party_id FROM api_key WHERE key_id = $1 AND revoked_at IS NULL"),
                &[(&key_id.to_string()).into()],
            )
            .await?
            .ok_or_else(|| Error::not_found("Key"))?;
        if row.get::<PartyId>(1)? != caller.party_id {
            return Err(Error::forbidden("Not your key"));
        }
        self.key_revoke_in(tx, caller, caller.party_id, row.get(0)?).await
    }

    async fn key_revoke_in(&self, tx: &mut Tx, caller: &Caller, party: PartyId, id: ApiKeyId) -> Result<()> {
        let caller = self.caller_again_in(tx, caller, party).await?;
        caller.require_in(party, Permission::KeysWrite)?;
        key_touched_in(tx, &caller, party, id).await?;
        let revoked = tx
            .execute(
                sql!("UPDATE api_key SET revoked_at = $3 WHERE id = $1 AND party_id = $2 AND revoked_at IS NULL"),
                &[(&id.to_string()).into(), (&party.to_string()).into(), self.now().into()],
            )
            .await?;
        if revoked == 0 {
            return Err(Error::not_found("Key"));
        }
        self.changes().bump_in(tx, KEYS_SCOPE).await
    }
}

/// The key that a caller may make: no more than he has, and no longer.
fn new_key(
    caller: &Caller,
    party: PartyId,
    (name, asked_expiry): (&str, Option<Timestamp>),
    create: &KeyCreate,
) -> Result<NewKey> {
    caller.require_in(party, Permission::KeysWrite)?;
    let role = create.role.unwrap_or(caller.role());
    if role > caller.role() {
        return Err(Error::forbidden(format!(
            "A key with the role {} can't make one with the role {}",
            caller.role().text(),
            role.text()
        )));
    }
    let scopes = match &create.scopes {
        Some(scopes) => Some(narrowed(caller, party, role, scopes)?),
        None => caller.scopes().map(<[Permission]>::to_vec),
    };
    Ok(NewKey {
        key_type: create.key_type.unwrap_or(KeyType::User),
        scopes,
        expires_at: [asked_expiry, caller.expires_at()].into_iter().flatten().min(),
        ..NewKey::plain(party, caller.user_id, name, role)
    })
}

/// Mints and writes a key. Nothing is cached about keys that did not exist, so no counter moves.
pub(crate) async fn key_insert_in(tx: &mut Tx, accounts: &Accounts, new: NewKey) -> Result<MintedKey> {
    let now = accounts.now();
    let minted = MintedKey {
        api_key_id: ApiKeyId::generate(accounts.clock(), accounts.rng()),
        key_id: KeyId::generate(accounts.rng()),
        party_id: new.party_id,
        name: new.name,
        role: new.role,
        key_type: new.key_type,
        secret: new_secret(accounts.rng()),
        scopes: new.scopes,
        rate_limit_per_minute: new.rate_limit_per_minute,
        created_at: now,
        expires_at: new.expires_at,
    };
    let hash = hash_secret(accounts.pepper(), &minted.secret);
    let scopes = minted.scopes.as_deref().map(scopes_text);
    tx.execute_one(
        sql!(
            "INSERT INTO api_key (key_id, id, party_id, user_id, name, role, scopes, rate_limit_per_minute,
               wallet_address, secret_hash, created_at, expires_at, key_type)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)"
        ),
        &[
            (&minted.key_id.to_string()).into(),
            (&minted.api_key_id.to_string()).into(),
            (&minted.party_id.to_string()).into(),
            new.user_id.map(|id| id.to_string()).as_ref().into(),
            (&minted.name).into(),
            minted.role.text().into(),
            scopes.as_ref().into(),
            minted.rate_limit_per_minute.map(i64::from).into(),
            new.wallet_address.as_ref().into(),
            hash.as_bytes().into(),
            minted.created_at.into(),
            minted.expires_at.into(),
            minted.key_type.text().into(),
        ],
    )
    .await?;
    Ok(minted)
}

/// Words that this version does not know grant nothing.
pub(crate) fn read_scopes(text: &str) -> Vec<Permission> {
    text.split(' ').filter_map(Permission::parse).collect()
}

pub(crate) fn scopes_text(scopes: &[Permission]) -> String {
    scopes.iter().map(|scope| scope.text()).collect::<Vec<_>>().join(" ")
}

fn checked_expiry(days: i64) -> Result<Duration> {
    match u64::try_from(days) {
        Ok(days) if (1..=LONGEST_EXPIRY_DAYS.unsigned_abs()).contains(&days) => {
            Ok(Duration::from_secs(days * 24 * 60 * 60))
        }
        _ => Err(Error::invalid("expires_in_days", format!("must be from 1 to {LONGEST_EXPIRY_DAYS}"))),
    }
}

/// The scopes asked for, if role and creator both have them.
pub(crate) fn narrowed(caller: &Caller, party: PartyId, role: Role, asked: &[String]) -> Result<Vec<Permission>> {
    let mut scopes = Vec::with_capacity(asked.len());
    for text in asked {
        let scope = Permission::parse(text).ok_or_else(|| {
            Error::invalid("scopes", format!("must not contain {text:?}: there is no such permission"))
        })?;
        if !role.permissions().contains(scope) {
            let rule = format!("must not contain {scope}: the role {} does not allow it", role.text());
            return Err(Error::invalid("scopes", rule));
        }
        if !caller.may_in(party, scope) {
            return Err(Error::forbidden(format!("You can't give a key what you may not do yourself: {scope}")));
        }
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        return Err(Error::invalid("scopes", "must name a permission, or be left out"));
    }
    Ok(scopes)
}

pub(crate) fn read(row: &Row) -> Result<KeyInfo> {
    Ok(KeyInfo {
        api_key_id: row.get(0)?,
        key_id: row.get(1)?,
        name: row.get(2)?,
        role: read_word(row, 3, Role::parse)?,
        scopes: row.get::<Option<&str>>(4)?.map(read_scopes),
        rate_limit_per_minute: read_rate_limit(row, 5)?,
        wallet_address: row.get(6)?,
        created_at: row.get(7)?,
        expires_at: row.get(8)?,
        last_used_at: row.get(9)?,
        key_type: read_word(row, 10, KeyType::parse)?,
    })
}

pub(crate) fn read_rate_limit(row: &Row, index: usize) -> Result<Option<u32>> {
    Ok(row.get::<Option<i64>>(index)?.map(|limit| u32::try_from(limit.max(0)).unwrap_or(u32::MAX)))
}

//! Who a request comes from, once its key was checked.

use crate::KeyType;
use farebox_base::{ApiKeyId, Error, KeyId, PartyId, Permission, Result, Role, Timestamp, UserId};

/// The holder of a valid key. The same whichever spelling the key was sent in, and at every door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    pub party_id: PartyId,
    /// The party's handle, which the marketplace calls owner.
    pub owner_id: String,
    /// Whom the key was made for; `None` for keys that belong to the party as such.
    pub user_id: Option<UserId>,
    pub api_key_id: ApiKeyId,
    pub key_id: KeyId,
    pub role: Role,
    pub key_type: KeyType,
    /// When the key stops being good; no key that it makes outlives it.
    pub expires_at: Option<Timestamp>,
    /// What the key is narrowed to; `None`: all that its role allows.
    pub scopes: Option<Vec<Permission>>,
    /// Requests per minute; `None`: not limited by key.
    pub rate_limit_per_minute: Option<u32>,
    /// As it was registered with the key, or else with the party; a claim of the key's holder.
    pub wallet_address: Option<String>,
}

impl Caller {
    /// Whether role and scopes both allow it.
    pub fn may(&self, permission: Permission) -> bool {
        self.role.allows(permission) && self.scopes.as_ref().is_none_or(|scopes| scopes.contains(&permission))
    }

    /// # Errors
    /// `Forbidden`, naming the permission that is missing.
    pub fn require(&self, permission: Permission) -> Result<()> {
        if self.may(permission) {
            return Ok(());
        }
        let message = format!("This key may not do that: it lacks the permission {permission}");
        Err(Error::forbidden(message).with_code("missing_permission"))
    }
}

//! Who a request comes from, once the credential was checked.
//!
//! Owns no check of credentials. Invariant: what a caller may do is worked out once, when the caller is loaded, and a
//! request only reads it.

use crate::{AnyRole, KeyType, Membership, Memberships};
use farebox_base::{
    ApiKeyId, Error, KeyId, MemberRole, PartyId, Permission, PermissionSet, Result, Role, SessionId, Timestamp, UserId,
};

/// The holder of a valid credential. The same whichever spelling it was sent in, and at every door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The organisation that he acts for where nothing else is said: the key's, or the person's first.
    pub party_id: PartyId,
    /// The party's handle, which the marketplace calls owner.
    pub owner_id: String,
    /// Whom the credential was made for; `None` for keys that belong to the party as such.
    pub user_id: Option<UserId>,
    pub credential: Credential,
    /// Every organisation that he may act in, with what he may do there. A key has one.
    pub memberships: Memberships,
    /// As it was registered with the key, or else with the party; a claim of the key's holder.
    pub wallet_address: Option<String>,
}

/// By what a caller proved who he is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credential {
    Key(KeyCredential),
    Session(SessionCredential),
}

/// What is particular to an API key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyCredential {
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
}

/// What is particular to a person who signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionCredential {
    pub session_id: SessionId,
}

impl KeyCredential {
    /// The most that the key gives, whoever its user is.
    pub fn limit(&self) -> PermissionSet {
        let scopes = self.scopes.as_ref().map_or(PermissionSet::ALL, |scopes| scopes.iter().copied().collect());
        self.role.permissions().intersection(scopes)
    }
}

impl Caller {
    /// The key, where it is one.
    pub fn key(&self) -> Option<&KeyCredential> {
        match &self.credential {
            Credential::Key(key) => Some(key),
            Credential::Session(_) => None,
        }
    }

    /// The session, where it is one.
    pub fn session_id(&self) -> Option<SessionId> {
        match &self.credential {
            Credential::Key(_) => None,
            Credential::Session(session) => Some(session.session_id),
        }
    }

    pub fn api_key_id(&self) -> Option<ApiKeyId> {
        self.key().map(|key| key.api_key_id)
    }

    pub fn key_id(&self) -> Option<KeyId> {
        self.key().map(|key| key.key_id)
    }

    /// The marketplace's role; a person buys and sells.
    pub fn role(&self) -> Role {
        self.key().map_or(Role::Provider, |key| key.role)
    }

    /// What the credential is narrowed to; `None`: all that its holder may.
    pub fn scopes(&self) -> Option<&[Permission]> {
        self.key().and_then(|key| key.scopes.as_deref())
    }

    /// When the key stops being good; sessions end by rules of their own.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.key().and_then(|key| key.expires_at)
    }

    /// Requests per minute; `None`: not limited by key.
    pub fn rate_limit_per_minute(&self) -> Option<u32> {
        self.key().and_then(|key| key.rate_limit_per_minute)
    }

    /// What he may do in an organisation; `None` where he is none of its members, or it does not exist.
    pub fn membership(&self, party: PartyId) -> Option<&Membership> {
        self.memberships.of(party)
    }

    /// Whether he acts with all that an owner of the organisation has; a key that is narrowed does not.
    pub fn is_owner_of(&self, party: PartyId) -> bool {
        self.membership(party).is_some_and(|membership| {
            membership.role.is_none_or(|role| role == AnyRole::OWNER)
                && MemberRole::Owner.permissions().is_within(membership.permissions)
        })
    }

    /// Refuses credentials that give less than their holder has: they must not lead to ones that give it all.
    ///
    /// # Errors
    /// `Forbidden` for a key that is narrowed or ends.
    pub fn require_whole(&self) -> Result<()> {
        if self.is_owner_of(self.party_id) && self.expires_at().is_none() {
            return Ok(());
        }
        let message = "This takes a key of the agent that has all its rights and does not expire";
        Err(Error::forbidden(message).with_code("narrow_key"))
    }

    /// Whether he may do it in that organisation.
    pub fn may_in(&self, party: PartyId, permission: Permission) -> bool {
        self.membership(party).is_some_and(|membership| membership.permissions.contains(permission))
    }

    /// Whether he may do it in the organisation that he acts for.
    pub fn may(&self, permission: Permission) -> bool {
        self.may_in(self.party_id, permission)
    }

    /// As `may`, as an error.
    ///
    /// # Errors
    /// `Forbidden`, naming the permission that is missing.
    pub fn require(&self, permission: Permission) -> Result<()> {
        self.require_in(self.party_id, permission)
    }

    /// As `may_in`, as an error.
    ///
    /// # Errors
    /// `Forbidden`, naming the permission that is missing.
    pub fn require_in(&self, party: PartyId, permission: Permission) -> Result<()> {
        if self.may_in(party, permission) {
            return Ok(());
        }
        let message = format!("These credentials may not do that: they lack the permission {permission}");
        Err(Error::forbidden(message).with_code("missing_permission"))
    }
}

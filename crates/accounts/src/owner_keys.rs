//! The marketplace's rules of who may make a key for which owner.
//!
//! The first key claims the owner id. After that only the owner's own keys, or an admin's, make further ones. Buyer keys
//! of a new owner need no credentials; provider keys need a provider's or admin's, except that a new owner may begin as
//! a provider where the operator left registration open; admin keys need an admin's, or the operator at the console.

use crate::keys::{NewKey, key_insert_in};
use crate::party::{Party, PartyKind, party_by_handle_in, party_insert_in};
use crate::user::{member_insert_in, owning_user_in};
use crate::{Accounts, Caller, KEYS_SCOPE, MintedKey, rules};
use farebox_base::{Error, MemberRole, PartyId, Permission, Result, Role, UserId};
use farebox_db::{Tx, tx};

const DEFAULT_RATE_LIMIT: u32 = 60;
const HIGHEST_RATE_LIMIT: u32 = 300;

/// A key to make for an owner of the marketplace.
#[derive(Clone, Debug)]
pub struct OwnerKeyRequest {
    /// 1 to 200 characters, chosen by the owner.
    pub owner_id: String,
    pub role: Role,
    /// Requests per minute, 1 to 300; 60 where absent.
    pub rate_limit: Option<i64>,
    /// Linked to the owner; the first to name it gets it.
    pub wallet_address: Option<String>,
}

/// Whom the operator means by an owner's name: anyone may have taken a name that is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperatorsOwner {
    /// Nobody yet.
    New,
    /// Whoever has it, or nobody yet.
    Any,
}

/// On whose word a key is made.
#[derive(Clone, Copy)]
enum Authority<'a> {
    Nobody,
    Caller(&'a Caller),
    /// Whoever runs the program.
    Operator,
}

struct Checked {
    owner_id: String,
    role: Role,
    rate_limit: Option<u32>,
    wallet_address: Option<String>,
}

impl Accounts {
    /// Makes a key for an owner, claiming the owner id if it is new.
    ///
    /// # Errors
    /// `Invalid` for `owner_id`, `rate_limit` or `wallet_address`; `Unauthenticated` or `Forbidden` by the rules above;
    /// `Conflict` (`wallet_taken`).
    pub async fn owner_key_create(&self, request: &OwnerKeyRequest, caller: Option<&Caller>) -> Result<MintedKey> {
        let checked = checked(request)?;
        self.owner_key(&checked, caller.map_or(Authority::Nobody, Authority::Caller)).await
    }

    /// Makes an admin key for an owner, new or not, on the word of whoever runs the program. Not for doors.
    ///
    /// # Errors
    /// `Invalid` for `owner_id`.
    pub async fn bootstrap_admin_key(&self, owner_id: &str) -> Result<MintedKey> {
        self.operator_key(owner_id, Role::Admin, OperatorsOwner::Any).await
    }

    /// Makes a key of any role for an owner on the word of whoever runs the program. Not for doors.
    ///
    /// # Errors
    /// `Invalid` for `owner_id`; `Conflict` (`owner_exists`) where it must be new and is not.
    pub async fn operator_key(&self, owner_id: &str, role: Role, owner: OperatorsOwner) -> Result<MintedKey> {
        let owner_id = rules::owner_id("owner_id", owner_id)?;
        if owner == OperatorsOwner::New && self.party_by_handle(&owner_id).await?.is_some() {
            let message = format!("The owner {owner_id} exists, and whoever made it would share this key's party");
            return Err(Error::conflict("owner_exists", message));
        }
        let checked = Checked { owner_id, role, rate_limit: None, wallet_address: None };
        self.owner_key(&checked, Authority::Operator).await
    }

    async fn owner_key(&self, checked: &Checked, authority: Authority<'_>) -> Result<MintedKey> {
        let key = tx!(self.db(), tx => {
            let again = match authority {
                Authority::Caller(caller) => Some(self.caller_again_in(tx, caller, caller.party_id).await?),
                Authority::Nobody | Authority::Operator => None,
            };
            self.owner_key_in(tx, checked, again.as_ref().map_or(authority, Authority::Caller)).await
        })?;
        if checked.wallet_address.is_some() {
            self.changes().local(KEYS_SCOPE);
        }
        Ok(key)
    }

    async fn owner_key_in(&self, tx: &mut Tx, checked: &Checked, authority: Authority<'_>) -> Result<MintedKey> {
        if let Authority::Caller(caller) = authority {
            caller.require(Permission::KeysWrite)?;
        }
        may_make(checked.role, authority, self.0.parts.open_provider_registration)?;
        let known = party_by_handle_in(tx, &checked.owner_id).await?;
        let (party, user) = match known {
            Some(party) => {
                may_act_for(party, checked.role, authority)?;
                (party, user_of_key_in(tx, party, authority).await?)
            }
            None => self.owner_claim_in(tx, checked).await?,
        };
        if let Some(address) = &checked.wallet_address {
            self.wallet_link_in(tx, party, address).await?;
        }
        // A key that is narrowed to scopes can't be used to make one that is not.
        let scopes = match authority {
            Authority::Caller(caller) if known.is_some() || checked.role == Role::Admin => {
                caller.scopes().map(<[Permission]>::to_vec)
            }
            _ => None,
        };
        let expires_at = match authority {
            Authority::Caller(caller) => caller.expires_at(),
            _ => None,
        };
        let new = NewKey {
            scopes,
            expires_at,
            rate_limit_per_minute: checked.rate_limit,
            wallet_address: checked.wallet_address.clone(),
            ..NewKey::plain(party, user, checked.role.text(), checked.role)
        };
        key_insert_in(tx, self, new).await
    }

    /// Makes the party of a new owner, with an agent user that owns it.
    async fn owner_claim_in(&self, tx: &mut Tx, checked: &Checked) -> Result<(PartyId, Option<UserId>)> {
        if rules::is_wallet_address(&rules::wallet_key(&checked.owner_id)) {
            let rule = "must not be a wallet address; choose another id and send the address as wallet_address";
            return Err(Error::invalid("owner_id", rule));
        }
        if uuid_like(&checked.owner_id) {
            return Err(Error::invalid(
                "owner_id",
                "must not be a UUID, which could be another owner's; choose a name",
            ));
        }
        let now = self.now();
        let party = Party {
            id: PartyId::generate(self.clock(), self.rng()),
            kind: PartyKind::Owner,
            handle: checked.owner_id.clone(),
            name: checked.owner_id.clone(),
            wallet_address: checked.wallet_address.clone(),
            created_at: now,
        };
        if !party_insert_in(tx, &party).await? {
            return Err(owner_taken());
        }
        let user = self.agent_insert_in(tx, &party.name).await?;
        member_insert_in(tx, party.id, user.id, MemberRole::Owner, now).await?;
        Ok((party.id, Some(user.id)))
    }
}

/// What the role asks for, before it is known whether the owner is new.
fn may_make(role: Role, authority: Authority<'_>, open_provider_registration: bool) -> Result<()> {
    match (role, authority) {
        (_, Authority::Operator) | (Role::Buyer, _) => Ok(()),
        (Role::Provider, Authority::Nobody) if open_provider_registration => Ok(()),
        (_, Authority::Nobody) => Err(needs_authentication(role)),
        (Role::Provider, Authority::Caller(caller)) if caller.role() >= Role::Provider => Ok(()),
        (Role::Provider, Authority::Caller(_)) => {
            Err(Error::forbidden("Only providers or admins can create provider keys"))
        }
        (Role::Admin, Authority::Caller(caller)) if caller.may(Permission::PlatformAdmin) => {
            caller.require(Permission::KeysWrite)
        }
        (Role::Admin, Authority::Caller(_)) => Err(Error::forbidden("Only admins can create admin keys")),
    }
}

/// Whether the authority reaches to an owner that exists.
fn may_act_for(owner: PartyId, role: Role, authority: Authority<'_>) -> Result<()> {
    match authority {
        Authority::Operator => Ok(()),
        Authority::Caller(caller) if caller.party_id == owner || caller.may(Permission::PlatformAdmin) => {
            caller.require(Permission::KeysWrite)
        }
        Authority::Nobody if role != Role::Buyer => Err(needs_authentication(role)),
        Authority::Caller(_) | Authority::Nobody => Err(owner_taken()),
    }
}

/// Whom a further key of an owner is made for: the member who asks, so that it does no more than he may; else, on the
/// word of whoever runs the platform, the owner's first user.
async fn user_of_key_in(tx: &mut Tx, owner: PartyId, authority: Authority<'_>) -> Result<Option<UserId>> {
    match authority {
        Authority::Caller(caller) if caller.party_id == owner => Ok(caller.user_id),
        _ => owning_user_in(tx, owner).await,
    }
}

/// Whether a text is a UUID in any case of letters.
fn uuid_like(text: &str) -> bool {
    PartyId::parse(&text.to_ascii_lowercase()).is_some()
}

fn owner_taken() -> Error {
    let message = "This owner_id is taken. To make another key for it, authenticate with one of its keys; \
                   otherwise choose another owner_id";
    Error::forbidden(message).with_code("owner_taken")
}

fn needs_authentication(role: Role) -> Error {
    let what = if role == Role::Admin { "Admin" } else { "Provider" };
    Error::unauthenticated(format!("{what} key creation requires authentication"))
}

fn checked(request: &OwnerKeyRequest) -> Result<Checked> {
    let rate_limit = match request.rate_limit {
        None => DEFAULT_RATE_LIMIT,
        Some(asked) => u32::try_from(asked)
            .ok()
            .filter(|limit| (1..=HIGHEST_RATE_LIMIT).contains(limit))
            .ok_or_else(|| Error::invalid("rate_limit", format!("must be from 1 to {HIGHEST_RATE_LIMIT}")))?,
    };
    let wallet_address = match &request.wallet_address {
        Some(address) => Some(rules::wallet_address("wallet_address", address)?.to_owned()),
        None => None,
    };
    let owner_id = rules::owner_id("owner_id", &request.owner_id)?;
    Ok(Checked { owner_id, role: request.role, rate_limit: Some(rate_limit), wallet_address })
}

//! API keys: created for an owner, checked by anyone who holds one.

use crate::{Secret, number::integer_or_text, wire_enum::wire_enum};
use farebox_base::Role;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

wire_enum! {
    /// What a key may do: buy; buy and sell; run the platform.
    KeyRole { Buyer = "buyer", Provider = "provider", Admin = "admin" }
}

impl From<Role> for KeyRole {
    fn from(role: Role) -> Self {
        match role {
            Role::Buyer => KeyRole::Buyer,
            Role::Provider => KeyRole::Provider,
            Role::Admin => KeyRole::Admin,
        }
    }
}

impl From<KeyRole> for Role {
    fn from(role: KeyRole) -> Self {
        match role {
            KeyRole::Buyer => Role::Buyer,
            KeyRole::Provider => Role::Provider,
            KeyRole::Admin => Role::Admin,
        }
    }
}

/// Asks for a new key. A buyer's key needs no credentials unless the owner has keys already.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateKeyRequest {
    /// Names the owner of the key, its money and its services.
    #[schemars(example = &"price-watcher")]
    pub owner_id: String,
    #[serde(default = "buyer")]
    pub role: KeyRole,
    /// Requests that the key may make in a minute.
    #[serde(default = "sixty", deserialize_with = "integer_or_text")]
    pub rate_limit: i64,
    /// Where the owner's USDC lives.
    pub wallet_address: Option<String>,
}

/// A new key, with the only showing of its secret.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct KeyCreated {
    /// The public half of the credentials.
    pub key_id: String,
    /// The secret half. It is shown here and never again.
    pub secret: Secret,
    pub role: KeyRole,
    /// Requests that the key may make in a minute.
    pub rate_limit: i64,
    pub message: String,
}

/// Both halves of a key, to be checked.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ValidateKeyRequest {
    pub key_id: String,
    pub secret: Secret,
}

/// Whose key it is and what it may do. A key that is not valid is answered with 401 instead.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct KeyValidity {
    /// Always true.
    pub valid: bool,
    pub owner_id: String,
    pub role: KeyRole,
    /// Requests that the key may make in a minute.
    pub rate_limit: i64,
}

const fn buyer() -> KeyRole {
    KeyRole::Buyer
}

const fn sixty() -> i64 {
    60
}

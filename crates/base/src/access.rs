//! Who may do what: the closed list of permissions, the marketplace's roles, and what an operation asks.

use std::fmt;

/// What an operation asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anyone, without credentials; credentials that are sent are not even read.
    Public,
    /// Anyone, but credentials that are sent must be valid, and the handler sees the caller.
    Optional,
    /// A caller with this permission.
    Needs(Permission),
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// One right. The text form is what scopes and documents show.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Permission { $($(#[$doc])* $name),* }

        impl Permission {
            pub const ALL: &[Permission] = &[$(Permission::$name),*];

            pub const fn text(self) -> &'static str {
                match self { $(Permission::$name => $text),* }
            }

            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Permission::$name),)* _ => None }
            }
        }
    };
}

permissions! {
    /// See one's own account: user, organisation, keys' owner.
    AccountRead = "account.read";
    /// List one's API keys.
    KeysRead = "keys.read";
    /// Create and revoke API keys.
    KeysWrite = "keys.write";
    /// See one's own listings with everything that the public does not see.
    ListingsRead = "listings.read";
    /// Create, change, price and remove listings.
    ListingsWrite = "listings.write";
    /// See balances and transactions.
    WalletRead = "wallet.read";
    /// Claim bonuses, deposit, move money.
    WalletWrite = "wallet.write";
    /// Call listings and pay for it.
    CallsMake = "calls.make";
    /// See one's own usage.
    UsageRead = "usage.read";
    /// Run the platform: only for keys with the role admin.
    PlatformAdmin = "platform.admin";
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// The marketplace's role of a key. Each contains the one before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    Buyer,
    Provider,
    Admin,
}

impl Role {
    pub const fn text(self) -> &'static str {
        match self {
            Role::Buyer => "buyer",
            Role::Provider => "provider",
            Role::Admin => "admin",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "buyer" => Some(Role::Buyer),
            "provider" => Some(Role::Provider),
            "admin" => Some(Role::Admin),
            _ => None,
        }
    }

    /// The most that a key of this role may do; its scopes can only narrow this.
    pub const fn allows(self, permission: Permission) -> bool {
        match permission {
            Permission::PlatformAdmin => matches!(self, Role::Admin),
            Permission::ListingsWrite => matches!(self, Role::Provider | Role::Admin),
            _ => true,
        }
    }
}

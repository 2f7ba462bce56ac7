//! Who may do what: the closed list of permissions, the marketplace's roles, and what an operation asks.

use crate::PermissionSet;
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
    /// Change one's own account: address, password, sessions.
    AccountWrite = "account.write";
    /// See an organisation: its members, roles and policies.
    OrgRead = "org.read";
    /// Change an organisation's policies.
    OrgUpdate = "org.update";
    /// Invite members and give them roles.
    OrgManageMembers = "org.manage_members";
    /// Make, change and delete an organisation's own roles.
    OrgManageRoles = "org.manage_roles";
    /// See who did what in an organisation.
    AuditRead = "audit.read";
    /// See the OAuth providers that an organisation has set up.
    OauthProvidersRead = "oauth_providers.read";
    /// Set up, change and delete an organisation's OAuth providers.
    OauthProvidersWrite = "oauth_providers.write";
    /// See one's own connections to OAuth providers.
    ConnectionsRead = "connections.read";
    /// Connect accounts at OAuth providers, and disconnect them.
    ConnectionsWrite = "connections.write";
    /// See an organisation's private network endpoints.
    VpcRead = "vpc.read";
    /// Add and remove private network endpoints.
    VpcWrite = "vpc.write";
    /// See an organisation's skills with their files.
    SkillsRead = "skills.read";
    /// Write, publish and archive skills.
    SkillsWrite = "skills.write";
    /// See an organisation's projects, branches and databases.
    DatabasesRead = "databases.read";
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
    pub const fn permissions(self) -> PermissionSet {
        match self {
            Role::Buyer => PermissionSet::ALL.without(Permission::PlatformAdmin).without(Permission::ListingsWrite),
            Role::Provider => PermissionSet::ALL.without(Permission::PlatformAdmin),
            Role::Admin => PermissionSet::ALL,
        }
    }
}

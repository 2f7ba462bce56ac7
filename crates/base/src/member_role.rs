//! The built-in roles of an organisation's members, in one table. Roles that an organisation makes itself are stored by
//! `farebox_accounts`.
//!
//! Invariant: `platform.admin` is in no role. It comes with a key of the operator and not with membership.

use crate::Permission::{self, *};
use crate::PermissionSet;

/// A role that every organisation has and nobody can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MemberRole {
    /// Looks, and spends nothing.
    Viewer,
    /// Works: sells, buys, writes; changes neither people nor policies.
    Editor,
    /// Does everything but make or unmake owners.
    Admin,
    /// Does everything. There is always one.
    Owner,
}

/// What everybody may do with what is his own, whatever his role: his account, sessions and connections.
const PERSONAL: &[Permission] = &[AccountRead, AccountWrite, ConnectionsRead, ConnectionsWrite];

const VIEWER: &[Permission] =
    &[KeysRead, ListingsRead, WalletRead, UsageRead, OrgRead, OauthProvidersRead, VpcRead, SkillsRead, DatabasesRead];

/// Beyond a viewer's.
const EDITOR: &[Permission] = &[KeysWrite, ListingsWrite, CallsMake, SkillsWrite];

/// Beyond an editor's.
const ADMIN: &[Permission] =
    &[WalletWrite, OrgUpdate, OrgManageMembers, OrgManageRoles, AuditRead, OauthProvidersWrite, VpcWrite];

impl MemberRole {
    /// From the strongest.
    pub const ALL: &[MemberRole] = &[MemberRole::Owner, MemberRole::Admin, MemberRole::Editor, MemberRole::Viewer];

    pub const fn text(self) -> &'static str {
        match self {
            MemberRole::Owner => "owner",
            MemberRole::Admin => "admin",
            MemberRole::Editor => "editor",
            MemberRole::Viewer => "viewer",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|role| role.text() == text)
    }

    /// One sentence for people.
    pub const fn description(self) -> &'static str {
        match self {
            MemberRole::Owner => "Does everything, and is the only role that makes and unmakes owners.",
            MemberRole::Admin => "Does everything but make and unmake owners.",
            MemberRole::Editor => "Sells, buys and writes; manages neither members nor policies.",
            MemberRole::Viewer => "Looks at everything that members see, and changes nothing.",
        }
    }

    /// What a member with this role may do in the organisation.
    pub const fn permissions(self) -> PermissionSet {
        let viewer = PermissionSet::of(PERSONAL).union(PermissionSet::of(VIEWER));
        match self {
            MemberRole::Viewer => viewer,
            MemberRole::Editor => viewer.union(PermissionSet::of(EDITOR)),
            MemberRole::Admin | MemberRole::Owner => {
                viewer.union(PermissionSet::of(EDITOR)).union(PermissionSet::of(ADMIN))
            }
        }
    }
}

impl PermissionSet {
    /// What every member may do with what is his own, also under a role that does not say so.
    pub const PERSONAL: Self = Self::of(PERSONAL);
    /// What membership can give at most: everything but running the platform.
    pub const MEMBERSHIP: Self = Self::ALL.without(PlatformAdmin);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_contains_the_one_below_and_none_runs_the_platform() {
        for pair in MemberRole::ALL.windows(2) {
            assert!(pair[0] > pair[1] && pair[1].permissions().is_within(pair[0].permissions()), "{pair:?}");
        }
        for role in MemberRole::ALL {
            assert_eq!(MemberRole::parse(role.text()), Some(*role));
            assert!(!role.permissions().contains(PlatformAdmin), "{role:?}");
        }
        assert_eq!(MemberRole::Owner.permissions(), PermissionSet::MEMBERSHIP);
        assert_eq!(MemberRole::parse("member"), None);
    }
}

//! Sets of permissions as one number. Pure; which set a role stands for is `member_role.rs`.

use crate::Permission;
use std::fmt;

/// Any number of permissions; copying and comparing cost nothing.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct PermissionSet(u64);

const _: () = assert!(Permission::ALL.len() <= 64, "a set holds 64 permissions");

impl PermissionSet {
    pub const NONE: Self = Self(0);
    pub const ALL: Self = Self::of(Permission::ALL);

    pub const fn of(permissions: &[Permission]) -> Self {
        let mut set = Self::NONE;
        let mut rest = permissions;
        while let [first, others @ ..] = rest {
            set = set.with(*first);
            rest = others;
        }
        set
    }

    #[must_use]
    pub const fn with(self, permission: Permission) -> Self {
        Self(self.0 | 1 << permission as u32)
    }

    #[must_use]
    pub const fn without(self, permission: Permission) -> Self {
        Self(self.0 & !(1 << permission as u32))
    }

    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub const fn contains(self, permission: Permission) -> bool {
        self.0 & 1 << permission as u32 != 0
    }

    /// Whether `other` has all of these.
    pub const fn is_within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// In the order of their declaration.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.contains(*permission))
    }

    /// The texts, separated by spaces, as they are stored.
    pub fn text(self) -> String {
        self.iter().map(Permission::text).collect::<Vec<_>>().join(" ")
    }

    /// Reads [`PermissionSet::text`]; words that this version does not know grant nothing.
    pub fn parse(text: &str) -> Self {
        text.split(' ').filter_map(Permission::parse).collect()
    }
}

impl FromIterator<Permission> for PermissionSet {
    fn from_iter<I: IntoIterator<Item = Permission>>(permissions: I) -> Self {
        permissions.into_iter().fold(Self::NONE, Self::with)
    }
}

impl fmt::Debug for PermissionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::text)).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_holds_what_was_put_in_and_reads_back_from_its_text() {
        for permission in Permission::ALL {
            let one = PermissionSet::of(&[*permission]);
            assert!(
                one.contains(*permission) && one.is_within(PermissionSet::ALL) && !PermissionSet::ALL.is_within(one)
            );
            assert_eq!(one.iter().collect::<Vec<_>>(), [*permission]);
            assert_eq!(PermissionSet::parse(&one.text()), one);
            assert!(!PermissionSet::ALL.without(*permission).contains(*permission));
        }
        assert_eq!(PermissionSet::ALL.iter().count(), Permission::ALL.len());
        assert_eq!(PermissionSet::parse("no.such keys.read"), PermissionSet::of(&[Permission::KeysRead]));
        assert!(PermissionSet::parse("").is_empty() && PermissionSet::NONE.text().is_empty());
    }
}

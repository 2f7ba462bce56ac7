//! Who belongs to which organisation with which permissions: what a `Caller` is made of.
//!
//! Reads the tables `member` and `org_role`; they are written by `members.rs` and `roles.rs`. Invariant: whatever
//! changes what this reads counts both `KEYS_SCOPE` and `SESSIONS_SCOPE` up (`access_changed_in`).

use crate::caller::{Caller, Credential, SessionCredential};
use crate::{Accounts, KEYS_SCOPE, SESSIONS_SCOPE};
use farebox_base::{Error, MemberRole, PartyId, PermissionSet, Result, RoleId, SessionId, UserId};
use farebox_db::{Row, Tx, sql};
use std::fmt;

/// The most organisations that a session can act in; the oldest memberships count.
const MEMBERSHIPS_MAX: i64 = 1_000;

/// A role of a member: one that every organisation has, or one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AnyRole {
    BuiltIn(MemberRole),
    Custom(RoleId),
}

impl AnyRole {
    pub const OWNER: Self = Self::BuiltIn(MemberRole::Owner);

    /// Reads the column `member.role`: a built-in role's name, or the id of one of the organisation's own.
    pub(crate) fn read(text: &str) -> Result<Self> {
        match (MemberRole::parse(text), RoleId::parse(text)) {
            (Some(role), _) => Ok(Self::BuiltIn(role)),
            (None, Some(role)) => Ok(Self::Custom(role)),
            (None, None) => Err(Error::internal(format!("a member has the unknown role {text:?}"))),
        }
    }
}

impl fmt::Display for AnyRole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(role) => f.write_str(role.text()),
            Self::Custom(role) => write!(f, "{role}"),
        }
    }
}

/// What a caller may do in one organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Membership {
    pub party_id: PartyId,
    /// The role of the caller's user; `None` for keys that belong to the party as such.
    pub role: Option<AnyRole>,
    /// What the role gives, narrowed to what the credential gives.
    pub permissions: PermissionSet,
}

/// A caller's organisations; each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships(Box<[Membership]>);

impl Memberships {
    pub fn new(mut all: Vec<Membership>) -> Self {
        all.sort_by_key(|membership| membership.party_id);
        all.dedup_by_key(|membership| membership.party_id);
        Self(all.into_boxed_slice())
    }

    pub fn of(&self, party: PartyId) -> Option<&Membership> {
        let index = self.0.binary_search_by_key(&party, |membership| membership.party_id).ok()?;
        self.0.get(index)
    }

    /// In the order of the organisations' ids.
    pub fn iter(&self) -> impl Iterator<Item = &Membership> {
        self.0.iter()
    }
}

impl Accounts {
    /// The caller that a person's session stands for, as the database has it now; whoever keeps it forgets it when
    /// `SESSIONS_SCOPE` moves. `None` where the user is not active or belongs to no organisation.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn session_caller(&self, session_id: SessionId, user_id: UserId) -> Result<Option<Caller>> {
        let rows = self
            .db()
            .query(
                sql!(
                    "SELECT m.party_id, m.role, r.permissions, p.handle, p.wallet_address
                     FROM member m JOIN app_user u ON u.id = m.user_id JOIN party p ON p.id = m.party_id
                       LEFT JOIN org_role r ON r.party_id = m.party_id AND r.id = m.role
                     WHERE m.user_id = $1 AND u.status = 'active'
                     ORDER BY m.created_at, m.party_id LIMIT $2"
                ),
                &[(&user_id.to_string()).into(), MEMBERSHIPS_MAX.into()],
            )
            .await?;
        let Some(first) = rows.first() else { return Ok(None) };
        let mut memberships = Vec::with_capacity(rows.len());
        for row in &rows {
            let (role, permissions) = read_role(row, 1, 2)?;
            memberships.push(Membership { party_id: row.get(0)?, role: Some(role), permissions });
        }
        Ok(Some(Caller {
            party_id: first.get(0)?,
            owner_id: first.get(3)?,
            user_id: Some(user_id),
            credential: Credential::Session(SessionCredential { session_id }),
            memberships: Memberships::new(memberships),
            wallet_address: first.get(4)?,
        }))
    }

    /// To be called in every transaction that changes who may do what; afterwards `access_changed`.
    pub(crate) async fn access_changed_in(&self, tx: &mut Tx) -> Result<()> {
        self.changes().bump_in(tx, KEYS_SCOPE).await?;
        self.changes().bump_in(tx, SESSIONS_SCOPE).await
    }

    /// Lets this process see at once what it has committed.
    pub(crate) fn access_changed(&self) {
        self.changes().local(KEYS_SCOPE);
        self.changes().local(SESSIONS_SCOPE);
    }
}

/// A member's role and what it gives, from `member.role` and the permissions of the organisation's own role. A role that
/// is gone gives nothing but what is personal.
pub(crate) fn read_role(row: &Row, role: usize, permissions: usize) -> Result<(AnyRole, PermissionSet)> {
    let role = AnyRole::read(row.get::<&str>(role)?)?;
    let given = match role {
        AnyRole::BuiltIn(built_in) => built_in.permissions(),
        AnyRole::Custom(_) => PermissionSet::parse(row.get::<Option<&str>>(permissions)?.unwrap_or_default()),
    };
    Ok((role, given.intersection(PermissionSet::MEMBERSHIP).union(PermissionSet::PERSONAL)))
}

//! Who writes a skill.

use farebox_base::{PartyId, UserId};

/// Whose skills are written, and by which user; `None` for keys that belong to the party as such.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Author {
    pub party: PartyId,
    pub user: Option<UserId>,
}

impl Author {
    /// The user as a column.
    pub(crate) fn user_text(self) -> Option<String> {
        self.user.map(|user| user.to_string())
    }
}

//! Whose a connection is.

use farebox_accounts::Caller;
use farebox_base::{PartyId, UserId};

/// A user, whichever organisation he acts for: his account elsewhere is his own. Where a key belongs to a party as such,
/// the party.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Whom he acts for at present, which tells users who asks; decides nothing where there is a user.
    pub party_id: PartyId,
    /// `None` where a key belongs to the party as such.
    pub user_id: Option<UserId>,
}

impl Holder {
    /// As it is stored.
    pub(crate) fn text(&self) -> String {
        self.user_id.map_or_else(|| self.party_id.to_string(), |user| user.to_string())
    }

    /// Reads what `text` wrote for this party.
    pub(crate) fn read(party_id: PartyId, text: &str) -> Self {
        let user_id = UserId::parse(text).filter(|_| text != party_id.to_string());
        Self { party_id, user_id }
    }
}

impl From<&Caller> for Holder {
    fn from(caller: &Caller) -> Self {
        Self { party_id: caller.party_id, user_id: caller.user_id }
    }
}

//! The `{organization_id}` of a path: an id, or `default` for the caller's own.

use farebox_accounts::Caller;
use farebox_base::{Error, PartyId, Result};

/// The caller's party, if the path names it.
///
/// # Errors
/// `Forbidden` where the path names another organisation, whether it exists or not; `Invalid` where it names none.
pub(crate) fn organization(caller: &Caller, text: &str) -> Result<PartyId> {
    if text == "default" {
        return Ok(caller.party_id);
    }
    let named = PartyId::parse(text)
        .ok_or_else(|| Error::invalid("organization_id", "must be a UUID or the word \"default\""))?;
    if named == caller.party_id {
        Ok(named)
    } else {
        Err(Error::forbidden("You are not a member of this organization"))
    }
}

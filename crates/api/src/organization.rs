//! The `{organization_id}` of a path: an id, or `default` for the caller's own.

use farebox_accounts::Caller;
use farebox_base::{Error, PartyId, Result};

/// The caller's organisation that the path names. The wrapper has found him to be a member before the handler runs.
///
/// # Errors
/// `Forbidden` where he is no member, whether it exists or not; `Invalid` where the text names none.
pub(crate) fn organization(caller: &Caller, text: &str) -> Result<PartyId> {
    let party = named(caller, text)?;
    if caller.membership(party).is_some() {
        return Ok(party);
    }
    Err(Error::forbidden("You are not a member of this organization"))
}

/// The organisation that a path names, whoever belongs to it.
///
/// # Errors
/// `Invalid` where the text names none.
pub(crate) fn named(caller: &Caller, text: &str) -> Result<PartyId> {
    if text == "default" {
        return Ok(caller.party_id);
    }
    PartyId::parse(text).ok_or_else(|| Error::invalid("organization_id", "must be a UUID or the word \"default\""))
}

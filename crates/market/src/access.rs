//! Whose listings a caller may change, and what a stranger is told.

use crate::{Listing, ListingEntry, ListingStatus, Market};
use farebox_base::{Error, ListingId, PartyId, Result};
use std::sync::Arc;

/// What somebody hears who names another party's listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stranger {
    /// That it is not theirs, in this sentence.
    Forbidden(&'static str),
    /// That there is no such listing.
    NotFound,
}

/// On whose behalf a listing is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListingAccess {
    pub party_id: PartyId,
    /// The door's word for a listing.
    pub noun: &'static str,
    pub stranger: Stranger,
    /// Whether a removed listing is there at all.
    pub sees_removed: bool,
}

impl ListingAccess {
    /// The platform's way: other parties' and removed publishers do not exist.
    pub const fn platform(party_id: PartyId) -> Self {
        Self { party_id, noun: "Publisher", stranger: Stranger::NotFound, sees_removed: false }
    }

    /// The marketplace's way: everybody sees a service, also a removed one; `refusal` says that it is not the caller's.
    pub const fn marketplace(party_id: PartyId, refusal: &'static str) -> Self {
        Self { party_id, noun: "Service", stranger: Stranger::Forbidden(refusal), sees_removed: true }
    }

    /// The SQL gateway's way.
    pub const fn sql_gateway(party_id: PartyId) -> Self {
        Self { party_id, noun: "Provider", stranger: Stranger::NotFound, sees_removed: false }
    }

    /// # Errors
    /// `NotFound` or `Forbidden`, as the door wants it.
    pub(crate) fn check(self, listing: &Listing) -> Result<()> {
        if listing.status == ListingStatus::Removed && !self.sees_removed {
            return Err(self.not_found());
        }
        if listing.party_id == self.party_id {
            return Ok(());
        }
        match self.stranger {
            Stranger::Forbidden(message) => Err(Error::forbidden(message)),
            Stranger::NotFound => Err(self.not_found()),
        }
    }

    pub(crate) fn not_found(self) -> Error {
        Error::not_found(self.noun)
    }
}

impl Market {
    /// A listing as its party sees it.
    ///
    /// # Errors
    /// `NotFound`, or what `access` says for strangers.
    pub async fn listing_owned(&self, access: ListingAccess, id: ListingId) -> Result<Arc<ListingEntry>> {
        let entry = self.by_id(id).await?.ok_or_else(|| access.not_found())?;
        access.check(&entry.listing)?;
        Ok(entry)
    }
}

//! Keeping logos and showing them.
//!
//! The listing's profile holds the logo's digest, so that every reply about a listing, and whoever asks whether a picture
//! is still the same, is answered from the cache of listings.

use super::{Logo, LogoMedia};
use crate::{Door, LISTINGS_SCOPE, Listing, ListingAccess, ListingPatch, Market};
use farebox_base::{Error, ListingId, Result};
use farebox_db::{sql, tx};
use serde_json::Value;

/// The field of the profile.
const DIGEST: &str = "logo";
/// Hex digits: 128 bits.
const DIGEST_CHARS: usize = 32;

/// A logo as it is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLogo {
    pub media: LogoMedia,
    pub bytes: Vec<u8>,
}

impl Listing {
    /// Names the uploaded logo's bytes; `None` where none was uploaded.
    pub fn logo_digest(&self) -> Option<&str> {
        self.profile.get(DIGEST).and_then(Value::as_str)
    }
}

impl ListingPatch {
    /// Forgets an uploaded logo, as its address is set to another one.
    pub fn drop_logo(&mut self) {
        self.profile.insert(DIGEST.to_owned(), Value::Null);
    }
}

impl Market {
    /// Keeps a logo in place of the one before, whether that was uploaded or an address elsewhere.
    ///
    /// # Errors
    /// `NotFound`, or what `access` says for strangers.
    pub async fn logo_set(&self, access: ListingAccess, id: ListingId, logo: &Logo) -> Result<()> {
        let digest = blake3::hash(logo.bytes()).to_hex();
        let digest = digest.get(..DIGEST_CHARS).unwrap_or_default();
        let mut patch = ListingPatch::new(Door::Platform);
        patch.profile.insert("logo_url".to_owned(), Value::Null);
        patch.profile.insert(DIGEST.to_owned(), Value::from(digest));
        tx!(self.db(), tx => {
            // First, because it finds out whose listing it is.
            self.listing_update_in(tx, access, id, &patch).await?;
            tx.execute_one(
                sql!(
                    "INSERT INTO listing_logo (listing_id, party_id, media_type, content, digest, created_at)
                     VALUES ($1, $2, $3, $4, $5, $6)
                     ON CONFLICT (listing_id) DO UPDATE SET party_id = excluded.party_id,
                       media_type = excluded.media_type, content = excluded.content, digest = excluded.digest,
                       created_at = excluded.created_at"
                ),
                &[
                    (&id.to_string()).into(),
                    (&access.party_id.to_string()).into(),
                    logo.media().text().into(),
                    logo.bytes().into(),
                    digest.into(),
                    self.now().into(),
                ],
            )
            .await?;
            Ok(())
        })?;
        self.changes().local(LISTINGS_SCOPE);
        Ok(())
    }

    /// The uploaded logo that the listing shows now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn logo(&self, listing: &Listing) -> Result<Option<StoredLogo>> {
        let Some(digest) = listing.logo_digest() else { return Ok(None) };
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT media_type, content FROM listing_logo
                     WHERE listing_id = $1 AND party_id = $2 AND digest = $3"
                ),
                &[(&listing.id.to_string()).into(), (&listing.party_id.to_string()).into(), digest.into()],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let media = LogoMedia::parse(row.get(0)?)
            .ok_or_else(|| Error::internal(format!("the logo of listing {} has an unknown type", listing.id)))?;
        Ok(Some(StoredLogo { media, bytes: row.get(1)? }))
    }
}

//! The row of a listing: how it is read and written.

use crate::price::StoredPrices;
use crate::{
    EndpointPrices, JsonObject, Listing, ListingEntry, ListingKind, ListingStatus, Market, PaymentOrder, PaymentPolicy,
    PaymentReceiver, Prices, ServedEndpoints, UserOauth, rules,
};
use farebox_base::{Error, ListingId, Result};
use farebox_db::{Param, Row, Tx, sql};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// Reads whole listings; conditions follow.
pub(crate) const LISTINGS: &str = sql!(
    "SELECT l.id, l.party_id, p.handle, l.slug, l.kind, l.name, l.description, l.category, l.status, l.is_verified,
       l.target, l.price_per_call, l.price_text, l.free_tier_calls, l.payment_method, l.fee_basis_points, l.pricing,
       l.profile, l.created_at, l.updated_at, l.secret, substr(l.search_text, 1, 1),
       l.payment_order, l.payment_receiver, l.oauth_provider_id, l.requires_user_oauth
     FROM listing l JOIN party p ON p.id = l.party_id"
);

/// Reads tags of listings; conditions follow.
pub(crate) const TAGS: &str = sql!("SELECT listing_id, tag FROM listing_tag");

/// The column `pricing`.
#[derive(Serialize, Deserialize)]
struct Pricing {
    prices: StoredPrices,
    profile: JsonObject,
}

/// A listing in the form of its columns, without its secret.
pub(crate) struct Columns {
    pricing: String,
    profile: String,
}

impl Columns {
    pub(crate) fn of(listing: &Listing) -> Result<Self> {
        // Bounded on its own, because prices are no descriptive fields.
        rules::profile_text("pricing", &listing.pricing_profile)?;
        let pricing = Pricing { prices: listing.prices.stored(), profile: listing.pricing_profile.clone() };
        Ok(Self {
            pricing: serde_json::to_string(&pricing).map_err(|e| Error::internal(format!("pricing: {e}")))?,
            profile: rules::profile_text("profile", &listing.profile)?,
        })
    }

    fn params<'a>(&'a self, listing: &'a Listing, search_text: &'a str) -> [Param<'a>; 17] {
        [
            (&listing.name).into(),
            (&listing.description).into(),
            (&listing.category).into(),
            listing.status.text().into(),
            listing.is_verified.into(),
            (&listing.target).into(),
            listing.prices.per_call.into(),
            (&listing.prices.price_text).into(),
            i64::from(listing.free_tier_calls).into(),
            (&listing.payment_method).into(),
            listing.fee_basis_points.into(),
            (&self.pricing).into(),
            (&self.profile).into(),
            search_text.into(),
            listing.updated_at.into(),
            listing.payments.order.map(PaymentOrder::text).into(),
            listing.payments.receiver.map(PaymentReceiver::text).into(),
        ]
    }
}

/// What a search looks through: a chosen slug, name and description. A slug that was made up is no word of the seller's.
pub(crate) fn search_text(listing: &Listing, chosen_slug: bool) -> String {
    let slug = if chosen_slug { &listing.slug } else { "" };
    format!("{slug}\n{}\n{}", listing.name, listing.description).to_lowercase()
}

/// Whether the slug of a row of `LISTINGS` was chosen: its search text then begins with it.
pub(crate) fn has_chosen_slug(row: &Row) -> Result<bool> {
    Ok(row.get::<&str>(21)? != "\n")
}

/// Writes a new row; false where its slug is taken.
pub(crate) async fn insert_in(
    tx: &mut Tx,
    listing: &Listing,
    sealed: Option<&[u8]>,
    chosen_slug: bool,
) -> Result<bool> {
    let columns = Columns::of(listing)?;
    let search_text = search_text(listing, chosen_slug);
    let (id, party) = (listing.id.to_string(), listing.party_id.to_string());
    let provider = listing.user_oauth.provider.map(|id| id.to_string());
    let mut params = columns.params(listing, &search_text).to_vec();
    params.extend_from_slice(&[
        (&id).into(),
        (&party).into(),
        (&listing.slug).into(),
        listing.kind.text().into(),
        sealed.into(),
        listing.created_at.into(),
        provider.as_ref().into(),
        listing.user_oauth.required.into(),
    ]);
    let written = tx
        .execute(
            sql!(
                "INSERT INTO listing (name, description, category, status, is_verified, target, price_per_call,
                   price_text, free_tier_calls, payment_method, fee_basis_points, pricing, profile, search_text,
                   updated_at, payment_order, payment_receiver, id, party_id, slug, kind, secret, created_at,
                   oauth_provider_id, requires_user_oauth)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20,
                   $21, $22, $23, $24, $25)
                 ON CONFLICT (slug) DO NOTHING"
            ),
            &params,
        )
        .await?;
    if written == 0 {
        return Ok(false);
    }
    tags_insert_in(tx, listing).await?;
    Ok(true)
}

/// Writes a changed row anew, with its tags.
pub(crate) async fn update_in(tx: &mut Tx, listing: &Listing, sealed: Option<&[u8]>, chosen_slug: bool) -> Result<()> {
    let columns = Columns::of(listing)?;
    let search_text = search_text(listing, chosen_slug);
    let id = listing.id.to_string();
    let provider = listing.user_oauth.provider.map(|id| id.to_string());
    let mut params = columns.params(listing, &search_text).to_vec();
    let required = listing.user_oauth.required;
    params.extend_from_slice(&[(&id).into(), sealed.into(), provider.as_ref().into(), required.into()]);
    tx.execute_one(
        sql!(
            "UPDATE listing SET name = $1, description = $2, category = $3, status = $4, is_verified = $5, target = $6,
               price_per_call = $7, price_text = $8, free_tier_calls = $9, payment_method = $10,
               fee_basis_points = $11, pricing = $12, profile = $13, search_text = $14, updated_at = $15,
               payment_order = $16, payment_receiver = $17, secret = $19, oauth_provider_id = $20,
               requires_user_oauth = $21
             WHERE id = $18"
        ),
        &params,
    )
    .await?;
    tx.execute(sql!("DELETE FROM listing_tag WHERE listing_id = $1"), &[(&id).into()]).await?;
    tags_insert_in(tx, listing).await
}

async fn tags_insert_in(tx: &mut Tx, listing: &Listing) -> Result<()> {
    let id = listing.id.to_string();
    for (position, tag) in (0_i64..).zip(&listing.tags) {
        tx.execute_one(
            sql!("INSERT INTO listing_tag (listing_id, position, tag, tag_lower) VALUES ($1, $2, $3, $4)"),
            &[(&id).into(), position.into(), tag.into(), (&tag.to_lowercase()).into()],
        )
        .await?;
    }
    Ok(())
}

impl Market {
    /// Reads a row of `LISTINGS`; its tags come from elsewhere.
    pub(crate) fn read(&self, row: &Row, tags: Vec<String>) -> Result<ListingEntry> {
        let id: ListingId = row.get(0)?;
        let corrupt = |what: &str| Error::internal(format!("listing {id}: the stored {what} cannot be read"));
        let pricing: Pricing = serde_json::from_str(row.get(16)?).map_err(|_| corrupt("pricing"))?;
        let profile: JsonObject = serde_json::from_str(row.get(17)?).map_err(|_| corrupt("profile"))?;
        let listing = Listing {
            id,
            party_id: row.get(1)?,
            owner_id: row.get(2)?,
            slug: row.get(3)?,
            kind: ListingKind::parse(row.get(4)?).ok_or_else(|| corrupt("kind"))?,
            name: row.get(5)?,
            description: row.get(6)?,
            category: row.get(7)?,
            tags,
            status: ListingStatus::parse(row.get(8)?).ok_or_else(|| corrupt("status"))?,
            is_verified: row.get(9)?,
            target: row.get(10)?,
            prices: Prices::from_stored(row.get(11)?, row.get(12)?, &pricing.prices),
            free_tier_calls: u32::try_from(row.get::<i64>(13)?).map_err(|_| corrupt("free tier"))?,
            payment_method: row.get(14)?,
            payments: payments(row).ok_or_else(|| corrupt("payment policy"))?,
            user_oauth: UserOauth { provider: row.get(24)?, required: row.get(25)? },
            fee_basis_points: row.get(15)?,
            endpoint_prices: EndpointPrices::read(&profile).map_err(|_| corrupt("endpoint prices"))?,
            served: ServedEndpoints::read(&profile).map_err(|_| corrupt("endpoints"))?,
            profile,
            pricing_profile: pricing.profile,
            created_at: row.get(18)?,
            updated_at: row.get(19)?,
        };
        let secret = self.open(id, row.get(20)?);
        if let Err(error) = &secret {
            tracing::error!(listing = %id, cause = error.internal.as_deref(), "a listing's secret does not open");
        }
        Ok(ListingEntry { listing: Arc::new(listing), secret })
    }
}

/// `None` where a word is none of ours.
fn payments(row: &Row) -> Option<PaymentPolicy> {
    let word = |column| row.get::<Option<&str>>(column).ok();
    let (order, receiver) = (word(22)?, word(23)?);
    Some(PaymentPolicy {
        order: order.map_or(Some(None), |text| PaymentOrder::parse(text).map(Some))?,
        receiver: receiver.map_or(Some(None), |text| PaymentReceiver::parse(text).map(Some))?,
    })
}

//! Changing and removing a listing.

use crate::row::{LISTINGS, has_chosen_slug, update_in};
use crate::{
    Door, EndpointPrices, JsonObject, LISTINGS_SCOPE, Listing, ListingAccess, ListingStatus, Market,
    PaymentPolicyChanges, PriceChanges, SecretChanges, ServedEndpoints, UpstreamSecret, UserOauthChanges, rules,
};
use farebox_base::{ListingId, Result};
use farebox_db::{Param, Tx, Where, sql, tx};
use std::sync::Arc;

/// What to change; what is not named stays. The slug and the kind never change.
#[derive(Clone, Debug)]
pub struct ListingPatch {
    /// As with `ListingCreate`.
    pub door: Door,
    pub name: Option<String>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub tags: Option<Vec<String>>,
    /// Setting a removed listing active brings it back.
    pub status: Option<ListingStatus>,
    pub target: Option<String>,
    pub prices: PriceChanges,
    pub free_tier_calls: Option<i64>,
    pub payment_method: Option<String>,
    pub payments: PaymentPolicyChanges,
    pub user_oauth: UserOauthChanges,
    /// Fields to set; `null` takes one away.
    pub profile: JsonObject,
    /// Fields to set; `null` takes one away.
    pub pricing_profile: JsonObject,
    pub secret: SecretChanges,
}

/// A listing in the middle of a change.
struct Draft {
    listing: Listing,
    secret: Result<UpstreamSecret>,
    /// As it is stored, to be kept where nothing of it changes.
    sealed: Option<Vec<u8>>,
    chosen_slug: bool,
}

impl ListingPatch {
    /// Changes nothing but the time of the last change.
    pub fn new(door: Door) -> Self {
        Self {
            door,
            name: None,
            description: None,
            category: None,
            tags: None,
            status: None,
            target: None,
            prices: PriceChanges::default(),
            free_tier_calls: None,
            payment_method: None,
            payments: PaymentPolicyChanges::default(),
            user_oauth: UserOauthChanges::default(),
            profile: JsonObject::new(),
            pricing_profile: JsonObject::new(),
            secret: SecretChanges::default(),
        }
    }
}

impl Market {
    /// Changes a listing.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `NotFound`, or what `access` says for strangers.
    pub async fn listing_update(
        &self,
        access: ListingAccess,
        id: ListingId,
        patch: &ListingPatch,
    ) -> Result<Arc<Listing>> {
        tx!(self.db(), tx => { self.listing_update_in(tx, access, id, patch).await })?;
        self.changes().local(LISTINGS_SCOPE);
        self.listing_written(id).await
    }

    /// Takes a listing away: it can no longer be found or called, its row and slug stay. Again where `access` sees
    /// removed listings: changes nothing.
    ///
    /// # Errors
    /// `NotFound`, or what `access` says for strangers.
    pub async fn listing_remove(&self, access: ListingAccess, id: ListingId) -> Result<()> {
        tx!(self.db(), tx => { self.listing_remove_in(tx, access, id).await })?;
        self.changes().local(LISTINGS_SCOPE);
        Ok(())
    }

    /// As `listing_update`, inside a transaction that does more; after its commit call `Changes::local(LISTINGS_SCOPE)`.
    pub(crate) async fn listing_update_in(
        &self,
        tx: &mut Tx,
        access: ListingAccess,
        id: ListingId,
        patch: &ListingPatch,
    ) -> Result<()> {
        let mut draft = self.draft_in(tx, access, id).await?;
        self.apply(&mut draft, patch)?;
        self.write_in(tx, &draft).await
    }

    async fn listing_remove_in(&self, tx: &mut Tx, access: ListingAccess, id: ListingId) -> Result<()> {
        let mut draft = self.draft_in(tx, access, id).await?;
        if draft.listing.status == ListingStatus::Removed {
            return Ok(());
        }
        draft.listing.status = ListingStatus::Removed;
        draft.listing.updated_at = self.now();
        self.write_in(tx, &draft).await
    }

    async fn draft_in(&self, tx: &mut Tx, access: ListingAccess, id: ListingId) -> Result<Draft> {
        let id_text = id.to_string();
        let by_id: [Param<'_>; 1] = [(&id_text).into()];
        let mut wanted = Where::new(LISTINGS);
        wanted.and("l.id = $1", &by_id);
        let (statement, params) = wanted.finish("", &[]);
        let row = tx.query_built(&statement, &params).await?.pop().ok_or_else(|| access.not_found())?;
        let tags =
            tx.query(sql!("SELECT tag FROM listing_tag WHERE listing_id = $1 ORDER BY position"), &by_id).await?;
        let tags = tags.iter().map(|row| row.get(0)).collect::<Result<Vec<String>, _>>()?;
        let (sealed, chosen_slug) = (row.get(20)?, has_chosen_slug(&row)?);
        let entry = self.read(&row, tags)?;
        access.check(&entry.listing)?;
        let listing = Arc::unwrap_or_clone(entry.listing);
        Ok(Draft { listing, secret: entry.secret, sealed, chosen_slug })
    }

    async fn write_in(&self, tx: &mut Tx, draft: &Draft) -> Result<()> {
        update_in(tx, &draft.listing, draft.sealed.as_deref(), draft.chosen_slug).await?;
        self.changes().bump_in(tx, LISTINGS_SCOPE).await
    }

    fn apply(&self, draft: &mut Draft, patch: &ListingPatch) -> Result<()> {
        let listing = &mut draft.listing;
        if let Some(name) = &patch.name {
            listing.name = rules::name(name)?;
        }
        if let Some(description) = &patch.description {
            listing.description = rules::description(description)?;
        }
        if let Some(category) = &patch.category {
            listing.category = rules::category(category)?;
        }
        if let Some(tags) = &patch.tags {
            listing.tags = rules::tags(tags)?;
        }
        if let Some(status) = patch.status {
            listing.status = status;
        }
        if patch.target.is_some() {
            listing.target = self.checked_target(patch.door, listing.kind, patch.target.as_deref())?;
        }
        if let Some(calls) = patch.free_tier_calls {
            listing.free_tier_calls = rules::free_tier_calls(calls)?;
        }
        if let Some(method) = &patch.payment_method {
            listing.payment_method = rules::payment_method(method)?;
        }
        listing.prices.apply(&patch.prices, patch.door, self.price_cap(patch.door))?;
        merge(&mut listing.profile, &patch.profile);
        merge(&mut listing.pricing_profile, &patch.pricing_profile);
        listing.payments.apply(patch.payments, &self.config().payments)?;
        listing.payments.check(listing.kind.is_database(), &listing.profile)?;
        listing.user_oauth = listing.user_oauth.changed(patch.user_oauth);
        listing.user_oauth.check(listing.kind.is_database())?;
        listing.endpoint_prices = EndpointPrices::read(&listing.profile)?;
        listing.served = ServedEndpoints::read(&listing.profile)?;
        listing.updated_at = self.now();
        if !patch.secret.is_empty() {
            let mut secret = draft.secret.clone()?;
            secret.apply(patch.secret.clone());
            self.check_secret(patch.door, listing.kind, &secret)?;
            draft.sealed = self.seal(listing.id, &secret)?;
        }
        Ok(())
    }
}

fn merge(target: &mut JsonObject, changes: &JsonObject) {
    for (field, value) in changes {
        if value.is_null() {
            target.shift_remove(field);
        } else {
            target.insert(field.clone(), value.clone());
        }
    }
}

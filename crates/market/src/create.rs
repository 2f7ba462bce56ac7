//! Registering a listing.

use crate::row::insert_in;
use crate::{
    Door, EndpointPrices, JsonObject, Listing, ListingKind, ListingStatus, Market, PaymentPolicy, PaymentPolicyChanges,
    PriceChanges, Prices, ServedEndpoints, UpstreamSecret, UserOauth, UserOauthChanges, rules,
};
use farebox_accounts::slugify;
use farebox_base::{Error, ListingId, PartyId, Result};
use farebox_db::{Tx, tx};
use std::sync::Arc;

const GENERATED_SLUG_TRIES: usize = 5;
/// Leaves room for a hyphen and six digits.
const SLUG_STEM_CHARS: usize = 57;

/// A listing to register.
#[derive(Clone, Debug)]
pub struct ListingCreate {
    /// Whose words name the fields in errors; the marketplace also caps the price per call.
    pub door: Door,
    pub kind: ListingKind,
    /// 1 to 200 characters.
    pub name: String,
    /// `None`: made from the name and six hex digits.
    pub slug: Option<String>,
    /// At most 10,000 characters.
    pub description: String,
    /// May be empty.
    pub category: String,
    /// At most 20, each 1 to 50 characters.
    pub tags: Vec<String>,
    /// The base URL of an HTTP listing.
    pub target: Option<String>,
    /// Applied to a listing that costs nothing.
    pub prices: PriceChanges,
    /// 0 to 1,000,000.
    pub free_tier_calls: i64,
    /// `x402`, `paypal` or `nowpayments`; `None`: `x402`.
    pub payment_method: Option<String>,
    /// Applied to a listing whose payments go as the operator has set.
    pub payments: PaymentPolicyChanges,
    /// Applied to a listing whose calls need no account of the buyer's.
    pub user_oauth: UserOauthChanges,
    pub profile: JsonObject,
    pub pricing_profile: JsonObject,
    /// Must hold the connection string of a database.
    pub secret: UpstreamSecret,
}

impl ListingCreate {
    /// An HTTP listing that costs nothing.
    pub fn http(door: Door, name: impl Into<String>, target: impl Into<String>) -> Self {
        Self { target: Some(target.into()), ..Self::bare(door, ListingKind::Http, name.into()) }
    }

    /// A database that costs nothing.
    pub fn database(
        door: Door,
        kind: ListingKind,
        name: impl Into<String>,
        connection_string: impl Into<String>,
    ) -> Self {
        let secret = UpstreamSecret { connection_string: Some(connection_string.into()), ..UpstreamSecret::default() };
        Self { secret, ..Self::bare(door, kind, name.into()) }
    }

    fn bare(door: Door, kind: ListingKind, name: String) -> Self {
        Self {
            door,
            kind,
            name,
            slug: None,
            description: String::new(),
            category: String::new(),
            tags: vec![],
            target: None,
            prices: PriceChanges::default(),
            free_tier_calls: 0,
            payment_method: None,
            payments: PaymentPolicyChanges::default(),
            user_oauth: UserOauthChanges::default(),
            profile: JsonObject::new(),
            pricing_profile: JsonObject::new(),
            secret: UpstreamSecret::default(),
        }
    }
}

impl Market {
    /// Registers a listing of the party, active at once.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `Conflict` (`slug_taken`), also where a removed listing has the slug.
    pub async fn listing_create(&self, party: PartyId, create: &ListingCreate) -> Result<Arc<Listing>> {
        let id = tx!(self.db(), tx => { self.listing_create_in(tx, party, create).await })?;
        self.listing_written(id).await
    }

    /// As `listing_create`, inside a transaction that does more (the party may be made in it).
    ///
    /// # Errors
    /// As `listing_create`.
    pub async fn listing_create_in(&self, tx: &mut Tx, party: PartyId, create: &ListingCreate) -> Result<ListingId> {
        let mut listing = self.checked(party, create)?;
        let sealed = self.seal(listing.id, &create.secret)?;
        if create.slug.is_some() {
            if insert_in(tx, &listing, sealed.as_deref(), true).await? {
                return Ok(listing.id);
            }
            return Err(Error::conflict("slug_taken", format!("The slug {} is taken; choose another", listing.slug)));
        }
        for _ in 0..GENERATED_SLUG_TRIES {
            listing.slug = self.generated_slug(&listing.name);
            if insert_in(tx, &listing, sealed.as_deref(), false).await? {
                return Ok(listing.id);
            }
        }
        Err(Error::internal("no free slug for a new listing in several tries"))
    }

    fn checked(&self, party: PartyId, create: &ListingCreate) -> Result<Listing> {
        let mut prices = Prices::default();
        prices.apply(&create.prices, create.door, self.price_cap(create.door))?;
        let mut payments = PaymentPolicy::default();
        payments.apply(create.payments, &self.config().payments)?;
        payments.check(create.kind.is_database(), &create.profile)?;
        let user_oauth = UserOauth::default().changed(create.user_oauth);
        user_oauth.check(create.kind.is_database())?;
        let now = self.now();
        let listing = Listing {
            id: ListingId::generate(&*self.0.parts.clock, self.rng()),
            party_id: party,
            owner_id: String::new(),
            slug: create.slug.as_deref().map_or(Ok(String::new()), |slug| rules::slug(slug).map(str::to_owned))?,
            kind: create.kind,
            name: rules::name(&create.name)?,
            description: rules::description(&create.description)?,
            category: rules::category(&create.category)?,
            tags: rules::tags(&create.tags)?,
            status: ListingStatus::Active,
            is_verified: false,
            target: self.checked_target(create.door, create.kind, create.target.as_deref())?,
            prices,
            free_tier_calls: rules::free_tier_calls(create.free_tier_calls)?,
            payment_method: rules::payment_method(create.payment_method.as_deref().unwrap_or("x402"))?,
            payments,
            user_oauth,
            fee_basis_points: self.config().fee_basis_points,
            endpoint_prices: EndpointPrices::read(&create.profile)?,
            served: ServedEndpoints::read(&create.profile)?,
            profile: create.profile.clone(),
            pricing_profile: create.pricing_profile.clone(),
            created_at: now,
            updated_at: now,
        };
        self.check_secret(create.door, create.kind, &create.secret)?;
        Ok(listing)
    }

    pub(crate) fn price_cap(&self, door: Door) -> Option<farebox_base::Micros> {
        (door == Door::Marketplace).then_some(self.config().marketplace_price_cap)
    }

    /// The URL as the check normalises it; empty for databases, which have none.
    pub(crate) fn checked_target(&self, door: Door, kind: ListingKind, target: Option<&str>) -> Result<String> {
        let field = door.field("api_url");
        match (kind.is_database(), target.map(str::trim).filter(|url| !url.is_empty())) {
            (false, Some(url)) => (self.0.parts.check_url)(field, url),
            (false, None) => Err(Error::invalid(field, "must be the URL of the server to call")),
            (true, None) => Ok(String::new()),
            (true, Some(_)) => Err(Error::invalid(field, "must be left out: the listing is a database")),
        }
    }

    pub(crate) fn check_secret(&self, door: Door, kind: ListingKind, secret: &UpstreamSecret) -> Result<()> {
        let field = door.field("connection_string");
        match &secret.connection_string {
            Some(text) => rules::connection_string(field, kind, text, self.config().sqlite_listings)?,
            None if kind.is_database() => return Err(Error::invalid(field, "must not be empty")),
            None => {}
        }
        secret.check()
    }

    fn generated_slug(&self, name: &str) -> String {
        let stem = slugify(name, SLUG_STEM_CHARS);
        let stem = if stem.is_empty() { "service" } else { &stem };
        format!("{stem}-{:06x}", self.rng().below(1 << 24))
    }

    /// The listing as it is after this process wrote it.
    pub(crate) async fn listing_written(&self, id: ListingId) -> Result<Arc<Listing>> {
        let entry = self.by_id(id).await?;
        entry.map(|entry| entry.listing.clone()).ok_or_else(|| Error::internal(format!("listing {id} vanished")))
    }
}

//! What a listing is.

use crate::{EndpointPrices, PaymentPolicy, Prices, ServedEndpoints, UpstreamSecret, UserOauth};
use farebox_base::{Error, Kind, ListingId, PartyId, Result, Timestamp};
use std::sync::Arc;

/// Fields that are kept as they came.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;

/// What is behind a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListingKind {
    /// A server that is called over HTTP; `target` is its base URL.
    Http,
    /// A PostgreSQL database; its connection string is a secret.
    Postgres,
    /// A SQLite file in the operator's folder.
    Sqlite,
}

/// Whether a listing can be found and called.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ListingStatus {
    Active,
    /// Its seller stopped it for a while.
    Paused,
    /// Its seller took it away; the row and the slug stay.
    Removed,
}

/// The methods that can have a price of their own. HEAD costs what GET costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// What a seller offers, with all that calls and doors need and nothing secret.
#[derive(Clone, Debug)]
pub struct Listing {
    pub id: ListingId,
    /// The seller.
    pub party_id: PartyId,
    /// The seller's handle, which the marketplace shows as provider.
    pub owner_id: String,
    pub slug: String,
    pub kind: ListingKind,
    pub name: String,
    pub description: String,
    /// The marketplace's category; may be empty.
    pub category: String,
    /// In the order and case in which they were registered.
    pub tags: Vec<String>,
    pub status: ListingStatus,
    /// Set by the operator.
    pub is_verified: bool,
    /// The base URL of an HTTP listing, else empty. Public doors do not show it.
    pub target: String,
    pub prices: Prices,
    /// How many calls each buyer has free.
    pub free_tier_calls: u32,
    /// `x402`, `paypal` or `nowpayments`.
    pub payment_method: String,
    /// How its payments on chain are settled.
    pub payments: PaymentPolicy,
    /// Whether calls are made with the buyer's own account at the server.
    pub user_oauth: UserOauth,
    /// The platform's part of what the listing earns, in hundredths of a percent.
    pub fee_basis_points: i64,
    /// Descriptive fields of the platform door.
    pub profile: JsonObject,
    /// Fields of the platform's pricing that decide nothing here.
    pub pricing_profile: JsonObject,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// The prices in `profile.endpoints`, ready to be looked up.
    pub endpoint_prices: EndpointPrices,
    /// What the profile says about calls that it does not list, ready to be asked.
    pub served: ServedEndpoints,
}

/// A listing with its secret, as the cache holds it.
#[derive(Clone, Debug)]
pub struct ListingEntry {
    pub listing: Arc<Listing>,
    /// An error where the vault could not open it; the listing is still shown, but can't be called.
    pub(crate) secret: Result<UpstreamSecret>,
}

impl ListingEntry {
    /// An entry that comes from no database, for simulations.
    pub fn new(listing: Listing, secret: UpstreamSecret) -> Self {
        Self { listing: Arc::new(listing), secret: Ok(secret) }
    }

    /// What the seller's server or database asks for.
    ///
    /// # Errors
    /// `Internal` where the vault could not open it.
    pub fn secret(&self) -> Result<&UpstreamSecret> {
        self.secret.as_ref().map_err(Clone::clone)
    }
}

impl Listing {
    /// # Errors
    /// `Invalid` (`listing_not_active`) where the listing is paused or removed.
    pub fn check_callable(&self) -> Result<()> {
        let state = match self.status {
            ListingStatus::Active => return Ok(()),
            ListingStatus::Paused => "paused",
            ListingStatus::Removed => "removed",
        };
        let message = format!("Service is not active: its provider has {state} it");
        Err(Error::new(Kind::Invalid, "listing_not_active", message))
    }
}

impl ListingKind {
    pub const fn text(self) -> &'static str {
        match self {
            ListingKind::Http => "http",
            ListingKind::Postgres => "postgres",
            ListingKind::Sqlite => "sqlite",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "http" => Some(ListingKind::Http),
            "postgres" => Some(ListingKind::Postgres),
            "sqlite" => Some(ListingKind::Sqlite),
            _ => None,
        }
    }

    /// Whether it takes SQL.
    pub const fn is_database(self) -> bool {
        !matches!(self, ListingKind::Http)
    }
}

impl ListingStatus {
    pub const fn text(self) -> &'static str {
        match self {
            ListingStatus::Active => "active",
            ListingStatus::Paused => "paused",
            ListingStatus::Removed => "removed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "active" => Some(ListingStatus::Active),
            "paused" => Some(ListingStatus::Paused),
            "removed" => Some(ListingStatus::Removed),
            _ => None,
        }
    }
}

impl Method {
    pub const ALL: [Method; 5] = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete];

    /// In upper or lower case; `None` for methods without prices of their own.
    pub fn parse(text: &str) -> Option<Self> {
        let is = |name: &str| text.eq_ignore_ascii_case(name);
        match () {
            () if is("GET") || is("HEAD") => Some(Method::Get),
            () if is("POST") => Some(Method::Post),
            () if is("PUT") => Some(Method::Put),
            () if is("PATCH") => Some(Method::Patch),
            () if is("DELETE") => Some(Method::Delete),
            () => None,
        }
    }
}

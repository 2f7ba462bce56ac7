//! What sellers offer: listings, their prices and secrets, and how buyers find them.
//!
//! Owns the tables `listing`, `listing_tag` and `listing_logo`, and those of databases that the operator holds for
//! organisations (`db_project`, `db_branch`, `db_database`); a listing is a publisher, a service or a provider, depending on the door.
//! Does not call anybody, hold money or count free calls. Invariants:
//! - a slug, once taken, stays taken, also by a removed listing;
//! - a change is made only by the listing's party, and never sets what is the operator's (verified, fee);
//! - a seller's secret is sealed in the database, opened once when the listing is loaded, and never shown;
//! - a quote touches neither database nor JSON.

mod access;
mod cache;
mod change;
mod create;
mod databases;
mod door;
mod endpoint_price;
mod listing;
mod logo;
mod operator;
mod path_template;
mod payment_policy;
mod price;
mod query;
mod quote;
mod row;
mod rules;
mod secret;
mod served;
mod stats;
mod update;
mod user_oauth;

pub use access::{ListingAccess, Stranger};
pub use change::Change;
pub use create::ListingCreate;
pub use databases::{DatabasePlan, NewDatabase, OrgDatabase, PlannedRole};
pub use door::Door;
pub use endpoint_price::EndpointPrices;
pub use listing::{JsonObject, Listing, ListingEntry, ListingKind, ListingStatus, Method};
pub use logo::{LOGO_BYTES_MAX, LOGO_PIXELS_MAX, LOGO_SVG_BYTES_MAX, Logo, LogoMedia, StoredLogo};
pub use operator::OperatorPatch;
pub use payment_policy::{PaymentBounds, PaymentOrder, PaymentPolicy, PaymentPolicyChanges, PaymentReceiver};
pub use price::{MethodPrices, PriceChanges, Prices};
pub use query::{CategoryCount, ListingFilter, ListingSort};
pub use quote::{quote, quote_rows, untold_charge};
pub use secret::{SecretChanges, UpstreamSecret};
pub use served::ServedEndpoints;
pub use stats::ListingStats;
pub use update::ListingPatch;
pub use user_oauth::{UserOauth, UserOauthChanges};

use farebox_accounts::Vault;
use farebox_base::{Clock, ListingId, Micros, Result, Rng, Timestamp};
use farebox_db::Db;
use farebox_events::{Cache, Changes};
use std::sync::Arc;

/// The scope of `Changes` that covers listings.
pub const LISTINGS_SCOPE: &str = "listings";

const CACHED_LISTINGS: usize = 20_000;

/// Checks a seller's URL and answers it in normal form, or says what is wrong with the field: `(field, url)`.
pub type UrlCheck = Arc<dyn Fn(&str, &str) -> Result<String> + Send + Sync>;

/// What `Market` is made of.
pub struct MarketParts {
    pub db: Db,
    pub changes: Changes,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub vault: Vault,
    pub check_url: UrlCheck,
    pub config: MarketConfig,
}

/// What the operator decides about listings.
#[derive(Clone, Debug)]
pub struct MarketConfig {
    /// The platform's part of what a new listing earns, in hundredths of a percent, 0 to 10,000.
    pub fee_basis_points: i64,
    /// The highest price of one call that the marketplace door registers.
    pub marketplace_price_cap: Micros,
    /// Whether sellers may offer SQLite files of the operator's folder, named by plain file names.
    pub sqlite_listings: bool,
    /// What sellers may decide about payments on chain.
    pub payments: PaymentBounds,
}

impl Default for MarketConfig {
    fn default() -> Self {
        Self {
            fee_basis_points: 0,
            marketplace_price_cap: Micros::new(100 * Micros::PER_UNIT),
            sqlite_listings: false,
            payments: PaymentBounds::default(),
        }
    }
}

/// The service; a clone shares everything.
#[derive(Clone)]
pub struct Market(Arc<Inner>);

struct Inner {
    parts: MarketParts,
    by_id: Cache<ListingId, Arc<ListingEntry>>,
    by_slug: Cache<String, Arc<ListingEntry>>,
}

impl Market {
    pub fn new(parts: MarketParts) -> Self {
        let scope = parts.changes.scope(LISTINGS_SCOPE);
        let by_id = Cache::new(scope.clone(), CACHED_LISTINGS);
        let by_slug = Cache::new(scope, CACHED_LISTINGS);
        Self(Arc::new(Inner { parts, by_id, by_slug }))
    }

    fn db(&self) -> &Db {
        &self.0.parts.db
    }

    fn changes(&self) -> &Changes {
        &self.0.parts.changes
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.parts.clock
    }

    fn rng(&self) -> &dyn Rng {
        &*self.0.parts.rng
    }

    fn config(&self) -> &MarketConfig {
        &self.0.parts.config
    }

    fn now(&self) -> Timestamp {
        self.0.parts.clock.now()
    }
}

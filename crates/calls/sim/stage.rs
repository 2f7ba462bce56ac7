//! Who trades: buyers with plenty and with little, sellers, and listings with and without prices, fees and free tiers.

use crate::sim::clock::{START, SimClock};
use farebox_base::{ListingId, Micros, PartyId};
use farebox_db::{Db, DbError, Isolation, sql};
use farebox_ledger::AccountId;
use farebox_market::{
    EndpointPrices, Listing, ListingEntry, ListingKind, ListingStatus, MethodPrices, Prices, ServedEndpoints,
    UpstreamSecret,
};
use std::sync::Arc;

pub struct Stage {
    pub clock: Arc<SimClock>,
    pub buyers: Vec<PartyId>,
    pub listings: Vec<Arc<ListingEntry>>,
}

/// Price, free calls and fee in hundredths of a percent of each listing; the first seller has every other one.
const LISTINGS: [(i64, u32, i64); 6] =
    [(1_000, 0, 500), (333, 0, 333), (0, 0, 500), (700, 3, 500), (25_000, 0, 0), (9, 1, 10_000)];

/// What buyers begin with: prepaid for the first seller, promotional, funded.
pub const BEGINNINGS: [[i64; 3]; 4] =
    [[5_000, 3_000, 1_000_000], [0, 900, 600], [2_000, 2_000, 40_000], [0, 0, 90_000]];

fn party(n: u128) -> PartyId {
    PartyId::from_uuid(uuid::Uuid::from_u128(n))
}

/// Who gets the money that another process spends.
pub fn bazaar() -> PartyId {
    party(50)
}

impl Stage {
    pub fn new() -> Self {
        let buyers: Vec<PartyId> = (1..=BEGINNINGS.len() as u128).map(party).collect();
        // The last buyer sells too, also to himself.
        let sellers = [party(20), buyers[3]];
        let entry = |(n, (price, free, fee)): (usize, (i64, u32, i64))| {
            let id = ListingId::from_uuid(uuid::Uuid::from_u128(100 + n as u128));
            let secret = UpstreamSecret::default();
            Arc::new(ListingEntry::new(listing(id, sellers[n % 2], price, free, fee), secret))
        };
        let listings = LISTINGS.into_iter().enumerate().map(entry).collect();
        Self { clock: Arc::new(SimClock::new()), buyers, listings }
    }

    /// What a call of the listing costs where it is not free.
    pub fn price(&self, listing: usize) -> i64 {
        farebox_market::quote(&self.listings[listing].listing, "GET", "/now").get()
    }

    pub fn seller(&self, listing: usize) -> PartyId {
        self.listings[listing].listing.party_id
    }

    /// The account of a buyer's beginnings.
    pub fn account(&self, buyer: usize, kind: usize) -> AccountId {
        let party = self.buyers[buyer];
        match kind {
            0 => AccountId::prepaid(party, self.seller(0)),
            1 => AccountId::promotional(party),
            _ => AccountId::funded(party),
        }
    }
}

/// Slots of the free tier refer to the rows of listings, and those to their parties.
///
/// # Errors
/// Those of the database.
pub async fn listings_write(db: &Db, stage: &Stage) -> Result<(), DbError> {
    let mut tx = db.begin(Isolation::Serializable).await?;
    for (n, entry) in stage.listings.iter().enumerate() {
        let (id, seller) = (entry.listing.id.to_string(), entry.listing.party_id.to_string());
        let party = sql!(
            "INSERT INTO party (id, kind, handle, name, created_at) VALUES ($1, 'owner', $1, 'Seller', 0)
             ON CONFLICT (id) DO NOTHING"
        );
        tx.execute(party, &[seller.as_str().into()]).await?;
        let slug = format!("listing-{n}");
        let listing = sql!(
            "INSERT INTO listing (id, party_id, slug, kind, name, description, category, status, is_verified, target,
               price_per_call, price_text, pricing, free_tier_calls, payment_method, fee_basis_points, profile, search_text,
               created_at, updated_at)
             VALUES ($1, $2, $3, 'http', 'Listing', '', '', 'active', 0, '', 0, '', '{}', 0, '', 0, '{}', '', 0, 0)"
        );
        tx.execute_one(listing, &[id.as_str().into(), seller.as_str().into(), slug.as_str().into()]).await?;
    }
    tx.commit().await
}

fn listing(id: ListingId, seller: PartyId, price: i64, free: u32, fee: i64) -> Listing {
    let prices = Prices {
        per_call: Micros::new(price),
        price_text: String::new(),
        per_method: MethodPrices::default(),
        per_1000_rows: None,
        markup_hundredths: 100,
        min_charge: Micros::ZERO,
        reserve_max: None,
        untold: None,
    };
    let text = |text: &str| text.to_owned();
    Listing {
        id,
        party_id: seller,
        owner_id: text("seller"),
        slug: format!("listing-{price}"),
        kind: ListingKind::Http,
        name: format!("Listing {price}"),
        description: String::new(),
        category: String::new(),
        tags: Vec::new(),
        status: ListingStatus::Active,
        is_verified: false,
        target: text("http://seller.example/"),
        prices,
        free_tier_calls: free,
        payment_method: text("x402"),
        payments: Default::default(),
        user_oauth: Default::default(),
        fee_basis_points: fee,
        profile: Default::default(),
        pricing_profile: Default::default(),
        created_at: START,
        updated_at: START,
        endpoint_prices: EndpointPrices::default(),
        served: ServedEndpoints::default(),
    }
}

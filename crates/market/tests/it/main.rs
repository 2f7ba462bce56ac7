//! Listings on both engines.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod cache;
mod create;
mod databases;
mod logo_formats;
mod logo_svg;
mod logos;
mod query;
mod quote;
mod secret;
mod stats;
mod update;

use farebox_accounts::{Accounts, AccountsParts, AgentRegistration, Vault};
use farebox_base::{Error, ManualClock, PartyId, SystemRng, Timestamp};
use farebox_db::Db;
use farebox_events::Changes;
use farebox_mail::{Folder, Mailer, MailerParts, Transport};
use farebox_market::{Change, Door, ListingCreate, Market, MarketConfig, MarketParts, PriceChanges};
use std::sync::Arc;
use std::time::Duration;

/// One process that uses the database.
struct Process {
    market: Market,
    accounts: Accounts,
    changes: Changes,
    clock: Arc<ManualClock>,
}

/// Nobody sends what these tests queue.
fn mailer(db: &Db, clock: Arc<ManualClock>, vault: Vault) -> Mailer {
    let transport = Transport::Folder(Folder::new("outbox".into(), "no-reply@example.com").unwrap());
    Mailer::new(MailerParts { db: db.clone(), clock, rng: Arc::new(SystemRng), vault, transport })
}

fn process(db: &Db) -> Process {
    process_with(db, [4; 32])
}

fn process_with(db: &Db, master_key: [u8; 32]) -> Process {
    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_773_914_400_000_000)));
    let changes = Changes::new(db.clone());
    let rng = Arc::new(SystemRng);
    let vault = Vault::from_key(master_key, rng.clone());
    let accounts = Accounts::new(AccountsParts {
        db: db.clone(),
        changes: changes.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        pepper: [3; 32],
        vault: vault.clone(),
        mailer: mailer(db, clock.clone(), vault.clone()),
        public_url: "https://pay.example".to_owned(),
        open_provider_registration: true,
    });
    let market = Market::new(MarketParts {
        db: db.clone(),
        changes: changes.clone(),
        clock: clock.clone(),
        rng,
        vault,
        check_url: Arc::new(check_url),
        config: MarketConfig { fee_basis_points: 250, sqlite_listings: true, ..MarketConfig::default() },
    });
    Process { market, accounts, changes, clock }
}

/// The real check belongs to a crate below; this one refuses one host and normalises the rest.
fn check_url(field: &str, text: &str) -> farebox_base::Result<String> {
    let url = url::Url::parse(text).map_err(|_| Error::invalid(field, "must be a URL"))?;
    if url.host_str() == Some("localhost") {
        return Err(Error::invalid(field, "must not point to a private address"));
    }
    Ok(url.to_string())
}

impl Process {
    async fn party(&self) -> PartyId {
        self.accounts.register_agent(&AgentRegistration::default()).await.unwrap().party.id
    }

    /// Registers a listing a second after whatever came before.
    async fn listing(&self, party: PartyId, create: ListingCreate) -> Arc<farebox_market::Listing> {
        self.clock.advance(Duration::from_secs(1));
        self.market.listing_create(party, &create).await.unwrap()
    }
}

/// A marketplace service at a price.
fn service(name: &str, price: &str) -> ListingCreate {
    let prices = PriceChanges { per_call: Change::Set(price.to_owned()), ..PriceChanges::default() };
    ListingCreate { prices, ..ListingCreate::http(Door::Marketplace, name, "https://api.example.com/v1") }
}

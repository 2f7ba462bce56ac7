//! Parties, keys and wallets on both engines.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod agent_address;
mod authenticate;
mod chat_policy;
mod invites;
mod keys;
mod mail_links;
mod members;
mod owner_keys;
mod pending;
mod people;
mod personal;
mod reach;
mod refresh;
mod register;
mod roles;
mod sessions;
mod sign_in;
mod stale;
mod tenants;
mod throttles;
mod vpc;
mod wallet;
mod wallet_proof;

use farebox_accounts::{Accounts, AccountsParts, OwnerKeyRequest, Vault};
use farebox_base::{ManualClock, Role, SystemRng, Timestamp};
use farebox_db::Db;
use farebox_events::Changes;
use farebox_mail::{Folder, Mailer, MailerParts, Transport};
use std::sync::Arc;

/// One process that uses the database.
struct Process {
    db: Db,
    accounts: Accounts,
    changes: Changes,
    clock: Arc<ManualClock>,
    mailer: Mailer,
    _folder: Arc<tempfile::TempDir>,
}

fn process(db: &Db) -> Process {
    process_with(db, true)
}

fn process_with(db: &Db, open_provider_registration: bool) -> Process {
    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_773_914_400_000_000)));
    let changes = Changes::new(db.clone());
    let rng = Arc::new(SystemRng);
    let vault = Vault::from_key([4; 32], rng.clone());
    let folder = Arc::new(tempfile::tempdir().unwrap());
    let transport = Transport::Folder(Folder::new(folder.path().to_owned(), "no-reply@example.com").unwrap());
    let parts = MailerParts { db: db.clone(), clock: clock.clone(), rng: rng.clone(), vault: vault.clone(), transport };
    let mailer = Mailer::new(parts);
    let accounts = Accounts::new(AccountsParts {
        db: db.clone(),
        changes: changes.clone(),
        clock: clock.clone(),
        rng,
        pepper: [3; 32],
        vault,
        mailer: mailer.clone(),
        public_url: "https://pay.example".to_owned(),
        open_provider_registration,
    });
    Process { db: db.clone(), accounts, changes, clock, mailer, _folder: folder }
}

fn request(owner_id: &str, role: Role) -> OwnerKeyRequest {
    OwnerKeyRequest { owner_id: owner_id.to_owned(), role, rate_limit: None, wallet_address: None }
}

const WALLET: &str = "0x742d35cC6634c0532925A3b844bc9E7595F0beB1";

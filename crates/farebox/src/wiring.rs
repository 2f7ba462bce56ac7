//! From configuration to parts: which database, which limits, what each crate is handed.

mod folder;

use crate::app::App;
use crate::config::{Config, Durability, WalletProof};
use crate::secret_key::SecretKey;
use crate::serve::SocketSettings;
use farebox_accounts::{Accounts, AccountsParts, Vault, VpcEndpoints};
use farebox_api::{ApiSettings, Core, CoreParts, LimitSettings, PaymentSettings, Rate};
use farebox_api_kit::{Dispatcher, Settings};
use farebox_audit::{AuditLog, AuditParts};
use farebox_base::{Clock, Error, Result, Rng};
use farebox_billing::Wallets;
use farebox_calls::{CallSettings, Calls, CallsParts};
use farebox_db::{Db, Engine, NoFaults, PostgresSettings};
use farebox_events::Changes;
use farebox_mail::{Mailer, MailerParts};
use farebox_market::{Market, MarketConfig, MarketParts, UrlCheck};
use farebox_net::{AllowRule, Client, Policy};
use farebox_oauth::{Oauth, OauthParts, OauthSettings};
use farebox_skills::{SkillLimits, Skills, SkillsParts};
use farebox_upstream::http::Timeouts;
use farebox_upstream::sql::SqlLimits;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The embedded database's file in the data folder.
const BOOK_FILE: &str = "farebox.db";

/// Opens the database that the configuration names.
///
/// # Errors
/// `Unavailable`, naming the file or server.
pub(crate) fn database(config: &Config) -> Result<Db> {
    if let Some(server) = config.database.server() {
        return Ok(Db::postgres_with(&server, Arc::new(NoFaults))?);
    }
    make_data_folder(config)?;
    Ok(Db::sqlite(&book_file(config), Arc::new(NoFaults))?)
}

/// Where the books are, for people: the file's path, or the servers and the database, without user and password.
pub(crate) fn books_place(config: &Config) -> String {
    match config.database.server() {
        Some(server) => format!("books on PostgreSQL {}", server.place().unwrap_or_default()),
        None => {
            let file = book_file(config);
            format!("books in {}", file.canonicalize().unwrap_or(file).display())
        }
    }
}

/// The embedded database's file.
pub(crate) fn book_file(config: &Config) -> PathBuf {
    config.database.data_dir.join(BOOK_FILE)
}

/// Makes the data folder where it is not there.
///
/// # Errors
/// `Unavailable`, naming the folder.
pub(crate) fn make_data_folder(config: &Config) -> Result<()> {
    let folder = &config.database.data_dir;
    folder::make_private(folder)
        .map_err(|e| Error::unavailable(format!("can't make the data folder {}: {e}", folder.display())))
}

/// Opens the database to read only, beside a server that has it open. Its statements may take any time: those that
/// check the books read all of them.
///
/// # Errors
/// `Unavailable`, naming the file or server.
pub(crate) fn database_to_read(config: &Config) -> Result<Db> {
    match config.database.server() {
        Some(server) => {
            let patient = PostgresSettings { answer_timeout: None, ..server };
            Ok(Db::postgres_with(&patient, Arc::new(NoFaults))?)
        }
        None => Ok(Db::sqlite_read_only(&book_file(config))?),
    }
}

/// The outbound client.
///
/// # Errors
/// `Invalid` or `Unavailable` where a rule or certificate can't be used.
pub(crate) fn client(config: &Config) -> Result<Client> {
    client_allowing(config, Vec::new())
}

/// The same with more exceptions to the address rules.
///
/// # Errors
/// Those of `client`.
pub(crate) fn client_allowing(config: &Config, more: Vec<AllowRule>) -> Result<Client> {
    let net = &config.net;
    let rules: std::result::Result<Vec<AllowRule>, _> = net.allow.iter().map(|rule| rule.parse()).collect();
    let own = rules.map_err(|_| Error::invalid("net.allow", "must hold HOST[:PORT] or ADDRESS[/PREFIX][:PORT]"))?;
    let allow = own.into_iter().chain(more).collect();
    Client::new(Policy {
        allow,
        connect_timeout_ms: net.connect_timeout_ms,
        pool_idle_timeout_ms: net.pool_idle_timeout_ms,
        pool_max_idle_per_host: net.pool_max_idle_per_host,
        extra_root_certificates: net.extra_root_certificates.clone(),
        prefer_http2: net.prefer_http2,
    })
}

/// What every part is made of.
pub(crate) struct Base<'a> {
    pub config: &'a Config,
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub key: SecretKey,
    pub changes: Changes,
    /// The folder of SQLite files that may be listed.
    pub sqlite_folder: Option<&'a Path>,
}

/// Puts the parts together.
///
/// # Errors
/// Those of the database; `Internal` where the table of operations contradicts itself or a thread can't start.
pub(crate) async fn assemble(base: Base<'_>) -> Result<App> {
    let vault = Vault::from_key(base.key.vault_key(), base.rng.clone());
    let (mailer, accounts) = people(&base, &vault)?;
    let Base { config, db, clock, rng, key, changes, sqlite_folder } = base;
    let client = client(config)?;
    let market = Market::new(MarketParts {
        db: db.clone(),
        changes: changes.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        vault: vault.clone(),
        check_url: url_check(client.clone()),
        config: market_config(config, sqlite_folder),
    });
    let oauth = oauth(config, &db, &clock, &rng, &client, &vault, key.pepper())?;
    let wallets = Wallets::new(db.clone(), clock.clone());
    let payments = crate::payments::wire(config, &db, &clock, &rng)?;
    let calls = Calls::start(CallsParts {
        db: db.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        client,
        payments: payments.taken,
        settings: call_settings(config, sqlite_folder),
    })
    .await?;
    let audit = AuditLog::start(AuditParts { db: db.clone(), clock: clock.clone(), rng: rng.clone() })?;
    let registry = prometheus::Registry::new();
    crate::payment_metrics::register(&registry, &calls.payments().facilitators)?;
    let core = Core::new(CoreParts {
        db: db.clone(),
        changes: changes.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        audit: audit.clone(),
        accounts: accounts.clone(),
        market: market.clone(),
        skills: skills(&db, &clock, &rng),
        wallets: wallets.clone(),
        calls: calls.clone(),
        oauth: oauth.clone(),
        vpc: VpcEndpoints::new(db.clone(), changes.clone(), clock.clone(), rng.clone()),
        facilitator: payments.facilitator,
        settings: ApiSettings { payments: payments.settings, ..api_settings(config)? },
        registry: registry.clone(),
    });
    crate::audit_metrics::register(&registry, audit.clone(), core.refusals_left_out())?;
    let dispatcher = Dispatcher::with_settings(core, farebox_api::operations(), kit_settings(config, registry)?)
        .map_err(|e| Error::internal(e.to_string()))?;
    let alone_since = (db.engine() == Engine::Sqlite).then(|| clock.now());
    Ok(App {
        db,
        clock,
        rng,
        changes,
        audit,
        accounts,
        mailer,
        market,
        wallets,
        calls,
        oauth,
        alone_since,
        socket: socket_settings(config),
        dispatcher: Arc::new(dispatcher),
    })
}

/// Whoever uses the server, and how they are written to.
fn people(base: &Base<'_>, vault: &Vault) -> Result<(Mailer, Accounts)> {
    let Base { config, db, clock, rng, key, changes, .. } = base;
    let mailer = Mailer::new(MailerParts {
        db: db.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        vault: vault.clone(),
        transport: config.mail.transport(&config.database.data_dir)?,
    });
    let accounts = Accounts::new(AccountsParts {
        db: db.clone(),
        changes: changes.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        pepper: key.pepper(),
        vault: vault.clone(),
        mailer: mailer.clone(),
        public_url: config.server.public_url(),
        open_provider_registration: config.marketplace.open_provider_registration,
    });
    Ok((mailer, accounts))
}

fn skills(db: &Db, clock: &Arc<dyn Clock>, rng: &Arc<dyn Rng>) -> Skills {
    let limits = SkillLimits::default();
    Skills::new(SkillsParts { db: db.clone(), clock: clock.clone(), rng: rng.clone(), limits })
}

fn kit_settings(config: &Config, registry: prometheus::Registry) -> Result<Settings> {
    Ok(Settings {
        body_limit_bytes: config.limits.json_body_bytes,
        stream_limit_bytes: usize::try_from(config.server.max_request_bytes).unwrap_or(usize::MAX),
        registry,
        cors: crate::cors::doors(config)?,
        home: tokio::runtime::Handle::try_current().ok(),
        ..Settings::default()
    })
}

fn url_check(client: Client) -> UrlCheck {
    Arc::new(move |field, text| {
        let url = url::Url::parse(text)
            .map_err(|_| Error::invalid(field, "must be a URL such as https://api.example.com"))?;
        client.check_url(field, &url)?;
        Ok(url.to_string())
    })
}

fn market_config(config: &Config, sqlite_folder: Option<&Path>) -> MarketConfig {
    MarketConfig {
        fee_basis_points: config.fees.gateway_fee_basis_points,
        marketplace_price_cap: config.marketplace.price_cap_usdc,
        sqlite_listings: sqlite_folder.is_some(),
        payments: crate::payments::bounds(&config.x402),
    }
}

fn call_settings(config: &Config, sqlite_folder: Option<&Path>) -> CallSettings {
    let (calls, net) = (&config.calls, &config.net);
    CallSettings {
        hold_ttl: Duration::from_secs(calls.hold_ttl_s),
        idempotency_ttl: Duration::from_secs(calls.idempotency_ttl_s),
        settlements_kept: Duration::from_secs(u64::from(config.x402.settlements_kept_days) * 86_400),
        idempotent_body_bytes: calls.idempotent_body_bytes,
        reply_buffer_bytes: calls.reply_buffer_bytes,
        reply_quiet: Duration::from_millis(calls.reply_quiet_ms),
        in_flight_max: calls.in_flight_max,
        in_flight_buyer_max: calls.in_flight_buyer_max,
        group_commit_max: calls.group_commit_max,
        unsecured_max: calls.unsecured_max_usdc,
        balance_fresh: Duration::from_millis(calls.balance_fresh_ms),
        durability: match calls.durability {
            Durability::Full => farebox_calls::Durability::Full,
            Durability::Relaxed => farebox_calls::Durability::Relaxed,
        },
        claims: farebox_calls::ClaimRule {
            after: Duration::from_secs(config.x402.channel_claim_after_s.into()),
            amount: config.x402.channel_claim_usdc,
            gone_after: Duration::from_secs(config.x402.channel_gone_after_s),
        },
        request_bytes_max: config.server.max_request_bytes,
        timeouts: Timeouts {
            first_byte_ms: net.first_byte_timeout_ms,
            idle_ms: net.idle_timeout_ms,
            total_ms: net.total_timeout_ms,
        },
        sql_limits: SqlLimits {
            max_rows: config.sql_gateway.max_rows,
            timeout_ms: config.sql_gateway.timeout_ms,
            ..SqlLimits::default()
        },
        sqlite_folder: sqlite_folder.map(Path::to_owned),
        ..CallSettings::default()
    }
}

fn api_settings(config: &Config) -> Result<ApiSettings> {
    let trusted = config.server.trusted_proxies.clone();
    Ok(ApiSettings {
        signup_bonus: config.bonus.signup_usdc,
        wallet_proof: match config.sql_gateway.wallet_proof {
            WalletProof::Optional => farebox_api::WalletProof::Optional,
            WalletProof::Required => farebox_api::WalletProof::Required,
        },
        limits: limit_settings(config),
        is_trusted_proxy: Arc::new(move |peer| trusted.iter().any(|network| network.contains(peer))),
        public_url: config.server.public_url(),
        shows_outbox: config.server.is_private(),
        oauth_pending_s: config.oauth.pending_s,
        vpc_endpoint_header: config.server.vpc_endpoint_header.as_deref().and_then(|name| name.parse().ok()),
        payments: PaymentSettings::default(),
        fee_basis_points: config.fees.gateway_fee_basis_points,
    })
}

fn oauth(
    config: &Config,
    db: &Db,
    clock: &Arc<dyn Clock>,
    rng: &Arc<dyn Rng>,
    client: &Client,
    vault: &Vault,
    pepper: [u8; 32],
) -> Result<Oauth> {
    let text = config.server.public_url();
    let public_url = url::Url::parse(&text)
        .map_err(|_| Error::invalid("server.public_url", "must be a URL such as https://pay.example.com"))?;
    let pending_for = Duration::from_secs(config.oauth.pending_s);
    Ok(Oauth::new(OauthParts {
        db: db.clone(),
        clock: clock.clone(),
        rng: rng.clone(),
        client: client.clone(),
        vault: vault.clone(),
        pepper,
        settings: OauthSettings { public_url, redirects: config.oauth.redirects(), pending_for },
    }))
}

fn limit_settings(config: &Config) -> LimitSettings {
    let limits = &config.limits;
    let marketplace = Rate::per_minute(limits.marketplace_per_minute, limits.marketplace_burst);
    let quarter = |requests| limits.sql_gateway_enabled.then(|| Rate::per_quarter_hour(requests));
    LimitSettings {
        marketplace: limits.marketplace_enabled.then_some(marketplace),
        sql_gateway_general: quarter(limits.sql_gateway_per_15_minutes),
        sql_gateway_query: quarter(limits.sql_gateway_queries_per_15_minutes),
        sql_gateway_deposit: quarter(limits.sql_gateway_deposits_per_15_minutes),
        audited_refusals_per_minute: limits.audited_refusals_per_minute,
        ..LimitSettings::default()
    }
}

fn socket_settings(config: &Config) -> SocketSettings {
    SocketSettings {
        header_bytes_max: config.server.max_header_bytes,
        header_read_timeout: Duration::from_millis(config.server.header_read_timeout_ms),
        shutdown_grace: Duration::from_millis(config.server.shutdown_grace_ms),
        ..SocketSettings::default()
    }
}

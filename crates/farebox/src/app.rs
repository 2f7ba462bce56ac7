//! One running Farebox: the parts put together, the background work, and an orderly end.

use crate::config::Config;
use crate::secret_key::SecretKey;
use crate::serve::{self, Service, SocketSettings, Workers};
use crate::wiring::{self, Base};
use farebox_accounts::Accounts;
use farebox_api::Core;
use farebox_api_kit::{Body, Dispatcher};
use farebox_audit::AuditLog;
use farebox_base::{Clock, Result, Rng, SystemClock, SystemRng, Timestamp};
use farebox_billing::Wallets;
use farebox_calls::Calls;
use farebox_db::{Db, Engine};
use farebox_events::Changes;
use farebox_mail::Mailer;
use farebox_market::Market;
use farebox_oauth::Oauth;
use http::{Request, Response};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

const REFRESH_EVERY: Duration = Duration::from_millis(250);
const RECONCILE_EVERY: Duration = Duration::from_secs(5);
/// Far below the time that a payer who withdraws has to wait.
const CLAIM_EVERY: Duration = Duration::from_secs(30);
const RESUME_EVERY: Duration = Duration::from_secs(1);
const MAIL_EVERY: Duration = Duration::from_secs(1);
const FLUSH_EVERY: Duration = Duration::from_secs(30);

/// The parts of a running server, for those who need more than its doors.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub changes: Changes,
    pub audit: AuditLog,
    pub accounts: Accounts,
    pub mailer: Mailer,
    pub market: Market,
    pub wallets: Wallets,
    pub calls: Calls,
    pub oauth: Oauth,
    /// When it started, where no other process can have the same books.
    pub(crate) alone_since: Option<Timestamp>,
    pub(crate) socket: SocketSettings,
    pub(crate) dispatcher: Arc<Dispatcher<Core>>,
}

impl App {
    /// Opens the database, brings its schema up to date, closes what a crash left open and puts the parts together.
    /// SQLite files of `sqlite_folder` may be listed as databases.
    ///
    /// # Errors
    /// `Unavailable` or `Internal` with a message for the operator.
    pub async fn start(config: &Config, sqlite_folder: Option<&Path>) -> Result<Self> {
        let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock::default()), Arc::new(SystemRng));
        let db = wiring::database(config)?;
        db.migrate().await?;
        if db.engine() == Engine::Sqlite {
            let closed = farebox_calls::calls_expire_all(&db, clock.now()).await?;
            if closed > 0 {
                tracing::warn!(closed, "calls that an earlier process left open were closed, free of charge");
            }
            farebox_calls::replies_offer_again(&db).await?;
        }
        let changes = Changes::new(db.clone());
        changes.refresh().await?;
        let key = SecretKey::load(config, &*rng, &db).await?;
        let app = wiring::assemble(Base { config, db, clock, rng, key, changes, sqlite_folder }).await?;
        app.calls.later_carry().await?;
        Ok(app)
    }

    /// Serves until `shutdown` resolves; then lets calls finish, commits what is queued and returns.
    pub async fn serve(&self, listener: TcpListener, shutdown: impl Future<Output = ()>) {
        let background = self.background();
        let workers = Workers::start();
        if let Err(error) = &workers {
            tracing::warn!(internal = ?error.internal, "the server goes on with fewer threads than it wanted");
        }
        let on = workers.as_ref().ok();
        serve::serve_on(on, listener, Arc::new(self.clone()), self.socket, shutdown).await;
        background.iter().for_each(tokio::task::JoinHandle::abort);
        self.stop_writing().await;
        if let Err(error) = self.accounts.flush_last_used().await {
            tracing::warn!(internal = ?error.internal, "the keys' times of use could not be written");
        }
        // Until here tasks on these threads may still have had something to close.
        if let Ok(workers) = workers {
            workers.stop().await;
        }
        if self.alone_since.is_some()
            && let Err(error) = farebox_calls::replies_had(&self.db).await
        {
            tracing::warn!(internal = ?error.internal, "replies of payments may be given once more after the next start");
        }
    }

    /// Writes what is queued, and lets go of the database.
    pub(crate) async fn stop_writing(&self) {
        self.calls.stop().await;
        self.audit.stop().await;
    }

    /// Payments that were left, each network at its own pace.
    fn resuming(&self) -> Vec<tokio::task::JoinHandle<()>> {
        let networks: Vec<_> = self.calls.payments().facilitators.networks().cloned().collect();
        let rounds = networks.into_iter().map(|network| {
            let app = self.clone();
            tokio::spawn(every(RESUME_EVERY, "resuming of payments", move || {
                let (app, network) = (app.clone(), network.clone());
                async move { app.calls.payments_resume_on(&network, app.alone_since).await.map(|_| ()) }
            }))
        });
        rounds.collect()
    }

    /// The work that goes on beside requests, each at its own pace; every round may run twice without harm.
    fn background(&self) -> Vec<tokio::task::JoinHandle<()>> {
        let (refresh, reconcile, flush) = (self.clone(), self.clone(), self.clone());
        let (forget, claim, mail, sign_ins) = (self.clone(), self.clone(), self.clone(), self.clone());
        let mut work = vec![
            tokio::spawn(every(REFRESH_EVERY, "refresh of caches", move || {
                let app = refresh.clone();
                async move { app.changes.refresh().await }
            })),
            tokio::spawn(every(RECONCILE_EVERY, "reconciling of calls", move || {
                let app = reconcile.clone();
                async move { app.calls.reconcile().await.map(|_| ()) }
            })),
            tokio::spawn(every(CLAIM_EVERY, "claims of payment channels", move || {
                let app = claim.clone();
                async move { app.calls.channels_claim().await.map(|_| ()) }
            })),
            tokio::spawn(every(FLUSH_EVERY, "flush of keys' times of use", move || {
                let app = flush.clone();
                async move { app.accounts.flush_last_used().await.map(|_| ()) }
            })),
            tokio::spawn(every(FLUSH_EVERY, "forgetting of old proofs of wallets", move || {
                let app = forget.clone();
                async move { app.accounts.wallet_proofs_forget().await.map(|_| ()) }
            })),
            tokio::spawn(every(FLUSH_EVERY, "forgetting of old sign-ins", move || {
                let app = sign_ins.clone();
                async move { app.accounts.sign_ins_forget().await.map(|_| ()) }
            })),
            tokio::spawn(every(MAIL_EVERY, "sending of mails", move || {
                let app = mail.clone();
                async move { app.mailer.deliver_round().await.map(|_| ()) }
            })),
        ];
        work.extend(self.resuming());
        work
    }
}

async fn every<F: Future<Output = Result<()>>>(period: Duration, what: &'static str, mut round: impl FnMut() -> F) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = round().await {
            tracing::warn!(what, code = error.code, internal = ?error.internal, "background work failed; it will be tried again");
        }
    }
}

impl Service for App {
    fn handle(&self, request: Request<Body>, peer: SocketAddr) -> impl Future<Output = Response<Body>> + Send {
        self.dispatcher.handle(request, peer)
    }
}

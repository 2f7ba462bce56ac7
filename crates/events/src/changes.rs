//! Change counters: one row per scope, counted up in the transaction that changes what the scope covers.
//!
//! Owns the table `change_counter` and the process's view of it. Does not know what a scope covers, and starts no
//! task: whoever runs the process calls `refresh` at an interval, which bounds how long others' changes go unseen.
//! Invariant: a version never repeats, so what was loaded under version `v` is current while the version is `v`.

use farebox_base::Result;
use farebox_db::{Db, Tx, sql};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The process's view of all counters; a clone shares it.
#[derive(Clone)]
pub struct Changes {
    db: Db,
    scopes: Arc<RwLock<HashMap<String, Known>>>,
}

/// The version of one scope, readable without a lock.
#[derive(Clone, Debug)]
pub struct Scope(Arc<AtomicU64>);

struct Known {
    scope: Scope,
    /// The counter as the last refresh read it; `None` before the first.
    stored: Option<i64>,
}

impl Scope {
    /// A number that is meaningful only compared with another reading in the same process: equal means unchanged.
    pub fn version(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn advance(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

impl Changes {
    pub fn new(db: Db) -> Self {
        Self { db, scopes: Arc::default() }
    }

    /// A handle for hot paths, which then need not look the scope up by name.
    pub fn scope(&self, name: &str) -> Scope {
        if let Some(known) = self.scopes.read().get(name) {
            return known.scope.clone();
        }
        self.scopes.write().entry(name.to_owned()).or_insert_with(Known::unread).scope.clone()
    }

    /// The scope's version now; see `Scope::version`.
    pub fn version(&self, name: &str) -> u64 {
        self.scope(name).version()
    }

    /// Counts the scope up with the change itself. After the commit call `local`, so that this process does not wait
    /// for its next refresh.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn bump_in(&self, tx: &mut Tx, name: &'static str) -> Result<()> {
        tx.execute(
            sql!(
                "INSERT INTO change_counter (scope, version) VALUES ($1, 1)
                 ON CONFLICT (scope) DO UPDATE SET version = change_counter.version + 1"
            ),
            &[name.into()],
        )
        .await?;
        Ok(())
    }

    /// Makes this process see a change that it has just committed.
    pub fn local(&self, name: &str) {
        self.scope(name).advance();
    }

    /// Reads all counters and advances every scope that moved. A scope that was never read before advances too:
    /// nobody knows whether it moved since this process started to look.
    ///
    /// # Errors
    /// Those of the database; the versions then stay as they are.
    pub async fn refresh(&self) -> Result<()> {
        let rows = self.db.query(sql!("SELECT scope, version FROM change_counter"), &[]).await?;
        for row in rows {
            let name: String = row.get(0)?;
            let stored: i64 = row.get(1)?;
            self.seen(name, stored);
        }
        Ok(())
    }

    fn seen(&self, name: String, stored: i64) {
        if self.scopes.read().get(&name).is_some_and(|known| known.stored == Some(stored)) {
            return;
        }
        let mut scopes = self.scopes.write();
        let known = scopes.entry(name).or_insert_with(Known::unread);
        if known.stored != Some(stored) {
            known.stored = Some(stored);
            known.scope.advance();
        }
    }
}

impl Known {
    fn unread() -> Self {
        Self { scope: Scope(Arc::new(AtomicU64::new(0))), stored: None }
    }
}

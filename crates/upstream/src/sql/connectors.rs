//! The connectors in use, one per database, each with its pool.

use std::collections::HashMap;
use std::sync::Arc;

use farebox_net::Client;
use parking_lot::Mutex;

use super::error::SqlError;
use super::{PostgresConnector, SqlConnector, SqlLimits, SqlTarget, SqliteConnector};

/// Hands out connectors and forgets those that were not asked for the longest.
pub struct SqlConnectors {
    net: Client,
    limits: SqlLimits,
    max_targets: usize,
    used: Mutex<Used>,
}

#[derive(Default)]
struct Used {
    by_target: HashMap<SqlTarget, (Arc<SqlConnector>, u64)>,
    clock: u64,
}

impl SqlConnectors {
    /// Keeps at most `max_targets` databases.
    pub fn new(net: Client, limits: SqlLimits, max_targets: usize) -> Self {
        Self { net, limits, max_targets: max_targets.max(1), used: Mutex::default() }
    }

    /// The connector of a database. Does not connect yet.
    pub fn get(&self, target: &SqlTarget) -> Result<Arc<SqlConnector>, SqlError> {
        let mut used = self.used.lock();
        used.clock += 1;
        let now = used.clock;
        if let Some((connector, last_use)) = used.by_target.get_mut(target) {
            *last_use = now;
            return Ok(Arc::clone(connector));
        }
        let connector = Arc::new(match target {
            SqlTarget::Postgres(text) => {
                SqlConnector::Postgres(PostgresConnector::new(self.net.clone(), text, self.limits)?)
            }
            SqlTarget::Sqlite(path) => SqlConnector::Sqlite(SqliteConnector::new(path.clone(), self.limits)),
        });
        if used.by_target.len() >= self.max_targets {
            let oldest =
                used.by_target.iter().min_by_key(|(_, (_, last_use))| *last_use).map(|(target, _)| target.clone());
            if let Some(oldest) = oldest {
                used.by_target.remove(&oldest);
            }
        }
        used.by_target.insert(target.clone(), (Arc::clone(&connector), now));
        Ok(connector)
    }
}

//! Migrations: numbered files, embedded, each applied once, in order, in a transaction with the record of it.
//!
//! A file that was applied must never change; a database that recorded another text of it is refused. A database may
//! know files that this program does not: during an upgrade the older release keeps running beside the newer one.

use crate::{Db, DbError, Isolation, sql};

/// The migrations as (file name, text), in order.
pub fn migrations() -> &'static [(&'static str, &'static str)] {
    macro_rules! embed {
        ($($name:literal),* $(,)?) => { &[$(($name, include_str!(concat!("../../../migrations/", $name)))),*] };
    }
    embed![
        "0001_accounts.sql",
        "0002_ledger.sql",
        "0003_market.sql",
        "0004_calls.sql",
        "0005_settings.sql",
        "0006_book.sql",
        "0007_statement.sql",
        "0008_chain.sql",
        "0009_facilitator.sql",
        "0010_payment.sql",
        "0011_chain_deposit.sql",
        "0012_channel.sql",
        "0013_payment_charged.sql",
        "0014_payment_policy.sql",
        "0015_forgetting.sql",
        "0016_auth.sql",
        "0017_organization.sql",
        "0018_audit.sql",
        "0019_oauth.sql",
        "0020_places.sql",
        "0021_skill.sql",
        "0022_sign_up.sql",
        "0023_oauth_key.sql",
        "0024_channel_refund.sql",
        "0025_payment_sender.sql"
    ]
}

const RECORD: &str =
    "CREATE TABLE IF NOT EXISTS schema_migration (\n  name TEXT PRIMARY KEY,\n  checksum TEXT NOT NULL\n) /*STRICT*/;";
/// Two processes that start at once run into each other; the one that lost looks again.
const ATTEMPTS: u32 = 20;

impl Db {
    /// Brings the schema to what this program needs; returns the names of the files that were applied, none where it
    /// was up to date. Safe to call from several processes at once.
    ///
    /// # Errors
    /// `Other` naming the file that differs from what was applied, or whose text fails.
    pub async fn migrate(&self) -> Result<Vec<String>, DbError> {
        self.migrate_with(migrations()).await
    }

    /// As [`Db::migrate`], with a list of (name, text) of the caller's.
    ///
    /// # Errors
    /// Those of [`Db::migrate`].
    pub async fn migrate_with(&self, list: &[(&str, &str)]) -> Result<Vec<String>, DbError> {
        let mut applied = vec![];
        let mut attempts = 0;
        let mut next = 0;
        while next <= list.len() {
            // The record's own table comes before the first file.
            let step = match next.checked_sub(1).map(|index| list[index]) {
                None => self.create_record().await.map(|()| None),
                Some((name, text)) => self.apply(name, text).await.map(|new| new.then_some(name)),
            };
            match step {
                Ok(name) => {
                    applied.extend(name.map(str::to_owned));
                    next += 1;
                }
                Err(DbError::Conflict(_) | DbError::Serialization) if attempts < ATTEMPTS => {
                    tokio::time::sleep(self.backoff(attempts)).await;
                    attempts += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(applied)
    }

    async fn create_record(&self) -> Result<(), DbError> {
        let mut tx = self.begin(Isolation::ReadCommitted).await?;
        tx.script(RECORD).await?;
        tx.commit().await
    }

    /// Applies one file; `false` where it was applied before.
    async fn apply(&self, name: &str, text: &str) -> Result<bool, DbError> {
        let checksum = blake3::hash(text.as_bytes()).to_hex();
        let mut tx = self.begin(Isolation::ReadCommitted).await?;
        let known = tx.one(sql!("SELECT checksum FROM schema_migration WHERE name = $1"), &[name.into()]).await?;
        if let Some(row) = known {
            if row.get::<&str>(0)? == checksum.as_str() {
                tx.rollback().await;
                return Ok(false);
            }
            return Err(DbError::Other(format!("migration {name} was changed after it was applied to this database")));
        }
        // The record first: a second process waits here for the first to commit and then finds the name taken.
        let record = sql!("INSERT INTO schema_migration (name, checksum) VALUES ($1, $2)");
        tx.execute(record, &[name.into(), checksum.as_str().into()]).await?;
        tx.script(text).await.map_err(|error| match error {
            DbError::Conflict(text) | DbError::Other(text) => DbError::Other(format!("migration {name}: {text}")),
            passing => passing,
        })?;
        tx.commit().await?;
        Ok(true)
    }
}

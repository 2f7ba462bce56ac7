//! The rows of `mail_outbox`: one for each mail that has not left.

use crate::{Mail, Mailer};
use farebox_base::{Error, Result, Timestamp, uuid_v7};
use farebox_db::{Isolation, Row, Tx, sql, tx};
use farebox_vault::Vault;
use std::time::Duration;

/// How long a sender may take before another one may try.
const LEASE: Duration = Duration::from_secs(180);
/// A mail that nobody took for so long is dropped; its links are of no use any more.
const AGE_MAX: Duration = Duration::from_secs(24 * 3_600);
const FIRST_DELAY: Duration = Duration::from_secs(5);
const DELAY_MAX: Duration = Duration::from_secs(3_600);

/// A mail that this process may send.
pub(crate) struct Claimed {
    pub id: String,
    pub mail: Mail,
    /// Tries so far, with this one.
    attempts: i64,
    created_at: Timestamp,
}

/// A row that is due.
pub(crate) struct Due {
    id: String,
    due_at: Timestamp,
    sealed: Vec<u8>,
    attempts: i64,
    created_at: Timestamp,
}

impl Mailer {
    /// Queues a mail with whatever else the transaction does.
    ///
    /// # Errors
    /// `Invalid` for `email` where the address can't be written to; those of the database.
    pub async fn queue_in(&self, tx: &mut Tx, mail: &Mail) -> Result<()> {
        mail.check()?;
        let parts = &*self.0;
        let id = uuid_v7(&*parts.clock, &*parts.rng).hyphenated().to_string();
        let plain = serde_json::to_vec(mail).map_err(|e| Error::internal(format!("a mail is not writable: {e}")))?;
        let sealed = parts.vault.seal(&plain, &place(&id))?;
        let now = parts.clock.now();
        tx.execute_one(
            sql!(
                "INSERT INTO mail_outbox (id, sealed, attempts, due_at, created_at)
                 VALUES ($1, $2, 0, $3, $3)"
            ),
            &[(&id).into(), (&sealed).into(), now.into()],
        )
        .await?;
        Ok(())
    }

    /// At most `limit` mails that are due, the longest due first.
    pub(crate) async fn due(&self, limit: i64) -> Result<Vec<Due>> {
        let rows = self
            .0
            .db
            .query(
                sql!(
                    "SELECT id, due_at, sealed, attempts, created_at FROM mail_outbox
                     WHERE due_at <= $1 ORDER BY due_at, id LIMIT $2"
                ),
                &[self.0.clock.now().into(), limit.into()],
            )
            .await?;
        rows.iter().map(read).collect()
    }

    /// Takes the mail for this process; `None` where another one was faster.
    pub(crate) async fn claim(&self, due: Due) -> Result<Option<Claimed>> {
        let until = self.0.clock.now().plus(LEASE);
        let taken = tx!(self.0.db, Isolation::ReadCommitted, tx => {
            let taken = tx.execute(
                sql!("UPDATE mail_outbox SET due_at = $3, attempts = attempts + 1 WHERE id = $1 AND due_at = $2"),
                &[(&due.id).into(), due.due_at.into(), until.into()],
            ).await?;
            Ok(taken)
        })?;
        if taken == 0 {
            return Ok(None);
        }
        let mail = opened(&self.0.vault, &due)?;
        Ok(Some(Claimed { id: due.id, mail, attempts: due.attempts + 1, created_at: due.created_at }))
    }

    /// Forgets a mail that has left, or that has become of no use.
    pub(crate) async fn forget(&self, id: &str) -> Result<()> {
        tx!(self.0.db, Isolation::ReadCommitted, tx => {
            tx.execute(sql!("DELETE FROM mail_outbox WHERE id = $1"), &[id.into()]).await?;
            Ok(())
        })
    }

    /// Puts a mail off that did not leave; answers whether it is still there.
    pub(crate) async fn put_off(&self, claimed: &Claimed) -> Result<bool> {
        let now = self.0.clock.now();
        if now >= claimed.created_at.plus(AGE_MAX) {
            self.forget(&claimed.id).await?;
            return Ok(false);
        }
        let due = now.plus(delay(claimed.attempts));
        tx!(self.0.db, Isolation::ReadCommitted, tx => {
            tx.execute(
                sql!("UPDATE mail_outbox SET due_at = $2 WHERE id = $1"),
                &[claimed.id.as_str().into(), due.into()],
            ).await?;
            Ok(true)
        })
    }
}

fn place(id: &str) -> Vec<u8> {
    Vault::place("mail_outbox.sealed", id)
}

fn opened(vault: &Vault, due: &Due) -> Result<Mail> {
    let plain = vault.open(&due.sealed, &place(&due.id))?;
    serde_json::from_slice(&plain).map_err(|e| Error::internal(format!("a queued mail can't be read: {e}")))
}

/// Five seconds after the first try, four times as long after each further one, an hour at most.
fn delay(attempts: i64) -> Duration {
    let doublings = u32::try_from(attempts.clamp(1, 8) - 1).unwrap_or(0) * 2;
    FIRST_DELAY.saturating_mul(1 << doublings).min(DELAY_MAX)
}

fn read(row: &Row) -> Result<Due> {
    Ok(Due {
        id: row.get(0)?,
        due_at: row.get(1)?,
        sealed: row.get(2)?,
        attempts: row.get(3)?,
        created_at: row.get(4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_come_further_and_further_apart_up_to_an_hour() {
        let seconds: Vec<u64> = [1, 2, 3, 4, 5, 6, 99].iter().map(|n| delay(*n).as_secs()).collect();
        assert_eq!(seconds, [5, 20, 80, 320, 1_280, 3_600, 3_600]);
    }
}

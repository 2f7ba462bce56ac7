//! How often something may be tried: counts in the database, so that they hold for all processes and over restarts.
//!
//! A count begins with its first attempt and ends after the limit's time. It is taken before the attempt's work, so
//! that many at once count as many. Subjects are keyed hashes: the table tells nobody's address.

use super::Visitor;
use crate::Accounts;
use farebox_base::{Error, Kind, Result, Timestamp};
use farebox_db::{Isolation, Tx, sql, tx};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// So many attempts in so much time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    name: &'static str,
    most: i64,
    per: Duration,
}

impl Limit {
    /// Of one account from one network.
    pub(crate) const SIGN_IN: Self = Self { name: "sign-in", most: 10, per: MINUTE.saturating_mul(15) };
    /// Of one account from anywhere: so high that nobody is locked out by a few strangers, and far too low to guess.
    pub(crate) const ACCOUNT: Self = Self { name: "account", most: 100, per: MINUTE.saturating_mul(60) };
    /// Of any account from one network.
    pub(crate) const NETWORK: Self = Self { name: "network", most: 100, per: MINUTE.saturating_mul(15) };
    /// Sign-ups, and requests for mails, from one network.
    pub(crate) const ASKS: Self = Self { name: "asks", most: 60, per: MINUTE.saturating_mul(60) };
    /// Mails of one kind to one address: what strangers ask for keeps nobody from a mail of another kind.
    pub(crate) const MAILS: Self = Self { name: "mails", most: 5, per: MINUTE.saturating_mul(60) };

    /// What is counted: the limit with whom it is about.
    pub(crate) fn of(self, accounts: &Accounts, whom: &[&str]) -> Count {
        let key = blake3::derive_key("farebox 2026 subjects of attempts", accounts.pepper());
        let mut hasher = blake3::Hasher::new_keyed(&key);
        for part in [&[self.name], whom].concat() {
            hasher.update(part.as_bytes()).update(&[0]);
        }
        Count { limit: self, subject: *hasher.finalize().as_bytes() }
    }
}

/// A limit for somebody.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    limit: Limit,
    subject: [u8; 32],
}

impl Accounts {
    /// Counts that somebody asks for something that sends a mail; to be called before it is done.
    ///
    /// # Errors
    /// `TooManyRequests`; those of the database.
    pub async fn mail_asked_by(&self, visitor: &Visitor) -> Result<()> {
        self.attempt(&[Limit::ASKS.of(self, &[&visitor.network()])]).await
    }

    /// Counts an attempt: first against the narrowest of its limits, and against the others only where that one is not
    /// over, so that whoever goes on trying uses up nobody else's attempts.
    ///
    /// # Errors
    /// `TooManyRequests` where one of the counts is over; those of the database.
    pub(crate) async fn attempt(&self, counts: &[Count]) -> Result<()> {
        let Some((narrowest, wider)) = counts.split_first() else { return Ok(()) };
        let mut ordered = wider.to_vec();
        // Two attempts never wait for each other in a circle.
        ordered.sort_by_key(|count| count.subject);
        let now = self.now();
        let over = tx!(self.db(), Isolation::ReadCommitted, tx => {
            let mut over = count_in(tx, narrowest, now).await?;
            if over.is_none() {
                for count in &ordered {
                    over = over.max(count_in(tx, count, now).await?);
                }
            }
            Ok(over)
        })?;
        let Some(end) = over else { return Ok(()) };
        let left_us = u64::try_from(end.micros() - now.micros()).unwrap_or(0);
        let seconds = left_us.div_ceil(1_000_000).max(1);
        let message = "Too many attempts; try again later";
        Err(Error::new(Kind::TooManyRequests, "too_many_attempts", message).with_retry_after(seconds))
    }

    /// Counts with whatever else the transaction does; answers whether it is still within the limit.
    pub(crate) async fn attempt_in(&self, tx: &mut Tx, count: &Count) -> Result<bool> {
        Ok(count_in(tx, count, self.now()).await?.is_none())
    }

    /// Takes attempts back that turned out to be right.
    pub(crate) async fn attempts_return_in(&self, tx: &mut Tx, counts: &[Count]) -> Result<()> {
        let mut ordered = counts.to_vec();
        ordered.sort_by_key(|count| count.subject);
        for count in &ordered {
            tx.execute(
                sql!("UPDATE attempt_count SET attempts = attempts - 1 WHERE subject = $1 AND attempts > 0"),
                &[(&count.subject).into()],
            )
            .await?;
        }
        Ok(())
    }
}

/// Counts one up; answers the count's end where it is over.
async fn count_in(tx: &mut Tx, count: &Count, now: Timestamp) -> Result<Option<Timestamp>> {
    let rows = tx
        .query(
            sql!(
                "INSERT INTO attempt_count (subject, attempts, ends_at) VALUES ($1, 1, $3)
                 ON CONFLICT (subject) DO UPDATE SET
                   attempts = CASE WHEN attempt_count.ends_at <= $2 THEN 1 ELSE attempt_count.attempts + 1 END,
                   ends_at = CASE WHEN attempt_count.ends_at <= $2 THEN excluded.ends_at ELSE attempt_count.ends_at END
                 RETURNING attempts, ends_at"
            ),
            &[(&count.subject).into(), now.into(), now.plus(count.limit.per).into()],
        )
        .await?;
    let row = rows.first().ok_or_else(|| Error::internal("a count of attempts vanished"))?;
    Ok((row.get::<i64>(0)? > count.limit.most).then_some(row.get(1)?))
}

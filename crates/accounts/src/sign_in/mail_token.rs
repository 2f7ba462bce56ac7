//! Tokens that are sent by mail: 256 random bits, good once and for a time.

use crate::Accounts;
use crate::key::new_secret;
use farebox_base::{Result, Timestamp, UserId};
use farebox_db::{Row, Tx, sql};
use std::time::Duration;

/// What a token is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    Verify,
    Reset,
}

impl Purpose {
    /// As it is stored.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
        }
    }
}

/// A token to be written.
pub(crate) struct NewToken<'a> {
    pub purpose: Purpose,
    pub user_id: UserId,
    /// Where it is sent, and what it proves.
    pub email: &'a str,
    pub good_for: Duration,
}

/// What a token proved.
pub(crate) struct Proved {
    pub user_id: UserId,
    pub email: String,
}

/// What became of a token that was shown.
pub(crate) enum Shown {
    Good(Proved),
    /// It was used before, or its time is over.
    Over,
    Unknown,
}

impl Accounts {
    /// Writes a token; answers its text, which is nowhere else.
    pub(crate) async fn mail_token_new_in(&self, tx: &mut Tx, new: NewToken<'_>) -> Result<String> {
        let (text, now) = (new_secret(self.rng()), self.now());
        tx.execute_one(
            sql!(
                "INSERT INTO mail_token (hash, purpose, user_id, email, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6)"
            ),
            &[
                self.token_hash(new.purpose.text(), &text).as_bytes().into(),
                new.purpose.text().into(),
                (&new.user_id.to_string()).into(),
                new.email.into(),
                now.into(),
                now.plus(new.good_for).into(),
            ],
        )
        .await?;
        Ok(text)
    }

    /// Whether there is such a token at all, good or not.
    pub(crate) async fn mail_token_known(&self, purpose: Purpose, text: &str) -> Result<bool> {
        let hash = self.token_hash(purpose.text(), text);
        let row = self.db().one(sql!("SELECT 1 FROM mail_token WHERE hash = $1"), &[hash.as_bytes().into()]).await?;
        Ok(row.is_some())
    }

    /// Uses a token up.
    pub(crate) async fn mail_token_use_in(&self, tx: &mut Tx, purpose: Purpose, text: &str) -> Result<Shown> {
        let (hash, now) = (self.token_hash(purpose.text(), text), self.now());
        let row = tx
            .one(
                sql!("SELECT user_id, email, expires_at, used_at FROM mail_token WHERE hash = $1"),
                &[hash.as_bytes().into()],
            )
            .await?;
        let Some(row) = row else { return Ok(Shown::Unknown) };
        if row.get::<Timestamp>(2)? <= now || row.get::<Option<Timestamp>>(3)?.is_some() {
            return Ok(Shown::Over);
        }
        let used = tx
            .execute(
                sql!("UPDATE mail_token SET used_at = $2 WHERE hash = $1 AND used_at IS NULL"),
                &[hash.as_bytes().into(), now.into()],
            )
            .await?;
        if used == 1 { Ok(Shown::Good(read(&row)?)) } else { Ok(Shown::Over) }
    }

    /// Makes the user's other tokens worthless.
    pub(crate) async fn mail_tokens_end_in(&self, tx: &mut Tx, user: UserId, purpose: Purpose) -> Result<()> {
        tx.execute(
            sql!("UPDATE mail_token SET used_at = $3 WHERE user_id = $1 AND purpose = $2 AND used_at IS NULL"),
            &[(&user.to_string()).into(), purpose.text().into(), self.now().into()],
        )
        .await?;
        Ok(())
    }

    /// Makes all tokens that were sent to an address worthless, whosever they are.
    pub(crate) async fn mail_tokens_of_address_end_in(&self, tx: &mut Tx, email: &str, purpose: Purpose) -> Result<()> {
        tx.execute(
            sql!("UPDATE mail_token SET used_at = $3 WHERE email = $1 AND purpose = $2 AND used_at IS NULL"),
            &[email.into(), purpose.text().into(), self.now().into()],
        )
        .await?;
        Ok(())
    }

    /// What is kept of a token; the same text for two purposes is two tokens.
    pub(super) fn token_hash(&self, purpose: &str, text: &str) -> blake3::Hash {
        let key = blake3::derive_key("farebox 2026 tokens in mails", self.pepper());
        let mut hasher = blake3::Hasher::new_keyed(&key);
        hasher.update(purpose.as_bytes()).update(&[0]).update(text.as_bytes()).finalize()
    }
}

fn read(row: &Row) -> Result<Proved> {
    Ok(Proved { user_id: row.get(0)?, email: row.get(1)? })
}

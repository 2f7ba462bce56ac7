//! Sign-ups that wait for the answer to their mail: the table `sign_up`, one row for each mail.
//!
//! Invariants: rows are written whether the address has an account or not; where it has one, the token is sent to
//! nobody. What a sign-in can learn from rows follows from their times alone: a proof removes none, so that nobody sees
//! by his own row whether the address was proved since. The limit of mails to one address bounds them: at most ten an
//! hour, each for a day.

use super::sign_up::VERIFY_FOR;
use crate::Accounts;
use crate::key::new_secret;
use farebox_base::{Result, UserId};
use farebox_db::{Row, Tx, sql};

/// Tells the tokens of sign-ups from others.
const PURPOSE: &str = "sign-up";

/// What somebody chose at sign-up, and whom its proof makes.
#[derive(Clone)]
pub(super) struct Pending {
    pub user_id: UserId,
    pub email: String,
    pub name: String,
    /// `None`: the person chooses a password later.
    pub password_hash: Option<String>,
}

impl Accounts {
    /// Writes a row; answers its token, which is nowhere else.
    pub(super) async fn pending_new_in(&self, tx: &mut Tx, pending: &Pending) -> Result<String> {
        let (token, now) = (new_secret(self.rng()), self.now());
        tx.execute_one(
            sql!(
                "INSERT INTO sign_up (token_hash, user_id, email, name, password_hash, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7)"
            ),
            &[
                self.token_hash(PURPOSE, &token).as_bytes().into(),
                (&pending.user_id.to_string()).into(),
                (&pending.email).into(),
                (&pending.name).into(),
                pending.password_hash.as_ref().into(),
                now.into(),
                now.plus(VERIFY_FOR).into(),
            ],
        )
        .await?;
        Ok(token)
    }

    /// The hash of the password that was chosen last at an address, proved since or not. `None` where there is none, or
    /// where it was that sign-up that was proved.
    pub(super) async fn pending_hash(&self, email: &str) -> Result<Option<String>> {
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT password_hash FROM sign_up
                     WHERE email = $1 AND expires_at > $2 AND password_hash IS NOT NULL
                     ORDER BY created_at DESC, token_hash LIMIT 1"
                ),
                &[email.into(), self.now().into()],
            )
            .await?;
        let hash: Option<String> = row.map(|row| row.get(0)).transpose()?;
        Ok(hash.filter(|hash| !hash.is_empty()))
    }

    /// What a further mail to an address is for. Where several signed up with it, nobody's choices: which of them the
    /// reader of the mail means is not known.
    pub(super) async fn pending_of_in(&self, tx: &mut Tx, email: &str) -> Result<Option<Pending>> {
        let rows = tx
            .query(
                sql!(
                    "SELECT DISTINCT user_id, email, name, password_hash FROM sign_up
                     WHERE email = $1 AND expires_at > $2 AND password_hash IS NOT NULL LIMIT 2"
                ),
                &[email.into(), self.now().into()],
            )
            .await?;
        match &rows[..] {
            [] => Ok(None),
            [only] => read(only).map(Some),
            _ => Ok(Some(Pending {
                user_id: UserId::generate(self.clock(), self.rng()),
                email: email.to_owned(),
                name: email.split('@').next().unwrap_or(email).to_owned(),
                password_hash: None,
            })),
        }
    }

    /// Uses a token up; `None` where it is unknown, used or over.
    pub(super) async fn pending_use_in(&self, tx: &mut Tx, token: &str) -> Result<Option<Pending>> {
        let rows = tx
            .query(
                sql!(
                    "UPDATE sign_up SET used_at = $2
                     WHERE token_hash = $1 AND used_at IS NULL AND expires_at > $2
                     RETURNING user_id, email, name, password_hash"
                ),
                &[self.token_hash(PURPOSE, token).as_bytes().into(), self.now().into()],
            )
            .await?;
        rows.first().map(read).transpose()
    }

    /// The password is the user's from here on, and nothing that waits any more.
    pub(super) async fn pending_over_in(&self, tx: &mut Tx, proved: &Pending) -> Result<()> {
        tx.execute(
            sql!(
                "UPDATE sign_up SET password_hash = ''
                 WHERE email = $1 AND user_id = $2 AND password_hash IS NOT NULL"
            ),
            &[(&proved.email).into(), (&proved.user_id.to_string()).into()],
        )
        .await?;
        Ok(())
    }

    /// Makes all tokens of an address worthless.
    pub(super) async fn pending_end_in(&self, tx: &mut Tx, email: &str) -> Result<()> {
        tx.execute(
            sql!("UPDATE sign_up SET used_at = $2 WHERE email = $1 AND used_at IS NULL"),
            &[email.into(), self.now().into()],
        )
        .await?;
        Ok(())
    }
}

fn read(row: &Row) -> Result<Pending> {
    let hash: Option<String> = row.get(3)?;
    Ok(Pending {
        user_id: row.get(0)?,
        email: row.get(1)?,
        name: row.get(2)?,
        password_hash: hash.filter(|hash| !hash.is_empty()),
    })
}

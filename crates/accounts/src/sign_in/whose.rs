//! Whose a token or an address is, for the record of what was tried with it; no part of any answer.

use super::mail_token::Purpose;
use crate::session::refresh_token_session;
use crate::{Accounts, rules};
use farebox_base::{PartyId, Result, UserId};
use farebox_db::{Row, sql};

/// A user, and the organisation that he belongs to longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whose {
    pub user: UserId,
    pub party: Option<PartyId>,
}

impl Accounts {
    /// Whose session a refresh token was given out for, good or not.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn refresh_token_whose(&self, presented: &str) -> Result<Option<Whose>> {
        let Some(session) = refresh_token_session(self.pepper(), presented) else { return Ok(None) };
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT s.user_id, (SELECT m.party_id FROM member m WHERE m.user_id = s.user_id
                                        ORDER BY m.created_at, m.party_id LIMIT 1)
                     FROM user_session s WHERE s.id = $1"
                ),
                &[(&session.to_string()).into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Whose the token of a mail to choose a new password is, good or not.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn reset_token_whose(&self, token: &str) -> Result<Option<Whose>> {
        let hash = self.token_hash(Purpose::Reset.text(), token);
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT t.user_id, (SELECT m.party_id FROM member m WHERE m.user_id = t.user_id
                                        ORDER BY m.created_at, m.party_id LIMIT 1)
                     FROM mail_token t WHERE t.hash = $1"
                ),
                &[hash.as_bytes().into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// Whose an address is. Without an organisation: anybody can name an address, and must not fill a log by it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn address_whose(&self, email: &str) -> Result<Option<Whose>> {
        let Ok(email) = rules::email("email", email) else { return Ok(None) };
        let row = self
            .db()
            .one(sql!("SELECT id FROM app_user WHERE email = $1 AND email_verified = 1"), &[(&email).into()])
            .await?;
        row.map(|row| Ok(Whose { user: row.get(0)?, party: None })).transpose()
    }
}

fn read(row: &Row) -> Result<Whose> {
    Ok(Whose { user: row.get(0)?, party: row.get(1)? })
}

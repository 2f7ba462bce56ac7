//! Users: the agents and people that act for parties, and their membership.

use crate::text_enum::{read_word, text_enum};
use crate::{Accounts, AnyRole};
use farebox_base::{Error, PartyId, Result, Timestamp, UserId};
use farebox_db::{Row, Tx, sql, tx};

text_enum! {
    /// What a user is.
    UserKind {
        Agent = "agent",
        Human = "human",
    }
}

text_enum! {
    /// Only the keys of an active user are good.
    UserStatus {
        Active = "active",
        Disabled = "disabled",
        Paused = "paused",
        Deleted = "deleted",
    }
}

/// An agent or a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// Unique, lower case; made up (`…@agents.farebox.invalid`) where none was given.
    pub email: String,
    pub email_verified: bool,
    /// An address that the user has named and not proved; it takes the place of `email` when it is.
    pub pending_email: Option<String>,
    pub name: String,
    pub kind: UserKind,
    pub status: UserStatus,
    pub created_at: Timestamp,
}

impl Accounts {
    /// # Errors
    /// Those of the database.
    pub async fn user(&self, id: UserId) -> Result<Option<User>> {
        let id = id.to_string();
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT id, email, email_verified, name, kind, status, created_at, pending_email
                     FROM app_user WHERE id = $1"
                ),
                &[(&id).into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// As `user`, inside a transaction.
    pub(crate) async fn user_in(&self, tx: &mut Tx, id: UserId) -> Result<Option<User>> {
        let row = tx
            .one(
                sql!(
                    "SELECT id, email, email_verified, name, kind, status, created_at, pending_email
                     FROM app_user WHERE id = $1"
                ),
                &[(&id.to_string()).into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The user whose address this is, proved or not; the address in lower case.
    pub(crate) async fn user_by_email_in(&self, tx: &mut Tx, email: &str) -> Result<Option<User>> {
        let row = tx
            .one(
                sql!(
                    "SELECT id, email, email_verified, name, kind, status, created_at, pending_email
                     FROM app_user WHERE email = $1"
                ),
                &[email.into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }
}

impl User {
    /// The address as the user sees it: the one that was named last.
    pub fn shown_email(&self) -> &str {
        self.pending_email.as_deref().unwrap_or(&self.email)
    }

    /// Whether the address that the user sees was proved.
    pub fn has_proved_email(&self) -> bool {
        self.email_verified && self.pending_email.is_none()
    }
}

impl Accounts {
    /// Lets a user act, or stops him: the keys and sessions of one who is not active are refused everywhere within a
    /// second.
    ///
    /// # Errors
    /// `NotFound`; those of the database.
    pub async fn user_status_set(&self, id: UserId, status: UserStatus) -> Result<()> {
        tx!(self.db(), tx => { self.user_status_set_in(tx, id, status).await })?;
        self.access_changed();
        Ok(())
    }

    async fn user_status_set_in(&self, tx: &mut Tx, id: UserId, status: UserStatus) -> Result<()> {
        let id = id.to_string();
        let written = tx
            .execute(sql!("UPDATE app_user SET status = $2 WHERE id = $1"), &[(&id).into(), status.text().into()])
            .await?;
        if written == 0 {
            return Err(Error::not_found("User"));
        }
        self.access_changed_in(tx).await
    }
}

/// Writes the user; false where its email address is taken.
pub(crate) async fn user_insert_in(tx: &mut Tx, user: &User) -> Result<bool> {
    let id = user.id.to_string();
    let written = tx
        .execute(
            sql!(
                "INSERT INTO app_user (id, email, email_verified, name, kind, status, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING"
            ),
            &[
                (&id).into(),
                (&user.email).into(),
                user.email_verified.into(),
                (&user.name).into(),
                user.kind.text().into(),
                user.status.text().into(),
                user.created_at.into(),
            ],
        )
        .await?;
    Ok(written == 1)
}

pub(crate) async fn member_insert_in(
    tx: &mut Tx,
    party: PartyId,
    user: UserId,
    role: impl Into<AnyRole>,
    now: Timestamp,
) -> Result<()> {
    tx.execute_one(
        sql!("INSERT INTO member (party_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)"),
        &[(&party.to_string()).into(), (&user.to_string()).into(), (&role.into().to_string()).into(), now.into()],
    )
    .await?;
    Ok(())
}

/// The party's first owning member; `None` for parties without members (wallets).
pub(crate) async fn owning_user_in(tx: &mut Tx, party: PartyId) -> Result<Option<UserId>> {
    let row = tx
        .one(
            sql!(
                "SELECT user_id FROM member WHERE party_id = $1 AND role = 'owner'
                 ORDER BY created_at, user_id LIMIT 1"
            ),
            &[(&party.to_string()).into()],
        )
        .await?;
    row.map(|row| Ok(row.get(0)?)).transpose()
}

fn read(row: &Row) -> Result<User> {
    Ok(User {
        id: row.get(0)?,
        email: row.get(1)?,
        email_verified: row.get(2)?,
        name: row.get(3)?,
        kind: read_word(row, 4, UserKind::parse)?,
        status: read_word(row, 5, UserStatus::parse)?,
        created_at: row.get(6)?,
        pending_email: row.get(7)?,
    })
}

//! Parties: who owns money, keys and listings.

use crate::Accounts;
use crate::text_enum::{read_word, text_enum};
use farebox_base::{PartyId, Result, Timestamp};
use farebox_db::{Row, Tx, sql};

text_enum! {
    /// What a party is.
    PartyKind {
        /// An organisation of the platform door; every agent that registers gets one.
        Organization = "organization",
        /// An owner of the marketplace, claimed by its first key.
        Owner = "owner",
        /// A wallet that was paid for or paid from, and that nobody registered.
        Wallet = "wallet",
    }
}

/// Who owns money, keys and listings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Party {
    pub id: PartyId,
    pub kind: PartyKind,
    /// Unique and fixed; the marketplace's owner id.
    pub handle: String,
    pub name: String,
    /// The wallet that was registered first, as it was sent.
    pub wallet_address: Option<String>,
    pub created_at: Timestamp,
}

impl Accounts {
    /// # Errors
    /// Those of the database.
    pub async fn party(&self, id: PartyId) -> Result<Option<Party>> {
        let id = id.to_string();
        let row = self
            .db()
            .one(
                sql!("SELECT id, kind, handle, name, wallet_address, created_at FROM party WHERE id = $1"),
                &[(&id).into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }

    /// The party with this handle (the marketplace's owner id), exactly as written.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn party_by_handle(&self, handle: &str) -> Result<Option<Party>> {
        // The database refuses the question, which a caller may ask.
        if handle.contains('\0') {
            return Ok(None);
        }
        let row = self
            .db()
            .one(
                sql!("SELECT id, kind, handle, name, wallet_address, created_at FROM party WHERE handle = $1"),
                &[handle.into()],
            )
            .await?;
        row.as_ref().map(read).transpose()
    }
}

/// Writes the party; false where its handle is taken.
pub(crate) async fn party_insert_in(tx: &mut Tx, party: &Party) -> Result<bool> {
    let id = party.id.to_string();
    let written = tx
        .execute(
            sql!(
                "INSERT INTO party (id, kind, handle, name, wallet_address, created_at)
                 VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (handle) DO NOTHING"
            ),
            &[
                (&id).into(),
                party.kind.text().into(),
                (&party.handle).into(),
                (&party.name).into(),
                party.wallet_address.as_deref().into(),
                party.created_at.into(),
            ],
        )
        .await?;
    Ok(written == 1)
}

pub(crate) async fn party_by_handle_in(tx: &mut Tx, handle: &str) -> Result<Option<PartyId>> {
    let row = tx.one(sql!("SELECT id FROM party WHERE handle = $1"), &[handle.into()]).await?;
    row.map(|row| Ok(row.get(0)?)).transpose()
}

fn read(row: &Row) -> Result<Party> {
    Ok(Party {
        id: row.get(0)?,
        kind: read_word(row, 1, PartyKind::parse)?,
        handle: row.get(2)?,
        name: row.get(3)?,
        wallet_address: row.get(4)?,
        created_at: row.get(5)?,
    })
}

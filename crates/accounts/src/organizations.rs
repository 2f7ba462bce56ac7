//! Organisations as their members see them.
//!
//! Reads the tables of parties and members; makes nothing: an organisation comes with its first user.

use crate::text_enum::read_word;
use crate::{Accounts, Caller, PartyKind, slugify};
use farebox_base::{PartyId, Result, Timestamp, UserId};
use farebox_db::{Row, sql};

/// The most organisations that a list shows.
const LIST_MAX: i64 = 1_000;

/// An organisation in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    pub id: PartyId,
    pub name: String,
    /// From name and id, so that no two share one.
    pub slug: String,
    /// The member who has been there longest; `None` where there are none.
    pub first_member: Option<UserId>,
    /// Made for one user at his registration, as all are so far but the owners of the marketplace.
    pub is_personal: bool,
    pub created_at: Timestamp,
}

impl Accounts {
    /// The organisations that the caller may act in, from the one he has belonged to longest.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn organizations_of(&self, caller: &Caller) -> Result<Vec<Organization>> {
        let rows = match (caller.key(), caller.user_id) {
            (None, Some(user)) => {
                self.db()
                    .query(
                        sql!(
                            "SELECT p.id, p.kind, p.name, p.created_at,
                               (SELECT f.user_id FROM member f WHERE f.party_id = p.id
                                ORDER BY f.created_at, f.user_id LIMIT 1)
                             FROM member m JOIN party p ON p.id = m.party_id
                             WHERE m.user_id = $1 ORDER BY m.created_at, p.id LIMIT $2"
                        ),
                        &[(&user.to_string()).into(), LIST_MAX.into()],
                    )
                    .await?
            }
            _ => {
                self.db()
                    .query(
                        sql!(
                            "SELECT p.id, p.kind, p.name, p.created_at,
                               (SELECT f.user_id FROM member f WHERE f.party_id = p.id
                                ORDER BY f.created_at, f.user_id LIMIT 1)
                             FROM party p WHERE p.id = $1"
                        ),
                        &[(&caller.party_id.to_string()).into()],
                    )
                    .await?
            }
        };
        rows.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Organization> {
    let (id, name): (PartyId, String) = (row.get(0)?, row.get(2)?);
    Ok(Organization {
        id,
        slug: slug(id, &name),
        name,
        first_member: row.get(4)?,
        is_personal: read_word(row, 1, PartyKind::parse)? == PartyKind::Organization,
        created_at: row.get(3)?,
    })
}

fn slug(id: PartyId, name: &str) -> String {
    let id = id.uuid().simple().to_string();
    let tail = &id[id.len() - 12..];
    match slugify(name, 40) {
        stem if stem.is_empty() => format!("organization-{tail}"),
        stem => format!("{stem}-{tail}"),
    }
}

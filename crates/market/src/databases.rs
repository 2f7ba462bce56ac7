//! The databases of organisations: those that the operator's PostgreSQL holds for them, and those that they have
//! brought along to sell.
//!
//! Owns the tables `db_project`, `db_branch` and `db_database`. Makes no database: `plan` says what is to be made, and
//! `record` notes what was. A database that is listed shows as a project of its own with one branch, `main`.
//! Invariant: names and times only; no address, user or password of a brought database leaves here.

mod brought;
mod plan;

pub use plan::{DatabasePlan, NewDatabase, PlannedRole};

use crate::Market;
use farebox_base::{BranchId, DatabaseId, PartyId, ProjectId, Result, Timestamp};
use farebox_db::{Param, Row, Where, sql};

/// The most databases that a list shows of each kind; the list has no pages.
const LISTED_MOST: i64 = 1_000;

/// A database with what it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgDatabase {
    pub id: DatabaseId,
    pub name: String,
    /// The role that owns it; `None` for a brought one.
    pub owner_name: Option<String>,
    pub project_id: ProjectId,
    pub project_name: String,
    pub branch_id: BranchId,
    pub branch_name: String,
    pub is_default_branch: bool,
    pub created_at: Timestamp,
}

/// One of our own, with the name by which the server knows it.
struct Held {
    database: OrgDatabase,
    server_name: String,
}

impl Market {
    /// The databases of the organisations, the oldest first; at most 1,000 that are held here and as many brought ones.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn databases(&self, parties: &[PartyId]) -> Result<Vec<OrgDatabase>> {
        if parties.is_empty() {
            return Ok(vec![]);
        }
        let parties: Vec<String> = parties.iter().map(ToString::to_string).collect();
        let held = self.databases_held(&parties).await?;
        let names: Vec<&str> = held.iter().map(|held| held.server_name.as_str()).collect();
        let brought = self.databases_brought(&parties, &names).await?;
        let mut all: Vec<OrgDatabase> = held.into_iter().map(|held| held.database).chain(brought).collect();
        all.sort_by_key(|database| (database.created_at, database.id));
        Ok(all)
    }

    async fn databases_held(&self, parties: &[String]) -> Result<Vec<Held>> {
        let params: Vec<Param<'_>> = parties.iter().map(Into::into).collect();
        let mut wanted = Where::new(sql!(
            "SELECT d.id, d.name, p.role_name, p.id, p.name, b.id, b.name, b.is_default, d.created_at, d.server_name
             FROM db_database d JOIN db_branch b ON b.id = d.branch_id JOIN db_project p ON p.id = b.project_id"
        ));
        wanted.and_in("p.party_id", &params);
        let (statement, params) = wanted.finish("ORDER BY d.created_at, d.id LIMIT $1", &[LISTED_MOST.into()]);
        self.db().query_built(&statement, &params).await?.iter().map(read).collect()
    }
}

fn read(row: &Row) -> Result<Held> {
    let database = OrgDatabase {
        id: row.get(0)?,
        name: row.get(1)?,
        owner_name: row.get(2)?,
        project_id: row.get(3)?,
        project_name: row.get(4)?,
        branch_id: row.get(5)?,
        branch_name: row.get(6)?,
        is_default_branch: row.get(7)?,
        created_at: row.get(8)?,
    };
    Ok(Held { database, server_name: row.get(9)? })
}

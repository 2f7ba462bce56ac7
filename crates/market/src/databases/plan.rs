//! A new database on the operator's server: what it is to be called there, and the note that it was made.

use crate::Market;
use farebox_base::{BranchId, DatabaseId, Error, PartyId, ProjectId, Result};
use farebox_db::{Tx, sql, tx};

const NAME_CHARS: usize = 40;
/// PostgreSQL cuts longer names.
const SERVER_NAME_BYTES: usize = 63;
/// Random hex digits at the end of names on the server, where organisations must not meet.
const TAIL_CHARS: usize = 9;

/// What is wanted. Each name: a lower-case letter, then up to 39 lower-case letters, digits, hyphens and underscores.
#[derive(Clone, Copy, Debug)]
pub struct NewDatabase<'a> {
    pub name: &'a str,
    /// Made where the organisation has none of this name.
    pub project: &'a str,
    /// Made where the project has none of this name; a project's first branch is its default.
    pub branch: &'a str,
}

/// What is to be made on the server, and then to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabasePlan {
    pub party_id: PartyId,
    pub name: String,
    pub project: String,
    pub branch: String,
    /// The database's name on the server.
    pub server_name: String,
    pub role: PlannedRole,
}

/// The role that owns a project's databases.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlannedRole {
    pub name: String,
    /// It has to be made too.
    pub is_new: bool,
}

impl Market {
    /// What to make for a new database of the organisation.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `Conflict` (`database_exists`).
    pub async fn database_plan(&self, party: PartyId, new: NewDatabase<'_>) -> Result<DatabasePlan> {
        for (field, text) in [("name", new.name), ("project", new.project), ("branch", new.branch)] {
            check_name(field, text)?;
        }
        let row = self
            .db()
            .one(
                sql!(
                    "SELECT p.role_name, (SELECT COUNT(*) FROM db_database d JOIN db_branch b ON b.id = d.branch_id
                       WHERE b.project_id = p.id AND b.name = $3 AND d.name = $4)
                     FROM db_project p WHERE p.party_id = $1 AND p.name = $2"
                ),
                &[(&party.to_string()).into(), new.project.into(), new.branch.into(), new.name.into()],
            )
            .await?;
        let role = match row {
            Some(row) if row.get::<i64>(1)? > 0 => return Err(exists(new.name)),
            Some(row) => PlannedRole { name: row.get(0)?, is_new: false },
            None => PlannedRole { name: self.server_name(&[new.project]), is_new: true },
        };
        Ok(DatabasePlan {
            party_id: party,
            name: new.name.to_owned(),
            project: new.project.to_owned(),
            branch: new.branch.to_owned(),
            server_name: self.server_name(&[new.project, new.branch, new.name]),
            role,
        })
    }

    /// Notes that the planned database was made.
    ///
    /// # Errors
    /// `Conflict` (`database_exists`) where another one was noted since the plan.
    pub async fn database_record(&self, plan: &DatabasePlan) -> Result<DatabaseId> {
        tx!(self.db(), tx => { self.database_record_in(tx, plan).await })
    }

    async fn database_record_in(&self, tx: &mut Tx, plan: &DatabasePlan) -> Result<DatabaseId> {
        let project = self.project_ensure_in(tx, plan).await?.to_string();
        let branch = self.branch_ensure_in(tx, &project, &plan.branch).await?.to_string();
        let id = DatabaseId::generate(self.clock(), self.rng());
        let written = tx
            .execute(
                sql!(
                    "INSERT INTO db_database (id, branch_id, name, server_name, created_at)
                     VALUES ($1, $2, $3, $4, $5) ON CONFLICT (branch_id, name) DO NOTHING"
                ),
                &[
                    (&id.to_string()).into(),
                    (&branch).into(),
                    (&plan.name).into(),
                    (&plan.server_name).into(),
                    self.now().into(),
                ],
            )
            .await?;
        if written == 1 { Ok(id) } else { Err(exists(&plan.name)) }
    }

    async fn project_ensure_in(&self, tx: &mut Tx, plan: &DatabasePlan) -> Result<ProjectId> {
        let party = plan.party_id.to_string();
        let known = tx
            .one(
                sql!("SELECT id, role_name FROM db_project WHERE party_id = $1 AND name = $2"),
                &[(&party).into(), (&plan.project).into()],
            )
            .await?;
        match known {
            Some(row) if row.get::<&str>(1)? == plan.role.name => return Ok(row.get(0)?),
            // Its databases would have two owners.
            Some(_) => return Err(exists(&plan.project)),
            None => {}
        }
        let id = ProjectId::generate(self.clock(), self.rng());
        tx.execute_one(
            sql!("INSERT INTO db_project (id, party_id, name, role_name, created_at) VALUES ($1, $2, $3, $4, $5)"),
            &[
                (&id.to_string()).into(),
                (&party).into(),
                (&plan.project).into(),
                (&plan.role.name).into(),
                self.now().into(),
            ],
        )
        .await?;
        Ok(id)
    }

    async fn branch_ensure_in(&self, tx: &mut Tx, project: &str, name: &str) -> Result<BranchId> {
        let known = tx.query(sql!("SELECT id, name FROM db_branch WHERE project_id = $1"), &[project.into()]).await?;
        for row in &known {
            if row.get::<&str>(1)? == name {
                return Ok(row.get(0)?);
            }
        }
        let id = BranchId::generate(self.clock(), self.rng());
        tx.execute_one(
            sql!("INSERT INTO db_branch (id, project_id, name, is_default, created_at) VALUES ($1, $2, $3, $4, $5)"),
            &[(&id.to_string()).into(), project.into(), name.into(), known.is_empty().into(), self.now().into()],
        )
        .await?;
        Ok(id)
    }

    /// A name that no other database or role of the server has.
    fn server_name(&self, parts: &[&str]) -> String {
        let mut name = parts.join("_").replace('-', "_");
        name.truncate(SERVER_NAME_BYTES - TAIL_CHARS);
        format!("{name}_{:08x}", self.rng().below(1 << 32))
    }
}

fn check_name(field: &str, text: &str) -> Result<()> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
    let fits = (1..=NAME_CHARS).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.bytes().all(plain);
    if fits {
        return Ok(());
    }
    let rule = "must be a lower-case letter, then at most 39 lower-case letters, digits, hyphens and underscores";
    Err(Error::invalid(field, rule))
}

fn exists(name: &str) -> Error {
    Error::conflict("database_exists", format!("The organization has a database or project {name} there already"))
}

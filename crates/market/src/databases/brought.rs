//! Listed databases as projects.

use super::{LISTED_MOST, OrgDatabase};
use crate::{ListingEntry, ListingStatus, Market, UpstreamSecret};
use farebox_base::{BranchId, DatabaseId, ListingId, ProjectId, Result};
use farebox_db::{Param, Where, sql};
use serde_json::Value;
use uuid::Uuid;

/// The branch of a server of which nothing more is known.
const BRANCH: &str = "main";

impl Market {
    /// Those that are not held here under one of `held`.
    pub(super) async fn databases_brought(&self, parties: &[String], held: &[&str]) -> Result<Vec<OrgDatabase>> {
        let params: Vec<Param<'_>> = parties.iter().map(Into::into).collect();
        let mut wanted = Where::new(sql!("SELECT l.id FROM listing l"));
        wanted.and("l.kind IN ('postgres', 'sqlite')", &[]);
        wanted.and("l.status <> $1", &[ListingStatus::Removed.text().into()]);
        wanted.and_in("l.party_id", &params);
        let (statement, params) = wanted.finish("ORDER BY l.created_at, l.id LIMIT $1", &[LISTED_MOST.into()]);
        let mut found = vec![];
        for row in self.db().query_built(&statement, &params).await? {
            let id: ListingId = row.get(0)?;
            let Some(entry) = self.by_id(id).await? else { continue };
            let server_name = entry.secret().ok().and_then(server_name);
            if server_name.as_deref().is_none_or(|name| !held.contains(&name)) {
                found.push(brought(&entry, server_name));
            }
        }
        Ok(found)
    }
}

fn brought(entry: &ListingEntry, server_name: Option<String>) -> OrgDatabase {
    let listing = &entry.listing;
    let told = |field: &str| listing.profile.get(field).and_then(Value::as_str);
    let told_id = |field: &str| told(field).and_then(|text| Uuid::try_parse(text).ok());
    let made_up = |what: &str| Uuid::new_v5(&listing.id.uuid(), what.as_bytes());
    OrgDatabase {
        id: DatabaseId::from_uuid(made_up("database")),
        name: told("database_name").map(str::to_owned).or(server_name).unwrap_or_else(|| listing.slug.clone()),
        owner_name: None,
        project_id: ProjectId::from_uuid(told_id("project_id").unwrap_or_else(|| listing.id.uuid())),
        project_name: listing.name.clone(),
        branch_id: BranchId::from_uuid(told_id("branch_id").unwrap_or_else(|| made_up("branch"))),
        branch_name: BRANCH.to_owned(),
        is_default_branch: true,
        created_at: listing.created_at,
    }
}

/// What the server calls the database, and of a file its name without ending. `None` where the connection names none.
fn server_name(secret: &UpstreamSecret) -> Option<String> {
    let connection = secret.connection_string.as_deref()?;
    if let Some(file) = connection.strip_prefix("sqlite:") {
        return Some(file.rsplit_once('.').map_or(file, |(name, _)| name).to_owned());
    }
    let url = url::Url::parse(connection).ok()?;
    let name = url.path_segments()?.next().filter(|name| !name.is_empty())?;
    Some(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_and_a_url_tell_the_databases_name_and_nothing_else() {
        for (connection, name) in [
            ("sqlite:cities.db", Some("cities")),
            ("postgres://me:hunter2@db.example/shop?sslmode=require", Some("shop")),
            ("postgres://me:hunter2@db.example", None),
            ("postgres://me:hunter2@db.example/", None),
        ] {
            let secret = UpstreamSecret { connection_string: Some(connection.to_owned()), ..UpstreamSecret::default() };
            assert_eq!(server_name(&secret).as_deref(), name, "{connection}");
        }
    }
}

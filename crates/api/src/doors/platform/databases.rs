//! Databases of the caller's organizations.

use super::Cx;
use crate::Core;
use farebox_api_kit::{Data, Ok200, operations};
use farebox_api_types::platform::DatabaseWithContext;
use farebox_base::{PartyId, Permission, Result};
use farebox_market::OrgDatabase;

operations! {
    core Core, door Platform, tag "Databases";
    GET "/databases" list_all_databases(Needs(DatabasesRead)) "List all databases of your organizations, with project and branch";
}

async fn list_all_databases(cx: Cx) -> Result<Ok200<Data<Vec<DatabaseWithContext>>>> {
    let allowed = cx.caller()?.memberships.iter();
    let allowed = allowed.filter(|membership| membership.permissions.contains(Permission::DatabasesRead));
    let parties: Vec<PartyId> = allowed.map(|membership| membership.party_id).collect();
    let databases = cx.core.market.databases(&parties).await?;
    Ok(Ok200(Data(databases.into_iter().map(shown).collect())))
}

fn shown(database: OrgDatabase) -> DatabaseWithContext {
    DatabaseWithContext {
        id: database.id.uuid(),
        name: database.name,
        owner_name: database.owner_name,
        project_id: database.project_id.uuid(),
        project_name: database.project_name,
        branch_id: database.branch_id.uuid(),
        branch_name: database.branch_name,
        is_default_branch: database.is_default_branch,
        created_at: database.created_at.into(),
    }
}

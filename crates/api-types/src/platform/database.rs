//! Databases of a user's organisations.

use crate::Time;
use schemars::JsonSchema;
use serde::Serialize;
use uuid::Uuid;

/// A database with the project and the branch that it belongs to.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DatabaseWithContext {
    pub id: Uuid,
    pub name: String,
    /// The role that owns it; `null` for a database that a seller has brought along.
    pub owner_name: Option<String>,
    pub project_id: Uuid,
    pub project_name: String,
    pub branch_id: Uuid,
    pub branch_name: String,
    pub is_default_branch: bool,
    pub created_at: Time,
}

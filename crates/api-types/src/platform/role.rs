//! Roles and permissions.

use crate::{Patch, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// One right.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Permission {
    pub id: Uuid,
    /// As scopes and roles name it.
    #[schemars(example = &"listings.read")]
    pub name: String,
    /// What it is about: the name up to the dot.
    pub resource_type: String,
    /// What it allows there.
    pub action: String,
    pub description: Option<String>,
    pub created_at: Time,
}

/// A role of an organization's members.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RbacRole {
    pub id: Uuid,
    pub name: String,
    pub description: Option<String>,
    /// Whether every organization has it and nobody can change it.
    pub is_built_in: bool,
    pub permissions: Vec<String>,
    pub created_at: Time,
}

/// Makes a role.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct CreateRoleRequest {
    pub name: String,
    pub description: Option<String>,
    /// Names of permissions; nobody can give what he may not do himself.
    pub permissions: Vec<String>,
}

/// Changes a role; fields that are absent stay.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UpdateRoleRequest {
    pub name: Option<String>,
    #[serde(default)]
    pub description: Patch<String>,
    pub permissions: Option<Vec<String>>,
}

/// Gives a member a role; one of the two fields must be there.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct AssignRoleRequest {
    pub role_id: Option<Uuid>,
    /// A built-in role's name, `member` for viewer, or the name of one of the organization's own.
    pub role_name: Option<String>,
}

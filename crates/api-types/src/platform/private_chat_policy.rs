//! What chat programs of an organisation's members may use.

use crate::wire_enum::wire_enum;
use crate::{Patch, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

wire_enum! {
    /// `standard`: members choose, within the switches. `private_org_agent`: the organization's own agent answers.
    OrganizationPrivateChatMode { Standard = "standard", PrivateOrgAgent = "private_org_agent" }
}

wire_enum! {
    /// Where answers of private agents are kept: with all others, or in the organization's database for sessions.
    PrivateOutputPolicy { ControlPlane = "control_plane", PrivateSessionDatabase = "private_session_database" }
}

wire_enum! {
    /// By a URL that the private agent has as a secret, or one of the organization's databases here.
    SessionDatabaseProvider { DirectUrl = "direct_url", OrganizationDatabase = "organization_database" }
}

wire_enum! {
    /// What a database for sessions runs on.
    SessionDatabaseEngine { Postgres = "postgres", AuroraPostgres = "aurora_postgres" }
}

/// The database in which private sessions are kept. It names a secret, and never holds one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PrivateChatSessionDatabase {
    pub provider: SessionDatabaseProvider,
    pub engine: SessionDatabaseEngine,
    /// With `direct_url`: the name of the private agent's secret that holds the URL.
    pub url_secret_key: Option<String>,
    /// With `organization_database`: its name, as `GET /databases` shows it.
    pub database_name: Option<String>,
}

/// The policy in force.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrganizationPrivateChatPolicy {
    pub organization_id: Uuid,
    pub mode: OrganizationPrivateChatMode,
    /// The deployment of the organization's own agent.
    pub deployment_id: Option<Uuid>,
    /// The model that is used first.
    pub model_id: Option<String>,
    /// Those that are tried after it, in their order.
    pub fallback_models: Option<Vec<String>>,
    /// No other model than the organization's own.
    pub force_private_model: bool,
    pub disable_external_model_providers: bool,
    pub disable_local_agents: bool,
    /// No models that the platform itself offers.
    pub disable_seren_models: bool,
    pub hide_model_picker: bool,
    /// Members prove themselves once more before they use a private model.
    pub otp_required_for_private_models: bool,
    pub private_output_policy: PrivateOutputPolicy,
    pub session_database: Option<PrivateChatSessionDatabase>,
    /// For a policy that was never set, when the organization was made.
    pub updated_at: Time,
}

/// Changes the policy: fields that are left out stay as they are, `null` clears.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct UpdateOrganizationPrivateChatPolicyRequest {
    pub mode: OrganizationPrivateChatMode,
    /// Needed in the mode `private_org_agent`.
    #[serde(default)]
    pub deployment_id: Patch<Uuid>,
    /// At most 200 characters.
    #[serde(default)]
    pub model_id: Patch<String>,
    /// At most 20, none of them twice; only with a `model_id`.
    #[serde(default)]
    pub fallback_models: Patch<Vec<String>>,
    /// Only in the mode `private_org_agent`; a change to `standard` turns it off.
    pub force_private_model: Option<bool>,
    pub disable_external_model_providers: Option<bool>,
    pub disable_local_agents: Option<bool>,
    pub disable_seren_models: Option<bool>,
    pub hide_model_picker: Option<bool>,
    pub otp_required_for_private_models: Option<bool>,
    /// `private_session_database` needs a `session_database`.
    pub private_output_policy: Option<PrivateOutputPolicy>,
    #[serde(default)]
    pub session_database: Patch<PrivateChatSessionDatabase>,
    /// Takes the database for sessions away, as `"session_database": null` does; private answers are kept with all others
    /// again.
    pub clear_session_database: Option<bool>,
}

//! Self-registration of an agent: `POST /auth/agent`.

use crate::{Secret, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Opens an account for an agent. An empty object is enough.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct AgentRegisterRequest {
    /// Where the agent's owner can be written to; unverified until the owner confirms it.
    pub email: Option<String>,
    /// The name to show; one is made up where it is missing.
    #[schemars(example = &"price-watcher")]
    pub name: Option<String>,
}

/// The new account, its first key and what to do next.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AgentRegisterResponse {
    pub success: bool,
    pub message: String,
    /// Whether a mail with a verification link went out.
    pub verification_sent: bool,
    /// Whether the account is of use only after the address is verified.
    pub verification_required: bool,
    /// The one thing to do now, in a sentence.
    pub next_step: String,
    pub agent: AgentInfo,
    pub setup: SetupInstructions,
    pub skill_files: SkillFiles,
}

/// The account that was opened.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AgentInfo {
    pub id: Uuid,
    pub name: String,
    pub email: String,
    pub email_verified: bool,
    /// The account's first key, whole. It is shown here and never again.
    pub api_key: Secret,
    /// The organisation that was made for the agent; it owns the key, the wallet and all listings.
    pub organization_id: Uuid,
    #[schemars(example = &"active")]
    pub status: String,
    #[schemars(example = &"agent")]
    pub user_type: String,
    pub created_at: Time,
}

/// Four steps from a new account to a first call.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SetupInstructions {
    pub step_1: String,
    pub step_2: String,
    pub step_3: String,
    pub step_4: PublisherTypeInstructions,
}

/// How a publisher of each kind is called.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PublisherTypeInstructions {
    pub api: String,
    pub mcp: String,
    pub database: String,
}

/// Where an agent finds what it can read about this gateway.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct SkillFiles {
    /// URL of the skill description in Markdown.
    pub skill_md: String,
    /// URL of the documentation.
    pub docs: String,
}

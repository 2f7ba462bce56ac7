//! Agents that register themselves.

use super::Cx;
use crate::Core;
use farebox_accounts::{AgentRegistration, Registered};
use farebox_api_kit::{Created, Data, Doer, OptionalJson, operations};
use farebox_api_types::Secret;
use farebox_api_types::platform::{
    AgentInfo, AgentRegisterRequest, AgentRegisterResponse, PublisherTypeInstructions, SetupInstructions, SkillFiles,
};
use farebox_base::Result;

operations! {
    core Core, door Platform, tag "agent";
    POST "/auth/agent" agent_register(Public) errors(409) rate(Auth) "Register an agent and receive its first API key";
}

async fn agent_register(
    cx: Cx,
    body: OptionalJson<AgentRegisterRequest>,
) -> Result<Created<Data<AgentRegisterResponse>>> {
    let request = body.0.unwrap_or_default();
    let registration = AgentRegistration { name: request.name, email: request.email };
    let registered = cx.core.accounts.register_agent(&registration).await?;
    cx.acts_as(Doer { user: registered.user.id, party: Some(registered.party.id) });
    Ok(Created(Data(reply(&cx.core.settings.public_url, registered))))
}

fn reply(base: &str, registered: Registered) -> AgentRegisterResponse {
    let Registered { user, party, key } = registered;
    AgentRegisterResponse {
        success: true,
        message: "Welcome to Farebox. Save the API key now: it is shown only this once.".to_owned(),
        verification_sent: false,
        verification_required: false,
        next_step: "Store agent.api_key and send it as `Authorization: Bearer` with every request.".to_owned(),
        agent: AgentInfo {
            id: user.id.uuid(),
            name: user.name,
            email: user.email,
            email_verified: user.email_verified,
            api_key: Secret::new(key.platform_spelling()),
            organization_id: party.id.uuid(),
            status: "active".to_owned(),
            user_type: "agent".to_owned(),
            created_at: user.created_at.into(),
        },
        setup: setup(base),
        skill_files: SkillFiles { skill_md: format!("{base}/docs/platform.json"), docs: format!("{base}/docs") },
    }
}

fn setup(base: &str) -> SetupInstructions {
    SetupInstructions {
        step_1: "Save agent.api_key where your secrets are kept.".to_owned(),
        step_2: format!("Look at your balance: GET {base}/wallet/balance"),
        step_3: format!("Find something to call: GET {base}/publishers"),
        step_4: PublisherTypeInstructions {
            api: format!("Call an API: any method on {base}/publishers/{{slug}}/{{path}}"),
            mcp: format!("Publishers that are MCP servers appear in {base}/publishers as integration_type mcp"),
            database: format!("Query a database: POST {base}/publishers/{{slug}} with {{\"query\": \"SELECT …\"}}"),
        },
    }
}

//! Agents that register themselves.

use super::Cx;
use crate::Core;
use farebox_accounts::{AddressAsked, AgentRegistration, Registered};
use farebox_api_kit::{Created, Data, Doer, Headers, Json, Ok200, OptionalJson, operations};
use farebox_api_types::Secret;
use farebox_api_types::platform::{
    AgentInfo, AgentRegisterRequest, AgentRegisterResponse, AgentUpdateRequest, AgentUpdateResponse, Email,
    PublisherTypeInstructions, SetupInstructions, SkillFiles,
};
use farebox_base::Result;

operations! {
    core Core, door Platform, tag "agent";
    POST "/auth/agent" agent_register(Public) rate(Auth) "Register an agent and receive its first API key";
    PATCH "/auth/agent" agent_update(Needs(AccountWrite)) errors(404) rate(Auth) "Name the address of the agent's owner";
}

async fn agent_register(
    cx: Cx,
    headers: Headers,
    body: OptionalJson<AgentRegisterRequest>,
) -> Result<Created<Data<AgentRegisterResponse>>> {
    let request = body.0.unwrap_or_default();
    if request.email.is_some() {
        cx.core.accounts.mail_asked_by(&super::auth::visitor(&cx, &headers.0)).await?;
    }
    let registration = AgentRegistration { name: request.name, email: request.email };
    let registered = cx.core.accounts.register_agent(&registration).await?;
    cx.acts_as(Doer { user: registered.user.id, party: Some(registered.party.id) });
    Ok(Created(Data(reply(&cx.core.settings.public_url, registered))))
}

async fn agent_update(cx: Cx, body: Json<AgentUpdateRequest>) -> Result<Ok200<Data<AgentUpdateResponse>>> {
    let user = super::auth::person(cx.caller()?)?;
    cx.caller()?.require_whole()?;
    let AddressAsked { user, mail_sent } = cx.core.accounts.agent_address_set(user, &body.0.email).await?;
    let message = match mail_sent {
        true => "The address counts once the link in the mail was followed",
        false => "This address was proved before",
    };
    Ok(Ok200(Data(AgentUpdateResponse {
        id: user.id.uuid(),
        email: Email(user.shown_email().to_owned()),
        email_verified: user.has_proved_email(),
        name: user.name,
        verification_sent: mail_sent,
        message: message.to_owned(),
    })))
}

fn reply(base: &str, registered: Registered) -> AgentRegisterResponse {
    let Registered { user, party, key } = registered;
    AgentRegisterResponse {
        success: true,
        message: "Welcome to Farebox. Save the API key now: it is shown only this once.".to_owned(),
        verification_sent: user.pending_email.is_some(),
        verification_required: false,
        next_step: "Store agent.api_key and send it as `Authorization: Bearer` with every request.".to_owned(),
        agent: AgentInfo {
            id: user.id.uuid(),
            name: user.name.clone(),
            email: user.shown_email().to_owned(),
            email_verified: user.has_proved_email(),
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

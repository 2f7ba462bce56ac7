//! The policy between the wire and the domain.

use farebox_accounts::{ChatMode, ChatPolicy, PrivateOutput, SessionDatabase};
use farebox_accounts::{SessionDatabaseEngine as Engine, SessionDatabaseProvider as Provider};
use farebox_api_types::Patch;
use farebox_api_types::platform::{
    OrganizationPrivateChatMode, OrganizationPrivateChatPolicy, PrivateChatSessionDatabase, PrivateOutputPolicy,
    SessionDatabaseEngine, SessionDatabaseProvider, UpdateOrganizationPrivateChatPolicyRequest,
};
use farebox_base::{DeploymentId, Error, PartyId, Result};

/// Changes the policy as asked. The rules between its fields are the domain's.
pub(super) fn apply(request: &UpdateOrganizationPrivateChatPolicyRequest, policy: &mut ChatPolicy) -> Result<()> {
    policy.mode = match request.mode {
        OrganizationPrivateChatMode::Standard => ChatMode::Standard,
        OrganizationPrivateChatMode::PrivateOrgAgent => ChatMode::PrivateOrgAgent,
    };
    let deployment = match request.deployment_id {
        Patch::Absent => Patch::Absent,
        Patch::Null => Patch::Null,
        Patch::Value(id) => Patch::Value(DeploymentId::from_uuid(id)),
    };
    deployment.apply_to(&mut policy.deployment_id);
    request.model_id.clone().apply_to(&mut policy.model_id);
    match &request.fallback_models {
        Patch::Absent => {}
        Patch::Null => policy.fallback_models.clear(),
        Patch::Value(models) => policy.fallback_models.clone_from(models),
    }
    switch(request, policy);
    if let Some(output) = request.private_output_policy {
        policy.private_output = match output {
            PrivateOutputPolicy::ControlPlane => PrivateOutput::ControlPlane,
            PrivateOutputPolicy::PrivateSessionDatabase => PrivateOutput::PrivateSessionDatabase,
        };
    }
    sessions(request, policy)
}

/// The database for sessions that the request brings.
pub(super) fn session_database(request: &UpdateOrganizationPrivateChatPolicyRequest) -> Option<SessionDatabase> {
    let Patch::Value(wanted) = &request.session_database else { return None };
    Some(SessionDatabase {
        provider: match wanted.provider {
            SessionDatabaseProvider::DirectUrl => Provider::DirectUrl,
            SessionDatabaseProvider::OrganizationDatabase => Provider::OrganizationDatabase,
        },
        engine: match wanted.engine {
            SessionDatabaseEngine::Postgres => Engine::Postgres,
            SessionDatabaseEngine::AuroraPostgres => Engine::AuroraPostgres,
        },
        url_secret_key: wanted.url_secret_key.clone(),
        database_name: wanted.database_name.clone(),
    })
}

fn switch(request: &UpdateOrganizationPrivateChatPolicyRequest, policy: &mut ChatPolicy) {
    let switches = &mut policy.switches;
    if policy.mode == ChatMode::Standard {
        switches.force_private_model = false;
    }
    macro_rules! set {
        ($($name:ident),+) => { $(switches.$name = request.$name.unwrap_or(switches.$name);)+ };
    }
    set!(force_private_model, disable_external_model_providers, disable_local_agents, disable_seren_models);
    set!(hide_model_picker, otp_required_for_private_models);
}

fn sessions(request: &UpdateOrganizationPrivateChatPolicyRequest, policy: &mut ChatPolicy) -> Result<()> {
    let clears = request.clear_session_database == Some(true);
    match (session_database(request), &request.session_database) {
        (Some(_), _) if clears => {
            let rule = "must not be true together with a session_database";
            return Err(Error::invalid("clear_session_database", rule));
        }
        (Some(wanted), _) => policy.session_database = Some(wanted),
        (None, Patch::Null) => policy.session_database = None,
        (None, _) if clears => policy.session_database = None,
        (None, _) => {}
    }
    if policy.session_database.is_none() && request.private_output_policy.is_none() {
        policy.private_output = PrivateOutput::ControlPlane;
    }
    Ok(())
}

pub(super) fn shown(party: PartyId, policy: ChatPolicy) -> OrganizationPrivateChatPolicy {
    OrganizationPrivateChatPolicy {
        organization_id: party.uuid(),
        mode: match policy.mode {
            ChatMode::Standard => OrganizationPrivateChatMode::Standard,
            ChatMode::PrivateOrgAgent => OrganizationPrivateChatMode::PrivateOrgAgent,
        },
        deployment_id: policy.deployment_id.map(DeploymentId::uuid),
        model_id: policy.model_id,
        fallback_models: Some(policy.fallback_models).filter(|models| !models.is_empty()),
        force_private_model: policy.switches.force_private_model,
        disable_external_model_providers: policy.switches.disable_external_model_providers,
        disable_local_agents: policy.switches.disable_local_agents,
        disable_seren_models: policy.switches.disable_seren_models,
        hide_model_picker: policy.switches.hide_model_picker,
        otp_required_for_private_models: policy.switches.otp_required_for_private_models,
        private_output_policy: match policy.private_output {
            PrivateOutput::ControlPlane => PrivateOutputPolicy::ControlPlane,
            PrivateOutput::PrivateSessionDatabase => PrivateOutputPolicy::PrivateSessionDatabase,
        },
        session_database: policy.session_database.map(shown_database),
        updated_at: policy.updated_at.into(),
    }
}

fn shown_database(database: SessionDatabase) -> PrivateChatSessionDatabase {
    PrivateChatSessionDatabase {
        provider: match database.provider {
            Provider::DirectUrl => SessionDatabaseProvider::DirectUrl,
            Provider::OrganizationDatabase => SessionDatabaseProvider::OrganizationDatabase,
        },
        engine: match database.engine {
            Engine::Postgres => SessionDatabaseEngine::Postgres,
            Engine::AuroraPostgres => SessionDatabaseEngine::AuroraPostgres,
        },
        url_secret_key: database.url_secret_key,
        database_name: database.database_name,
    }
}

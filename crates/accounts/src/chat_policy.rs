//! An organisation's private chat policy: which models and agents its members' chat programs may use, and where what is
//! said is kept.
//!
//! Owns the table `chat_policy` and the rules that hold between its fields. Chat programs read the policy and keep to
//! it; nothing of a chat passes here. Invariants: a policy that is stored passed every rule; an organisation without a
//! row has the policy of `ChatPolicy::unset`.

mod row;
mod rules;

use crate::Accounts;
use crate::text_enum::text_enum;
use farebox_base::{DeploymentId, Error, PartyId, Result, Timestamp};
use farebox_db::{Tx, sql, tx};

text_enum! {
    /// Which agent answers.
    ChatMode {
        /// Whichever the member chooses, within the switches.
        Standard = "standard",
        /// The organisation's own one.
        PrivateOrgAgent = "private_org_agent",
    }
}

text_enum! {
    /// Where the answers of private agents are kept.
    PrivateOutput {
        /// Where the chat program keeps all others.
        ControlPlane = "control_plane",
        /// In the organisation's database for sessions.
        PrivateSessionDatabase = "private_session_database",
    }
}

text_enum! {
    /// How the database for sessions is found.
    SessionDatabaseProvider {
        /// By a URL, which the private agent has as a secret of its own.
        DirectUrl = "direct_url",
        /// It is one of the organisation's databases here.
        OrganizationDatabase = "organization_database",
    }
}

text_enum! {
    /// What the database for sessions runs on.
    SessionDatabaseEngine {
        Postgres = "postgres",
        AuroraPostgres = "aurora_postgres",
    }
}

/// Where private sessions are kept. Holds no secret: a URL is named, not told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionDatabase {
    pub provider: SessionDatabaseProvider,
    pub engine: SessionDatabaseEngine,
    /// With `DirectUrl`: the name of the agent's secret that holds the URL.
    pub url_secret_key: Option<String>,
    /// With `OrganizationDatabase`: the database's name.
    pub database_name: Option<String>,
}

/// What is on or off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChatSwitches {
    /// No other model than the organisation's own. Only in the mode `PrivateOrgAgent`.
    pub force_private_model: bool,
    pub disable_external_model_providers: bool,
    pub disable_local_agents: bool,
    /// The contract's name for the models that the platform itself offers.
    pub disable_seren_models: bool,
    pub hide_model_picker: bool,
    /// Members prove themselves once more before they use a private model.
    pub otp_required_for_private_models: bool,
}

/// The policy of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChatPolicy {
    pub mode: ChatMode,
    /// The deployment of the organisation's own agent.
    pub deployment_id: Option<DeploymentId>,
    /// The model that is used first.
    pub model_id: Option<String>,
    /// Those that are tried after it, in their order. At most 20.
    pub fallback_models: Vec<String>,
    pub switches: ChatSwitches,
    pub private_output: PrivateOutput,
    pub session_database: Option<SessionDatabase>,
    /// When it was changed last; for one that was never set, when the organisation was made.
    pub updated_at: Timestamp,
}

impl ChatPolicy {
    /// What holds where nothing was said: members use what they like.
    pub fn unset(at: Timestamp) -> Self {
        Self {
            mode: ChatMode::Standard,
            deployment_id: None,
            model_id: None,
            fallback_models: vec![],
            switches: ChatSwitches::default(),
            private_output: PrivateOutput::ControlPlane,
            session_database: None,
            updated_at: at,
        }
    }
}

impl Accounts {
    /// The policy in force.
    ///
    /// # Errors
    /// `NotFound` where there is no such organisation.
    pub async fn chat_policy(&self, party: PartyId) -> Result<ChatPolicy> {
        tx!(self.db(), tx => { chat_policy_in(tx, party).await })
    }

    /// Changes the policy and answers the new one. `change` may run more than once, each time on the policy in force.
    ///
    /// # Errors
    /// Those of `change`; `Invalid`, naming the field that breaks a rule of the whole.
    pub async fn chat_policy_update(
        &self,
        party: PartyId,
        change: impl Fn(&mut ChatPolicy) -> Result<()>,
    ) -> Result<ChatPolicy> {
        tx!(self.db(), tx => {
            let mut policy = chat_policy_in(tx, party).await?;
            change(&mut policy)?;
            rules::check(&mut policy)?;
            policy.updated_at = self.now();
            row::write_in(tx, party, &policy).await?;
            Ok(policy)
        })
    }
}

async fn chat_policy_in(tx: &mut Tx, party: PartyId) -> Result<ChatPolicy> {
    if let Some(policy) = row::read_in(tx, party).await? {
        return Ok(policy);
    }
    let made = tx.one(sql!("SELECT created_at FROM party WHERE id = $1"), &[(&party.to_string()).into()]).await?;
    let made = made.ok_or_else(|| Error::not_found("Organization"))?;
    Ok(ChatPolicy::unset(made.get(0)?))
}

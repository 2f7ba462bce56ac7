//! The row of a chat policy.

use super::{
    ChatMode, ChatPolicy, ChatSwitches, PrivateOutput, SessionDatabase, SessionDatabaseEngine, SessionDatabaseProvider,
};
use crate::text_enum::read_word;
use farebox_base::{DeploymentId, Error, PartyId, Result};
use farebox_db::{Row, Tx, sql};

/// Joins models in their column; no model's name holds it.
const BETWEEN_MODELS: &str = "\n";

pub(super) async fn read_in(tx: &mut Tx, party: PartyId) -> Result<Option<ChatPolicy>> {
    let row = tx
        .one(
            sql!(
                "SELECT mode, deployment_id, model_id, fallback_models, switches, private_output, session_provider,
                   session_engine, session_url_secret_key, session_database_name, updated_at
                 FROM chat_policy WHERE party_id = $1"
            ),
            &[(&party.to_string()).into()],
        )
        .await?;
    row.as_ref().map(read).transpose()
}

pub(super) async fn write_in(tx: &mut Tx, party: PartyId, policy: &ChatPolicy) -> Result<()> {
    let deployment = policy.deployment_id.map(|id| id.to_string());
    let session = policy.session_database.as_ref();
    tx.execute_one(
        sql!(
            "INSERT INTO chat_policy (party_id, mode, deployment_id, model_id, fallback_models, switches,
               private_output, session_provider, session_engine, session_url_secret_key, session_database_name,
               updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (party_id) DO UPDATE SET mode = excluded.mode, deployment_id = excluded.deployment_id,
               model_id = excluded.model_id, fallback_models = excluded.fallback_models, switches = excluded.switches,
               private_output = excluded.private_output, session_provider = excluded.session_provider,
               session_engine = excluded.session_engine, session_url_secret_key = excluded.session_url_secret_key,
               session_database_name = excluded.session_database_name, updated_at = excluded.updated_at"
        ),
        &[
            (&party.to_string()).into(),
            policy.mode.text().into(),
            deployment.as_deref().into(),
            policy.model_id.as_deref().into(),
            (&policy.fallback_models.join(BETWEEN_MODELS)).into(),
            (&words(policy.switches)).into(),
            policy.private_output.text().into(),
            session.map(|session| session.provider.text()).into(),
            session.map(|session| session.engine.text()).into(),
            session.and_then(|session| session.url_secret_key.as_deref()).into(),
            session.and_then(|session| session.database_name.as_deref()).into(),
            policy.updated_at.into(),
        ],
    )
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<ChatPolicy> {
    let models: &str = row.get(3)?;
    Ok(ChatPolicy {
        mode: read_word(row, 0, ChatMode::parse)?,
        deployment_id: row.get::<Option<DeploymentId>>(1)?,
        model_id: row.get(2)?,
        fallback_models: models.split(BETWEEN_MODELS).filter(|model| !model.is_empty()).map(str::to_owned).collect(),
        switches: switches(row.get(4)?)?,
        private_output: read_word(row, 5, PrivateOutput::parse)?,
        session_database: session_database(row)?,
        updated_at: row.get(10)?,
    })
}

fn session_database(row: &Row) -> Result<Option<SessionDatabase>> {
    if row.get::<Option<&str>>(6)?.is_none() {
        return Ok(None);
    }
    Ok(Some(SessionDatabase {
        provider: read_word(row, 6, SessionDatabaseProvider::parse)?,
        engine: read_word(row, 7, SessionDatabaseEngine::parse)?,
        url_secret_key: row.get(8)?,
        database_name: row.get(9)?,
    }))
}

/// Each switch with its name in the column.
fn named(switches: &mut ChatSwitches) -> [(&'static str, &mut bool); 6] {
    [
        ("force_private_model", &mut switches.force_private_model),
        ("disable_external_model_providers", &mut switches.disable_external_model_providers),
        ("disable_local_agents", &mut switches.disable_local_agents),
        ("disable_seren_models", &mut switches.disable_seren_models),
        ("hide_model_picker", &mut switches.hide_model_picker),
        ("otp_required_for_private_models", &mut switches.otp_required_for_private_models),
    ]
}

fn words(mut switches: ChatSwitches) -> String {
    let on = named(&mut switches).into_iter().filter(|(_, on)| **on).map(|(name, _)| name);
    on.collect::<Vec<_>>().join(" ")
}

fn switches(words: &str) -> Result<ChatSwitches> {
    let mut switches = ChatSwitches::default();
    for word in words.split_whitespace() {
        let found = named(&mut switches).into_iter().find(|(name, _)| *name == word);
        let (_, on) = found.ok_or_else(|| Error::internal(format!("a chat policy has the unknown switch {word:?}")))?;
        *on = true;
    }
    Ok(switches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn switches_come_back_as_they_were_written_one_by_one() {
        for index in 0..6 {
            let mut one = ChatSwitches::default();
            *named(&mut one)[index].1 = true;
            assert_eq!(switches(&words(one)).unwrap(), one);
        }
        assert_eq!(switches("").unwrap(), ChatSwitches::default());
        assert!(switches("surprise").is_err());
    }
}

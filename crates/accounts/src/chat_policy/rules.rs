//! What holds between the fields of a chat policy. Each rule names the field that breaks it.

use super::{ChatMode, ChatPolicy, PrivateOutput, SessionDatabase, SessionDatabaseProvider};
use crate::visible_text;
use farebox_base::{Error, Result};
use std::collections::BTreeSet;

const MODEL_CHARS: usize = 200;
const FALLBACKS_MOST: usize = 20;
const DATABASE_CHARS: usize = 63;
const SECRET_NAME_BYTES: usize = 100;

/// Brings the policy into the form in which it is stored, or refuses it.
pub(super) fn check(policy: &mut ChatPolicy) -> Result<()> {
    if let Some(model) = &mut policy.model_id {
        *model = visible_text("model_id", model, MODEL_CHARS)?;
    }
    fallbacks(policy)?;
    match policy.mode {
        ChatMode::PrivateOrgAgent if policy.deployment_id.is_none() => {
            return Err(Error::invalid("deployment_id", "must be set where mode is private_org_agent"));
        }
        ChatMode::Standard if policy.switches.force_private_model => {
            return Err(Error::invalid("force_private_model", "must be false where mode is standard"));
        }
        ChatMode::PrivateOrgAgent | ChatMode::Standard => {}
    }
    if let Some(database) = &mut policy.session_database {
        session_database(database)?;
    }
    if policy.private_output == PrivateOutput::PrivateSessionDatabase && policy.session_database.is_none() {
        let rule = "must be control_plane where there is no session_database";
        return Err(Error::invalid("private_output_policy", rule));
    }
    Ok(())
}

fn fallbacks(policy: &mut ChatPolicy) -> Result<()> {
    let models = &mut policy.fallback_models;
    if models.is_empty() {
        return Ok(());
    }
    if models.len() > FALLBACKS_MOST {
        return Err(Error::invalid("fallback_models", format!("must not have more than {FALLBACKS_MOST} entries")));
    }
    let Some(first) = &policy.model_id else {
        return Err(Error::invalid("fallback_models", "must be empty where there is no model_id"));
    };
    let mut seen = BTreeSet::from([first.clone()]);
    for (index, model) in models.iter_mut().enumerate() {
        let field = format!("fallback_models.{index}");
        *model = visible_text(&field, model, MODEL_CHARS)?;
        if !seen.insert(model.clone()) {
            return Err(Error::invalid(field, "must not repeat model_id or another fallback"));
        }
    }
    Ok(())
}

fn session_database(database: &mut SessionDatabase) -> Result<()> {
    let (url, name) = ("session_database.url_secret_key", "session_database.database_name");
    let (wanted, other, provider) = match database.provider {
        SessionDatabaseProvider::DirectUrl => (url, (name, database.database_name.is_some()), "direct_url"),
        SessionDatabaseProvider::OrganizationDatabase => {
            (name, (url, database.url_secret_key.is_some()), "organization_database")
        }
    };
    if other.1 {
        return Err(Error::invalid(other.0, format!("must be left out where provider is {provider}")));
    }
    match (&mut database.url_secret_key, &mut database.database_name) {
        (Some(key), None) if wanted == url => secret_name(url, key),
        (None, Some(text)) if wanted == name => {
            *text = visible_text(name, text, DATABASE_CHARS)?;
            Ok(())
        }
        _ => Err(Error::invalid(wanted, format!("must be set where provider is {provider}"))),
    }
}

/// The form that names of environment variables have, so that nobody puts the secret itself there.
fn secret_name(field: &str, text: &str) -> Result<()> {
    let plain = (1..=SECRET_NAME_BYTES).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_')
        && !text.starts_with(|c: char| c.is_ascii_digit());
    if plain {
        return Ok(());
    }
    let rule = "must be the name of a secret: capital letters, digits and underscores, such as CHAT_DATABASE_URL";
    Err(Error::invalid(field, rule))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SessionDatabaseEngine;
    use farebox_base::{DeploymentId, Timestamp};

    fn refused(change: impl Fn(&mut ChatPolicy)) -> Option<String> {
        let mut policy = ChatPolicy::unset(Timestamp::from_micros(0));
        change(&mut policy);
        check(&mut policy).err().and_then(|error| error.field)
    }

    fn database(provider: SessionDatabaseProvider, url: Option<&str>, name: Option<&str>) -> Option<SessionDatabase> {
        let engine = SessionDatabaseEngine::Postgres;
        let (url_secret_key, database_name) = (url.map(str::to_owned), name.map(str::to_owned));
        Some(SessionDatabase { provider, engine, url_secret_key, database_name })
    }

    #[test]
    fn each_mode_asks_for_what_it_needs_and_refuses_what_it_contradicts() {
        assert_eq!(refused(|_| {}), None);
        assert_eq!(refused(|policy| policy.mode = ChatMode::PrivateOrgAgent).as_deref(), Some("deployment_id"));
        let own = |policy: &mut ChatPolicy| {
            policy.mode = ChatMode::PrivateOrgAgent;
            policy.deployment_id = Some(DeploymentId::from_uuid(Default::default()));
            policy.switches.force_private_model = true;
        };
        assert_eq!(refused(own), None);
        let forced = refused(|policy| policy.switches.force_private_model = true);
        assert_eq!(forced.as_deref(), Some("force_private_model"));
    }

    #[test]
    fn fallbacks_stand_behind_a_model_and_repeat_nothing() {
        let with = |model: Option<&str>, fallbacks: &[&str]| {
            let fallbacks: Vec<String> = fallbacks.iter().map(|text| (*text).to_owned()).collect();
            refused(move |policy| {
                policy.model_id = model.map(str::to_owned);
                policy.fallback_models.clone_from(&fallbacks);
            })
        };
        assert_eq!(with(Some("own/a"), &["own/b", "own/c"]), None);
        assert_eq!(with(None, &["own/b"]).as_deref(), Some("fallback_models"));
        assert_eq!(with(Some("own/a"), &["own/a"]).as_deref(), Some("fallback_models.0"));
        assert_eq!(with(Some("own/a"), &["b", " b "]).as_deref(), Some("fallback_models.1"));
        assert_eq!(with(Some("own/a"), &["b\nc"]).as_deref(), Some("fallback_models.0"));
        assert_eq!(with(Some("\0"), &[]).as_deref(), Some("model_id"));
        assert_eq!(with(Some("own/a"), &["b"; 21]).as_deref(), Some("fallback_models"));
    }

    #[test]
    fn a_database_for_sessions_is_named_in_the_way_of_its_provider() {
        use SessionDatabaseProvider::{DirectUrl, OrganizationDatabase};
        let with =
            |database: Option<SessionDatabase>| refused(move |policy| policy.session_database = database.clone());
        assert_eq!(with(database(DirectUrl, Some("CHAT_URL"), None)), None);
        assert_eq!(with(database(OrganizationDatabase, None, Some("chats"))), None);
        let url = Some("session_database.url_secret_key".to_owned());
        let name = Some("session_database.database_name".to_owned());
        assert_eq!(with(database(DirectUrl, None, None)), url);
        assert_eq!(with(database(DirectUrl, Some("postgres://me:secret@db/x"), None)), url);
        assert_eq!(with(database(DirectUrl, Some("CHAT_URL"), Some("chats"))), name);
        assert_eq!(with(database(OrganizationDatabase, None, None)), name);
        assert_eq!(with(database(OrganizationDatabase, Some("CHAT_URL"), Some("chats"))), url);
        let output = refused(|policy| policy.private_output = PrivateOutput::PrivateSessionDatabase);
        assert_eq!(output.as_deref(), Some("private_output_policy"));
    }
}

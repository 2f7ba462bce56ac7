//! Private chat policies: what holds unset, what changes keep, and that a broken rule changes nothing.

use crate::process;
use farebox_accounts::{
    AgentRegistration, ChatMode, ChatPolicy, PrivateOutput, SessionDatabase, SessionDatabaseEngine,
    SessionDatabaseProvider,
};
use farebox_base::{DeploymentId, Kind, PartyId, Result};
use farebox_testkit::engines;
use std::time::Duration;

fn full(policy: &mut ChatPolicy) -> Result<()> {
    policy.mode = ChatMode::PrivateOrgAgent;
    policy.deployment_id = DeploymentId::parse("0195aaaa-bbbb-7ccc-8ddd-eeeeffff0001");
    policy.model_id = Some("own/large".to_owned());
    policy.fallback_models = vec!["own/small".to_owned(), "own/tiny".to_owned()];
    policy.switches.force_private_model = true;
    policy.switches.hide_model_picker = true;
    policy.private_output = PrivateOutput::PrivateSessionDatabase;
    policy.session_database = Some(SessionDatabase {
        provider: SessionDatabaseProvider::DirectUrl,
        engine: SessionDatabaseEngine::AuroraPostgres,
        url_secret_key: Some("CHAT_DATABASE_URL".to_owned()),
        database_name: None,
    });
    Ok(())
}

#[tokio::test]
async fn an_unset_policy_lets_members_choose_and_a_set_one_comes_back_whole() {
    engines::each(async |db| {
        let process = process(&db);
        let party = process.accounts.register_agent(&AgentRegistration::default()).await.unwrap().party;
        process.clock.advance(Duration::from_secs(1));
        let other = process.accounts.register_agent(&AgentRegistration::default()).await.unwrap().party;
        assert_eq!(process.accounts.chat_policy(party.id).await.unwrap(), ChatPolicy::unset(party.created_at));

        process.clock.advance(Duration::from_secs(60));
        let set = process.accounts.chat_policy_update(party.id, full).await.unwrap();
        let mut expected = ChatPolicy::unset(farebox_base::Clock::now(&*process.clock));
        full(&mut expected).unwrap();
        assert_eq!(set, expected);
        assert_eq!(process.accounts.chat_policy(party.id).await.unwrap(), expected);
        assert_eq!(process.accounts.chat_policy(other.id).await.unwrap(), ChatPolicy::unset(other.created_at));

        let cleared = process.accounts.chat_policy_update(party.id, |policy| {
            *policy = ChatPolicy::unset(policy.updated_at);
            Ok(())
        });
        let cleared = cleared.await.unwrap();
        assert_eq!(process.accounts.chat_policy(party.id).await.unwrap(), cleared);
        assert_eq!(cleared, ChatPolicy::unset(expected.updated_at));

        // Where both have set theirs, a change of one is no change of the other's.
        let theirs = process.accounts.chat_policy_update(other.id, full).await.unwrap();
        let named = process.accounts.chat_policy_update(party.id, |policy| {
            policy.model_id = Some("own/other".to_owned());
            Ok(())
        });
        let named = named.await.unwrap();
        assert_eq!(process.accounts.chat_policy(party.id).await.unwrap(), named);
        assert_eq!(process.accounts.chat_policy(other.id).await.unwrap(), theirs);
    })
    .await;
}

#[tokio::test]
async fn a_change_that_breaks_a_rule_leaves_the_policy_as_it_was() {
    engines::each(async |db| {
        let process = process(&db);
        let party = process.accounts.register_agent(&AgentRegistration::default()).await.unwrap().party.id;
        let set = process.accounts.chat_policy_update(party, full).await.unwrap();
        let broken = process.accounts.chat_policy_update(party, |policy| {
            policy.switches.hide_model_picker = false;
            policy.deployment_id = None;
            Ok(())
        });
        let error = broken.await.unwrap_err();
        assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some("deployment_id")));
        assert_eq!(process.accounts.chat_policy(party).await.unwrap(), set);
    })
    .await;
}

#[tokio::test]
async fn changes_at_the_same_time_lose_nothing_and_an_unknown_organisation_has_no_policy() {
    engines::each(async |db| {
        let process = process(&db);
        let party = process.accounts.register_agent(&AgentRegistration::default()).await.unwrap().party.id;
        let model = process.accounts.chat_policy_update(party, |policy| {
            policy.model_id = Some("own/large".to_owned());
            Ok(())
        });
        let picker = process.accounts.chat_policy_update(party, |policy| {
            policy.switches.hide_model_picker = true;
            Ok(())
        });
        let (model, picker) = tokio::join!(model, picker);
        model.unwrap();
        picker.unwrap();
        let both = process.accounts.chat_policy(party).await.unwrap();
        assert_eq!((both.model_id.as_deref(), both.switches.hide_model_picker), (Some("own/large"), true));
        let nobody = PartyId::parse("0195aaaa-bbbb-7ccc-8ddd-eeeeffff0001").unwrap();
        assert_eq!(process.accounts.chat_policy(nobody).await.unwrap_err().kind, Kind::NotFound);
        let changed = process.accounts.chat_policy_update(nobody, |_| Ok(())).await;
        assert_eq!(changed.unwrap_err().kind, Kind::NotFound);
    })
    .await;
}

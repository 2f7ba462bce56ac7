//! Connections: whose they are, which one is meant, and how they end.

use crate::provider::Says;
use crate::stage::Stage;
use farebox_base::Kind;
use farebox_oauth::{Granted, Holder, ProviderPatch};
use farebox_testkit::engines;
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A provider where everybody who connects is somebody else.
async fn several(stage: &Stage) -> farebox_oauth::Provider {
    let made = stage.provider(None, "many").await;
    let userinfo = Some(Some(made.token_url.replace("/token", "/me")));
    let patch = ProviderPatch { userinfo_url: userinfo, ..ProviderPatch::default() };
    let next = AtomicUsize::new(0);
    stage.server.says(move |asked, n| match asked.path.as_str() {
        "/me" => Says::json(200, &format!(r#"{{"sub":"u-{}"}}"#, next.fetch_add(1, Ordering::SeqCst))),
        "/revoke" => Says::json(200, ""),
        _ => Says::tokens(n, 3_600),
    });
    stage.oauth.provider_update(None, made.id, &patch).await.unwrap()
}

#[tokio::test]
async fn a_connection_is_of_one_user_whomever_he_acts_for() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let (one, two) = (stage.user("One").await, stage.user("Two").await);
        let provider = several(&stage).await;
        let id = stage.connected(one, &provider).await;
        let strangers = [
            two,
            Holder { party_id: one.party_id, user_id: two.user_id },
            Holder { party_id: one.party_id, user_id: None },
        ];
        for stranger in strangers {
            assert!(stage.oauth.connections(stranger).await.unwrap().is_empty());
            assert!(matches!(stage.oauth.token(stranger, &provider, None).await.unwrap(), Granted::Nothing));
            for error in [
                stage.oauth.token(stranger, &provider, Some(id)).await.unwrap_err(),
                stage.oauth.connection_make_default(stranger, id).await.unwrap_err(),
                stage.oauth.disconnect(stranger, id).await.unwrap_err(),
                stage.oauth.disconnect_provider(stranger, provider.id).await.unwrap_err(),
            ] {
                assert_eq!(error.kind, Kind::NotFound);
            }
        }
        let elsewhere = Holder { party_id: two.party_id, user_id: one.user_id };
        assert_eq!(stage.oauth.connections(elsewhere).await.unwrap().len(), 1);
        let other = stage.provider(None, "other").await;
        assert_eq!(stage.oauth.token(one, &other, Some(id)).await.unwrap_err().kind, Kind::NotFound);
        assert!(stage.oauth.connections(one).await.unwrap()[0].is_default);
        assert!(stage.server.asked("/revoke").is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_default_is_changed_for_its_holder_only_and_by_him_only() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let (one, two) = (stage.user("One").await, stage.user("Two").await);
        let provider = several(&stage).await;
        let other = stage.provider(None, "other").await;
        let mut of_one = Vec::new();
        let mut of_two = Vec::new();
        for _ in 0..2 {
            of_one.push(stage.connected(one, &provider).await);
            of_two.push(stage.connected(two, &provider).await);
        }
        let elsewhere = stage.connected(one, &other).await;
        let defaults = async |holder| -> HashSet<_> {
            let all = stage.oauth.connections(holder).await.unwrap();
            all.into_iter().filter(|one| one.is_default).map(|one| one.id).collect()
        };
        let error = stage.oauth.connection_make_default(two, of_one[1]).await.unwrap_err();
        assert_eq!(error.kind, Kind::NotFound);
        assert_eq!(defaults(one).await, HashSet::from([of_one[0], elsewhere]));
        assert_eq!(defaults(two).await, HashSet::from([of_two[0]]));
        stage.oauth.connection_make_default(one, of_one[1]).await.unwrap();
        assert_eq!(defaults(one).await, HashSet::from([of_one[1], elsewhere]));
        assert_eq!(defaults(two).await, HashSet::from([of_two[0]]));
        // What a stranger gives up and a provider's deletion touch nobody else's either.
        stage.oauth.disconnect_provider(two, provider.id).await.unwrap();
        stage.oauth.provider_delete(None, other.id).await.unwrap();
        assert_eq!(defaults(one).await, HashSet::from([of_one[1]]));
        assert_eq!(stage.oauth.connections(one).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn one_account_that_two_users_connect_is_a_connection_of_each_with_tokens_of_its_own() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let (one, two) = (stage.user("One").await, stage.user("Two").await);
        let provider = several(&stage).await;
        stage.server.says(|asked, n| match asked.path.as_str() {
            "/me" => Says::json(200, r#"{"sub":"shared"}"#),
            _ => Says::tokens(n, 3_600),
        });
        let (first, second) = (stage.connected(one, &provider).await, stage.connected(two, &provider).await);
        assert_ne!(first, second);
        let sent = async |holder| match stage.oauth.token(holder, &provider, None).await.unwrap() {
            Granted::Token(token) => token.authorization.to_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        };
        assert_eq!((sent(one).await.as_str(), sent(two).await.as_str()), ("Bearer access-1", "Bearer access-2"));
        stage.oauth.disconnect(two, second).await.unwrap();
        assert_eq!(sent(one).await, "Bearer access-1");
    })
    .await;
}

#[tokio::test]
async fn the_default_is_meant_or_the_only_one_or_nobody_knows() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = several(&stage).await;
        let (a, b, c) = (
            stage.connected(user, &provider).await,
            stage.connected(user, &provider).await,
            stage.connected(user, &provider).await,
        );
        let meant = async |named| match stage.oauth.token(user, &provider, named).await.unwrap() {
            Granted::Token(token) => Ok(token.connection_id),
            Granted::Several(all) => Err(all.len()),
            other => panic!("{other:?}"),
        };
        assert_eq!(meant(None).await, Ok(a));
        assert_eq!(meant(Some(c)).await, Ok(c));
        let made = stage.oauth.connection_make_default(user, b).await.unwrap();
        assert!(made.is_default && made.id == b && made.last_used_at.is_none());
        assert_eq!(meant(None).await, Ok(b));
        stage.oauth.disconnect(user, b).await.unwrap();
        assert_eq!(meant(None).await, Err(2));
        assert_eq!(meant(Some(a)).await, Ok(a));
        stage.oauth.disconnect(user, a).await.unwrap();
        assert_eq!(meant(None).await, Ok(c));
        let shown = stage.oauth.connections(user).await.unwrap();
        assert!(shown[0].last_used_at.is_some());
    })
    .await;
}

#[tokio::test]
async fn what_is_given_up_is_gone_here_whatever_the_provider_says_and_revoked_there() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = several(&stage).await;
        stage.connected(user, &provider).await;
        stage.connected(user, &provider).await;
        stage.oauth.disconnect_provider(user, provider.id).await.unwrap();
        let revoked = stage.server.asked("/revoke");
        let told: Vec<_> = revoked
            .iter()
            .map(|asked| (asked.form["token"].as_str(), asked.form["token_type_hint"].as_str()))
            .collect();
        for token in [("refresh-1", "refresh_token"), ("access-1", "access_token"), ("refresh-2", "refresh_token")] {
            assert!(told.contains(&token), "{told:?}");
        }
        assert!(revoked.iter().all(|asked| asked.form["client_secret"] == "hunter2-secret"));
        assert!(stage.oauth.connections(user).await.unwrap().is_empty());
        stage.connected(user, &provider).await;
        stage.server.says(|_, _| Says::json(500, "oops"));
        stage.oauth.disconnect_provider(user, provider.id).await.unwrap();
        assert!(matches!(stage.oauth.token(user, &provider, None).await.unwrap(), Granted::Nothing));
        assert_eq!(stage.oauth.disconnect_provider(user, provider.id).await.unwrap_err().kind, Kind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn a_token_without_a_refresh_token_is_good_until_its_end_and_a_deleted_provider_takes_all_with_it() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(None, "short").await;
        stage.server.says(|_, _| Says::json(200, r#"{"access_token":"a","expires_in":30}"#));
        stage.connected(user, &provider).await;
        assert!(matches!(stage.oauth.token(user, &provider, None).await.unwrap(), Granted::Token(_)));
        stage.clock.advance(Duration::from_secs(30));
        assert!(matches!(stage.oauth.token(user, &provider, None).await.unwrap(), Granted::Expired));
        assert!(!stage.oauth.connections(user).await.unwrap()[0].is_valid);
        stage.begun(user, &provider).await;
        stage.oauth.provider_delete(None, provider.id).await.unwrap();
        assert!(stage.oauth.connections(user).await.unwrap().is_empty());
    })
    .await;
}

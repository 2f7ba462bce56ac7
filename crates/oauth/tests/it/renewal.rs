//! Tokens that end: renewed once, whoever asks, and given up where the provider says so.

use crate::provider::Says;
use crate::stage::Stage;
use farebox_base::{Kind, OauthConnectionId};
use farebox_oauth::{Granted, Holder, Oauth, Provider};
use farebox_testkit::engines;
use std::time::Duration;

async fn token(oauth: &Oauth, holder: Holder, provider: &Provider) -> String {
    match oauth.token(holder, provider, None).await.unwrap() {
        Granted::Token(token) => token.authorization.to_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

async fn refreshes(stage: &Stage) -> usize {
    let asked = stage.server.asked("/token");
    asked.iter().filter(|asked| asked.form["grant_type"] == "refresh_token").count()
}

#[tokio::test]
async fn a_token_that_ends_is_renewed_once_however_many_ask_in_however_many_processes() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(Some(user.party_id), "one").await;
        stage.connected(user, &provider).await;
        assert_eq!(token(&stage.oauth, user, &provider).await, "Bearer access-1");
        stage.clock.advance(Duration::from_secs(3_500));
        assert_eq!(
            (token(&stage.oauth, user, &provider).await.as_str(), refreshes(&stage).await),
            ("Bearer access-1", 0)
        );
        stage.clock.advance(Duration::from_secs(100));
        let mut asking = tokio::task::JoinSet::new();
        for number in 0..24 {
            let oauth = if number % 2 == 0 { stage.oauth.clone() } else { stage.other.clone() };
            let provider = provider.clone();
            asking.spawn(async move { token(&oauth, user, &provider).await });
        }
        assert!(asking.join_all().await.iter().all(|token| token == "Bearer access-2"));
        assert_eq!(refreshes(&stage).await, 1);
        assert_eq!(stage.server.asked("/token")[1].form["refresh_token"], "refresh-1");
        // The rotated one is used the next time, and one that does not rotate is kept.
        stage.server.says(|_, n| Says::json(200, &format!(r#"{{"access_token":"access-{n}","expires_in":3600}}"#)));
        for (access, refresh) in [("Bearer access-3", "refresh-2"), ("Bearer access-4", "refresh-2")] {
            stage.clock.advance(Duration::from_secs(3_600));
            assert_eq!(token(&stage.other, user, &provider).await, access);
            assert_eq!(stage.server.asked("/token").last().unwrap().form["refresh_token"], refresh);
        }
    })
    .await;
}

#[tokio::test]
async fn a_renewal_goes_on_when_whoever_asked_has_left() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(Some(user.party_id), "one").await;
        stage.connected(user, &provider).await;
        stage.clock.advance(Duration::from_secs(3_600));
        let asking = stage.oauth.token(user, &provider, None);
        // Dropped as soon as the provider was asked.
        tokio::select! {
            _ = asking => {}
            () = async { while refreshes(&stage).await == 0 { tokio::time::sleep(Duration::from_millis(1)).await } } => {}
        }
        assert_eq!(token(&stage.other, user, &provider).await, "Bearer access-2");
        assert_eq!(refreshes(&stage).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_refresh_token_that_is_no_longer_taken_ends_the_connection_until_the_user_connects_anew() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(Some(user.party_id), "one").await;
        let id = stage.connected(user, &provider).await;
        stage.server.says(|_, _| Says::json(400, r#"{"error":"invalid_grant"}"#));
        stage.clock.advance(Duration::from_secs(3_600));
        for oauth in [&stage.oauth, &stage.other, &stage.oauth] {
            assert!(matches!(oauth.token(user, &provider, None).await.unwrap(), Granted::Expired));
        }
        assert_eq!(refreshes(&stage).await, 1);
        assert!(!stage.oauth.connections(user).await.unwrap()[0].is_valid);
        stage.server.says(|_, _| Says::tokens(9, 3_600));
        assert_eq!(stage.connected(user, &provider).await, id);
        assert_eq!(token(&stage.oauth, user, &provider).await, "Bearer access-9");
        assert!(stage.oauth.connections(user).await.unwrap()[0].is_valid);
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_fails_for_a_while_costs_nothing_while_the_token_is_good() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(Some(user.party_id), "one").await;
        stage.connected(user, &provider).await;
        stage.server.says(|_, n| match n % 3 {
            0 => Says::json(503, r#"{"error":"temporarily_unavailable"}"#),
            1 => Says::json(401, r#"{"error":"invalid_client"}"#),
            _ => Says::json(200, "<html>"),
        });
        stage.clock.advance(Duration::from_secs(3_580));
        for _ in 0..3 {
            assert_eq!(token(&stage.oauth, user, &provider).await, "Bearer access-1");
        }
        stage.clock.advance(Duration::from_secs(20));
        let error = stage.oauth.token(user, &provider, None).await.unwrap_err();
        assert_eq!((error.kind, error.code, error.retry_after_s), (Kind::Unavailable, "oauth_refresh_failed", Some(5)));
        assert!(stage.oauth.connections(user).await.unwrap()[0].is_valid);
        stage.server.says(|_, n| Says::tokens(n, 3_600));
        assert!(token(&stage.oauth, user, &provider).await.starts_with("Bearer access-"));
    })
    .await;
}

#[tokio::test]
async fn a_lease_whose_holder_has_died_is_taken_over_in_its_time() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(Some(user.party_id), "one").await;
        let id: OauthConnectionId = stage.connected(user, &provider).await;
        stage.clock.advance(Duration::from_secs(3_600));
        let until = stage.oauth.connections(user).await.unwrap()[0].expires_at.unwrap().plus(Duration::from_secs(30));
        let mut tx = stage.db.begin(farebox_db::Isolation::Serializable).await.unwrap();
        let lease = "UPDATE oauth_connection SET leased_until = $1 WHERE id = $2";
        tx.execute_one(lease, &[until.into(), (&id.to_string()).into()]).await.unwrap();
        tx.commit().await.unwrap();
        let asking = token(&stage.oauth, user, &provider);
        tokio::pin!(asking);
        assert!(tokio::time::timeout(Duration::from_millis(200), &mut asking).await.is_err());
        assert_eq!(refreshes(&stage).await, 0);
        stage.clock.advance(Duration::from_secs(30));
        assert_eq!((asking.await.as_str(), refreshes(&stage).await), ("Bearer access-2", 1));
    })
    .await;
}

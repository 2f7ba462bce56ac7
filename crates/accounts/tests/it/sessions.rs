//! Sessions: rotation and reuse of refresh tokens, ends, expiry, signing keys, several processes.

use crate::process;
use crate::sign_in::{ADA, PASSWORD, from};
use farebox_base::{Kind, Permission, Result};
use farebox_db::{Db, Value};
use farebox_testkit::engines::each;
use std::time::Duration;

fn code<T>(result: Result<T>) -> &'static str {
    result.err().unwrap().code
}

#[tokio::test(flavor = "multi_thread")]
async fn each_refresh_token_is_exchanged_once_and_an_old_one_ends_its_session() {
    each(async |db| {
        let one = process(&db);
        let refresh = async |token: &str| one.accounts.session_refresh(token, &from(1)).await;
        let first = one.signed_up(ADA).await.tokens;
        let other = one.accounts.login(ADA, PASSWORD, &from(2)).await.unwrap().tokens;
        let second = refresh(&first.refresh).await.unwrap();
        let third = refresh(&second.refresh).await.unwrap();
        assert!(one.accounts.authenticate(&third.access).await.is_ok());
        one.clock.advance(Duration::from_secs(60));
        assert_eq!(code(refresh(&first.refresh).await), "refresh_token_reused");
        for token in [&first.access, &second.access, &third.access] {
            assert_eq!(code(one.accounts.authenticate(token).await), "invalid_token");
        }
        assert_eq!(code(refresh(&third.refresh).await), "invalid_refresh_token");
        assert!(one.accounts.authenticate(&other.access).await.is_ok(), "another session goes on");
        assert!(refresh(&other.refresh).await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_refreshes_at_one_moment_one_wins_and_the_session_goes_on() {
    each(async |db| {
        let one = process(&db);
        let first = one.signed_up(ADA).await.tokens;
        let tries: Vec<_> = (0..8)
            .map(|_| {
                let (accounts, token) = (one.accounts.clone(), first.refresh.clone());
                tokio::spawn(async move { accounts.session_refresh(&token, &from(1)).await })
            })
            .collect();
        let mut won = Vec::new();
        for outcome in tries {
            match outcome.await.unwrap() {
                Ok(tokens) => won.push(tokens),
                Err(error) => assert_eq!(error.code, "refresh_token_superseded"),
            }
        }
        assert_eq!(won.len(), 1);
        assert!(one.accounts.authenticate(&won[0].access).await.is_ok());
        assert!(one.accounts.session_refresh(&won[0].refresh, &from(1)).await.is_ok());
        one.clock.advance(Duration::from_secs(6));
        assert_eq!(code(one.accounts.session_refresh(&first.refresh, &from(1)).await), "refresh_token_reused");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn access_tokens_live_a_quarter_of_an_hour_and_sessions_thirty_days_from_their_last_use_and_ninety_in_all() {
    each(async |db| {
        let one = process(&db);
        let mut tokens = one.signed_up(ADA).await.tokens;
        one.clock.advance(Duration::from_secs(899));
        assert!(one.accounts.authenticate(&tokens.access).await.is_ok());
        one.clock.advance(Duration::from_secs(1));
        assert_eq!(code(one.accounts.authenticate(&tokens.access).await), "expired_token");
        let day = Duration::from_secs(86_400);
        for _ in 0..3 {
            one.clock.advance(day * 29);
            tokens = one.accounts.session_refresh(&tokens.refresh, &from(1)).await.unwrap();
            assert!(one.accounts.authenticate(&tokens.access).await.is_ok());
        }
        one.clock.advance(day * 3);
        assert_eq!(code(one.accounts.session_refresh(&tokens.refresh, &from(1)).await), "invalid_refresh_token");
        let tokens = one.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap().tokens;
        one.clock.advance(day * 30);
        assert_eq!(code(one.accounts.session_refresh(&tokens.refresh, &from(1)).await), "invalid_refresh_token");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_by_their_user_alone() {
    each(async |db| {
        let one = process(&db);
        let ada = one.signed_up(ADA).await;
        let more = [
            one.accounts.login(ADA, PASSWORD, &from(2)).await.unwrap(),
            one.accounts.login(ADA, PASSWORD, &from(3)).await.unwrap(),
        ];
        let eve = one.signed_up("eve@example.com").await;
        let listed = one.accounts.sessions_list(ada.user.id).await.unwrap();
        assert_eq!(listed.len(), 3);
        assert!(listed.iter().any(|s| s.ip_address.as_deref() == Some("192.0.2.3")));
        assert!(listed.iter().all(|s| s.user_agent.as_deref() == Some("test/1.0")));
        let id = async |access: &str| one.accounts.authenticate(access).await.unwrap().session_id().unwrap();
        let first = id(&ada.tokens.access).await;
        let missing = one.accounts.session_revoke(eve.user.id, first).await.unwrap_err();
        assert_eq!(missing.kind, Kind::NotFound);
        let missing = one.accounts.sessions_revoke_others(eve.user.id, first).await.unwrap_err();
        assert_eq!(missing.kind, Kind::NotFound);
        one.accounts.session_revoke(ada.user.id, id(&more[0].tokens.access).await).await.unwrap();
        assert_eq!(code(one.accounts.authenticate(&more[0].tokens.access).await), "invalid_token");
        assert_eq!(one.accounts.sessions_revoke_others(ada.user.id, first).await.unwrap(), 1);
        assert_eq!(code(one.accounts.authenticate(&more[1].tokens.access).await), "invalid_token");
        assert!(one.accounts.authenticate(&ada.tokens.access).await.is_ok());
        assert_eq!(one.accounts.sessions_revoke_all(ada.user.id).await.unwrap(), 1);
        assert_eq!(one.accounts.session_revoke(ada.user.id, first).await.unwrap_err().kind, Kind::NotFound);
        assert_eq!(one.accounts.sessions_revoke_others(ada.user.id, first).await.unwrap_err().kind, Kind::NotFound);
        assert!(one.accounts.sessions_list(ada.user.id).await.unwrap().is_empty());
        assert!(one.accounts.authenticate(&eve.tokens.access).await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_one_process_ended_is_refused_by_another_after_its_next_refresh() {
    each(async |db| {
        let (one, two) = (process(&db), process(&db));
        let ada = one.signed_up(ADA).await;
        two.changes.refresh().await.unwrap();
        let caller = two.accounts.authenticate(&ada.tokens.access).await.unwrap();
        assert_eq!(caller.user_id, Some(ada.user.id), "the other process finds the signing key");
        one.accounts.sessions_revoke_all(ada.user.id).await.unwrap();
        assert!(two.accounts.authenticate(&ada.tokens.access).await.is_ok(), "cached until it looks");
        two.changes.refresh().await.unwrap();
        assert_eq!(code(two.accounts.authenticate(&ada.tokens.access).await), "invalid_token");
        // A reused refresh token ends a session just so.
        let again = one.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap().tokens;
        assert!(two.accounts.authenticate(&again.access).await.is_ok());
        let next = one.accounts.session_refresh(&again.refresh, &from(1)).await.unwrap();
        one.clock.advance(Duration::from_secs(60));
        assert_eq!(code(one.accounts.session_refresh(&again.refresh, &from(1)).await), "refresh_token_reused");
        two.changes.refresh().await.unwrap();
        assert_eq!(code(two.accounts.authenticate(&next.access).await), "invalid_token");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_keys_change_daily_and_old_ones_are_good_until_their_tokens_are_over() {
    each(async |db| {
        let one = process(&db);
        let ada = one.signed_up(ADA).await;
        let key_of = |token: &str| token.split('.').next().unwrap().to_owned();
        one.clock.advance(Duration::from_secs(86_400 - 300));
        let old = one.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap().tokens;
        assert_eq!(key_of(&old.access), key_of(&ada.tokens.access));
        one.clock.advance(Duration::from_secs(600));
        let new = one.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap().tokens;
        assert_ne!(key_of(&new.access), key_of(&old.access));
        assert!(one.accounts.authenticate(&old.access).await.is_ok());
        // A process that starts now signs with the same key, and knows both.
        let two = process(&db);
        two.clock.advance(Duration::from_secs(86_400 + 300));
        let there = two.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap().tokens;
        assert_eq!(key_of(&there.access), key_of(&new.access));
        assert!(two.accounts.authenticate(&old.access).await.is_ok());
        one.clock.advance(Duration::from_secs(2 * 86_400));
        one.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap();
        let row = db.one("SELECT COUNT(*) FROM signing_key", &[]).await.unwrap().unwrap();
        assert_eq!(row.get::<i64>(0), Ok(1), "keys that are of no use are gone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_has_a_hundred_sessions_at_most() {
    each(async |db| {
        let one = process(&db);
        let ada = one.signed_up(ADA).await;
        let next = async || {
            one.clock.advance(Duration::from_secs(1));
            one.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap()
        };
        // A hundred hashes of passwords take a while; what is counted are rows.
        let copy = "INSERT INTO user_session (id, user_id, generation, refresh_hash, refreshed_at, created_at, expires_at)
                    SELECT $1, user_id, 1, refresh_hash, refreshed_at, created_at, expires_at FROM user_session LIMIT 1";
        for n in 0..99 {
            let id = uuid_of(n);
            farebox_db::tx!(&db, tx => { Ok(tx.execute(copy, &[(&id).into()]).await?) }).unwrap();
        }
        assert_eq!(one.accounts.sessions_list(ada.user.id).await.unwrap().len(), 100);
        let newest = next().await;
        assert_eq!(one.accounts.sessions_list(ada.user.id).await.unwrap().len(), 100);
        assert!(one.accounts.authenticate(&newest.tokens.access).await.is_ok());
    })
    .await;
}

fn uuid_of(n: u32) -> String {
    format!("0191a7c0-0000-7000-8000-{n:012}")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_holds_no_token_and_no_password() {
    each(async |db: Db| {
        let one = process(&db);
        let ada = one.signed_up(ADA).await;
        one.accounts.password_forgotten(ADA, &from(1)).await.unwrap();
        let waiting = all_text(&db).await;
        let token = one.last_token().await;
        let access = ada.tokens.access.rsplit('.').next().unwrap().to_owned();
        let refresh = ada.tokens.refresh["fbr_".len()..].to_owned();
        for text in [waiting, all_text(&db).await] {
            for secret in [PASSWORD, token.as_str(), access.as_str(), refresh.as_str(), &refresh[30..70]] {
                assert!(!text.contains(secret), "{secret}");
            }
        }
    })
    .await;
}

/// What every table of this part holds, as text.
async fn all_text(db: &Db) -> String {
    let mut text = String::new();
    for query in [
        "SELECT * FROM user_password",
        "SELECT * FROM user_session",
        "SELECT * FROM mail_token",
        "SELECT * FROM sign_up",
        "SELECT * FROM signing_key",
        "SELECT * FROM attempt_count",
        "SELECT * FROM mail_outbox",
    ] {
        for row in db.query(query, &[]).await.unwrap() {
            for value in row.values() {
                match value {
                    Value::Text(found) => text.push_str(found),
                    Value::Blob(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
                    _ => {}
                }
                text.push('\n');
            }
        }
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_may_what_its_person_may_and_does_not_run_the_platform() {
    each(async |db| {
        let one = process(&db);
        let ada = one.signed_up(ADA).await;
        let caller = one.accounts.authenticate(&ada.tokens.access).await.unwrap();
        assert!(caller.may(Permission::KeysWrite) && caller.may(Permission::AccountWrite));
        assert!(!caller.may(Permission::PlatformAdmin));
        assert!(caller.key().is_none());
    })
    .await;
}

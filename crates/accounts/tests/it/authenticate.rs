//! Keys that are presented: spellings, refusals, expiry, revocation, times of use.

use crate::{process, request};
use farebox_accounts::{AgentRegistration, KeyCreate, MintedKey, Page, UserStatus};
use farebox_base::{Clock, Kind, Role};
use farebox_testkit::engines;
use std::time::Duration;

fn spellings(key: &MintedKey) -> [String; 4] {
    let (id, secret) = (key.key_id, &key.secret);
    [
        key.platform_spelling(),
        format!("{}:{}", key.marketplace_key_id(), key.marketplace_secret()),
        format!("{id}:{secret}"),
        format!("fbx_{id}:sec_{secret}"),
    ]
}

#[tokio::test]
async fn every_spelling_is_the_same_caller() {
    engines::each(async |db| {
        let accounts = process(&db).accounts;
        let agent = accounts.register_agent(&AgentRegistration::default()).await.unwrap().key;
        let owner = accounts.owner_key_create(&request("buyer-a", Role::Buyer), None).await.unwrap();
        for key in [&agent, &owner] {
            let expected = accounts.authenticate(&key.platform_spelling()).await.unwrap();
            assert_eq!((expected.api_key_id(), expected.key_id()), (Some(key.api_key_id), Some(key.key_id)));
            for text in spellings(key) {
                assert_eq!(accounts.authenticate(&text).await.unwrap(), expected, "{text}");
            }
            for id in [key.marketplace_key_id(), key.key_id.to_string()] {
                for secret in [key.marketplace_secret(), key.secret.clone()] {
                    assert_eq!(accounts.caller_for_marketplace(&id, &secret).await.unwrap(), expected);
                }
            }
        }
        let caller = accounts.authenticate(&owner.platform_spelling()).await.unwrap();
        assert_eq!(
            (caller.owner_id.as_str(), caller.role(), caller.rate_limit_per_minute()),
            ("buyer-a", Role::Buyer, Some(60))
        );
    })
    .await;
}

#[tokio::test]
async fn unknown_mistyped_and_malformed_keys_get_one_answer() {
    engines::each(async |db| {
        let accounts = process(&db).accounts;
        let key = accounts.register_agent(&AgentRegistration::default()).await.unwrap().key;
        let other = accounts.register_agent(&AgentRegistration::default()).await.unwrap().key;
        let wrong_secret = format!("{}:{}", key.key_id, other.secret);
        let unknown = format!("0000000000000000:{}", key.secret);
        for _cold_then_cached in 0..2 {
            for (text, code) in [
                (wrong_secret.as_str(), "invalid_key"),
                (unknown.as_str(), "invalid_key"),
                ("", "malformed_key"),
                ("nonsense", "malformed_key"),
                ("fbx_é", "malformed_key"),
            ] {
                let error = accounts.authenticate(text).await.unwrap_err();
                let seen = (error.kind, error.message.as_str(), error.code);
                assert_eq!(seen, (Kind::Unauthenticated, "Invalid API key", code), "{text}");
            }
            accounts.authenticate(&key.platform_spelling()).await.unwrap();
        }
    })
    .await;
}

#[tokio::test]
async fn a_revoked_key_is_refused_here_at_once_and_elsewhere_after_a_refresh() {
    engines::each(async |db| {
        let (here, there) = (process(&db), process(&db));
        let new = here.accounts.register_agent(&AgentRegistration::default()).await.unwrap();
        let text = new.key.platform_spelling();
        let caller = here.accounts.authenticate(&text).await.unwrap();
        there.accounts.authenticate(&text).await.unwrap();
        here.accounts.key_revoke(&caller, caller.party_id, new.key.api_key_id).await.unwrap();
        assert_eq!(here.accounts.authenticate(&text).await.unwrap_err().message, "Invalid API key");
        there.accounts.authenticate(&text).await.expect("the other process has not looked yet");
        there.changes.refresh().await.unwrap();
        assert_eq!(there.accounts.authenticate(&text).await.unwrap_err().message, "Invalid API key");
    })
    .await;
}

#[tokio::test]
async fn a_key_expires_at_its_time_also_from_the_cache() {
    engines::each(async |db| {
        let here = process(&db);
        let agent = here.accounts.register_agent(&AgentRegistration::default()).await.unwrap().key;
        let caller = here.accounts.authenticate(&agent.platform_spelling()).await.unwrap();
        let create = KeyCreate { name: "short".to_owned(), expires_in_days: Some(1), ..KeyCreate::default() };
        let key = here.accounts.key_create(&caller, caller.party_id, &create).await.unwrap();
        assert_eq!(key.expires_at, Some(here.clock.now().plus(Duration::from_secs(86_400))));
        here.clock.advance(Duration::from_secs(86_399));
        here.accounts.authenticate(&key.platform_spelling()).await.unwrap();
        here.clock.advance(Duration::from_secs(1));
        let error = here.accounts.authenticate(&key.platform_spelling()).await.unwrap_err();
        assert_eq!((error.message.as_str(), error.code), ("API key expired", "expired_key"));
        let wrong = format!("{}:{}", key.key_id, agent.secret);
        assert_eq!(here.accounts.authenticate(&wrong).await.unwrap_err().message, "Invalid API key");
    })
    .await;
}

#[tokio::test]
async fn the_keys_of_a_user_that_is_not_active_are_refused() {
    engines::each(async |db| {
        let here = process(&db);
        let new = here.accounts.register_agent(&AgentRegistration::default()).await.unwrap();
        let there = process(&db);
        for accounts in [&here.accounts, &there.accounts] {
            accounts.authenticate(&new.key.platform_spelling()).await.unwrap();
        }
        here.accounts.user_status_set(new.user.id, UserStatus::Disabled).await.unwrap();
        there.changes.refresh().await.unwrap();
        for accounts in [&here.accounts, &there.accounts] {
            let error = accounts.authenticate(&new.key.platform_spelling()).await.unwrap_err();
            assert_eq!(error.message, "Invalid API key");
        }
        here.accounts.user_status_set(new.user.id, UserStatus::Active).await.unwrap();
        here.accounts.authenticate(&new.key.platform_spelling()).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn times_of_use_are_written_by_the_flush_and_never_go_back() {
    engines::each(async |db| {
        let here = process(&db);
        let new = here.accounts.register_agent(&AgentRegistration::default()).await.unwrap();
        let last_used = async || {
            let keys = here.accounts.keys_list(new.party.id, Page::first(10)).await.unwrap();
            keys.items[0].last_used_at
        };
        for _ in 0..3 {
            here.clock.advance(Duration::from_secs(10));
            here.accounts.authenticate(&new.key.platform_spelling()).await.unwrap();
        }
        assert_eq!(last_used().await, None, "not written by the call");
        assert_eq!(here.accounts.flush_last_used().await.unwrap(), 1);
        assert_eq!(last_used().await, Some(here.clock.now()));
        assert_eq!(here.accounts.flush_last_used().await.unwrap(), 0, "nothing new");
        let late = process(&db);
        late.accounts.authenticate(&new.key.platform_spelling()).await.unwrap();
        assert_eq!(late.accounts.flush_last_used().await.unwrap(), 1);
        assert_eq!(last_used().await, Some(here.clock.now()), "an older time does not replace a newer one");
        here.changes.local("keys");
        here.clock.advance(Duration::from_secs(10));
        here.accounts.authenticate(&new.key.platform_spelling()).await.unwrap();
        assert_eq!(here.accounts.flush_last_used().await.unwrap(), 1, "also after the cache was emptied");
        assert_eq!(last_used().await, Some(here.clock.now()));
    })
    .await;
}

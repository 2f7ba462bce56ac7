//! Providers that become others under the same id: tokens of before go to no server that is named later.

use crate::provider::Says;
use crate::stage::{Stage, parameter, target};
use farebox_base::Kind;
use farebox_oauth::{Granted, ProviderPatch, Returned, Sensitive};
use farebox_testkit::engines;
use std::time::Duration;

/// Changes of servers and client, each with a new secret, as another token server asks for one.
fn moves(server: &str) -> Vec<(&'static str, ProviderPatch)> {
    let url = |path: &str| format!("http://{server}/elsewhere{path}");
    let anew = || ProviderPatch { client_secret: Some(Sensitive::new("another")), ..ProviderPatch::default() };
    vec![
        ("authorization_url", ProviderPatch { authorization_url: Some(url("/authorize")), ..anew() }),
        ("token_url", ProviderPatch { token_url: Some(url("/token")), ..anew() }),
        ("revocation_url", ProviderPatch { revocation_url: Some(Some(url("/revoke"))), ..anew() }),
        ("userinfo_url", ProviderPatch { userinfo_url: Some(Some(url("/me"))), ..anew() }),
        ("client_id", ProviderPatch { client_id: Some("client-2".to_owned()), ..anew() }),
        (
            "upstream_hosts",
            ProviderPatch { upstream_hosts: Some(vec!["a.example".to_owned(), "b.example".to_owned()]), ..anew() },
        ),
    ]
}

#[tokio::test]
async fn another_server_or_client_ends_the_connections_and_flows_of_before_and_nobody_gets_their_tokens() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let owner = Some(user.party_id);
        let other = stage.provider(owner, "other").await;
        stage.connected(user, &other).await;
        for (index, (what, patch)) in moves(&stage.server.address.to_string()).into_iter().enumerate() {
            let mut described = stage.described(&format!("one-{index}"));
            described.upstream_hosts = vec!["a.example".to_owned()];
            let provider = stage.oauth.provider_create(owner, &described).await.unwrap();
            let id = stage.connected(user, &provider).await;
            let (begun, state) = stage.begun(user, &provider).await;
            let changed = stage.oauth.provider_update(owner, provider.id, &patch).await.unwrap();
            stage.clock.advance(Duration::from_secs(3_600));
            assert!(matches!(stage.oauth.token(user, &changed, None).await.unwrap(), Granted::Nothing), "{what}");
            assert_eq!(stage.oauth.disconnect(user, id).await.unwrap_err().kind, Kind::NotFound, "{what}");
            let returned = Returned { state: Some(&state), code: Some("c"), ..Returned::default() };
            let late = stage.oauth.callback(&changed, returned, Some(begun.flow.secret.expose())).await;
            assert_eq!(late.unwrap_err().field.as_deref(), Some("state"), "{what}");
        }
        let kept = stage.oauth.connections(user).await.unwrap();
        assert_eq!(kept.iter().map(|one| one.provider_id).collect::<Vec<_>>(), [other.id]);
        for path in ["/elsewhere/token", "/elsewhere/revoke", "/elsewhere/me"] {
            assert!(stage.server.asked(path).is_empty(), "{path}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_new_secret_another_name_and_fewer_hosts_keep_connections() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let owner = Some(user.party_id);
        let mut described = stage.described("one");
        described.upstream_hosts = vec!["a.example".to_owned(), "b.example".to_owned()];
        let provider = stage.oauth.provider_create(owner, &described).await.unwrap();
        let id = stage.connected(user, &provider).await;
        for patch in [
            ProviderPatch { client_secret: Some(Sensitive::new("rotated")), ..ProviderPatch::default() },
            ProviderPatch { name: Some("New".to_owned()), slug: Some("new".to_owned()), ..ProviderPatch::default() },
            ProviderPatch { upstream_hosts: Some(vec!["b.example".to_owned()]), ..ProviderPatch::default() },
            ProviderPatch { token_url: Some(provider.token_url.clone()), ..ProviderPatch::default() },
            ProviderPatch { scopes: Some(vec!["read".to_owned()]), ..ProviderPatch::default() },
        ] {
            stage.oauth.provider_update(owner, provider.id, &patch).await.unwrap();
        }
        let kept = stage.oauth.connections(user).await.unwrap();
        assert_eq!((kept.len(), kept[0].id, kept[0].is_valid), (1, id, true));
        stage.clock.advance(Duration::from_secs(3_600));
        assert!(matches!(stage.oauth.token(user, &provider, None).await.unwrap(), Granted::Token(_)));
        assert_eq!(stage.server.asked("/token")[1].form["client_secret"], "rotated");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_old_servers_granted_while_the_provider_changed_is_not_kept() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let owner = Some(user.party_id);
        let provider = stage.provider(owner, "one").await;
        let (begun, state) = stage.begun(user, &provider).await;
        // The provider changes while its token server is being asked.
        let (asked, is_asked) = tokio::sync::mpsc::unbounded_channel::<()>();
        let (changed, may_answer) = std::sync::mpsc::channel::<()>();
        let gate = parking_lot::Mutex::new(may_answer);
        stage.server.says(move |_, n| {
            let _ = asked.send(());
            tokio::task::block_in_place(|| gate.lock().recv_timeout(Duration::from_secs(10))).unwrap();
            Says::tokens(n, 3_600)
        });
        let change = async {
            let mut is_asked = is_asked;
            is_asked.recv().await.unwrap();
            let patch = ProviderPatch { client_id: Some("client-2".to_owned()), ..ProviderPatch::default() };
            stage.oauth.provider_update(owner, provider.id, &patch).await.unwrap();
            changed.send(()).unwrap();
        };
        let returned = Returned { state: Some(&state), code: Some("c"), ..Returned::default() };
        let arrives = stage.oauth.callback(&provider, returned, Some(begun.flow.secret.expose()));
        let (arrived, ()) = tokio::join!(arrives, change);
        assert_eq!(parameter(&target(arrived.unwrap()), "error"), "provider_changed");
        assert!(stage.oauth.connections(user).await.unwrap().is_empty());
    })
    .await;
}

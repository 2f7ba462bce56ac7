//! The way to a provider and back: what is asked, and what an attacker might try on the way.

use crate::provider::Says;
use crate::stage::{REDIRECT, Stage, asked, parameter, target};
use farebox_base::Kind;
use farebox_oauth::{Arrived, Flow, Named, ProviderPatch, Returned, TokenAuth};
use farebox_testkit::engines;
use std::time::Duration;

#[tokio::test]
async fn a_connection_is_made_with_pkce_by_whoever_began_it() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(Some(user.party_id), "one").await;
        let (begun, state) = stage.begun(user, &provider).await;
        let url = begun.url.expose();
        let callback = format!("https://pay.example.com/oauth/providers/{}/callback", provider.id);
        for (name, value) in [
            ("tenant", "7"),
            ("response_type", "code"),
            ("client_id", "client&1"),
            ("redirect_uri", callback.as_str()),
            ("scope", "read write"),
            ("code_challenge_method", "S256"),
            ("access_type", "offline"),
        ] {
            assert_eq!(parameter(url, name), value, "{name}");
        }
        let returned = Returned { state: Some(&state), code: Some("the code"), ..Returned::default() };
        let arrived = stage.other.callback(&provider, returned, Some(begun.flow.secret.expose())).await.unwrap();
        let done = target(arrived);
        assert!(done.starts_with(&format!("{REDIRECT}?status=success&provider=one&connection_id=")), "{done}");

        let asked = &stage.server.asked("/token")[0];
        let field = |name: &str| asked.form.get(name).map(String::as_str).unwrap_or_default();
        assert_eq!(
            (field("grant_type"), field("code"), field("redirect_uri")),
            ("authorization_code", "the code", callback.as_str())
        );
        assert_eq!((field("client_id"), field("client_secret")), ("client&1", "hunter2-secret"));
        assert!(field("code_verifier").len() >= 43 && !url.contains(field("code_verifier")));
        let connections = stage.oauth.connections(user).await.unwrap();
        assert_eq!(connections.len(), 1);
        assert!(connections[0].is_valid && connections[0].is_default && connections[0].account.is_none());
        assert_eq!(connections[0].scopes, ["read", "write"]);
    })
    .await;
}

#[tokio::test]
async fn a_client_that_proves_itself_by_header_encodes_both_halves_and_learns_whose_account_it_is() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(Some(user.party_id), "one").await;
        let userinfo = Some(provider.token_url.replace("/token", "/me"));
        let patch =
            ProviderPatch { auth: Some(TokenAuth::Basic), userinfo_url: Some(userinfo), ..ProviderPatch::default() };
        let provider = stage.oauth.provider_update(Some(user.party_id), provider.id, &patch).await.unwrap();
        stage.server.says(|asked, n| match asked.path.as_str() {
            "/me" => Says::json(200, r#"{"sub":"u-7","email":"ada@example.com"}"#),
            _ => Says::tokens(n, 3_600),
        });
        let first = stage.connected(user, &provider).await;
        let asked = &stage.server.asked("/token")[0];
        // base64 of client%261:hunter2-secret
        assert!(
            asked.head.to_lowercase().contains("authorization: basic y2xpzw50jti2mtpodw50zxiylxnly3jlda=="),
            "{}",
            asked.head
        );
        assert!(!asked.form.contains_key("client_secret"));
        assert!(stage.server.asked("/me")[0].head.contains("Bearer access-1"));
        let connection = stage.oauth.connections(user).await.unwrap().remove(0);
        assert_eq!(
            (connection.account.as_deref(), connection.email.as_deref()),
            (Some("u-7"), Some("ada@example.com"))
        );
        // The same account again is the same connection; another one is another, and not the default.
        assert_eq!(stage.connected(user, &provider).await, first);
        stage.server.says(|asked, n| match asked.path.as_str() {
            "/me" => Says::json(200, r#"{"sub":"u-8"}"#),
            _ => Says::tokens(n, 3_600),
        });
        let second = stage.connected(user, &provider).await;
        let connections = stage.oauth.connections(user).await.unwrap();
        let is_default = |id| connections.iter().find(|it| it.id == id).map(|it| it.is_default);
        assert_eq!((connections.len(), is_default(first), is_default(second)), (2, Some(true), Some(false)));
    })
    .await;
}

#[tokio::test]
async fn a_state_is_good_once_at_its_provider_and_in_its_time() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let (one, two) =
            (stage.provider(Some(user.party_id), "one").await, stage.provider(Some(user.party_id), "two").await);
        let callback = async |provider, state: &str, browser: &str| {
            let returned = Returned { state: Some(state), code: Some("c"), ..Returned::default() };
            stage.oauth.callback(provider, returned, Some(browser)).await
        };
        // Replayed, also in the right browser.
        let (begun, state) = stage.begun(user, &one).await;
        let browser = begun.flow.secret.expose();
        callback(&one, &state, browser).await.unwrap();
        assert_eq!(callback(&one, &state, browser).await.unwrap_err().field.as_deref(), Some("state"));
        // Mixed up: the answer comes to another provider's address. It is used up by that.
        let (begun, state) = stage.begun(user, &one).await;
        let browser = begun.flow.secret.expose();
        assert_eq!(callback(&two, &state, browser).await.unwrap_err().field.as_deref(), Some("state"));
        assert!(callback(&one, &state, browser).await.is_err());
        // Too late.
        let (begun, state) = stage.begun(user, &one).await;
        stage.clock.advance(Duration::from_secs(600));
        assert!(callback(&one, &state, begun.flow.secret.expose()).await.is_err());
        // Made up.
        for made_up in ["", "x", &"x".repeat(10_000), "\0", "é"] {
            assert_eq!(callback(&one, made_up, "x").await.unwrap_err().kind, Kind::Invalid, "{made_up:.9}");
        }
        assert_eq!(stage.server.asked("/token").len(), 1);
        assert_eq!(stage.oauth.connections(user).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn another_browser_is_asked_before_anything_is_kept() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let (mallory, victim) = (stage.user("Mallory").await, stage.user("Victim").await);
        let provider = stage.provider(None, "one").await;
        let asks = async |browser: Option<&str>| -> Flow {
            let (_, state) = stage.begun(mallory, &provider).await;
            let returned = Returned { state: Some(&state), code: Some("victims-code"), ..Returned::default() };
            match stage.oauth.callback(&provider, returned, browser).await.unwrap() {
                Arrived::Asks(flow) => flow,
                Arrived::Done(url) => panic!("connected without being asked: {url}"),
            }
        };
        // The victim's browser has no cookie, or one of a flow of its own.
        let (own, _) = stage.begun(victim, &provider).await;
        let flow = asks(Some(own.flow.secret.expose())).await;
        let flow_without = asks(None).await;
        assert!(stage.server.asked("/token").is_empty() && stage.oauth.connections(mallory).await.unwrap().is_empty());
        let secret = flow.secret.expose();
        let asked = stage.oauth.asked(secret).await.unwrap().unwrap();
        assert_eq!((asked.holder, asked.provider.id, asked.redirect_uri.as_str()), (mallory, provider.id, REDIRECT));
        // The answer must come from the page that asked, in the browser that was asked, once.
        assert_eq!(stage.oauth.answered(secret, "wrong", true).await.unwrap_err().kind, Kind::Invalid);
        let others = stage.oauth.asked(flow_without.secret.expose()).await.unwrap().unwrap().check;
        assert!(stage.oauth.answered(secret, &others, true).await.is_err());
        assert!(stage.oauth.answered("made up", &asked.check, true).await.is_err());
        let denied = stage.oauth.answered(secret, &asked.check, false).await.unwrap();
        assert_eq!(parameter(&denied, "error"), "access_denied");
        assert!(stage.oauth.answered(secret, &asked.check, true).await.is_err());
        assert!(stage.oauth.asked(secret).await.unwrap().is_none());
        assert!(stage.server.asked("/token").is_empty());
        // Who says yes has it done, and a state that waits for a yes is no state for a provider.
        let secret = flow_without.secret.expose();
        let returned = Returned { state: Some(secret), code: Some("c"), ..Returned::default() };
        assert!(stage.oauth.callback(&provider, returned, None).await.is_err());
        let done = stage.other.answered(secret, &others, true).await.unwrap();
        assert_eq!(parameter(&done, "status"), "success");
        assert_eq!(stage.server.asked("/token")[0].form["code"], "victims-code");
        assert!(stage.oauth.connections(victim).await.unwrap().is_empty());
        assert_eq!(stage.oauth.connections(mallory).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn answers_with_errors_and_from_others_than_were_asked_connect_nothing() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(Some(user.party_id), "one").await;
        let iss = format!("http://{}", stage.server.address);
        for (returned, error) in [
            (Returned { error: Some("access_denied"), ..Returned::default() }, "access_denied"),
            (Returned { error: Some("<script>"), code: Some("c"), ..Returned::default() }, "provider_error"),
            (Returned { error: Some(&"x".repeat(65)), ..Returned::default() }, "provider_error"),
            (
                Returned { code: Some("c"), iss: Some("https://evil.example.com"), ..Returned::default() },
                "issuer_mismatch",
            ),
            (Returned { code: Some("c"), iss: Some("nonsense"), ..Returned::default() }, "issuer_mismatch"),
            (Returned { code: Some(""), ..Returned::default() }, "invalid_code"),
            (Returned { code: Some("a\0b"), ..Returned::default() }, "invalid_code"),
            (Returned { code: Some(&"x".repeat(5_000)), ..Returned::default() }, "invalid_code"),
        ] {
            let (begun, state) = stage.begun(user, &provider).await;
            let returned = Returned { state: Some(&state), ..returned };
            let arrived = stage.oauth.callback(&provider, returned, Some(begun.flow.secret.expose())).await.unwrap();
            assert_eq!(target(arrived), format!("{REDIRECT}?status=error&provider=one&error={error}"));
        }
        assert!(stage.server.asked("/token").is_empty());
        let (begun, state) = stage.begun(user, &provider).await;
        let nothing = Returned { state: Some(&state), ..Returned::default() };
        assert_eq!(stage.oauth.callback(&provider, nothing, None).await.unwrap_err().field.as_deref(), Some("code"));
        let own = Returned { state: Some(&state), code: Some("c"), iss: Some(&iss), ..Returned::default() };
        let arrived = stage.oauth.callback(&provider, own, Some(begun.flow.secret.expose())).await.unwrap();
        assert_eq!(parameter(&target(arrived), "status"), "success");
    })
    .await;
}

#[tokio::test]
async fn flows_begin_where_the_operator_lets_browsers_end_and_are_not_without_number() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(None, "one").await;
        let begin = async |uri: Option<&str>| stage.oauth.begin(user, &provider, asked(Named::Slug, uri)).await;
        for bad in ["https://evil.example.com/", "/x", "https://pay.example.com@evil.example.com/", "javascript:x"] {
            assert_eq!(begin(Some(bad)).await.unwrap_err().field.as_deref(), Some("redirect_uri"), "{bad}");
        }
        for good in [None, Some(REDIRECT), Some("https://pay.example.com/anything?x=1")] {
            let url = begin(good).await.unwrap().url;
            assert_eq!(parameter(url.expose(), "redirect_uri"), "https://pay.example.com/oauth/one/callback");
        }
        for _ in 3..50 {
            begin(None).await.unwrap();
        }
        assert_eq!(begin(None).await.unwrap_err().kind, Kind::TooManyRequests);
        let other = stage.user("Two").await;
        stage.oauth.begin(other, &provider, asked(Named::Id, None)).await.unwrap();
        stage.clock.advance(Duration::from_secs(601));
        begin(None).await.unwrap();
        let off = ProviderPatch { is_active: Some(false), ..ProviderPatch::default() };
        let off = stage.oauth.provider_update(None, provider.id, &off).await.unwrap();
        let refused = stage.oauth.begin(user, &off, asked(Named::Id, None)).await.unwrap_err();
        assert_eq!((refused.kind, refused.code), (Kind::Unavailable, "provider_inactive"));
    })
    .await;
}

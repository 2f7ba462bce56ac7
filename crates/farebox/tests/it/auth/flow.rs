//! The operations as a person uses them, on both engines.

use super::{ADA, PASSWORD, Tokens, login, mailed, person, sign_up};
use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_up_in_and_out_at_every_door() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let new = app.expect(&sign_up(ADA), 201).await;
        assert_eq!((new.at("/data/user/email"), new.at("/data/user/status")), (ADA.into(), "active".into()));
        app.expect(&login(ADA, PASSWORD), 403).await;
        let token = mailed(&app.folder(), ADA, "Confirm").await;
        let verify = Ask::post("/auth/verify-email", json!({ "token": token }));
        let verified = app.expect(&verify, 200).await;
        assert_eq!(verified.header("cache-control"), "no-store");
        assert_eq!(verified.at("/data/user/id"), new.at("/data/user/id"));
        app.expect(&verify, 400).await;

        let got = app.expect(&login(ADA, PASSWORD), 200).await;
        assert_eq!(got.at("/data/expires_in"), "900");
        let mine = Tokens::of(&got);
        let me = app.expect(&Ask::get("/auth/me").key(&mine.access), 200).await;
        assert_eq!(me.at("/data/default_organization_id"), got.at("/data/default_organization_id"));
        assert_eq!((me.at("/data/api_key_id"), me.at("/data/email")), ("null".into(), ADA.into()));
        app.expect(&Ask::get("/wallet/balance").key(&mine.access), 200).await;
        app.expect(&Ask::get("/api/v1/usage/me").key(&mine.access), 200).await;
        let security = app.expect(&Ask::get("/auth/account-security").key(&mine.access), 200).await;
        assert_eq!(
            (security.at("/data/has_password"), security.at("/data/auth_providers")),
            ("true".into(), "[]".into())
        );

        let refresh = |token: &str| Ask::post("/auth/refresh", json!({ "refresh_token": token }));
        let next = Tokens::of(&app.expect(&refresh(&mine.refresh), 200).await);
        let late = app.expect(&refresh(&mine.refresh), 401).await;
        assert_eq!(late.at("/error"), "refresh_token_superseded");
        app.expect(&Ask::post("/auth/logout", json!({})).key(&next.access), 200).await;
        for path in ["/auth/me", "/api/v1/usage/me"] {
            app.expect(&Ask::get(path).key(&next.access), 401).await;
            app.expect(&Ask::get(path).key(&mine.access), 401).await;
        }
        app.expect(&refresh(&next.refresh), 401).await;
        app.expect(&Ask::get("/auth/me").key(&Tokens::of(&verified).access), 200).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_shown_bare_with_the_one_of_the_request_and_ended() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let first = person(&app, ADA).await;
        let agent = "Browser/9 (Ünïx)";
        let second = Tokens::of(&app.expect(&login(ADA, PASSWORD).with("User-Agent", agent), 200).await);
        let third = Tokens::of(&app.expect(&login(ADA, PASSWORD), 200).await);
        let list = async |tokens: &Tokens| app.expect(&Ask::get("/sessions").key(&tokens.access), 200).await;
        let shown = list(&second).await;
        let mine = (0..3).find(|n| shown.at(&format!("/{n}/is_current")) == "true").unwrap();
        assert_eq!(shown.at(&format!("/{mine}/user_agent")), agent);
        assert_eq!(shown.at(&format!("/{mine}/ip_address")), "127.0.0.1");
        assert_eq!((0..3).filter(|n| shown.at(&format!("/{n}/is_current")) == "true").count(), 1);

        let id = shown.at(&format!("/{mine}/id"));
        let delete = Ask::new(Method::DELETE, format!("/sessions/{id}"));
        let stranger = person(&app, "eve@example.com").await;
        app.expect(&delete.clone().key(&stranger.access), 404).await;
        let others = Ask::post(format!("/sessions/{id}/revoke-others"), json!({}));
        app.expect(&others.clone().key(&stranger.access), 404).await;
        let ended = app.expect(&others.key(&second.access), 200).await;
        assert_eq!(ended.at("/data/revoked_count"), "2");
        for gone in [&first, &third] {
            app.expect(&Ask::get("/sessions").key(&gone.access), 401).await;
        }
        app.expect(&delete.clone().key(&second.access), 200).await;
        app.expect(&delete.key(&second.access), 401).await;

        let again = Tokens::of(&app.expect(&login(ADA, PASSWORD), 200).await);
        let all = app.expect(&Ask::post("/sessions/revoke-all", json!({})).key(&again.access), 200).await;
        assert_eq!(all.at("/data/revoked_count"), "1");
        app.expect(&Ask::get("/auth/me").key(&again.access), 401).await;
        assert!(!list(&stranger).await.text.contains(&id));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_password_is_replaced_by_mail_and_a_known_one_by_itself() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let before = person(&app, ADA).await;
    app.expect(&Ask::post("/auth/forgot-password", json!({ "email": ADA })), 200).await;
    let token = mailed(&app.folder(), ADA, "new password").await;
    let reset = |token: &str, password: &str| {
        Ask::post("/auth/reset-password", json!({ "token": token, "new_password": password }))
    };
    let short = app.expect(&reset(&token, "short"), 400).await;
    assert_eq!(short.at("/field"), "new_password");
    app.expect(&reset("0000", "a whole new password"), 404).await;
    app.expect(&reset(&token, "a whole new password"), 200).await;
    app.expect(&reset(&token, "yet another password"), 400).await;
    app.expect(&Ask::get("/auth/me").key(&before.access), 401).await;
    app.expect(&login(ADA, PASSWORD), 401).await;

    let mine = Tokens::of(&app.expect(&login(ADA, "a whole new password"), 200).await);
    let change = |old: &str| {
        let body = json!({ "current_password": old, "new_password": PASSWORD });
        Ask::post("/auth/change-password", body)
    };
    let wrong = app.expect(&change("no such password").key(&mine.access), 400).await;
    assert_eq!(wrong.at("/field"), "current_password");
    app.expect(&change("a whole new password"), 401).await;
    let agent = app.agent("Vega").await;
    app.expect(&change("a whole new password").key(&agent.key), 403).await;
    app.expect(&change("a whole new password").key(&mine.access), 200).await;
    app.expect(&Ask::get("/auth/me").key(&mine.access), 200).await;
    app.expect(&login(ADA, PASSWORD), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_names_its_owners_address_and_the_link_proves_it() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let agent = app.agent("Vega").await;
        let name = |email: &str| Ask::new(Method::PATCH, "/auth/agent").json(json!({ "email": email })).key(&agent.key);
        let bad = app.expect(&name("nobody"), 400).await;
        assert_eq!(bad.at("/field"), "email");
        let named = app.expect(&name(ADA), 200).await;
        assert_eq!((named.at("/data/email"), named.at("/data/email_verified")), (ADA.into(), "false".into()));
        let shown = async || app.expect(&Ask::get("/auth/me").key(&agent.key), 200).await.at("/data/email");
        assert!(shown().await.ends_with("@agents.farebox.invalid"), "an address that was only named is not the user's");
        let token = mailed(&app.folder(), ADA, "your agent").await;
        let owner = app.expect(&Ask::post("/auth/verify-email", json!({ "token": token })), 200).await;
        assert_eq!(shown().await, ADA);
        assert_eq!(owner.at("/data/default_organization_id"), agent.party.to_string());
        let again = app.expect(&name(ADA), 200).await;
        assert_eq!(
            (again.at("/data/email_verified"), again.at("/data/verification_sent")),
            ("true".into(), "false".into())
        );
    }
}

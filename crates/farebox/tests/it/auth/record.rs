//! The audit lines of those who act without credentials say whose session, token or address it was.

use super::{ADA, Tokens, mailed, person};
use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;
use serde_json::json;

/// An audit line: actor, organisation, status.
type Line = (Option<String>, Option<String>, String);

async fn line(app: &TestApp, request_id: &str) -> Line {
    let sql = "SELECT actor_id, party_id, status FROM audit_line WHERE request_id = $1";
    let row = app.app.db.one(sql, &[request_id.into()]).await.unwrap().unwrap();
    (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn refresh_and_lost_passwords_are_recorded_with_their_user_where_there_is_one() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let mine = person(&app, ADA).await;
        let me = app.expect(&Ask::get("/auth/me").key(&mine.access), 200).await;
        let (user, party) = (Some(me.at("/data/id")), Some(me.at("/data/default_organization_id")));
        let mut asked = 0;
        let mut said = async |ask: Ask, status: u16| {
            asked += 1;
            let request_id = format!("record-{asked}");
            let got = app.expect(&ask.with("X-Request-Id", &*request_id), status).await;
            (got, line(&app, &request_id).await)
        };
        let refresh = |token: &str| Ask::post("/auth/refresh", json!({ "refresh_token": token }));
        let of = |status: &str| (user.clone(), party.clone(), status.to_owned());
        let nobodys = |status: &str| (None, None, status.to_owned());

        let (next, exchanged) = said(refresh(&mine.refresh), 200).await;
        assert_eq!(exchanged, of("success"));
        assert_eq!(said(refresh(&mine.refresh), 401).await.1, of("denied"), "exchanged a moment ago");
        assert_eq!(said(refresh("fbr_made_up"), 401).await.1, nobodys("denied"));
        let next = Tokens::of(&next);
        app.expect(&Ask::post("/auth/logout", json!({})).key(&next.access), 200).await;
        assert_eq!(said(refresh(&next.refresh), 401).await.1, of("denied"), "after signing out");

        let forgot = |email: &str| Ask::post("/auth/forgot-password", json!({ "email": email }));
        let strangers_log = (user.clone(), None, "success".to_owned());
        assert_eq!(said(forgot(ADA), 200).await.1, strangers_log, "strangers fill no organisation's log");
        assert_eq!(said(forgot("nobody@example.com"), 200).await.1, nobodys("success"));

        let token = mailed(&app.folder(), ADA, "new password").await;
        let reset = |token: &str| {
            let body = json!({ "token": token, "new_password": "a whole new password" });
            Ask::post("/auth/reset-password", body)
        };
        assert_eq!(said(reset("made up"), 404).await.1, nobodys("failure"));
        assert_eq!(said(reset(&token), 200).await.1, of("success"));
        assert_eq!(said(reset(&token), 400).await.1, of("failure"), "a second time");
        let log = app.app.db.query("SELECT metadata FROM audit_line", &[]).await.unwrap();
        let log: String = log.iter().map(|row| row.get::<String>(0).unwrap()).collect();
        assert!(!log.contains(&token) && !log.contains(&mine.refresh));
    }
}

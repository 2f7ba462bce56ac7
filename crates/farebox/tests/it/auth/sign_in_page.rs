//! The sign-in page as a browser without scripts uses it.

use super::{ADA, PASSWORD, login, person};
use farebox_net::full;
use farebox_testkit::app::{Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use http::Request;
use http_body_util::BodyExt as _;

/// A browser's cookies, each as `name=value`.
#[derive(Default)]
struct Browser {
    cookies: Vec<(String, String)>,
}

impl Browser {
    fn header(&self) -> String {
        self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
    }

    fn learn(&mut self, got: &Got) {
        for line in got.headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            for rule in ["; HttpOnly", "; SameSite=", "Path=/sign-in"] {
                assert!(line.contains(rule), "{line}");
            }
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            if !line.contains("Max-Age=0") {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    async fn open(&mut self, app: &TestApp) -> Got {
        let got = app.expect(&Ask::get("/sign-in").with("Cookie", self.header()), 200).await;
        assert_eq!((got.header("cache-control"), got.header("x-frame-options")), ("no-store", "DENY"));
        assert!(got.header("content-security-policy").contains("form-action 'self'"));
        self.learn(&got);
        got
    }

    async fn send(&mut self, app: &TestApp, path: &str, site: &str, fields: &[(&str, &str)]) -> Got {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Request::post(format!("{}{path}", app.base)).header("cookie", self.header());
        let request = request.header("sec-fetch-site", site).body(full(body)).unwrap();
        let (head, body) = app.client().send(request).await.unwrap().into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let got = Got { status: head.status, headers: head.headers, text };
        self.learn(&got);
        got
    }

    async fn sign_in(&mut self, app: &TestApp, email: &str, password: &str) -> Got {
        let check = check(&self.open(app).await);
        let fields = [("check", check.as_str()), ("email", email), ("password", password)];
        self.send(app, "/sign-in", "same-origin", &fields).await
    }
}

fn check(page: &Got) -> String {
    let (_, rest) = page.text.split_once("name=\"check\" value=\"").unwrap();
    rest.split('"').next().unwrap().to_owned()
}

async fn sessions(app: &TestApp) -> i64 {
    let row = app.app.db.one("SELECT COUNT(*) FROM user_session WHERE revoked_at IS NULL", &[]).await;
    row.unwrap().unwrap().get(0).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_in_sees_the_account_and_signs_out_without_a_script() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        person(&app, ADA).await;
        let before = sessions(&app).await;
        let mut browser = Browser::default();
        let first = browser.open(&app).await;
        assert!(first.text.contains("type=\"password\"") && !first.text.contains("<script"));
        let wrong = browser.sign_in(&app, ADA, "not the password").await;
        assert_eq!(wrong.status.as_u16(), 401);
        assert!(wrong.text.contains("The email address or the password is wrong.") && wrong.text.contains(ADA));
        let odd = browser.sign_in(&app, "\"><b>", PASSWORD).await;
        assert!(
            odd.status.as_u16() == 400 && odd.text.contains("That is no email address") && !odd.text.contains("<b>")
        );

        let done = browser.sign_in(&app, ADA, PASSWORD).await;
        assert_eq!((done.status.as_u16(), done.header("location")), (303, "sign-in"));
        let shown = browser.open(&app).await;
        assert!(shown.text.contains(&format!("Signed in as {ADA}")) && shown.text.contains("owner"), "{}", shown.text);
        // The cookie is for the pages: no operation takes it.
        app.expect(&Ask::get("/auth/me").with("Cookie", browser.header()), 401).await;
        let check = check(&shown);
        let out = browser.send(&app, "/sign-in/out", "same-origin", &[("check", &check)]).await;
        assert_eq!((out.status.as_u16(), out.header("location")), (303, "../sign-in"));
        assert!(browser.open(&app).await.text.contains("type=\"password\""));
        assert_eq!(sessions(&app).await, before);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_other_page_signs_anybody_in_or_out() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    person(&app, ADA).await;
    let before = sessions(&app).await;
    let mut attacker = Browser::default();
    let stolen = check(&attacker.open(&app).await);
    let mut victim = Browser::default();
    let own = check(&victim.open(&app).await);
    // Another page knows the attacker's check, or none; a page of another site even with the victim's own.
    for (check, site) in [("", "same-origin"), (stolen.as_str(), "same-origin"), (&own, "cross-site")] {
        let fields = [("check", check), ("email", ADA), ("password", PASSWORD)];
        let forged = victim.send(&app, "/sign-in", site, &fields).await;
        assert_eq!(forged.status.as_u16(), 400, "{check} {site}");
        assert!(forged.text.contains("Please try again"));
    }
    let mut bare = Browser::default();
    let fields = [("check", ""), ("email", ADA), ("password", PASSWORD)];
    assert_eq!(bare.send(&app, "/sign-in", "same-origin", &fields).await.status.as_u16(), 400);
    assert_eq!(sessions(&app).await, before);

    assert_eq!(victim.sign_in(&app, ADA, PASSWORD).await.status.as_u16(), 303);
    for (check, site) in [("", "same-origin"), (stolen.as_str(), "same-origin"), (&own, "same-site")] {
        victim.send(&app, "/sign-in/out", site, &[("check", check)]).await;
        assert!(victim.open(&app).await.text.contains("Signed in as"), "{check} {site}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cookie_with_anything_but_a_good_session_is_ended_and_an_old_access_token_is_exchanged() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let tokens = person(&app, ADA).await;
    let agent = app.agent("Vega").await;
    for bad in ["x:y".to_owned(), format!("{}:{}", agent.key, agent.key), "fbt_a.b.c:fbr_AAAA".to_owned()] {
        let mut browser = Browser::default();
        browser.cookies.push(("farebox_session".to_owned(), bad));
        assert!(browser.open(&app).await.text.contains("type=\"password\""));
        assert!(browser.cookies.iter().all(|(name, _)| name != "farebox_session"));
    }
    // As it is a quarter of an hour later: the access token is over, the refresh token is not.
    let mut browser = Browser::default();
    browser.cookies.push(("farebox_session".to_owned(), format!("fbt_over:{}", tokens.refresh)));
    assert!(browser.open(&app).await.text.contains("Signed in as"));
    let kept = browser.cookies.iter().find(|(name, _)| name == "farebox_session").unwrap().1.clone();
    assert!(!kept.contains(&tokens.refresh));
    assert!(browser.open(&app).await.text.contains("Signed in as"));
    // Signed out elsewhere: the page knows.
    let all = Ask::post("/sessions/revoke-all", serde_json::json!({}));
    let other = super::Tokens::of(&app.expect(&login(ADA, PASSWORD), 200).await);
    app.expect(&all.key(&other.access), 200).await;
    assert!(browser.open(&app).await.text.contains("type=\"password\""));
}

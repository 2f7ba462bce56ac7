//! The page that shows mails where no server takes them, and the pages that links lead to.

use super::{ADA, mailed, sign_up};
use farebox_testkit::app::{Ask, TestApp};
use farebox_testkit::engines::TestDb;

#[tokio::test(flavor = "multi_thread")]
async fn the_outbox_shows_mails_to_the_servers_own_machine_and_to_nobody_else() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    app.expect(&sign_up(ADA), 201).await;
    let token = mailed(&app.folder(), ADA, "Confirm").await;
    let page = app.expect(&Ask::get("/outbox"), 200).await;
    let link = format!("href=\"{}/verify-email#token={token}\"", app.base);
    assert!(page.text.contains(&link) && page.text.contains(ADA), "{}", page.text);
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let elsewhere = Ask::get("/outbox").with("Host", "evil.example");
    app.expect(&elsewhere, 404).await;

    for settings in [
        [("server.public_url", "https://pay.example.com"), ("mail.from", "")],
        [("mail.smtp_url", "smtp://127.0.0.1:9"), ("mail.from", "no-reply@example.com")],
    ] {
        let public = TestApp::start(&TestDb::sqlite().await, &settings).await;
        public.expect(&Ask::get("/outbox"), 404).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pages_of_links_are_kept_by_nobody_and_tell_nobody_where_they_were_opened() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    for path in ["/verify-email", "/reset-password", "/forgot-password", "/accept-invite", "/sign-up"] {
        let page = app.expect(&Ask::get(path), 200).await;
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("cache-control"), "no-store");
        assert!(page.header("content-security-policy").contains("connect-src 'self'"));
        assert!(page.text.contains(&format!("data-page=\"{}\"", &path[1..])));
    }
}

//! A session that one server ends is refused by another within a second.

use super::{ADA, PASSWORD, Tokens, login, mailed, sign_up};
use crate::process::Shop;
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

const KNOWN_WITHIN: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_one_server_ends_another_refuses_within_a_second() {
    let Some(place) = TestDb::postgres() else { return };
    let shop = Shop::open(&place, "0.01").await;
    let (one, two) = (shop.serve(&[]).await, shop.serve_beside(&[]).await);
    let at = async |base: &str, ask: Ask| ask.send(&shop.client, base).await.unwrap();
    assert_eq!(at(&one.base, sign_up(ADA)).await.status, 201);
    // Either server may have sent it: both keep mails in the folder that they share.
    let token = mailed(shop.folder.path(), ADA, "Confirm").await;
    assert_eq!(at(&two.base, Ask::post("/auth/verify-email", json!({ "token": token }))).await.status, 200);

    for end in ["/auth/logout", "/sessions/revoke-all"] {
        let mine = Tokens::of(&at(&one.base, login(ADA, PASSWORD)).await);
        let me = || Ask::get("/auth/me").key(&mine.access);
        assert_eq!(at(&two.base, me()).await.status, 200);
        assert_eq!(at(&one.base, Ask::post(end, json!({})).key(&mine.access)).await.status, 200);
        assert_eq!(at(&one.base, me()).await.status, 401, "at once where it was ended");
        let start = Instant::now();
        while at(&two.base, me()).await.status != 401 {
            assert!(start.elapsed() < KNOWN_WITHIN, "{end} is not known");
        }
        println!("{end} at one server was known to the other after {:.0?}", start.elapsed());
    }
}

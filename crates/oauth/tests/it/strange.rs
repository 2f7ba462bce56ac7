//! Providers that answer with anything but tokens.

use crate::provider::Says;
use crate::stage::{Stage, parameter, target};
use farebox_oauth::Returned;
use farebox_testkit::engines;

fn answer(status: u16, headers: &str, body: &str) -> Says {
    Says::Answer { status, headers: headers.to_owned(), body: body.to_owned() }
}

#[tokio::test]
async fn an_answer_that_is_no_pair_of_tokens_fails_the_flow_and_leads_nowhere_else() {
    engines::each(async |db| {
        let stage = Stage::set(db).await;
        let user = stage.user("One").await;
        let provider = stage.provider(Some(user.party_id), "one").await;
        let elsewhere = format!("location: http://{}/elsewhere\r\n", stage.server.address);
        for says in [
            answer(200, "content-type: text/html\r\n", "<html>sign in</html>"),
            answer(200, "", &" ".repeat(100_000)),
            answer(302, &elsewhere, ""),
            answer(307, &elsewhere, r#"{"access_token":"a"}"#),
            answer(500, "", "oops"),
            answer(200, "", ""),
            Says::json(400, r#"{"error":"invalid_grant","error_description":"<b>x</b>"}"#),
            Says::json(200, r#"{"access_token":"a\r\nb"}"#),
            Says::Silence,
        ] {
            stage.server.says(move |_, _| says.clone());
            let (begun, state) = stage.begun(user, &provider).await;
            let returned = Returned { state: Some(&state), code: Some("c"), ..Returned::default() };
            let arrived = stage.oauth.callback(&provider, returned, Some(begun.flow.secret.expose())).await.unwrap();
            assert_eq!(parameter(&target(arrived), "error"), "exchange_failed");
        }
        assert!(stage.server.asked("/elsewhere").is_empty());
        assert!(stage.oauth.connections(user).await.unwrap().is_empty());
    })
    .await;
}

//! An agent's address that is replaced by another one.

use crate::process;
use crate::sign_in::{ADA, from};
use farebox_accounts::AgentRegistration;
use farebox_testkit::engines::each;
use std::time::Duration;

const OTHER: &str = "other@example.com";

#[tokio::test(flavor = "multi_thread")]
async fn who_had_proved_an_agents_address_is_told_when_another_one_takes_its_place() {
    each(async |db| {
        let one = process(&db);
        let named = AgentRegistration { name: Some("Vega".to_owned()), email: Some(ADA.to_owned()) };
        let agent = one.accounts.register_agent(&named).await.unwrap().user.id;
        let told = async || {
            one.clock.advance(Duration::from_millis(2));
            let all = one.mails().await;
            all.into_iter().filter(|mail| mail.1.contains("has another address")).map(|mail| mail.0).collect::<Vec<_>>()
        };
        one.accounts.verify_email(&one.last_token().await, &from(1)).await.unwrap();
        assert!(told().await.is_empty(), "nobody had the made-up address");
        one.accounts.agent_address_set(agent, OTHER).await.unwrap();
        let token = one.last_token().await;
        assert!(told().await.is_empty(), "nothing has changed yet");
        one.accounts.verify_email(&token, &from(1)).await.unwrap();
        assert_eq!(told().await, [ADA]);
        one.accounts.agent_address_set(agent, OTHER).await.unwrap();
        assert_eq!(told().await, [ADA], "the same address again changes nothing");
    })
    .await;
}

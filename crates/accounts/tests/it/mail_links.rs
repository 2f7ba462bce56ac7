//! What the links of mails are good for, and what ends them.

use crate::sign_in::{ADA, PASSWORD, from};
use crate::{Process, process};
use farebox_accounts::{AgentRegistration, SignUp, UserStatus};
use farebox_base::{Kind, Result, UserId};
use farebox_testkit::engines::each;
use std::time::Duration;

const OTHER: &str = "other@example.com";
const NEW: &str = "a whole new password";

fn code<T>(result: Result<T>) -> &'static str {
    result.err().map_or("ok", |error| error.code)
}

impl Process {
    async fn reset(&self, token: &str) -> Result<()> {
        self.accounts.password_reset(token, NEW, &from(1)).await
    }

    async fn reset_link(&self, email: &str) -> String {
        // The mails before are older.
        self.clock.advance(Duration::from_millis(2));
        self.accounts.password_forgotten(email, &from(1)).await.unwrap();
        self.last_token().await
    }

    async fn naming_link(&self, agent: UserId, email: &str) -> String {
        self.clock.advance(Duration::from_millis(2));
        self.accounts.agent_address_set(agent, email).await.unwrap();
        self.last_token().await
    }

    /// An agent whose owner has proved that address.
    async fn owned_agent(&self, email: &str) -> UserId {
        let agent = self.accounts.register_agent(&AgentRegistration::default()).await.unwrap().user.id;
        let link = self.naming_link(agent, email).await;
        self.accounts.verify_email(&link, &from(1)).await.unwrap();
        agent
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_good_for_what_it_was_sent_for_alone() {
    each(async |db| {
        let one = process(&db);
        let agent = one.accounts.register_agent(&AgentRegistration::default()).await.unwrap().user.id;
        let naming = one.naming_link(agent, ADA).await;
        let ask = SignUp { email: OTHER.to_owned(), password: PASSWORD.to_owned(), name: "Bob".to_owned() };
        one.accounts.sign_up(&ask, &from(1)).await.unwrap();
        let sign_up = one.last_token().await;
        for token in [&naming, &sign_up] {
            assert_eq!(one.reset(token).await.unwrap_err().kind, Kind::NotFound);
        }
        one.accounts.verify_email(&naming, &from(1)).await.unwrap();
        one.accounts.verify_email(&sign_up, &from(1)).await.unwrap();
        let reset = one.reset_link(ADA).await;
        assert_eq!(code(one.accounts.verify_email(&reset, &from(1)).await), "invalid_token");
        one.reset(&reset).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_is_the_users_only_while_the_address_is_and_he_is_active() {
    each(async |db| {
        let one = process(&db);
        let agent = one.owned_agent(ADA).await;
        let before = one.reset_link(ADA).await;
        let link = one.naming_link(agent, OTHER).await;
        one.accounts.verify_email(&link, &from(1)).await.unwrap();
        assert_eq!(code(one.reset(&before).await), "invalid_token", "the address was replaced");
        assert!(!one.accounts.has_password(agent).await.unwrap());
        let link = one.reset_link(OTHER).await;
        one.accounts.user_status_set(agent, UserStatus::Disabled).await.unwrap();
        assert_eq!(code(one.reset(&link).await), "invalid_token", "the user was stopped");
        one.accounts.user_status_set(agent, UserStatus::Active).await.unwrap();
        one.reset(&link).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_ends_the_link_to_an_address_that_was_named_before() {
    each(async |db| {
        let one = process(&db);
        let agent = one.owned_agent(ADA).await;
        let (named, link) = (one.naming_link(agent, OTHER).await, one.reset_link(ADA).await);
        one.reset(&link).await.unwrap();
        assert_eq!(code(one.accounts.verify_email(&named, &from(1)).await), "invalid_token");
        assert_eq!(code(one.accounts.login(ADA, NEW, &from(1)).await), "ok");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_name_for_an_address_and_a_changed_password_end_the_links_before() {
    each(async |db| {
        let one = process(&db);
        let agent = one.owned_agent(ADA).await;
        let (first, second) = (one.naming_link(agent, OTHER).await, one.naming_link(agent, "third@example.com").await);
        assert_eq!(code(one.accounts.verify_email(&first, &from(1)).await), "invalid_token");
        one.accounts.verify_email(&second, &from(1)).await.unwrap();
        one.clock.advance(Duration::from_millis(2));
        let bob = one.signed_up("bob@example.com").await;
        let link = one.reset_link("bob@example.com").await;
        one.accounts.password_change(bob.user.id, None, (PASSWORD, "another one of mine"), &from(1)).await.unwrap();
        assert_eq!(code(one.reset(&link).await), "invalid_token");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_was_stopped_takes_no_address() {
    each(async |db| {
        let one = process(&db);
        let agent = one.accounts.register_agent(&AgentRegistration::default()).await.unwrap().user.id;
        let link = one.naming_link(agent, ADA).await;
        one.accounts.user_status_set(agent, UserStatus::Paused).await.unwrap();
        assert_eq!(code(one.accounts.verify_email(&link, &from(1)).await), "invalid_token");
        assert!(!one.accounts.user(agent).await.unwrap().unwrap().email_verified);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_link_of_who_came_too_late_stays_worthless_when_the_address_is_free_again() {
    each(async |db| {
        let one = process(&db);
        let late = one.accounts.register_agent(&AgentRegistration::default()).await.unwrap().user.id;
        let link = one.naming_link(late, ADA).await;
        let agent = one.owned_agent(ADA).await;
        let elsewhere = one.naming_link(agent, OTHER).await;
        one.accounts.verify_email(&elsewhere, &from(1)).await.unwrap();
        assert_eq!(code(one.accounts.verify_email(&link, &from(1)).await), "invalid_token");
    })
    .await;
}

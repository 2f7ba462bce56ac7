//! Sign-ups that wait: what strangers can't tell from them, and that an address goes to the reader of its mail alone.

use crate::sign_in::{ADA, PASSWORD, from};
use crate::{Process, process};
use farebox_accounts::{AgentRegistration, SignUp, UserKind};
use farebox_base::{Error, Kind};
use farebox_testkit::engines::each;
use std::time::Duration;

const BOB: &str = "bob@example.com";
const STRANGERS: &str = "a stranger's password";

fn ask(email: &str, password: &str, name: &str) -> SignUp {
    SignUp { email: email.to_owned(), password: password.to_owned(), name: name.to_owned() }
}

impl Process {
    /// Signs up; answers the token of the mail, empty where its address has an account.
    async fn begun(&self, email: &str, password: &str, name: &str) -> String {
        self.accounts.sign_up(&ask(email, password, name), &from(3)).await.unwrap();
        self.last_token().await
    }

    async fn agent_naming(&self, email: &str) -> (farebox_base::UserId, String) {
        let named = AgentRegistration { name: Some("Vega".to_owned()), email: Some(email.to_owned()) };
        let agent = self.accounts.register_agent(&named).await.unwrap().user.id;
        (agent, self.last_token().await)
    }

    /// All that a sign-in is told.
    async fn told(&self, email: &str, password: &str) -> Option<(Kind, &'static str, String)> {
        let outcome = self.accounts.login(email, password, &from(9)).await;
        outcome.err().map(|Error { kind, code, message, .. }| (kind, code, message))
    }

    async fn code(&self, email: &str, password: &str) -> &'static str {
        self.told(email, password).await.map_or("ok", |(_, code, _)| code)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_tells_its_maker_the_same_whether_the_address_has_an_account_or_not() {
    each(async |db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        one.clock.advance(Duration::from_secs(2 * 86_400));
        let mut told = [Vec::new(), Vec::new()];
        for (told, email) in told.iter_mut().zip([ADA, "nobody@example.com"]) {
            told.push(one.told(email, STRANGERS).await);
            one.begun(email, STRANGERS, "Mallory").await;
            told.push(one.told(email, STRANGERS).await);
            told.push(one.told(email, "neither the one nor the other").await);
            one.begun(email, "a second try of it", "Mallory").await;
            told.push(one.told(email, STRANGERS).await);
            told.push(one.told(email, "a second try of it").await);
        }
        one.clock.advance(Duration::from_secs(23 * 3_600));
        for email in [ADA, "nobody@example.com"] {
            one.accounts.verification_resend(email, &from(3)).await.unwrap();
        }
        let elsewhere = one.code("third@example.com", "a second try of it").await;
        assert_eq!(elsewhere, "invalid_credentials", "what waits at another address");
        for hours in [0, 2, 20, 4] {
            one.clock.advance(Duration::from_secs(hours * 3_600));
            for (told, email) in told.iter_mut().zip([ADA, "nobody@example.com"]) {
                told.push(one.told(email, "a second try of it").await);
            }
        }
        assert_eq!(told[0], told[1]);
        let codes: Vec<_> = told[0].iter().flatten().map(|told| told.1).collect();
        let (wrong, waits) = ("invalid_credentials", "email_not_verified");
        assert_eq!(codes, [wrong, waits, wrong, wrong, waits, waits, wrong, wrong, wrong]);
        assert_eq!(one.code(ADA, PASSWORD).await, "ok", "the account is what it was");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sign_up_that_was_sent_again_waits_a_day_from_there_for_any_address() {
    each(async |db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        one.clock.advance(Duration::from_secs(2 * 86_400));
        let mut codes = [Vec::new(), Vec::new()];
        for email in [ADA, "nobody@example.com"] {
            one.begun(email, STRANGERS, "Mallory").await;
        }
        one.clock.advance(Duration::from_secs(23 * 3_600));
        for email in [ADA, "nobody@example.com"] {
            one.accounts.verification_resend(email, &from(3)).await.unwrap();
        }
        one.clock.advance(Duration::from_millis(2));
        let mails = one.mails().await;
        let confirm = |to: &str| mails.iter().filter(|mail| mail.0 == to && mail.1.contains("Confirm")).count();
        assert_eq!((confirm(ADA), confirm("nobody@example.com")), (1, 2), "no second mail where there is an account");
        for hours in [2, 20, 3] {
            one.clock.advance(Duration::from_secs(hours * 3_600));
            for (codes, email) in codes.iter_mut().zip([ADA, "nobody@example.com"]) {
                codes.push(one.code(email, STRANGERS).await);
            }
        }
        assert_eq!(codes[0], codes[1]);
        assert_eq!(codes[1], ["email_not_verified", "email_not_verified", "invalid_credentials"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_does_not_see_by_his_own_sign_up_that_the_owner_has_proved_the_address() {
    each(async |db| {
        let one = process(&db);
        for (n, stranger_first) in [true, false].into_iter().enumerate() {
            let (proved, waiting) = (format!("proved{n}@example.com"), format!("waiting{n}@example.com"));
            let mut codes = [Vec::new(), Vec::new()];
            for (codes, email) in codes.iter_mut().zip([&proved, &waiting]) {
                if stranger_first {
                    one.begun(email, STRANGERS, "Mallory").await;
                }
                let token = one.begun(email, PASSWORD, "Ada").await;
                if !stranger_first {
                    one.begun(email, STRANGERS, "Mallory").await;
                }
                codes.push(one.code(email, STRANGERS).await);
                if *email == proved {
                    one.accounts.verify_email(&token, &from(1)).await.unwrap();
                }
                codes.push(one.code(email, STRANGERS).await);
            }
            for hours in [12, 13] {
                one.clock.advance(Duration::from_secs(hours * 3_600));
                for (codes, email) in codes.iter_mut().zip([&proved, &waiting]) {
                    codes.push(one.code(email, STRANGERS).await);
                }
            }
            assert_eq!(codes[0], codes[1], "stranger first: {stranger_first}");
            assert_eq!(one.code(&proved, PASSWORD).await, "ok");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_that_was_changed_soon_after_sign_up_does_not_wait_any_more() {
    each(async |db| {
        let one = process(&db);
        let ada = one.signed_up(ADA).await;
        one.accounts.password_change(ada.user.id, None, (PASSWORD, "a whole new password"), &from(1)).await.unwrap();
        assert_eq!(one.code(ADA, PASSWORD).await, "invalid_credentials");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_of_a_sign_up_is_good_at_an_address_that_has_an_account() {
    each(async |db| {
        let one = process(&db);
        let thief = one.begun(ADA, STRANGERS, "Mallory").await;
        let own = one.begun(ADA, PASSWORD, "Ada").await;
        let ada = one.accounts.verify_email(&own, &from(1)).await.unwrap();
        assert_eq!(one.begun(ADA, STRANGERS, "Mallory").await, "", "the mail at an account's address has no link");
        // As if the proof had not ended the token: the account is in its way all the same.
        farebox_db::tx!(&db, tx => { Ok(tx.execute("UPDATE sign_up SET used_at = NULL", &[]).await?) }).unwrap();
        for token in [&thief, &own] {
            let refused = one.accounts.verify_email(token, &from(3)).await.err().unwrap();
            assert_eq!((refused.kind, refused.code), (Kind::Invalid, "invalid_token"));
        }
        let user = one.accounts.user(ada.user.id).await.unwrap().unwrap();
        assert_eq!((user.name.as_str(), user.email.as_str()), ("Ada", ADA));
        assert_eq!(one.code(ADA, PASSWORD).await, "ok");
        assert_ne!(one.code(ADA, STRANGERS).await, "ok");
        // And again after the day in which the sign-ups wait.
        one.clock.advance(Duration::from_secs(25 * 3_600));
        assert_eq!(one.code(ADA, STRANGERS).await, "invalid_credentials");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_of_a_sign_up_is_good_for_a_day() {
    each(async |db| {
        let one = process(&db);
        let (late, in_time) = (one.begun(ADA, PASSWORD, "Ada").await, one.begun(BOB, PASSWORD, "Bob").await);
        one.clock.advance(Duration::from_secs(24 * 3_600 - 10));
        one.accounts.verify_email(&in_time, &from(1)).await.unwrap();
        one.clock.advance(Duration::from_secs(20));
        assert_eq!(one.accounts.verify_email(&late, &from(1)).await.err().unwrap().code, "invalid_token");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_persons_organisation_is_called_as_at_the_sign_up_that_was_proved() {
    each(async |db| {
        let one = process(&db);
        one.begun(ADA, STRANGERS, "Mallory").await;
        let own = one.begun(ADA, PASSWORD, "Ada").await;
        let parties = async || db.query("SELECT name FROM party", &[]).await.unwrap().len();
        assert_eq!(parties().await, 0, "nothing is made before the proof");
        let ada = one.accounts.verify_email(&own, &from(1)).await.unwrap();
        let party = one.accounts.party(ada.default_party).await.unwrap().unwrap();
        assert_eq!((party.name.as_str(), ada.user.name.as_str(), parties().await), ("Ada", "Ada", 1));

        // By a mail that was asked for again nobody's choices come into force where several signed up.
        one.begun(BOB, STRANGERS, "Mallory").await;
        one.begun(BOB, PASSWORD, "Robert").await;
        one.accounts.verification_resend(BOB, &from(1)).await.unwrap();
        let bob = one.accounts.verify_email(&one.last_token().await, &from(1)).await.unwrap();
        let party = one.accounts.party(bob.default_party).await.unwrap().unwrap();
        assert_eq!((party.name.as_str(), bob.user.name.as_str()), ("bob", "bob"));
        assert!(!one.accounts.has_password(bob.user.id).await.unwrap());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_several_claim_is_his_whose_link_was_used_with_what_that_link_was_for() {
    each(async |db| {
        let one = process(&db);
        // The person is first.
        let (vega, agents) = one.agent_naming(ADA).await;
        let persons = one.begun(ADA, PASSWORD, "Ada").await;
        let (other, others) = one.agent_naming(ADA).await;
        let ada = one.accounts.verify_email(&persons, &from(1)).await.unwrap();
        assert_eq!((ada.user.kind, ada.user.name.as_str()), (UserKind::Human, "Ada"));
        for (agent, token) in [(vega, agents), (other, others)] {
            assert_eq!(one.accounts.verify_email(&token, &from(1)).await.err().unwrap().code, "invalid_token");
            let agent = one.accounts.user(agent).await.unwrap().unwrap();
            assert_eq!((agent.email_verified, agent.pending_email), (false, None));
        }
        // The agent is first.
        let (vega, agents) = one.agent_naming(BOB).await;
        let persons = one.begun(BOB, PASSWORD, "Bob").await;
        let bob = one.accounts.verify_email(&agents, &from(1)).await.unwrap();
        assert_eq!((bob.user.id, bob.user.kind), (vega, UserKind::Agent));
        assert_eq!(one.accounts.verify_email(&persons, &from(1)).await.err().unwrap().code, "invalid_token");
        assert!(!one.accounts.has_password(vega).await.unwrap(), "a password of somebody's sign-up is not the agent's");
        assert_ne!(one.code(BOB, PASSWORD).await, "ok");
        // The address is free again, and the links of the time before stay worthless.
        one.accounts.agent_address_set(vega, "elsewhere@example.com").await.unwrap();
        one.accounts.verify_email(&one.last_token().await, &from(1)).await.unwrap();
        assert_eq!(one.accounts.verify_email(&persons, &from(1)).await.err().unwrap().code, "invalid_token");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_links_to_one_address_that_are_used_at_once_one_counts() {
    each(async |db| {
        let one = process(&db);
        let mut tokens = vec![one.agent_naming(ADA).await.1, one.agent_naming(ADA).await.1];
        tokens.push(one.begun(ADA, PASSWORD, "Ada").await);
        tokens.push(one.begun(ADA, STRANGERS, "Mallory").await);
        let tasks: Vec<_> = tokens
            .into_iter()
            .map(|token| {
                let accounts = one.accounts.clone();
                tokio::spawn(async move { accounts.verify_email(&token, &from(1)).await })
            })
            .collect();
        let mut won = Vec::new();
        for task in tasks {
            match task.await.unwrap() {
                Ok(signed_in) => won.push(signed_in.user),
                Err(error) => assert!(matches!(error.kind, Kind::Invalid | Kind::Unavailable), "{error:?}"),
            }
        }
        assert_eq!(won.len(), 1);
        let holders = db.query("SELECT id FROM app_user WHERE email = $1", &[ADA.into()]).await.unwrap();
        assert_eq!(holders.len(), 1);
        assert_eq!(holders[0].get::<String>(0).unwrap(), won[0].id.to_string());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ups_that_wait_are_few_for_an_address_and_gone_after_their_day() {
    each(async |db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        for n in 0..9 {
            for email in [ADA, BOB] {
                one.accounts
                    .sign_up(&ask(email, &format!("a stranger's password {n}"), "Mallory"), &from(3))
                    .await
                    .unwrap();
                one.accounts.verification_resend(email, &from(4)).await.unwrap();
            }
        }
        let rows = async |email: &str| {
            db.query("SELECT 1 FROM sign_up WHERE email = $1", &[email.into()]).await.unwrap().len()
        };
        assert_eq!((rows(ADA).await, rows(BOB).await), (10, 10));
        one.clock.advance(Duration::from_secs(24 * 3_600 - 1));
        one.accounts.sign_ins_forget().await.unwrap();
        assert_eq!(rows(BOB).await, 10);
        one.clock.advance(Duration::from_secs(1));
        one.accounts.sign_ins_forget().await.unwrap();
        assert_eq!((rows(ADA).await, rows(BOB).await), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_written_before_his_proof_by_an_older_release_signs_up_again_and_has_his_address() {
    each(async |db| {
        let one = process(&db);
        let old = one.unproven("old").await.user.id;
        let written = "UPDATE app_user SET kind = 'human', email = $1 WHERE id = $2";
        let id = old.to_string();
        farebox_db::tx!(&db, tx => { Ok(tx.execute(written, &[ADA.into(), (&id).into()]).await?) }).unwrap();
        one.accounts.password_forgotten(ADA, &from(1)).await.unwrap();
        assert!(one.mails().await.is_empty(), "an address that was not proved is no way in");
        let token = one.begun(ADA, PASSWORD, "Ada").await;
        let ada = one.accounts.verify_email(&token, &from(1)).await.unwrap();
        assert_ne!(ada.user.id, old);
        assert_eq!(one.code(ADA, PASSWORD).await, "ok");
        let old = one.accounts.user(old).await.unwrap().unwrap();
        assert!(old.email.ends_with("@unverified.farebox.invalid") && !old.email_verified);
    })
    .await;
}

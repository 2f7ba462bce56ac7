//! Sign-up, proof of addresses, sign-in, recovery, and what strangers can't learn or do with them.

use crate::{Process, process};
use farebox_accounts::{AgentRegistration, SignUp, SignedIn, UserStatus, Visitor};
use farebox_base::{Error, Kind, Result};
use farebox_db::Db;
use farebox_testkit::engines::each;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

pub const PASSWORD: &str = "correct horse battery";
pub const ADA: &str = "ada@example.com";

/// Somebody at 192.0.2.`host`.
pub fn from(host: u8) -> Visitor {
    Visitor::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, host)), Some(b"test/1.0"))
}

fn ask(email: &str, password: &str) -> SignUp {
    SignUp { email: email.to_owned(), password: password.to_owned(), name: "Ada".to_owned() }
}

impl Process {
    /// The mails so far, newest first, as (address, subject, token).
    pub async fn mails(&self) -> Vec<(String, String, String)> {
        while self.mailer.deliver_round().await.unwrap() > 0 {}
        let kept = self.mailer.folder().unwrap().latest(100).unwrap();
        kept.into_iter()
            .map(|mail| {
                let token = mail.text.split_once("#token=").map_or("", |(_, rest)| rest.split('\n').next().unwrap());
                (mail.to, mail.subject, token.to_owned())
            })
            .collect()
    }

    pub async fn last_token(&self) -> String {
        self.clock.advance(Duration::from_millis(2));
        self.mails().await.remove(0).2
    }

    /// Signs up and follows the mail.
    pub async fn signed_up(&self, email: &str) -> SignedIn {
        self.accounts.sign_up(&ask(email, PASSWORD), &from(1)).await.unwrap();
        let token = self.last_token().await;
        self.accounts.verify_email(&token, &from(1)).await.unwrap()
    }

    async fn login(&self, email: &str, password: &str) -> Result<SignedIn> {
        self.accounts.login(email, password, &from(1)).await
    }
}

fn code<T>(result: Result<T>) -> &'static str {
    result.err().unwrap().code
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_signs_up_proves_the_address_and_signs_in() {
    each(async |db| {
        let one = process(&db);
        let user = one.accounts.sign_up(&ask(" Ada@Example.com ", PASSWORD), &from(1)).await.unwrap();
        assert_eq!((user.email.as_str(), user.email_verified), (ADA, false));
        assert_eq!(code(one.login(ADA, PASSWORD).await), "email_not_verified");
        assert_eq!(code(one.login(ADA, "another password").await), "invalid_credentials");
        let token = one.last_token().await;
        let signed_in = one.accounts.verify_email(&token, &from(1)).await.unwrap();
        assert_eq!((signed_in.user.id, signed_in.user.email_verified), (user.id, true));
        assert_eq!(code(one.accounts.verify_email(&token, &from(1)).await), "invalid_token");

        let signed_in = one.login(ADA, PASSWORD).await.unwrap();
        let caller = one.accounts.authenticate(&signed_in.tokens.access).await.unwrap();
        assert_eq!((caller.user_id, caller.party_id), (Some(user.id), signed_in.default_party));
        assert!(caller.is_owner_of(signed_in.default_party));
        assert_eq!(signed_in.tokens.expires_in_s, 900);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_learns_from_answers_whether_an_address_has_an_account() {
    each(async |db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        let shape = |error: Error| (error.kind, error.code, error.message, error.field, error.retry_after_s);
        let known = shape(one.login(ADA, "not the password").await.unwrap_err());
        let unknown = shape(one.login("nobody@example.com", "not the password").await.unwrap_err());
        assert_eq!(known, unknown);
        for email in [ADA, "nobody@example.com"] {
            one.accounts.password_forgotten(email, &from(1)).await.unwrap();
            one.accounts.verification_resend(email, &from(1)).await.unwrap();
        }
        let again = one.accounts.sign_up(&ask(ADA, "an other password"), &from(2)).await.unwrap();
        let fresh = one.accounts.sign_up(&ask("new@example.com", "an other password"), &from(2)).await.unwrap();
        assert_eq!((&again.name, again.email_verified, again.kind), (&fresh.name, fresh.email_verified, fresh.kind));
        assert_eq!((again.created_at, again.status), (fresh.created_at, fresh.status));
        assert!(one.accounts.user(again.id).await.unwrap().is_none(), "no id of an account is given away");
        assert!(one.login(ADA, PASSWORD).await.is_ok(), "the password stays");
        one.clock.advance(Duration::from_millis(2));
        let to: Vec<_> = one.mails().await.into_iter().map(|(to, subject, _)| format!("{to} {subject}")).collect();
        assert_eq!(
            to.iter().filter(|mail| mail.starts_with("nobody")).count(),
            0,
            "mails go to accounts alone: {to:?}"
        );
        assert!(to.contains(&format!("{ADA} Farebox: You have an account already")), "{to:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_of_whoever_reads_the_mail_counts_and_not_that_of_another_sign_up() {
    each(async |db| {
        let one = process(&db);
        one.accounts.sign_up(&ask(ADA, "the thief's password"), &from(6)).await.unwrap();
        let thief = one.last_token().await;
        one.accounts.sign_up(&ask(ADA, PASSWORD), &from(1)).await.unwrap();
        let own = one.last_token().await;
        one.accounts.verify_email(&own, &from(1)).await.unwrap();
        assert!(one.login(ADA, PASSWORD).await.is_ok());
        assert_eq!(code(one.login(ADA, "the thief's password").await), "invalid_credentials");
        assert_eq!(code(one.accounts.verify_email(&thief, &from(6)).await), "invalid_token");

        // With a mail that was only asked for again nobody's password counts where several signed up.
        let bob = "bob@example.com";
        one.accounts.sign_up(&ask(bob, PASSWORD), &from(1)).await.unwrap();
        one.accounts.sign_up(&ask(bob, "the thief's password"), &from(6)).await.unwrap();
        one.clock.advance(Duration::from_millis(2));
        one.accounts.verification_resend(bob, &from(1)).await.unwrap();
        let token = one.last_token().await;
        let signed_in = one.accounts.verify_email(&token, &from(1)).await.unwrap();
        assert!(!one.accounts.has_password(signed_in.user.id).await.unwrap());
        for password in [PASSWORD, "the thief's password"] {
            assert!(one.login(bob, password).await.is_err());
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_password_by_mail_works_once_within_an_hour_and_ends_all_sessions() {
    each(async |db| {
        let one = process(&db);
        let signed_in = one.signed_up(ADA).await;
        one.accounts.password_forgotten(ADA, &from(1)).await.unwrap();
        let late = one.last_token().await;
        one.clock.advance(Duration::from_secs(3_601));
        let reset = async |token: &str| one.accounts.password_reset(token, "a whole new password", &from(1)).await;
        assert_eq!(code(reset(&late).await), "invalid_token");
        one.accounts.password_forgotten(ADA, &from(1)).await.unwrap();
        let first = one.last_token().await;
        one.accounts.password_forgotten(ADA, &from(1)).await.unwrap();
        let second = one.last_token().await;
        assert_eq!(reset("no such token").await.unwrap_err().kind, Kind::NotFound);
        assert_eq!(one.accounts.password_reset(&second, "short", &from(1)).await.unwrap_err().kind, Kind::Invalid);
        reset(&second).await.unwrap();
        for used in [&second, &first] {
            assert_eq!(code(reset(used).await), "invalid_token");
        }
        assert_eq!(code(one.login(ADA, PASSWORD).await), "invalid_credentials");
        assert_eq!(
            code(one.accounts.session_refresh(&signed_in.tokens.refresh, &from(1)).await),
            "invalid_refresh_token"
        );
        assert!(one.login(ADA, "a whole new password").await.is_ok());
        assert!(one.mails().await.iter().any(|(_, subject, _)| subject.ends_with("Your password was changed")));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_token_used_by_many_at_once_is_used_once() {
    each(async |db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        one.accounts.password_forgotten(ADA, &from(1)).await.unwrap();
        let token = one.last_token().await;
        let tries = (0..6).map(|n| {
            let (accounts, token) = (one.accounts.clone(), token.clone());
            tokio::spawn(async move { accounts.password_reset(&token, &format!("new password {n}"), &from(1)).await })
        });
        let tries: Vec<_> = tries.collect();
        let mut won = 0;
        for outcome in tries {
            won += usize::from(outcome.await.unwrap().is_ok());
        }
        assert_eq!(won, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_by_the_old_one_and_other_sessions_end() {
    each(async |db| {
        let one = process(&db);
        let (here, there) = (one.signed_up(ADA).await, one.login(ADA, PASSWORD).await.unwrap());
        let keep = one.accounts.authenticate(&here.tokens.access).await.unwrap().session_id();
        let change =
            async |old: &str, new: &str| one.accounts.password_change(here.user.id, keep, (old, new), &from(1)).await;
        assert_eq!(code(change("not my password", "a whole new password").await), "wrong_password");
        assert_eq!(change(PASSWORD, "short").await.unwrap_err().field.as_deref(), Some("new_password"));
        assert_eq!(change(PASSWORD, PASSWORD).await.unwrap_err().field.as_deref(), Some("new_password"));
        assert_eq!(change(PASSWORD, "a whole new password").await.unwrap(), 1);
        assert!(one.accounts.authenticate(&here.tokens.access).await.is_ok());
        assert_eq!(code(one.accounts.authenticate(&there.tokens.access).await), "invalid_token");
        assert!(one.login(ADA, "a whole new password").await.is_ok());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_goes_on_guessing_from_one_network_keeps_nobody_else_out() {
    each(async |db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        for _ in 0..110 {
            one.accounts.login(ADA, "a wrong password", &from(1)).await.unwrap_err();
        }
        let elsewhere = Visitor::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), None);
        one.accounts.login(ADA, PASSWORD, &elsewhere).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn guessing_is_stopped_per_account_and_network_whether_the_account_exists_or_not() {
    each(async |db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        for email in [ADA, "nobody@example.com"] {
            for _ in 0..10 {
                assert_eq!(code(one.login(email, "a wrong password").await), "invalid_credentials");
            }
            let stopped = one.login(email, PASSWORD).await.unwrap_err();
            assert_eq!((stopped.kind, stopped.code), (Kind::TooManyRequests, "too_many_attempts"));
            assert!((1..=900).contains(&stopped.retry_after_s.unwrap()));
        }
        assert!(one.accounts.login(ADA, PASSWORD, &from(2)).await.is_ok(), "the owner gets in from elsewhere");
        one.clock.advance(Duration::from_secs(901));
        assert!(one.login(ADA, PASSWORD).await.is_ok(), "and from there after a while");
        for _ in 0..30 {
            assert!(one.login(ADA, PASSWORD).await.is_ok(), "who knows the password is not counted");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_guesses_at_once_counts_every_one() {
    each(async |db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        let tries: Vec<_> = (0..24)
            .map(|_| {
                let accounts = one.accounts.clone();
                tokio::spawn(async move { accounts.login(ADA, "a wrong password", &from(1)).await.err().unwrap().code })
            })
            .collect();
        let mut checked = 0;
        for guess in tries {
            checked += usize::from(guess.await.unwrap() == "invalid_credentials");
        }
        assert_eq!(checked, 10);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_gets_few_mails_an_hour_and_nobody_sees_when_they_stop() {
    each(async |db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        for _ in 0..9 {
            one.accounts.sign_up(&ask(ADA, "a stranger's password"), &from(2)).await.unwrap();
        }
        for _ in 0..9 {
            one.accounts.password_forgotten(ADA, &from(1)).await.unwrap();
        }
        one.clock.advance(Duration::from_millis(2));
        let resets = one.mails().await.iter().filter(|mail| mail.1.ends_with("Choose a new password")).count();
        assert_eq!(resets, 5, "what strangers cause does not count against them");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agents_address_counts_when_it_is_proved_and_takes_nobodys_place() {
    each(async |db| {
        let one = process(&db);
        let owner = one.signed_up(ADA).await;
        let named = AgentRegistration { name: Some("Vega".into()), email: Some("vega@example.com".into()) };
        let agent = one.accounts.register_agent(&named).await.unwrap().user;
        assert_eq!((agent.shown_email(), agent.has_proved_email()), ("vega@example.com", false));
        assert!(agent.email.ends_with(".invalid"));
        let token = one.last_token().await;
        let signed_in = one.accounts.verify_email(&token, &from(1)).await.unwrap();
        assert_eq!((signed_in.user.id, signed_in.user.email.as_str()), (agent.id, "vega@example.com"));
        assert!(signed_in.user.has_proved_email());

        let asked = one.accounts.agent_address_set(agent.id, ADA).await.unwrap();
        assert_eq!((asked.user.shown_email(), asked.user.has_proved_email()), (ADA, false));
        one.clock.advance(Duration::from_millis(2));
        let (to, subject, token) = one.mails().await.remove(0);
        assert_eq!((to.as_str(), token.as_str()), (ADA, ""));
        assert!(subject.contains("named by an agent"));
        assert_eq!(one.accounts.user(owner.user.id).await.unwrap().unwrap().email, ADA);
        // The way in stays the address that was proved.
        one.accounts.password_forgotten("vega@example.com", &from(1)).await.unwrap();
        let token = one.last_token().await;
        one.accounts.password_reset(&token, PASSWORD, &from(1)).await.unwrap();
        assert_eq!(one.login("vega@example.com", PASSWORD).await.unwrap().user.id, agent.id);
        assert_eq!(
            one.accounts.agent_address_set(owner.user.id, "x@example.com").await.unwrap_err().kind,
            Kind::Forbidden
        );
        assert_eq!(one.accounts.agent_address_set(agent.id, "x\0@y").await.unwrap_err().kind, Kind::Invalid);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_was_only_named_is_no_way_into_the_account_and_bars_nobody() {
    each(async |db| {
        let one = process(&db);
        let named = AgentRegistration { name: None, email: Some(ADA.into()) };
        let agent = one.accounts.register_agent(&named).await.unwrap().user;
        one.clock.advance(Duration::from_millis(2));
        let before = one.mails().await.len();
        one.accounts.password_forgotten(ADA, &from(1)).await.unwrap();
        assert_eq!(one.mails().await.len(), before);
        let person = one.signed_up(ADA).await;
        assert_ne!(person.user.id, agent.id);
        // A person who signed up with an address of somebody else loses it to whoever proves it.
        one.accounts.sign_up(&ask("eve@example.com", PASSWORD), &from(6)).await.unwrap();
        one.clock.advance(Duration::from_millis(2));
        let named = AgentRegistration { name: None, email: Some("eve@example.com".into()) };
        let other = one.accounts.register_agent(&named).await.unwrap().user;
        let token = one.last_token().await;
        assert_eq!(one.accounts.verify_email(&token, &from(1)).await.unwrap().user.id, other.id);
        assert_eq!(code(one.login("eve@example.com", PASSWORD).await), "email_not_verified");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_active_does_not_get_in() {
    each(async |db| {
        let one = process(&db);
        let signed_in = one.signed_up(ADA).await;
        one.accounts.user_status_set(signed_in.user.id, UserStatus::Disabled).await.unwrap();
        assert_eq!(code(one.login(ADA, PASSWORD).await), "account_disabled");
        assert_eq!(code(one.login(ADA, "a wrong password").await), "invalid_credentials");
        assert_eq!(code(one.accounts.authenticate(&signed_in.tokens.access).await), "invalid_token");
        assert_eq!(
            code(one.accounts.session_refresh(&signed_in.tokens.refresh, &from(1)).await),
            "invalid_refresh_token"
        );
        one.accounts.user_status_set(signed_in.user.id, UserStatus::Deleted).await.unwrap();
        assert_eq!(code(one.login(ADA, PASSWORD).await), "invalid_credentials");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_input_is_refused_by_name_and_never_an_error_of_ours() {
    each(async |db| {
        let one = process(&db);
        for (ask, field) in [
            (ask("a@b\0.c", PASSWORD), "email"),
            (ask("ada@example.com\r\nBcc: e@f.g", PASSWORD), "email"),
            (ask(ADA, "short"), "password"),
            (ask(ADA, &"x".repeat(129)), "password"),
            (SignUp { name: "a\0b".into(), ..ask(ADA, PASSWORD) }, "name"),
            (SignUp { name: "\u{202e}".into(), ..ask(ADA, PASSWORD) }, "name"),
        ] {
            let error = one.accounts.sign_up(&ask, &from(1)).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some(field)));
        }
        for token in ["", "\0", "é", &"a".repeat(100_000)] {
            assert_eq!(one.accounts.verify_email(token, &from(1)).await.unwrap_err().kind, Kind::Invalid);
            let reset = one.accounts.password_reset(token, PASSWORD, &from(1)).await.unwrap_err();
            assert_eq!(reset.kind, Kind::NotFound);
            assert_eq!(one.accounts.session_refresh(token, &from(1)).await.unwrap_err().kind, Kind::Unauthenticated);
            assert_eq!(
                one.accounts.authenticate(&format!("fbt_{token}")).await.unwrap_err().kind,
                Kind::Unauthenticated
            );
        }
        one.accounts.sign_up(&ask("nul@example.com", "twelve\0chars\0"), &from(1)).await.unwrap();
        assert_eq!(code(one.login(ADA, &"\0".repeat(500)).await), "invalid_credentials");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_long_over_is_forgotten_and_what_goes_on_is_not() {
    each(async |db: Db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        let rows = async || {
            let count = "SELECT (SELECT COUNT(*) FROM mail_token) + (SELECT COUNT(*) FROM user_session)
                         + (SELECT COUNT(*) FROM attempt_count) + (SELECT COUNT(*) FROM sign_up)";
            db.one(count, &[]).await.unwrap().unwrap().get::<i64>(0).unwrap()
        };
        assert_eq!(rows().await, 4);
        one.accounts.sign_ins_forget().await.unwrap();
        assert_eq!(rows().await, 4);
        one.clock.advance(Duration::from_secs(9 * 86_400));
        one.accounts.sign_ins_forget().await.unwrap();
        assert_eq!(rows().await, 1, "the session goes on");
        one.clock.advance(Duration::from_secs(40 * 86_400));
        assert!(one.accounts.sign_ins_forget().await.unwrap() > 0);
        assert_eq!(rows().await, 0);
    })
    .await;
}

//! Registration of agents.

use crate::process;
use farebox_accounts::{AgentRegistration, PartyKind, UserKind, UserStatus};
use farebox_base::{Kind, Permission, Role};
use farebox_testkit::engines;

fn named(name: &str, email: Option<&str>) -> AgentRegistration {
    AgentRegistration { name: Some(name.to_owned()), email: email.map(str::to_owned) }
}

#[tokio::test]
async fn an_agent_gets_a_user_an_organisation_and_a_key_that_buys_and_sells() {
    engines::each(async |db| {
        let accounts = process(&db).accounts;
        let new = accounts.register_agent(&named(" Ada Lovelace ", None)).await.unwrap();
        assert_eq!(
            (new.user.name.as_str(), new.user.kind, new.user.status),
            ("Ada Lovelace", UserKind::Agent, UserStatus::Active)
        );
        assert!(!new.user.email_verified);
        assert!(new.user.email.starts_with("ada-lovelace-") && new.user.email.ends_with("@agents.farebox.invalid"));
        assert_eq!((new.party.kind, new.party.handle.clone()), (PartyKind::Organization, new.party.id.to_string()));
        assert_eq!((new.key.name.as_str(), new.key.role, new.key.expires_at), ("agent", Role::Provider, None));
        let caller = accounts.authenticate(&new.key.platform_spelling()).await.unwrap();
        assert_eq!((caller.party_id, caller.user_id), (new.party.id, Some(new.user.id)));
        assert_eq!(caller.owner_id, new.party.handle);
        assert!(caller.may(Permission::ListingsWrite) && caller.may(Permission::CallsMake));
        assert!(!caller.may(Permission::PlatformAdmin));
        assert_eq!(accounts.party(new.party.id).await.unwrap(), Some(new.party.clone()));
        assert_eq!(accounts.party_by_handle(&new.party.handle).await.unwrap(), Some(new.party));
        assert_eq!(accounts.user(new.user.id).await.unwrap(), Some(new.user));
        assert_eq!(accounts.party_by_handle("nobody\0").await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn names_are_made_up_or_checked_and_an_address_that_is_named_is_nobodys_yet() {
    engines::each(async |db| {
        let accounts = process(&db).accounts;
        let star = accounts.register_agent(&AgentRegistration::default()).await.unwrap();
        assert_eq!(star.user.name.split(' ').count(), 3, "{}", star.user.name);
        let first = accounts.register_agent(&named("x", Some("Ada@Example.com"))).await.unwrap();
        let again = accounts.register_agent(&named("y", Some("ada@example.COM"))).await.unwrap();
        for user in [first.user, again.user] {
            assert_eq!((user.shown_email(), user.has_proved_email()), ("ada@example.com", false));
            assert!(user.email.ends_with("@agents.farebox.invalid"));
        }
        for (bad, field) in [
            (named("", None), "name"),
            (named("a\u{7}b", None), "name"),
            (named(&"x".repeat(101), None), "name"),
            (named("x", Some("nobody")), "email"),
        ] {
            let error = accounts.register_agent(&bad).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some(field)), "{bad:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_address_named_by_many_at_once_is_nobodys_until_it_is_proved() {
    engines::each(async |db| {
        let accounts = process(&db).accounts;
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let accounts = accounts.clone();
                tokio::spawn(async move { accounts.register_agent(&named("x", Some("a@b.example"))).await })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.unwrap().unwrap().user.shown_email(), "a@b.example");
        }
        let holders = "SELECT COUNT(*) FROM app_user WHERE email = 'a@b.example'";
        let holders = db.one(holders, &[]).await.unwrap().unwrap();
        assert_eq!(holders.get::<i64>(0), Ok(0));
        let mails = db.one("SELECT COUNT(*) FROM mail_outbox", &[]).await.unwrap().unwrap();
        assert_eq!(mails.get::<i64>(0), Ok(5), "no more go to one address");
    })
    .await;
}

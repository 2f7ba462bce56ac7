//! Invitations: who sends them, who accepts them, how often.

use crate::process;
use farebox_accounts::{Caller, InviteCreate, Page};
use farebox_base::{Kind, PartyId};
use farebox_testkit::engines;
use std::time::Duration;

fn to(email: &str, role: &str) -> InviteCreate {
    InviteCreate { email: email.to_owned(), role: Some(role.to_owned()) }
}

#[tokio::test]
async fn a_mail_makes_a_member_once_and_only_of_its_reader() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, eve) = (here.person("ada").await, here.person("eve").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        here.invite(&owner, party, " Bob@Example.com ", None).await;
        let token = here.token("bob@example.com").await;
        let pending = here.accounts.invites_list(party, Page::first(10)).await.unwrap();
        let invite = &pending.items[0];
        assert_eq!((pending.total, invite.email.as_str(), invite.role.as_str()), (1, "bob@example.com", "member"));
        assert_eq!((invite.invited_by, invite.accepted_at), (ada.user.id, None));
        let dump = db.query("SELECT token_hash FROM org_invite", &[]).await.unwrap();
        assert!(!format!("{dump:?}").contains(&token), "the token is in the mail only");

        let accept = async |who: &Caller, token: &str| {
            let outcome = here.accounts.invite_accept(who, token).await;
            outcome.map_err(|error| (error.kind, error.field.as_deref() == Some("token")))
        };
        let other = here.session(eve.user.id).await;
        assert_eq!(accept(&other, &token).await.unwrap_err(), (Kind::Invalid, true), "another address");
        for unknown in ["", "nonsense", "nul\0", &"x".repeat(1_000)] {
            assert_eq!(accept(&other, unknown).await.unwrap_err().0, Kind::NotFound, "{unknown:?}");
        }
        let poser = here.unproven("poser").await;
        here.invite(&owner, party, &poser.user.email, None).await;
        let (posing, his) = (here.session(poser.user.id).await, here.token(&poser.user.email).await);
        assert_eq!(accept(&posing, &his).await.unwrap_err(), (Kind::Invalid, true), "his address, but not confirmed");
        let bob = here.person("bob").await;
        let reader = here.session(bob.user.id).await;
        let accepted = accept(&reader, &token).await.unwrap();
        assert_eq!((accepted.party_id, accepted.party_name.as_str(), accepted.role.as_str()), (party, "ada", "member"));
        assert_eq!(accept(&reader, &token).await.unwrap_err(), (Kind::Invalid, true), "a second time");
        here.accounts.member_remove(&owner, party, bob.user.id).await.unwrap();
        assert_eq!(accept(&reader, &token).await.unwrap_err(), (Kind::Invalid, true), "after he was removed");
        let again = here.accounts.invite_create(&owner, party, &to("ada@example.com", "viewer")).await.unwrap_err();
        assert_eq!((again.kind, again.field.as_deref()), (Kind::Invalid, Some("email")), "a member already");
    })
    .await;
}

#[tokio::test]
async fn an_invitation_ends_with_its_time_its_successor_its_sender_and_its_revocation() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob, admin) = (here.person("ada").await, here.person("bob").await, here.person("admin").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let reader = here.session(bob.user.id).await;
        let refused = async |token: &str, why: &str| {
            let error = here.accounts.invite_accept(&reader, token).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some("token")), "{why}");
        };
        here.invite(&owner, party, "bob@example.com", None).await;
        let old = here.token("bob@example.com").await;
        here.clock.advance(Duration::from_secs(1));
        here.invite(&owner, party, "bob@example.com", None).await;
        refused(&old, "another one was sent since").await;
        let late = here.token("bob@example.com").await;
        assert_ne!(old, late);
        here.clock.advance(Duration::from_secs(7 * 24 * 3_600));
        refused(&late, "a week has passed").await;

        let second = here.join(&owner, party, &admin, "admin").await;
        here.invite(&second, party, "bob@example.com", Some("admin")).await;
        let sent = here.token("bob@example.com").await;
        here.accounts.member_remove(&owner, party, admin.user.id).await.unwrap();
        refused(&sent, "its sender is no member any more").await;

        here.clock.advance(Duration::from_secs(1));
        here.invite(&owner, party, "bob@example.com", None).await;
        let token = here.token("bob@example.com").await;
        let id = here.accounts.invites_list(party, Page::first(1)).await.unwrap().items[0].id;
        let stranger = here.accounts.invite_revoke(&reader, bob.party.id, id).await.unwrap_err();
        assert_eq!(stranger.kind, Kind::NotFound, "another organisation's invitation");
        here.accounts.invite_revoke(&owner, party, id).await.unwrap();
        refused(&token, "it was revoked").await;
        assert_eq!(here.accounts.invite_revoke(&owner, party, id).await.unwrap_err().kind, Kind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn nobody_invites_to_more_than_he_may_do_himself_and_mails_are_bounded() {
    engines::each(async |db| {
        let here = process(&db);
        let ada = here.person("ada").await;
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let invite = async |by: &Caller, party: PartyId, email: &str, role: &str| {
            let outcome = here.accounts.invite_create(by, party, &to(email, role)).await;
            outcome.map(|invite| invite.role).map_err(|error| error.kind)
        };
        let mut members = Vec::new();
        for role in ["admin", "editor", "viewer"] {
            members.push(here.join(&owner, party, &here.person(role).await, role).await);
        }
        let [admin, editor, viewer] = &members[..] else { unreachable!() };
        assert_eq!(invite(editor, party, "x@example.com", "owner").await, Err(Kind::Forbidden));
        assert_eq!(invite(editor, party, "x@example.com", "viewer").await, Err(Kind::Forbidden));
        assert_eq!(invite(viewer, party, "x@example.com", "viewer").await, Err(Kind::Forbidden));
        assert_eq!(invite(admin, party, "x@example.com", "owner").await, Err(Kind::Forbidden));
        assert_eq!(invite(admin, party, "x@example.com", "admin").await, Ok("admin".to_owned()));
        assert_eq!(invite(&owner, party, "y@example.com", "owner").await, Ok("owner".to_owned()));
        let (_, narrow) = here.key(&owner, party, Some(&["org.manage_members"])).await;
        assert_eq!(invite(&narrow, party, "z@example.com", "viewer").await, Err(Kind::Forbidden));
        let stranger = here.person("stranger").await.party.id;
        assert_eq!(invite(&owner, stranger, "z@example.com", "viewer").await, Err(Kind::Forbidden));
        for (email, role) in
            [("nobody", "viewer"), ("z@example.com", "no such role"), ("z@e.com\r\nBcc: a@b.c", "viewer")]
        {
            assert_eq!(invite(&owner, party, email, role).await, Err(Kind::Invalid), "{email} {role}");
        }
        let mut sent = 0;
        while invite(&owner, party, "flood@example.com", "viewer").await.is_ok() {
            sent += 1;
        }
        assert_eq!(sent, 10, "an address gets ten a day");
        assert_eq!(invite(&owner, party, "flood@example.com", "viewer").await, Err(Kind::TooManyRequests));
        here.clock.advance(Duration::from_secs(24 * 3_600 + 1));
        assert_eq!(invite(&owner, party, "flood@example.com", "viewer").await, Ok("viewer".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn of_fifty_who_accept_at_once_one_becomes_a_member() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob) = (here.person("ada").await, here.person("bob").await);
        let owner = here.session(ada.user.id).await;
        here.invite(&owner, ada.party.id, "bob@example.com", Some("editor")).await;
        let token = here.token("bob@example.com").await;
        let reader = here.session(bob.user.id).await;
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let (accounts, reader, token) = (here.accounts.clone(), reader.clone(), token.clone());
                tokio::spawn(async move { accounts.invite_accept(&reader, &token).await })
            })
            .collect();
        let mut accepted = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => accepted += 1,
                Err(error) => {
                    assert!(matches!(error.kind, Kind::Invalid | Kind::Unavailable | Kind::Conflict), "{error:?}")
                }
            }
        }
        assert_eq!(accepted, 1);
        assert_eq!(here.accounts.members_list(ada.party.id, Page::first(10)).await.unwrap().total, 2);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_of_no_use_to_who_is_a_member_by_another_address() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob) = (here.person("ada").await, here.person("bob").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let member = here.join(&owner, party, &bob, "viewer").await;
        here.invite(&owner, party, "robert@example.com", Some("admin")).await;
        let token = here.token("robert@example.com").await;
        let renamed = "UPDATE app_user SET email = 'robert@example.com' WHERE id = $1";
        let id = bob.user.id.to_string();
        farebox_db::tx!(&db, tx => { Ok(tx.execute(renamed, &[(&id).into()]).await?) }).unwrap();
        let error = here.accounts.invite_accept(&member, &token).await.unwrap_err();
        assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some("token")));
    })
    .await;
}

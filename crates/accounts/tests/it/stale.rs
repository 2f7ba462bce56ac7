//! A caller who was loaded a moment ago and has lost his rights since changes nothing.

use crate::{Process, process, request};
use farebox_accounts::{Caller, InviteCreate, KeyCreate, Page, RoleCreate, RoleName, RolePatch, UserStatus};
use farebox_base::{ApiKeyId, InviteId, Kind, PartyId, Result, Role, RoleId, UserId};
use farebox_testkit::engines::each;
use std::time::Duration;

/// What there is to be changed in an organisation.
struct Things {
    party: PartyId,
    handle: String,
    member: UserId,
    key: ApiKeyId,
    role: RoleId,
    invite: InviteId,
}

/// Tries each change that a manager can make; answers what was refused how.
async fn attempts(here: &Process, by: &Caller, at: &Things) -> Vec<(&'static str, Option<Kind>)> {
    let (accounts, party) = (&here.accounts, at.party);
    let scopes = ["keys.write".to_owned()];
    let invite = InviteCreate { email: "new@example.com".to_owned(), role: None };
    let role = RoleCreate { name: "New".to_owned(), description: None, permissions: vec![] };
    let patch = RolePatch { name: Some("Renamed".to_owned()), ..RolePatch::default() };
    let create = KeyCreate { name: "new".to_owned(), ..KeyCreate::default() };
    let viewer = RoleName::Name("viewer".to_owned());
    let owner_key = request(&at.handle, Role::Provider);
    let kind = |outcome: Result<()>| outcome.err().map(|error| error.kind);
    vec![
        ("key_create", kind(accounts.key_create(by, party, &create).await.map(drop))),
        ("owner_key_create", kind(accounts.owner_key_create(&owner_key, Some(by)).await.map(drop))),
        ("key_scopes_set", kind(accounts.key_scopes_set(by, party, at.key, &scopes).await.map(drop))),
        ("key_revoke", kind(accounts.key_revoke(by, party, at.key).await)),
        ("invite_create", kind(accounts.invite_create(by, party, &invite).await.map(drop))),
        ("invite_revoke", kind(accounts.invite_revoke(by, party, at.invite).await)),
        ("role_create", kind(accounts.role_create(by, party, &role).await.map(drop))),
        ("role_update", kind(accounts.role_update(by, party, at.role, &patch).await.map(drop))),
        ("role_delete", kind(accounts.role_delete(by, party, at.role).await)),
        ("member_role_set", kind(accounts.member_role_set(by, party, at.member, &viewer).await.map(drop))),
        ("member_remove", kind(accounts.member_remove(by, party, at.member).await)),
    ]
}

/// All that the organisation holds of what can be changed, as text.
pub async fn state(here: &Process, party: PartyId) -> String {
    let page = Page::first(100);
    let members = here.accounts.members_list(party, page).await.unwrap().items;
    let keys = here.accounts.keys_list(party, page).await.unwrap().items;
    let invites = here.accounts.invites_list(party, page).await.unwrap().items;
    let roles = here.accounts.roles_list(party).await.unwrap();
    format!("{members:?} {keys:?} {invites:?} {roles:?}")
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_were_lost_a_moment_ago_change_nothing() {
    each(async |db| {
        let here = process(&db);
        let (ada, eve) = (here.person("ada").await, here.person("eve").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let editor = here.join(&owner, party, &eve, "editor").await;
        let (_, key) = here.key(&editor, party, None).await;
        let role = RoleCreate { name: "Lab".to_owned(), description: None, permissions: vec![] };
        let role = here.accounts.role_create(&owner, party, &role).await.unwrap().id;
        here.invite(&owner, party, "waiting@example.com", None).await;
        let invite = here.accounts.invites_list(party, Page::first(1)).await.unwrap().items[0].id;
        let key = key.api_key_id().unwrap();
        let at = Things { party, handle: ada.party.handle.clone(), member: eve.user.id, key, role, invite };

        for lost in ["place", "role", "credential", "user"] {
            let who = here.person(lost).await;
            let session = here.join(&owner, party, &who, "admin").await;
            let (_, by_key) = here.key(&session, party, None).await;
            let (user, viewer) = (who.user.id, RoleName::Name("viewer".to_owned()));
            match lost {
                "place" => here.accounts.member_remove(&owner, party, user).await.unwrap(),
                "role" => drop(here.accounts.member_role_set(&owner, party, user, &viewer).await.unwrap()),
                "user" => here.accounts.user_status_set(user, UserStatus::Disabled).await.unwrap(),
                _ => {
                    here.accounts.key_revoke(&owner, party, by_key.api_key_id().unwrap()).await.unwrap();
                    here.accounts.session_revoke(user, session.session_id().unwrap()).await.unwrap();
                }
            }
            let before = state(&here, party).await;
            for (by, expected) in [(&session, Kind::Forbidden), (&*by_key, Kind::Unauthenticated)] {
                for (what, refused) in attempts(&here, by, &at).await {
                    let by_role = if lost == "role" { Kind::Forbidden } else { Kind::Unauthenticated };
                    let expected = if lost == "place" { expected } else { by_role };
                    assert_eq!(refused, Some(expected), "{what} without {lost}");
                }
            }
            assert_eq!(state(&here, party).await, before, "without {lost}");
        }
        // With his rights the same caller changes all of it.
        let own = here.key(&owner, party, None).await.1;
        for (what, refused) in attempts(&here, &own, &at).await {
            assert_eq!(refused, None, "{what}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_narrowed_or_is_over_makes_no_wider_one_and_an_ended_session_accepts_nothing() {
    each(async |db| {
        let here = process(&db);
        let (ada, bob) = (here.person("ada").await, here.person("bob").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let (_, before) = here.key(&owner, party, None).await;
        let scopes = ["keys.write".to_owned(), "wallet.read".to_owned()];
        here.accounts.key_scopes_set(&owner, party, before.api_key_id().unwrap(), &scopes).await.unwrap();
        let child = KeyCreate { name: "child".to_owned(), ..KeyCreate::default() };
        let made = here.accounts.key_create(&before, party, &child).await.unwrap();
        assert_eq!(made.scopes.map(|scopes| scopes.len()), Some(2));
        let wider = KeyCreate { scopes: Some(vec!["calls.make".to_owned()]), ..child.clone() };
        assert_eq!(here.accounts.key_create(&before, party, &wider).await.unwrap_err().kind, Kind::Forbidden);

        let day = KeyCreate { expires_in_days: Some(1), ..child.clone() };
        let day = here.accounts.key_create(&owner, party, &day).await.unwrap();
        let day = here.accounts.authenticate(&day.platform_spelling()).await.unwrap();
        here.clock.advance(Duration::from_secs(86_400));
        let over = here.accounts.key_create(&day, party, &child).await.unwrap_err();
        assert_eq!((over.kind, over.code), (Kind::Unauthenticated, "invalid_key"));

        here.invite(&owner, party, "bob@example.com", Some("admin")).await;
        let token = here.token("bob@example.com").await;
        let reader = here.session(bob.user.id).await;
        here.accounts.sessions_revoke_all(bob.user.id).await.unwrap();
        assert_eq!(here.accounts.invite_accept(&reader, &token).await.unwrap_err().kind, Kind::Unauthenticated);
        here.accounts.invite_accept(&here.session(bob.user.id).await, &token).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_request_was_kept_from_by_its_network_it_is_kept_from_here_too() {
    each(async |db| {
        let here = process(&db);
        let ada = here.person("ada").await;
        let owner = here.session(ada.user.id).await;
        let elsewhere = Caller { memberships: farebox_accounts::Memberships::default(), ..owner.clone() };
        let role = RoleCreate { name: "Lab".to_owned(), description: None, permissions: vec![] };
        let refused = here.accounts.role_create(&elsewhere, ada.party.id, &role).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Forbidden);
        here.accounts.role_create(&owner, ada.party.id, &role).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rights_that_were_given_since_count_for_the_next_request_and_a_session_that_is_over_for_none() {
    each(async |db| {
        let here = process(&db);
        let (ada, bob) = (here.person("ada").await, here.person("bob").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let before = here.join(&owner, party, &bob, "viewer").await;
        let admin = RoleName::Name("admin".to_owned());
        here.accounts.member_role_set(&owner, party, bob.user.id, &admin).await.unwrap();
        let role = |name: &str| RoleCreate { name: name.to_owned(), description: None, permissions: vec![] };
        let refused = here.accounts.role_create(&before, party, &role("One")).await.unwrap_err();
        assert_eq!(refused.kind, Kind::Forbidden);
        here.accounts.role_create(&here.session(bob.user.id).await, party, &role("Two")).await.unwrap();
        here.clock.advance(Duration::from_secs(90 * 86_400));
        let over = here.accounts.role_create(&owner, party, &role("Three")).await.unwrap_err();
        assert_eq!((over.kind, over.code), (Kind::Unauthenticated, "invalid_token"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_whose_user_is_no_member_is_like_any_bad_key() {
    each(async |db| {
        let here = process(&db);
        let ada = here.person("ada").await;
        farebox_db::tx!(&db, tx => { Ok(tx.execute("DELETE FROM member", &[]).await?) }).unwrap();
        let refused = here.accounts.authenticate(&ada.key.platform_spelling()).await.unwrap_err();
        assert_eq!((refused.kind, refused.code), (Kind::Unauthenticated, "invalid_key"));
    })
    .await;
}

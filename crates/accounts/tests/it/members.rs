//! Members and what their roles allow: to them, to their keys, and not beyond.

use crate::{process, request};
use farebox_accounts::{Page, RoleName};
use farebox_base::{Kind, MemberRole, Permission, PermissionSet, Role};
use farebox_testkit::engines;

fn named(name: &str) -> RoleName {
    RoleName::Name(name.to_owned())
}

#[tokio::test]
async fn a_person_acts_in_each_of_his_organisations_with_the_role_that_he_has_there() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob) = (here.person("ada").await, here.person("bob").await);
        let owner = here.session(ada.user.id).await;
        assert_eq!((owner.party_id, owner.user_id), (ada.party.id, Some(ada.user.id)));
        assert!(owner.is_owner_of(ada.party.id) && owner.membership(bob.party.id).is_none());
        here.clock.advance(std::time::Duration::from_secs(1));
        let both = here.join(&owner, ada.party.id, &bob, "viewer").await;
        assert_eq!(both.party_id, bob.party.id, "the first organisation stays the default");
        for permission in Permission::ALL {
            let viewer = MemberRole::Viewer.permissions().contains(*permission);
            assert_eq!(both.may_in(ada.party.id, *permission), viewer, "{permission} there");
            assert_eq!(both.may(*permission), *permission != Permission::PlatformAdmin, "{permission} at home");
        }
        let organizations = here.accounts.organizations_of(&both).await.unwrap();
        assert_eq!(organizations.iter().map(|one| one.id).collect::<Vec<_>>(), [bob.party.id, ada.party.id]);
        assert_eq!(organizations[1].first_member, Some(ada.user.id));
        assert!(organizations[1].is_personal && organizations[1].slug.starts_with("ada-"));
        let members = here.accounts.members_list(ada.party.id, Page::first(10)).await.unwrap();
        let seen: Vec<_> = members.items.iter().map(|one| (one.email.as_str(), one.role.as_str())).collect();
        assert_eq!(seen, [("ada@example.com", "owner"), ("bob@example.com", "viewer")]);
        assert_eq!(members.total, 2);
    })
    .await;
}

#[tokio::test]
async fn a_members_key_does_what_his_role_allows_and_follows_it_everywhere() {
    engines::each(async |db| {
        let (here, there) = (process(&db), process(&db));
        let (ada, bob) = (here.person("ada").await, here.person("bob").await);
        let owner = here.session(ada.user.id).await;
        let editor = here.join(&owner, ada.party.id, &bob, "editor").await;
        let (text, key) = here.key(&editor, ada.party.id, None).await;
        assert_eq!(key.membership(ada.party.id).unwrap().permissions, MemberRole::Editor.permissions());
        assert!(key.membership(bob.party.id).is_none(), "a key is of one organisation");
        assert_eq!(here.accounts.organizations_of(&key).await.unwrap().len(), 1);
        there.accounts.authenticate(&text).await.unwrap();

        here.accounts.member_role_set(&owner, ada.party.id, bob.user.id, &named("viewer")).await.unwrap();
        let now = here.accounts.authenticate(&text).await.unwrap();
        assert!(!now.may(Permission::CallsMake) && now.may(Permission::ListingsRead), "at once here");
        assert!(there.accounts.authenticate(&text).await.unwrap().may(Permission::CallsMake), "not looked yet");
        there.changes.refresh().await.unwrap();
        assert!(!there.accounts.authenticate(&text).await.unwrap().may(Permission::CallsMake));

        here.accounts.member_remove(&owner, ada.party.id, bob.user.id).await.unwrap();
        there.changes.refresh().await.unwrap();
        for accounts in [&here.accounts, &there.accounts] {
            assert_eq!(accounts.authenticate(&text).await.unwrap_err().message, "Invalid API key");
        }
        assert!(here.session(bob.user.id).await.membership(ada.party.id).is_none());
        here.join(&owner, ada.party.id, &bob, "editor").await;
        assert!(here.accounts.authenticate(&text).await.is_err(), "an old key does not come back with its user");
    })
    .await;
}

#[tokio::test]
async fn only_owners_touch_owners_and_one_of_them_stays() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob, eve) = (here.person("ada").await, here.person("bob").await, here.person("eve").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let admin = here.join(&owner, party, &bob, "admin").await;
        let editor = here.join(&owner, party, &eve, "editor").await;
        let set = async |by, user, role: &str| {
            let outcome = here.accounts.member_role_set(by, party, user, &named(role)).await;
            outcome.map(|member| member.role).map_err(|error| error.kind)
        };
        assert_eq!(set(&admin, ada.user.id, "viewer").await, Err(Kind::Forbidden), "an admin demotes an owner");
        assert_eq!(set(&admin, bob.user.id, "owner").await, Err(Kind::Forbidden), "an admin makes himself an owner");
        assert_eq!(set(&admin, eve.user.id, "owner").await, Err(Kind::Forbidden), "an admin makes an owner");
        assert_eq!(set(&editor, eve.user.id, "admin").await, Err(Kind::Forbidden), "an editor raises himself");
        assert_eq!(set(&editor, bob.user.id, "viewer").await, Err(Kind::Forbidden), "an editor demotes an admin");
        assert_eq!(set(&owner, ada.user.id, "admin").await, Err(Kind::Invalid), "the last owner steps down");
        let removed = here.accounts.member_remove(&admin, party, ada.user.id).await;
        assert_eq!(removed.unwrap_err().kind, Kind::Forbidden);
        let removed = here.accounts.member_remove(&owner, party, ada.user.id).await;
        assert_eq!(removed.unwrap_err().kind, Kind::Invalid, "the last owner leaves");
        let (_, narrow) = here.key(&owner, party, Some(&["org.manage_members", "keys.write"])).await;
        assert_eq!(set(&narrow, bob.user.id, "owner").await, Err(Kind::Forbidden), "an owner's narrowed key");
        assert_eq!(set(&narrow, eve.user.id, "viewer").await, Err(Kind::Forbidden), "a key that lacks what it takes");

        assert_eq!(set(&admin, eve.user.id, "viewer").await, Ok("viewer".to_owned()));
        assert_eq!(set(&owner, bob.user.id, "owner").await, Ok("owner".to_owned()));
        assert_eq!(set(&owner, ada.user.id, "member").await, Ok("viewer".to_owned()), "`member` is a viewer");
        let stranger = here.person("stranger").await.user.id;
        let second = here.session(bob.user.id).await;
        assert_eq!(set(&second, stranger, "viewer").await, Err(Kind::NotFound));
        assert_eq!(set(&second, eve.user.id, "no such role").await, Err(Kind::NotFound));
        assert_eq!(set(&second, eve.user.id, "nul\0").await, Err(Kind::NotFound));
    })
    .await;
}

#[tokio::test]
async fn owners_who_demote_each_other_at_once_leave_one() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob) = (here.person("ada").await, here.person("bob").await);
        let party = ada.party.id;
        let first = here.session(ada.user.id).await;
        let second = here.join(&first, party, &bob, "owner").await;
        let tasks: Vec<_> = [(first, bob.user.id), (second, ada.user.id)]
            .into_iter()
            .map(|(by, whom)| {
                let accounts = here.accounts.clone();
                tokio::spawn(async move { accounts.member_role_set(&by, party, whom, &named("viewer")).await })
            })
            .collect();
        let mut done = 0;
        for task in tasks {
            done += usize::from(task.await.unwrap().is_ok());
        }
        assert_eq!(done, 1);
        let members = here.accounts.members_list(party, Page::first(10)).await.unwrap().items;
        assert_eq!(members.iter().filter(|member| member.role == "owner").count(), 1);
    })
    .await;
}

#[tokio::test]
async fn keys_of_other_members_are_touched_by_those_who_manage_members_and_owners_keys_by_owners() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob, eve) = (here.person("ada").await, here.person("bob").await, here.person("eve").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let admin = here.join(&owner, party, &bob, "admin").await;
        let editor = here.join(&owner, party, &eve, "editor").await;
        let (_, admins) = here.key(&admin, party, None).await;
        let (_, editors) = here.key(&editor, party, None).await;
        let id = |key: &farebox_accounts::Caller| key.api_key_id().unwrap();
        let revoke = async |by, key| here.accounts.key_revoke(by, party, key).await.map_err(|error| error.kind);
        assert_eq!(revoke(&editor, id(&admins)).await, Err(Kind::Forbidden));
        assert_eq!(revoke(&editor, ada.key.api_key_id).await, Err(Kind::Forbidden));
        assert_eq!(revoke(&admin, ada.key.api_key_id).await, Err(Kind::Forbidden));
        assert_eq!(revoke(&owner, bob.key.api_key_id).await, Err(Kind::NotFound), "a key of bob's own organisation");
        assert_eq!(revoke(&admin, id(&editors)).await, Ok(()));
        assert_eq!(revoke(&owner, id(&admins)).await, Ok(()));

        let scopes = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let set = async |by, key, names: &[&str]| {
            let outcome = here.accounts.key_scopes_set(by, party, key, &scopes(names)).await;
            outcome.map(|key| key.scopes.unwrap_or_default()).map_err(|error| (error.kind, error.field))
        };
        let (text, narrow) = here.key(&editor, party, Some(&["calls.make"])).await;
        let key = id(&narrow);
        let wider = [Permission::CallsMake, Permission::ListingsRead];
        assert_eq!(set(&editor, key, &["calls.make", "listings.read"]).await, Ok(wider.to_vec()));
        let seen = here.accounts.authenticate(&text).await.unwrap();
        assert_eq!(seen.memberships.of(party).unwrap().permissions, PermissionSet::of(&wider), "in effect at once");
        assert_eq!(
            set(&editor, key, &["org.manage_members"]).await,
            Err((Kind::Forbidden, None)),
            "wider than himself"
        );
        assert_eq!(set(&narrow, key, &["calls.make", "skills.write"]).await, Err((Kind::Forbidden, None)), "itself");
        for bad in [&["money.print"] as &[&str], &[], &["platform.admin"]] {
            assert_eq!(set(&editor, key, bad).await, Err((Kind::Invalid, Some("scopes".to_owned()))), "{bad:?}");
        }
        assert_eq!(set(&editor, ada.key.api_key_id, &["calls.make"]).await, Err((Kind::Forbidden, None)));
        assert_eq!(set(&owner, bob.key.api_key_id, &["calls.make"]).await, Err((Kind::NotFound, None)));
    })
    .await;
}

#[tokio::test]
async fn a_key_that_a_member_makes_at_the_marketplace_does_no_more_than_he_may() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob) = (here.person("ada").await, here.person("bob").await);
        let owner = here.session(ada.user.id).await;
        let editor = here.join(&owner, ada.party.id, &bob, "editor").await;
        let (_, key) = here.key(&editor, ada.party.id, None).await;
        let made =
            here.accounts.owner_key_create(&request(&ada.party.handle, Role::Provider), Some(&key)).await.unwrap();
        let made = here.accounts.authenticate(&made.platform_spelling()).await.unwrap();
        assert_eq!((made.party_id, made.user_id), (ada.party.id, Some(bob.user.id)));
        assert_eq!(made.membership(ada.party.id).unwrap().permissions, MemberRole::Editor.permissions());
    })
    .await;
}

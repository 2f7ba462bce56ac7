//! An organisation's own roles.

use crate::process;
use farebox_accounts::{RoleCreate, RoleInfo, RoleName, RolePatch};
use farebox_base::{Kind, MemberRole, Permission, PermissionSet};
use farebox_testkit::engines;

fn create(name: &str, permissions: &[&str]) -> RoleCreate {
    RoleCreate { name: name.to_owned(), description: None, permissions: texts(permissions) }
}

fn texts(permissions: &[&str]) -> Vec<String> {
    permissions.iter().map(|permission| (*permission).to_owned()).collect()
}

#[tokio::test]
async fn a_role_is_made_given_changed_and_taken_away_and_its_members_follow_it() {
    engines::each(async |db| {
        let (here, there) = (process(&db), process(&db));
        let (ada, bob) = (here.person("ada").await, here.person("bob").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let role = here.accounts.role_create(&owner, party, &create(" Auditor ", &["audit.read"])).await.unwrap();
        assert_eq!((role.name.as_str(), role.is_built_in()), ("Auditor", false));
        let listed = here.accounts.roles_list(party).await.unwrap();
        let names: Vec<_> = listed.iter().map(|role| role.name.as_str()).collect();
        assert_eq!(names, ["owner", "admin", "editor", "viewer", "Auditor"]);
        for one in &listed {
            assert_eq!(here.accounts.role(party, one.id).await.unwrap(), *one);
        }
        assert_eq!(here.accounts.role(bob.party.id, role.id).await.unwrap_err().kind, Kind::NotFound);

        let auditor = here.join(&owner, party, &bob, "auditor").await;
        let only = PermissionSet::PERSONAL.with(Permission::AuditRead);
        assert_eq!(auditor.membership(party).unwrap().permissions, only);
        let lister = here.join(&auditor, bob.party.id, &here.person("cy").await, "viewer").await;
        assert!(lister.membership(party).is_none());

        let (text, _) = here.key(&owner, party, None).await;
        there.accounts.authenticate(&text).await.unwrap();
        let wider = RolePatch { permissions: Some(texts(&["audit.read", "org.read"])), ..RolePatch::default() };
        let changed = here.accounts.role_update(&owner, party, role.id, &wider).await.unwrap();
        assert_eq!((changed.name.as_str(), changed.permissions.iter().count()), ("Auditor", 2));
        assert!(here.session(bob.user.id).await.may_in(party, Permission::OrgRead));
        let error = here.accounts.role_delete(&owner, party, role.id).await.unwrap_err();
        assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some("role_id")), "a member has it");
        let viewer = RoleName::Id(RoleInfo::built_in(MemberRole::Viewer).id);
        here.accounts.member_role_set(&owner, party, bob.user.id, &viewer).await.unwrap();
        here.clock.advance(std::time::Duration::from_secs(1));
        here.invite(&owner, party, "dan@example.com", Some("Auditor")).await;
        here.accounts.role_delete(&owner, party, role.id).await.unwrap();
        let invites = here.accounts.invites_list(party, farebox_accounts::Page::first(10)).await.unwrap().items;
        assert!(invites[0].revoked_at.is_some(), "an invitation does not give a role that is gone");
        assert_eq!(here.accounts.role_delete(&owner, party, role.id).await.unwrap_err().kind, Kind::NotFound);
    })
    .await;
}

#[tokio::test]
async fn names_are_unique_in_any_case_and_not_those_of_built_in_roles_which_never_change() {
    engines::each(async |db| {
        let here = process(&db);
        let ada = here.person("ada").await;
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let made = here.accounts.role_create(&owner, party, &create("Lab", &[])).await.unwrap();
        let second = here.accounts.role_create(&owner, party, &create("Other", &[])).await.unwrap();
        for bad in [
            "LAB",
            "owner",
            "Viewer",
            "member",
            "\u{43e}wner",
            "Adm1n",
            "vi\u{435}wer",
            "",
            "a\nb",
            "00000000-0000-7000-8000-000000000000",
        ] {
            let error = here.accounts.role_create(&owner, party, &create(bad, &[])).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some("name")), "{bad:?}");
            let patch = RolePatch { name: Some(bad.to_owned()), ..RolePatch::default() };
            let error = here.accounts.role_update(&owner, party, second.id, &patch).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some("name")), "{bad:?}");
        }
        for bad in ["money.print", "platform.admin"] {
            let error = here.accounts.role_create(&owner, party, &create("x", &[bad])).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some("permissions")), "{bad}");
        }
        let patch = RolePatch { description: Some(Some("text".to_owned())), ..RolePatch::default() };
        assert_eq!(
            here.accounts.role_update(&owner, party, made.id, &patch).await.unwrap().description.as_deref(),
            Some("text")
        );
        let patch = RolePatch { description: Some(None), ..RolePatch::default() };
        assert_eq!(here.accounts.role_update(&owner, party, made.id, &patch).await.unwrap().description, None);
        for role in MemberRole::ALL {
            let id = RoleInfo::built_in(*role).id;
            let error = here.accounts.role_update(&owner, party, id, &RolePatch::default()).await.unwrap_err();
            assert_eq!(error.kind, Kind::Invalid, "{role:?}");
            assert_eq!(here.accounts.role_delete(&owner, party, id).await.unwrap_err().kind, Kind::Invalid);
        }
    })
    .await;
}

#[tokio::test]
async fn who_manages_roles_gives_himself_and_others_nothing_that_he_lacks() {
    engines::each(async |db| {
        let here = process(&db);
        let (ada, bob) = (here.person("ada").await, here.person("bob").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let own = create("maker", &["org.manage_roles", "org.manage_members", "org.read"]);
        let own = here.accounts.role_create(&owner, party, &own).await.unwrap();
        let strong = here.accounts.role_create(&owner, party, &create("spender", &["wallet.write"])).await.unwrap();
        let maker = here.join(&owner, party, &bob, "maker").await;
        let wider = |permissions: &[&str]| RolePatch { permissions: Some(texts(permissions)), ..RolePatch::default() };
        let forbidden = [
            here.accounts.role_update(&maker, party, own.id, &wider(&["org.manage_roles", "wallet.write"])).await,
            here.accounts.role_update(&maker, party, strong.id, &wider(&["org.read"])).await,
            here.accounts.role_create(&maker, party, &create("x", &["wallet.write"])).await,
        ];
        for outcome in forbidden {
            assert_eq!(outcome.unwrap_err().kind, Kind::Forbidden);
        }
        assert_eq!(here.accounts.role_delete(&maker, party, strong.id).await.unwrap_err().kind, Kind::Forbidden);
        for role in ["spender", "viewer", "admin", "owner"] {
            let role = RoleName::Name(role.to_owned());
            let error = here.accounts.member_role_set(&maker, party, bob.user.id, &role).await.unwrap_err();
            assert_eq!(error.kind, Kind::Forbidden, "{role:?}");
        }
        let weaker = here.accounts.role_create(&maker, party, &create("reader", &["org.read", "account.read"])).await;
        assert_eq!(weaker.unwrap().permissions.iter().count(), 2);
        let stranger = here.session(bob.user.id).await;
        let foreign = here.person("eve").await.party.id;
        assert_eq!(
            here.accounts.role_create(&stranger, foreign, &create("x", &[])).await.unwrap_err().kind,
            Kind::Forbidden
        );
    })
    .await;
}

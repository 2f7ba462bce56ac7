//! Nobody takes from others what he could not give them: keys, roles, invitations.

use crate::process;
use farebox_accounts::{Caller, InviteCreate, RoleCreate, RoleName};
use farebox_base::{ApiKeyId, Kind, PermissionSet};
use farebox_testkit::engines::each;

/// Manages members and keys, and does little else.
const STEWARD: &[&str] = &["keys.read", "keys.write", "org.read", "org.manage_members"];

fn role(name: &str, permissions: &[&str]) -> RoleCreate {
    let permissions = permissions.iter().map(|permission| (*permission).to_owned()).collect();
    RoleCreate { name: name.to_owned(), description: None, permissions }
}

#[tokio::test]
async fn keys_of_members_who_may_do_more_are_neither_revoked_nor_narrowed() {
    each(async |db| {
        let here = process(&db);
        let (ada, eve) = (here.person("ada").await, here.person("eve").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        here.accounts.role_create(&owner, party, &role("steward", STEWARD)).await.unwrap();
        here.accounts.role_create(&owner, party, &role("keeper", &["keys.write", "org.read"])).await.unwrap();
        here.accounts.role_create(&owner, party, &role("caller", &["keys.write", "calls.make"])).await.unwrap();
        let steward = here.join(&owner, party, &eve, "steward").await;
        let revoke = async |by: &Caller, key: ApiKeyId| {
            here.accounts.key_revoke(by, party, key).await.map_err(|error| error.kind)
        };
        let narrow = async |by: &Caller, key: ApiKeyId| {
            let scopes = ["keys.write".to_owned()];
            here.accounts.key_scopes_set(by, party, key, &scopes).await.map(|_| ()).map_err(|error| error.kind)
        };
        for stronger in ["admin", "editor", "caller"] {
            let member = here.join(&owner, party, &here.person(stronger).await, stronger).await;
            // What the key is narrowed to does not make it another member's.
            let (_, key) = here.key(&member, party, Some(&["keys.write"])).await;
            let key = key.api_key_id().unwrap();
            assert_eq!(revoke(&steward, key).await, Err(Kind::Forbidden), "{stronger}");
            assert_eq!(narrow(&steward, key).await, Err(Kind::Forbidden), "{stronger}");
            assert_eq!(narrow(&member, key).await, Ok(()), "his own");
            assert_eq!(revoke(&member, key).await, Ok(()), "his own");
        }
        let keeper = here.join(&owner, party, &here.person("keeper").await, "keeper").await;
        let (_, key) = here.key(&keeper, party, None).await;
        assert_eq!(narrow(&steward, key.api_key_id().unwrap()).await, Ok(()));
        assert_eq!(revoke(&steward, key.api_key_id().unwrap()).await, Ok(()));

        // By a narrow key of an owner's, another one of his own and itself, and nobody's who may do more than the key.
        let (_, narrow_key) = here.key(&owner, party, Some(STEWARD)).await;
        let editor = here.join(&owner, party, &here.person("second").await, "editor").await;
        let (_, key) = here.key(&editor, party, None).await;
        assert_eq!(revoke(&narrow_key, key.api_key_id().unwrap()).await, Err(Kind::Forbidden));
        assert_eq!(revoke(&narrow_key, ada.key.api_key_id).await, Ok(()));
        assert_eq!(revoke(&narrow_key, narrow_key.api_key_id().unwrap()).await, Ok(()));
    })
    .await;
}

#[tokio::test]
async fn a_key_without_a_user_is_touched_by_itself_and_by_who_may_all_that_it_may() {
    each(async |db| {
        let here = process(&db);
        let (ada, eve) = (here.person("ada").await, here.person("eve").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        here.accounts.role_create(&owner, party, &role("steward", STEWARD)).await.unwrap();
        let steward = here.join(&owner, party, &eve, "steward").await;
        let mut keys = Vec::new();
        for scopes in [None, Some(&["keys.write"] as &[&str]), None] {
            let (text, key) = here.key(&owner, party, scopes).await;
            keys.push((text, key.api_key_id().unwrap()));
        }
        farebox_db::tx!(&db, tx => {
            Ok(tx.execute("UPDATE api_key SET user_id = NULL WHERE name = 'test'", &[]).await?)
        })
        .unwrap();
        let there = process(&db);
        let whole = there.accounts.authenticate(&keys[0].0).await.unwrap();
        let narrow = there.accounts.authenticate(&keys[1].0).await.unwrap();
        assert_eq!((whole.user_id, narrow.user_id), (None, None));
        let revoke = async |by: &Caller, key: ApiKeyId| {
            there.accounts.key_revoke(by, party, key).await.map_err(|error| error.kind)
        };
        assert_eq!(revoke(&narrow, keys[0].1).await, Err(Kind::Forbidden), "nobody's key is not everybody's");
        assert_eq!(revoke(&steward, keys[0].1).await, Err(Kind::Forbidden));
        assert_eq!(revoke(&steward, keys[1].1).await, Ok(()));
        assert_eq!(revoke(&whole, keys[2].1).await, Ok(()));
        assert_eq!(revoke(&whole, keys[0].1).await, Ok(()), "itself");
    })
    .await;
}

#[tokio::test]
async fn members_who_may_do_more_keep_their_role_their_place_and_their_invitations() {
    each(async |db| {
        let here = process(&db);
        let (ada, eve) = (here.person("ada").await, here.person("eve").await);
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        here.accounts.role_create(&owner, party, &role("steward", STEWARD)).await.unwrap();
        let weak = here.accounts.role_create(&owner, party, &role("weak", &["org.read"])).await.unwrap();
        let strong =
            here.accounts.role_create(&owner, party, &role("strong", &["org.read", "wallet.read"])).await.unwrap();
        assert!(weak.permissions.is_within(PermissionSet::parse(&STEWARD.join(" "))));
        let steward = here.join(&owner, party, &eve, "steward").await;
        let kind = |outcome: farebox_base::Result<()>| outcome.err().map(|error| error.kind);
        for (name, reached) in [("admin", false), ("editor", false), ("strong", false), ("weak", true)] {
            let who = here.person(name).await;
            here.join(&owner, party, &who, name).await;
            let to = RoleName::Id(weak.id);
            let set = here.accounts.member_role_set(&steward, party, who.user.id, &to).await.map(|_| ());
            assert_eq!(kind(set).is_none(), reached, "{name}");
            let removed = here.accounts.member_remove(&steward, party, who.user.id).await;
            assert_eq!(kind(removed), (!reached).then_some(Kind::Forbidden), "{name}");
        }
        let pending = async |email: &str| {
            let all = here.accounts.invites_list(party, farebox_accounts::Page::first(100)).await.unwrap().items;
            all.into_iter().find(|one| one.email == email && one.revoked_at.is_none()).map(|one| one.id)
        };
        for (name, reached) in [("owner", false), ("admin", false), ("strong", false), ("weak", true)] {
            let email = format!("invited-{name}@example.com");
            here.invite(&owner, party, &email, Some(name)).await;
            let id = pending(&email).await.unwrap();
            let over = InviteCreate { email: email.clone(), role: Some("weak".to_owned()) };
            let replaced = here.accounts.invite_create(&steward, party, &over).await.map(|_| ());
            assert_eq!(kind(replaced), (!reached).then_some(Kind::Forbidden), "{name}");
            assert_eq!(pending(&email).await == Some(id), !reached, "{name}");
            let id = pending(&email).await.unwrap();
            let revoked = here.accounts.invite_revoke(&steward, party, id).await;
            assert_eq!(kind(revoked), (!reached).then_some(Kind::Forbidden), "{name}");
        }
        assert_eq!(kind(here.accounts.role_delete(&steward, party, strong.id).await), Some(Kind::Forbidden));
    })
    .await;
}

#[tokio::test]
async fn keys_of_peers_are_left_alone_by_who_manages_no_members_and_a_revoked_key_by_everybody() {
    each(async |db| {
        let here = process(&db);
        let ada = here.person("ada").await;
        let party = ada.party.id;
        let owner = here.session(ada.user.id).await;
        let one = here.join(&owner, party, &here.person("one").await, "editor").await;
        let other = here.join(&owner, party, &here.person("other").await, "editor").await;
        let (_, key) = here.key(&other, party, None).await;
        let key = key.api_key_id().unwrap();
        let scopes = ["keys.write".to_owned()];
        let narrow = async |by: &Caller| {
            here.accounts.key_scopes_set(by, party, key, &scopes).await.err().map(|error| error.kind)
        };
        let revoked = here.accounts.key_revoke(&one, party, key).await.unwrap_err();
        assert_eq!((revoked.kind, narrow(&one).await), (Kind::Forbidden, Some(Kind::Forbidden)));
        assert_eq!(narrow(&other).await, None);
        here.accounts.key_revoke(&owner, party, key).await.unwrap();
        assert_eq!(narrow(&other).await, Some(Kind::NotFound));
        assert_eq!(narrow(&owner).await, Some(Kind::NotFound));
    })
    .await;
}

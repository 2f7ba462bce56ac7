//! A party's own keys: scopes, roles, lists, revocation.

use crate::{process, request};
use farebox_accounts::{Accounts, AgentRegistration, Caller, KeyCreate, OperatorsOwner, Page, Registered};
use farebox_base::{Kind, Permission, Role};
use farebox_testkit::engines;
use std::sync::Arc;
use std::time::Duration;

async fn agent(accounts: &Accounts) -> (Registered, Arc<Caller>) {
    let new = accounts.register_agent(&AgentRegistration::default()).await.unwrap();
    let caller = accounts.authenticate(&new.key.platform_spelling()).await.unwrap();
    (new, caller)
}

fn create(name: &str) -> KeyCreate {
    KeyCreate { name: name.to_owned(), ..KeyCreate::default() }
}

fn scoped(scopes: &[&str]) -> KeyCreate {
    KeyCreate { scopes: Some(scopes.iter().map(|s| (*s).to_owned()).collect()), ..create("scoped") }
}

#[tokio::test]
async fn a_key_is_narrowed_to_its_scopes_and_gives_no_more_than_it_has() {
    engines::each(async |db| {
        let accounts = process(&db).accounts;
        let (_, caller) = agent(&accounts).await;
        let key = accounts
            .key_create(&caller, caller.party_id, &scoped(&["keys.write", "wallet.read", "keys.write"]))
            .await
            .unwrap();
        assert_eq!(key.scopes, Some(vec![Permission::KeysWrite, Permission::WalletRead]));
        let narrow = accounts.authenticate(&key.platform_spelling()).await.unwrap();
        for permission in Permission::ALL {
            let expected = matches!(permission, Permission::KeysWrite | Permission::WalletRead);
            assert_eq!(narrow.may(*permission), expected, "{permission}");
        }
        let child = accounts.key_create(&narrow, narrow.party_id, &create("child")).await.unwrap();
        assert_eq!(child.scopes.as_deref(), narrow.scopes(), "without scopes of its own a key has its creator's");
        let error = accounts.key_create(&narrow, narrow.party_id, &scoped(&["calls.make"])).await.unwrap_err();
        assert_eq!(error.kind, Kind::Forbidden);
        let reader = accounts.key_create(&caller, caller.party_id, &scoped(&["wallet.read"])).await.unwrap();
        let reader = accounts.authenticate(&reader.platform_spelling()).await.unwrap();
        let error = accounts.key_create(&reader, reader.party_id, &scoped(&["wallet.read"])).await.unwrap_err();
        assert_eq!(error.code, "missing_permission");
    })
    .await;
}

#[tokio::test]
async fn a_key_has_at_most_its_creators_role() {
    engines::each(async |db| {
        let accounts = process(&db).accounts;
        let (_, caller) = agent(&accounts).await;
        let admin = KeyCreate { role: Some(Role::Admin), ..create("x") };
        assert_eq!(accounts.key_create(&caller, caller.party_id, &admin).await.unwrap_err().kind, Kind::Forbidden);
        let buyer = KeyCreate { role: Some(Role::Buyer), ..create("x") };
        let buyer = accounts.key_create(&caller, caller.party_id, &buyer).await.unwrap();
        let buyer = accounts.authenticate(&buyer.platform_spelling()).await.unwrap();
        assert!(!buyer.may(Permission::ListingsWrite));
        let provider = KeyCreate { role: Some(Role::Provider), ..create("x") };
        assert_eq!(accounts.key_create(&buyer, buyer.party_id, &provider).await.unwrap_err().kind, Kind::Forbidden);
        for (bad, field) in [
            (create(" "), "name"),
            (KeyCreate { expires_in_days: Some(0), ..create("x") }, "expires_in_days"),
            (KeyCreate { expires_in_days: Some(3651), ..create("x") }, "expires_in_days"),
            (scoped(&[]), "scopes"),
            (scoped(&["money.print"]), "scopes"),
            (scoped(&["platform.admin"]), "scopes"),
        ] {
            let error = accounts.key_create(&caller, caller.party_id, &bad).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some(field)), "{bad:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn keys_are_listed_and_revoked_within_their_party_only() {
    engines::each(async |db| {
        let here = process(&db);
        let accounts = &here.accounts;
        let (ada, ada_caller) = agent(accounts).await;
        let (_, bob_caller) = agent(accounts).await;
        for name in ["one", "two"] {
            here.clock.advance(Duration::from_secs(1));
            accounts.key_create(&ada_caller, ada_caller.party_id, &create(name)).await.unwrap();
        }
        let ada_again = here.session(ada.user.id).await;
        let keys = accounts.keys_list(ada.party.id, Page::first(2)).await.unwrap();
        assert_eq!(keys.items.iter().map(|key| key.name.as_str()).collect::<Vec<_>>(), ["two", "one"]);
        assert_eq!(keys.total, 3);
        assert_eq!(keys.items[0].key_prefix(), format!("fbx_{}", keys.items[0].key_id));
        let rest = accounts.keys_list(ada.party.id, Page { limit: 2, offset: 2 }).await.unwrap();
        assert_eq!((rest.items.len(), rest.items[0].name.as_str()), (1, "agent"));

        let victim = rest.items[0].clone();
        assert_eq!(
            accounts.key_revoke(&bob_caller, bob_caller.party_id, victim.api_key_id).await.unwrap_err().kind,
            Kind::NotFound
        );
        let stranger = accounts.key_revoke_by_key_id(&bob_caller, victim.key_id).await.unwrap_err();
        assert_eq!((stranger.kind, stranger.message.as_str()), (Kind::Forbidden, "Not your key"));
        accounts.authenticate(&ada.key.platform_spelling()).await.unwrap();

        accounts.key_revoke_by_key_id(&ada_caller, victim.key_id).await.unwrap();
        assert!(accounts.authenticate(&ada.key.platform_spelling()).await.is_err());
        assert_eq!(
            accounts.key_revoke(&ada_again, ada.party.id, victim.api_key_id).await.unwrap_err().kind,
            Kind::NotFound
        );
        assert_eq!(accounts.key_revoke_by_key_id(&ada_again, victim.key_id).await.unwrap_err().kind, Kind::NotFound);
        assert_eq!(accounts.keys_list(ada.party.id, Page::first(10)).await.unwrap().total, 2);
    })
    .await;
}

#[tokio::test]
async fn no_secret_is_stored_or_shown_by_debug() {
    engines::each(async |db| {
        let accounts = process(&db).accounts;
        let key = accounts.owner_key_create(&request("o", Role::Buyer), None).await.unwrap();
        assert!(!format!("{key:?}").contains(&key.secret));
        let row = db.one("SELECT name, role, scopes, secret_hash FROM api_key", &[]).await.unwrap().unwrap();
        assert!(!format!("{row:?}").contains(&key.secret));
        assert_eq!(row.get::<&[u8]>(3).unwrap().len(), 32);
    })
    .await;
}

#[tokio::test]
async fn a_key_neither_outlives_its_maker_nor_revokes_a_higher_role() {
    engines::each(async |db| {
        let here = process(&db);
        let accounts = &here.accounts;
        let (_, caller) = agent(accounts).await;
        let day = KeyCreate { expires_in_days: Some(1), ..create("a day") };
        let short = accounts.key_create(&caller, caller.party_id, &day).await.unwrap();
        let short_caller = here.caller(&short).await;
        for asked in [None, Some(30)] {
            let child = KeyCreate { expires_in_days: asked, ..create("a child") };
            let child = accounts.key_create(&short_caller, short_caller.party_id, &child).await.unwrap();
            assert_eq!(child.expires_at, short.expires_at);
        }
        let admin = accounts.bootstrap_admin_key("operations").await.unwrap();
        let buyer = accounts.operator_key("operations", Role::Buyer, OperatorsOwner::Any).await.unwrap();
        let buyer = here.caller(&buyer).await;
        assert_eq!(
            accounts.key_revoke(&buyer, buyer.party_id, admin.api_key_id).await.unwrap_err().kind,
            Kind::Forbidden
        );
        let taken = accounts.operator_key("operations", Role::Admin, OperatorsOwner::New).await.unwrap_err();
        assert_eq!(taken.code, "owner_exists");
    })
    .await;
}

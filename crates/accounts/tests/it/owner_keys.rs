//! Who gets a key for which owner.

use crate::{Process, WALLET, process, process_with, request};
use farebox_accounts::{AgentRegistration, Caller, KeyCreate, MintedKey, OwnerKeyRequest, PartyKind};
use farebox_base::{Kind, Role};
use farebox_testkit::engines;
use std::sync::Arc;

impl Process {
    pub async fn caller(&self, key: &MintedKey) -> Arc<Caller> {
        self.accounts.authenticate(&key.platform_spelling()).await.unwrap()
    }

    /// The kind and message of a refusal, or nothing where the key is made.
    async fn refusal(&self, owner: &str, role: Role, caller: Option<&Caller>) -> Option<(Kind, String)> {
        let outcome = self.accounts.owner_key_create(&request(owner, role), caller).await;
        outcome.err().map(|error| (error.kind, error.message))
    }
}

fn is(kind: Kind, part: &str, refusal: Option<(Kind, String)>) {
    let (seen, message) = refusal.expect("a refusal");
    assert!(seen == kind && message.contains(part), "{seen:?}: {message}");
}

#[tokio::test]
async fn the_first_key_claims_the_owner_and_strangers_get_none() {
    engines::each(async |db| {
        let here = process(&db);
        let first = here.accounts.owner_key_create(&request(" buyer-a ", Role::Buyer), None).await.unwrap();
        let party = here.accounts.party_by_handle("buyer-a").await.unwrap().unwrap();
        assert_eq!((party.id, party.kind), (first.party_id, PartyKind::Owner));
        assert_eq!((first.rate_limit_per_minute, first.expires_at), (Some(60), None));

        is(Kind::Forbidden, "one of its keys", here.refusal("buyer-a", Role::Buyer, None).await);
        is(Kind::Unauthenticated, "Provider key", here.refusal("buyer-a", Role::Provider, None).await);
        let other = here.accounts.owner_key_create(&request("buyer-b", Role::Provider), None).await.unwrap();
        let other = here.caller(&other).await;
        is(Kind::Forbidden, "one of its keys", here.refusal("buyer-a", Role::Buyer, Some(&other)).await);
        is(Kind::Forbidden, "one of its keys", here.refusal("buyer-a", Role::Provider, Some(&other)).await);

        let own = here.caller(&first).await;
        let second = here.accounts.owner_key_create(&request("buyer-a", Role::Buyer), Some(&own)).await.unwrap();
        let second = here.caller(&second).await;
        assert_eq!((second.party_id, second.user_id), (own.party_id, own.user_id));
    })
    .await;
}

#[tokio::test]
async fn an_owner_whose_keys_are_all_revoked_stays_claimed() {
    engines::each(async |db| {
        let here = process(&db);
        let key = here.accounts.owner_key_create(&request("a", Role::Buyer), None).await.unwrap();
        let caller = here.caller(&key).await;
        here.accounts.key_revoke(&caller, caller.party_id, key.api_key_id).await.unwrap();
        is(Kind::Forbidden, "taken", here.refusal("a", Role::Buyer, None).await);
        let admin = here.accounts.bootstrap_admin_key("root").await.unwrap();
        let admin = here.caller(&admin).await;
        assert_eq!(here.refusal("a", Role::Buyer, Some(&admin)).await, None, "an admin helps out");
    })
    .await;
}

#[tokio::test]
async fn the_owner_of_a_registered_agent_cannot_be_taken_by_its_handle() {
    engines::each(async |db| {
        let here = process(&db);
        let agent = here.accounts.register_agent(&AgentRegistration::default()).await.unwrap();
        is(Kind::Forbidden, "taken", here.refusal(&agent.party.handle, Role::Buyer, None).await);
        let own = here.caller(&agent.key).await;
        assert_eq!(here.refusal(&agent.party.handle, Role::Provider, Some(&own)).await, None);
    })
    .await;
}

#[tokio::test]
async fn provider_keys_need_a_provider_and_admin_keys_an_admin() {
    engines::each(async |db| {
        let here = process(&db);
        let key = async |owner: &str, role| here.accounts.owner_key_create(&request(owner, role), None).await.unwrap();
        let buyer = here.caller(&key("buyer", Role::Buyer).await).await;
        let provider = here.caller(&key("provider", Role::Provider).await).await;
        let admin = here.accounts.bootstrap_admin_key("root").await.unwrap();
        let admin = here.caller(&admin).await;

        let refused = "Only providers or admins can create provider keys";
        is(Kind::Forbidden, refused, here.refusal("buyer", Role::Provider, Some(&buyer)).await);
        is(Kind::Forbidden, refused, here.refusal("fresh", Role::Provider, Some(&buyer)).await);
        assert_eq!(here.refusal("provider", Role::Provider, Some(&provider)).await, None);
        assert_eq!(here.refusal("fresh-1", Role::Provider, Some(&provider)).await, None);
        assert_eq!(here.refusal("buyer", Role::Provider, Some(&admin)).await, None);

        is(Kind::Unauthenticated, "Admin key creation", here.refusal("x", Role::Admin, None).await);
        for caller in [&buyer, &provider] {
            is(Kind::Forbidden, "Only admins", here.refusal("x", Role::Admin, Some(caller)).await);
        }
        assert_eq!(here.refusal("x", Role::Admin, Some(&admin)).await, None);
    })
    .await;
}

#[tokio::test]
async fn closed_registration_asks_new_providers_for_credentials() {
    engines::each(async |db| {
        let here = process_with(&db, false);
        let refused = "Provider key creation requires authentication";
        is(Kind::Unauthenticated, refused, here.refusal("new", Role::Provider, None).await);
        assert_eq!(here.accounts.party_by_handle("new").await.unwrap(), None, "nothing is left behind");
        let admin = here.accounts.bootstrap_admin_key("root").await.unwrap();
        let admin = here.caller(&admin).await;
        assert_eq!(here.refusal("new", Role::Provider, Some(&admin)).await, None);
        assert_eq!(here.refusal("buyer", Role::Buyer, None).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_narrowed_key_makes_no_wider_one_for_its_owner() {
    engines::each(async |db| {
        let here = process(&db);
        let key = here.accounts.owner_key_create(&request("p", Role::Provider), None).await.unwrap();
        let wide = here.caller(&key).await;
        let narrowed = |scope: &str| KeyCreate {
            name: "narrow".to_owned(),
            scopes: Some(vec![scope.to_owned()]),
            ..KeyCreate::default()
        };
        let writer = here.accounts.key_create(&wide, wide.party_id, &narrowed("keys.write")).await.unwrap();
        let writer = here.caller(&writer).await;
        let child = here.accounts.owner_key_create(&request("p", Role::Buyer), Some(&writer)).await.unwrap();
        assert_eq!(child.scopes.as_deref(), writer.scopes());
        let reader = here.accounts.key_create(&wide, wide.party_id, &narrowed("wallet.read")).await.unwrap();
        let reader = here.caller(&reader).await;
        is(Kind::Forbidden, "keys.write", here.refusal("p", Role::Buyer, Some(&reader)).await);
    })
    .await;
}

#[tokio::test]
async fn bad_requests_name_their_field_and_claim_nothing() {
    engines::each(async |db| {
        let here = process(&db);
        let base = request("new", Role::Buyer);
        let owner = |owner_id: &str| OwnerKeyRequest { owner_id: owner_id.to_owned(), ..base.clone() };
        for (bad, field) in [
            (owner(" "), "owner_id"),
            (owner("a\nb"), "owner_id"),
            (owner(&"x".repeat(201)), "owner_id"),
            (owner(WALLET), "owner_id"),
            (owner(&WALLET.to_uppercase()), "owner_id"),
            (OwnerKeyRequest { rate_limit: Some(0), ..base.clone() }, "rate_limit"),
            (OwnerKeyRequest { rate_limit: Some(301), ..base.clone() }, "rate_limit"),
            (OwnerKeyRequest { wallet_address: Some("0x12".to_owned()), ..base.clone() }, "wallet_address"),
        ] {
            let error = here.accounts.owner_key_create(&bad, None).await.unwrap_err();
            assert_eq!((error.kind, error.field.as_deref()), (Kind::Invalid, Some(field)), "{bad:?}");
        }
        let count = db.one("SELECT COUNT(*) FROM party", &[]).await.unwrap().unwrap();
        assert_eq!(count.get::<i64>(0), Ok(0));
    })
    .await;
}

#[tokio::test]
async fn many_claims_of_one_owner_at_once_have_one_winner() {
    engines::each(async |db| {
        let here = process(&db);
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let accounts = here.accounts.clone();
                tokio::spawn(async move { accounts.owner_key_create(&request("prize", Role::Buyer), None).await })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => won += 1,
                Err(error) => assert_eq!(error.code, "owner_taken", "{error:?}"),
            }
        }
        assert_eq!(won, 1);
    })
    .await;
}

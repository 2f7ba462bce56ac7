//! Which party a wallet belongs to.

use crate::{WALLET, process, request};
use farebox_accounts::{AgentRegistration, OwnerKeyRequest, PartyKind, WalletParty};
use farebox_base::{Kind, Role};
use farebox_testkit::engines;

const OTHER: &str = "0x00000000000000000000000000000000000000Aa";

#[tokio::test]
async fn an_address_belongs_to_the_first_party_that_names_it_in_any_case() {
    engines::each(async |db| {
        let here = process(&db);
        let with_wallet = |owner: &str, address: &str| OwnerKeyRequest {
            wallet_address: Some(address.to_owned()),
            ..request(owner, Role::Buyer)
        };
        let key = here.accounts.owner_key_create(&with_wallet("a", WALLET), None).await.unwrap();
        let caller = here.accounts.authenticate(&key.platform_spelling()).await.unwrap();
        assert_eq!(caller.wallet_address.as_deref(), Some(WALLET), "echoed as sent");
        let found = here.accounts.wallet_party(&WALLET.to_lowercase()).await.unwrap();
        assert_eq!(found, Some(WalletParty { party_id: key.party_id, registered: true }));
        let lower = WALLET.to_lowercase();
        let taken = here.accounts.owner_key_create(&with_wallet("b", &lower), None).await.unwrap_err();
        assert_eq!((taken.kind, taken.code), (Kind::Conflict, "wallet_taken"));
        assert_eq!(here.accounts.party_by_handle("b").await.unwrap(), None, "the claim is undone with it");
        let again = here.accounts.owner_key_create(&with_wallet("a", &lower), Some(&caller)).await.unwrap();
        assert_eq!(again.party_id, key.party_id);
    })
    .await;
}

#[tokio::test]
async fn a_wallet_that_nobody_registered_gets_a_party_of_its_own_once() {
    engines::each(async |db| {
        let here = process(&db);
        assert_eq!(here.accounts.wallet_party(WALLET).await.unwrap(), None);
        let tasks: Vec<_> = (0..8)
            .map(|_| {
                let accounts = here.accounts.clone();
                tokio::spawn(async move { accounts.wallet_party_ensure(WALLET).await.unwrap() })
            })
            .collect();
        let mut parties = vec![];
        for task in tasks {
            parties.push(task.await.unwrap());
        }
        parties.dedup();
        assert_eq!(parties.len(), 1, "{parties:?}");
        assert!(!parties[0].registered);
        assert_eq!(here.accounts.wallet_party(WALLET).await.unwrap(), Some(parties[0]));
        let party = here.accounts.party(parties[0].party_id).await.unwrap().unwrap();
        assert_eq!((party.kind, party.handle), (PartyKind::Wallet, WALLET.to_lowercase()));
        let claim = here.accounts.owner_key_create(&request(&WALLET.to_lowercase(), Role::Buyer), None).await;
        assert_eq!(claim.unwrap_err().kind, Kind::Forbidden, "its handle can't be claimed as an owner");
        assert_eq!(here.accounts.wallet_party("0xnope").await.unwrap_err().kind, Kind::Invalid);
    })
    .await;
}

#[tokio::test]
async fn a_link_shows_with_the_partys_cached_keys() {
    engines::each(async |db| {
        let here = process(&db);
        let agent = here.accounts.register_agent(&AgentRegistration::default()).await.unwrap();
        let text = agent.key.platform_spelling();
        assert_eq!(here.accounts.authenticate(&text).await.unwrap().wallet_address, None);
        here.accounts.wallet_link(agent.party.id, WALLET).await.unwrap();
        here.accounts.wallet_link(agent.party.id, WALLET).await.expect("again changes nothing");
        here.accounts.wallet_link(agent.party.id, OTHER).await.expect("a party may have several");
        assert_eq!(here.accounts.authenticate(&text).await.unwrap().wallet_address.as_deref(), Some(WALLET));
        let owner = here.accounts.wallet_party(OTHER).await.unwrap().unwrap();
        assert_eq!(owner, WalletParty { party_id: agent.party.id, registered: true });
        let stranger = here.accounts.register_agent(&AgentRegistration::default()).await.unwrap();
        let taken = here.accounts.wallet_link(stranger.party.id, OTHER).await.unwrap_err();
        assert_eq!(taken.code, "wallet_taken");
    })
    .await;
}

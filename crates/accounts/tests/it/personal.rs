//! Everybody keeps a place, whoever removes him from where he was.

use crate::process;
use crate::sign_in::{ADA, PASSWORD, from};
use farebox_accounts::{Page, RoleName};
use farebox_testkit::engines::each;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn whose_last_membership_ends_gets_a_place_of_his_own_signs_in_and_accepts_an_invitation() {
    each(async |db| {
        let one = process(&db);
        let (bob, ada) = (one.person("bob").await, one.signed_up(ADA).await);
        let (home, other) = (ada.default_party, bob.party.id);
        let owner = one.session(ada.user.id).await;
        one.join(&owner, home, &bob, "owner").await;
        let second = one.session(bob.user.id).await;

        one.accounts.member_remove(&second, home, ada.user.id).await.unwrap();
        let back = one.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap();
        assert!(![home, other].contains(&back.default_party));
        let place = one.accounts.party(back.default_party).await.unwrap().unwrap();
        assert_eq!(place.name, ada.user.name);
        let caller = one.accounts.authenticate(&back.tokens.access).await.unwrap();
        assert!(caller.is_owner_of(place.id) && caller.memberships.iter().count() == 1);
        assert!(one.accounts.authenticate(&ada.tokens.access).await.unwrap().membership(home).is_none());

        one.clock.advance(Duration::from_secs(1));
        one.invite(&second, home, ADA, Some("editor")).await;
        let token = one.token(ADA).await;
        assert_eq!(one.accounts.invite_accept(&caller, &token).await.unwrap().party_id, home);

        // Who has a place elsewhere gets no other one, and the one that he was given stays his.
        one.accounts.member_remove(&second, home, ada.user.id).await.unwrap();
        let now = one.session(ada.user.id).await;
        assert_eq!(now.memberships.iter().map(|one| one.party_id).collect::<Vec<_>>(), [place.id]);
        let members = one.accounts.members_list(place.id, Page::first(10)).await.unwrap();
        assert_eq!((members.total, members.items[0].role.as_str()), (1, "owner"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_left_without_a_place_by_an_older_release_finds_one_at_his_next_sign_in() {
    each(async |db| {
        let one = process(&db);
        let ada = one.signed_up(ADA).await;
        farebox_db::tx!(&db, tx => { Ok(tx.execute("DELETE FROM member", &[]).await?) }).unwrap();
        let back = one.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap();
        assert_ne!(back.default_party, ada.default_party);
        let again = one.accounts.login(ADA, PASSWORD, &from(1)).await.unwrap();
        assert_eq!(again.default_party, back.default_party, "one place is enough");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_by_himself_keeps_a_place_too() {
    each(async |db| {
        let one = process(&db);
        let (bob, ada) = (one.person("bob").await, one.signed_up(ADA).await);
        let owner = one.session(ada.user.id).await;
        one.join(&owner, ada.default_party, &bob, "viewer").await;
        let role = RoleName::Name("owner".to_owned());
        one.accounts.member_role_set(&owner, ada.default_party, bob.user.id, &role).await.unwrap();
        one.accounts.member_remove(&owner, ada.default_party, ada.user.id).await.unwrap();
        assert_ne!(one.session(ada.user.id).await.party_id, ada.default_party);
    })
    .await;
}

//! Two organisations with the same people: what is done in one changes nothing in the other, and shows nothing of it.

use crate::stale::state;
use crate::{Process, process};
use farebox_accounts::{Caller, InviteCreate, KeyCreate, Page, RoleCreate, RoleName, RolePatch};
use farebox_base::{ApiKeyId, InviteId, Kind, PartyId, Result, RoleId, UserId};
use farebox_testkit::engines::each;

/// An organisation with a key of carol's, a role `Lab` that nobody has, and an invitation to dan.
struct Place {
    party: PartyId,
    owner: Caller,
    key: ApiKeyId,
    role: RoleId,
    invite: InviteId,
}

fn lab() -> RoleCreate {
    RoleCreate { name: "Lab".to_owned(), description: None, permissions: vec!["org.read".to_owned()] }
}

fn to_dan() -> InviteCreate {
    InviteCreate { email: "dan@example.com".to_owned(), role: Some("Lab".to_owned()) }
}

fn kind<T>(outcome: Result<T>) -> Option<Kind> {
    outcome.err().map(|error| error.kind)
}

impl Process {
    /// An organisation of a new owner's, with carol as an editor and bob as an admin.
    async fn place(
        &self,
        owner: &str,
        carol: &farebox_accounts::Registered,
        bob: &farebox_accounts::Registered,
    ) -> Place {
        let registered = self.person(owner).await;
        let party = registered.party.id;
        let owner = self.session(registered.user.id).await;
        self.join(&owner, party, bob, "admin").await;
        let editor = self.join(&owner, party, carol, "editor").await;
        let (_, key) = self.key(&editor, party, None).await;
        let role = self.accounts.role_create(&owner, party, &lab()).await.unwrap().id;
        let by_bob = self.session(bob.user.id).await;
        let invite = self.accounts.invite_create(&by_bob, party, &to_dan()).await.unwrap().id;
        Place { party, owner, key: key.api_key_id().unwrap(), role, invite }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_in_one_organisation_changes_nothing_in_another() {
    each(async |db| {
        let here = process(&db);
        let (bob, carol) = (here.person("bob").await, here.person("carol").await);
        let a = here.place("ada", &carol, &bob).await;
        let b = here.place("eve", &carol, &bob).await;
        let accounts = &here.accounts;
        let before = state(&here, b.party).await;
        let (party, owner) = (a.party, &a.owner);
        let named = |name: &str| RoleName::Name(name.to_owned());
        let renamed = RolePatch { name: Some("Desk".to_owned()), permissions: Some(vec![]), ..RolePatch::default() };
        let scopes = ["keys.write".to_owned()];
        let steps: [(&str, Option<Kind>); 9] = [
            ("key_scopes_set", kind(accounts.key_scopes_set(owner, party, a.key, &scopes).await)),
            ("key_revoke", kind(accounts.key_revoke(owner, party, a.key).await)),
            ("invite_create", kind(accounts.invite_create(owner, party, &to_dan()).await)),
            ("role_update", kind(accounts.role_update(owner, party, a.role, &renamed).await)),
            ("role_delete", kind(accounts.role_delete(owner, party, a.role).await)),
            ("member_role_set", kind(accounts.member_role_set(owner, party, carol.user.id, &named("viewer")).await)),
            (
                "invite_create",
                kind(accounts.invite_create(owner, party, &InviteCreate { role: None, ..to_dan() }).await),
            ),
            ("member_remove", kind(accounts.member_remove(owner, party, carol.user.id).await)),
            ("member_remove", kind(accounts.member_remove(owner, party, bob.user.id).await)),
        ];
        for (step, refused) in steps {
            assert_eq!(refused, None, "{step}");
        }
        assert_eq!(state(&here, b.party).await, before);
        let invites = accounts.invites_list(party, Page::first(10)).await.unwrap();
        assert!(invites.items.iter().all(|one| one.party_id == party));
        let keys = accounts.keys_list(party, Page::first(10)).await.unwrap();
        let members = accounts.members_list(party, Page::first(10)).await.unwrap();
        let count = |listed: usize, total: u64| assert_eq!(u64::try_from(listed).unwrap(), total);
        count(invites.items.len(), invites.total);
        count(keys.items.len(), keys.total);
        count(members.items.len(), members.total);
        assert_eq!((members.total, keys.total), (1, 1), "the owner with the first key");
        assert_eq!(accounts.roles_list(party).await.unwrap().len(), 4, "the built-in ones");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn things_of_another_organisation_are_not_there_for_an_owner() {
    each(async |db| {
        let here = process(&db);
        let (bob, carol) = (here.person("bob").await, here.person("carol").await);
        let (a, b) = (here.place("ada", &carol, &bob).await, here.place("eve", &carol, &bob).await);
        let dora = here.person("dora").await;
        here.join(&b.owner, b.party, &dora, "viewer").await;
        let only = RoleCreate { name: "Only there".to_owned(), ..lab() };
        here.accounts.role_create(&b.owner, b.party, &only).await.unwrap();
        let (accounts, owner, party) = (&here.accounts, &a.owner, a.party);
        let before = state(&here, b.party).await;
        let scopes = ["keys.write".to_owned()];
        let patch = RolePatch::default();
        let stranger: UserId = dora.user.id;
        let there = |name: &str| RoleName::Name(name.to_owned());
        let tries = [
            kind(accounts.key_revoke(owner, party, b.key).await),
            kind(accounts.key_scopes_set(owner, party, b.key, &scopes).await),
            kind(accounts.invite_revoke(owner, party, b.invite).await),
            kind(accounts.role(party, b.role).await),
            kind(accounts.role_update(owner, party, b.role, &patch).await),
            kind(accounts.role_delete(owner, party, b.role).await),
            kind(accounts.member_role_set(owner, party, stranger, &there("viewer")).await),
            kind(accounts.member_remove(owner, party, stranger).await),
            kind(accounts.member_role_set(owner, party, carol.user.id, &RoleName::Id(b.role)).await),
            kind(accounts.member_role_set(owner, party, carol.user.id, &there("Only there")).await),
        ];
        assert_eq!(tries, [Some(Kind::NotFound); 10]);
        let invite = InviteCreate { email: "new@example.com".to_owned(), role: Some("Only there".to_owned()) };
        assert_eq!(kind(accounts.invite_create(owner, party, &invite).await), Some(Kind::Invalid));
        assert_eq!(state(&here, b.party).await, before);
        // A member there may be invited here, and a name that is taken there is free here.
        let invite = InviteCreate { email: dora.user.email.clone(), role: None };
        assert_eq!(kind(accounts.invite_create(owner, party, &invite).await), None);
        let renamed = RolePatch { name: Some("Only there".to_owned()), ..RolePatch::default() };
        assert_eq!(kind(accounts.role_update(owner, party, a.role, &renamed).await), None);
        // What is pending there bars nobody here.
        here.invite(&b.owner, b.party, "boss@example.com", Some("owner")).await;
        let admin = here.session(bob.user.id).await;
        let invite = InviteCreate { email: "boss@example.com".to_owned(), role: None };
        assert_eq!(kind(accounts.invite_create(&admin, party, &invite).await), None);
        assert_eq!(kind(accounts.invite_create(&admin, b.party, &invite).await), Some(Kind::Forbidden));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_organisation_has_used_up_another_one_still_has() {
    each(async |db| {
        let here = process(&db);
        let (bob, carol) = (here.person("bob").await, here.person("carol").await);
        let (a, b) = (here.place("ada", &carol, &bob).await, here.place("eve", &carol, &bob).await);
        let role = |n: usize| RoleCreate { name: format!("Role {n}"), ..lab() };
        for n in 1..100 {
            here.accounts.role_create(&a.owner, a.party, &role(n)).await.unwrap();
        }
        assert_eq!(kind(here.accounts.role_create(&a.owner, a.party, &role(100)).await), Some(Kind::Invalid));
        assert_eq!(kind(here.accounts.role_create(&b.owner, b.party, &role(100)).await), None);
        let invite = |n: usize| InviteCreate { email: format!("nr-{n}@example.com"), role: None };
        let mut sent = 0;
        while kind(here.accounts.invite_create(&a.owner, a.party, &invite(sent)).await).is_none() {
            sent += 1;
        }
        assert_eq!(sent, 97, "with those to bob, carol and dan a hundred in a day");
        let over = here.accounts.invite_create(&a.owner, a.party, &invite(sent)).await;
        assert_eq!(kind(over), Some(Kind::TooManyRequests));
        assert_eq!(kind(here.accounts.invite_create(&b.owner, b.party, &invite(sent)).await), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_of_one_organisation_more_reaches_no_further_in_the_others() {
    each(async |db| {
        let here = process(&db);
        let (bob, carol) = (here.person("bob").await, here.person("carol").await);
        let (a, b) = (here.place("ada", &carol, &bob).await, here.place("eve", &carol, &bob).await);
        // An owner at home and an editor there: what he is at home counts for nothing there.
        let session = here.session(carol.user.id).await;
        for place in [&a, &b] {
            let made =
                here.accounts.role_create(&session, place.party, &RoleCreate { name: "X".to_owned(), ..lab() }).await;
            assert_eq!(kind(made), Some(Kind::Forbidden));
        }
        let create = KeyCreate { name: "mine".to_owned(), ..KeyCreate::default() };
        assert_eq!(kind(here.accounts.key_create(&session, carol.party.id, &create).await), None);
    })
    .await;
}

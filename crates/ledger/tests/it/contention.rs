//! Many writers on one account, on each engine.

use farebox_base::{Micros, PartyId, Timestamp};
use farebox_db::Db;
use farebox_ledger::{AccountId, Hold, HoldOutcome, Leg, Outcome, Post, PostOutcome, Transfer, TransferKind};
use farebox_testkit::engines;

const NOW: Timestamp = Timestamp::from_micros(1_700_000_000_000_000);

fn party(n: u128) -> PartyId {
    PartyId::from_uuid(uuid::Uuid::from_u128(n))
}

fn transfer(id: &str, from: AccountId, to: AccountId, amount: i64) -> Transfer {
    let legs =
        vec![Leg { account: from, amount: Micros::new(-amount) }, Leg { account: to, amount: Micros::new(amount) }];
    Transfer { id: id.to_owned(), kind: TransferKind::AdminGrant, legs, listing: None, memo: String::new() }
}

async fn fund(db: &Db, amount: i64) {
    let movement = transfer("fund", AccountId::outside("operator"), AccountId::funded(party(1)), amount);
    assert_eq!(farebox_ledger::transfer::transfer(db, &movement, NOW).await.unwrap(), Outcome::Created);
}

async fn assert_clean(db: &Db) {
    let mut findings = farebox_ledger::check::check(db).await.unwrap();
    findings.extend(farebox_ledger::check::check_deep(db, |_| {}).await.unwrap().findings);
    for finding in findings {
        assert_eq!(finding.broken, 0, "{}: {:?}", finding.invariant, finding.examples);
    }
}

async fn hold_and_post(db: Db, n: u32) -> bool {
    let hold = Hold {
        id: format!("hold-{n}"),
        sources: vec![AccountId::promotional(party(1)), AccountId::funded(party(1))],
        amount: Micros::new(10),
        expires_at: NOW.plus(std::time::Duration::from_secs(60)),
    };
    match farebox_ledger::hold::hold(&db, &hold, NOW).await.unwrap() {
        HoldOutcome::Created => {}
        HoldOutcome::Insufficient { .. } => return false,
        other => panic!("{other:?}"),
    }
    let legs = vec![Leg { account: AccountId::earnings(party(2)), amount: Micros::new(10) }];
    let transfer =
        Transfer { id: format!("post-{n}"), kind: TransferKind::Call, legs, listing: None, memo: String::new() };
    let post = Post { hold_id: hold.id, transfer };
    assert_eq!(farebox_ledger::hold::post(&db, &post, NOW).await.unwrap(), PostOutcome::Created);
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_as_many_holds_as_the_balance_pays_for() {
    engines::each(async |db: Db| {
        fund(&db, 500).await;
        let tasks: Vec<_> = (0..120).map(|n| tokio::spawn(hold_and_post(db.clone(), n))).collect();
        let mut paid = 0;
        for task in tasks {
            paid += u32::from(task.await.unwrap());
        }
        assert_eq!(paid, 50);
        let left = farebox_ledger::balance::balance_get(&db, &AccountId::funded(party(1))).await.unwrap();
        assert_eq!((left.posted, left.held), (Micros::ZERO, Micros::ZERO));
        assert_clean(&db).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_id_sent_many_times_at_once_moves_money_once() {
    engines::each(async |db: Db| {
        fund(&db, 1_000).await;
        let movement = transfer("pay", AccountId::funded(party(1)), AccountId::earnings(party(2)), 7);
        let tasks: Vec<_> = (0..40)
            .map(|_| {
                let (db, movement) = (db.clone(), movement.clone());
                tokio::spawn(async move { farebox_ledger::transfer::transfer(&db, &movement, NOW).await.unwrap() })
            })
            .collect();
        let mut created = 0;
        for task in tasks {
            match task.await.unwrap() {
                Outcome::Created => created += 1,
                Outcome::Exists => {}
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(created, 1);
        assert_clean(&db).await;
    })
    .await;
}

async fn granted(db: Db, n: u128) {
    for round in 0..20 {
        let to = AccountId::funded(party(n));
        let movement = transfer(&format!("grant-{n}-{round}"), AccountId::outside("operator"), to, 5);
        let mut tx = db.begin(farebox_db::Isolation::ReadCommitted).await.unwrap();
        let moved = farebox_ledger::transfer::transfer_in(&mut tx, &movement, NOW).await;
        assert_eq!(tx.finish(moved).await.unwrap(), Outcome::Created);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn batches_of_writers_that_wait_for_each_other_are_one_chain() {
    engines::each(async |db: Db| {
        let tasks: Vec<_> = (1..=8).map(|n| tokio::spawn(granted(db.clone(), n))).collect();
        for task in tasks {
            task.await.unwrap();
        }
        assert_clean(&db).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_book_is_found_and_named() {
    engines::each(async |db: Db| {
        fund(&db, 100).await;
        let mut tx = db.begin(farebox_db::Isolation::Serializable).await.unwrap();
        tx.execute("UPDATE balance SET posted = posted + 1", &[]).await.unwrap();
        tx.commit().await.unwrap();
        let broken: Vec<_> =
            farebox_ledger::check::check(&db).await.unwrap().into_iter().filter(|f| f.broken > 0).collect();
        let names: Vec<_> = broken.iter().map(|finding| finding.invariant).collect();
        assert_eq!(
            names,
            [
                "each account's entries are one row that ends in its balance",
                "each stored balance is the sum of its account's entries"
            ]
        );
        assert!(broken.iter().all(|finding| finding.examples == [AccountId::funded(party(1)).text()]));
    })
    .await;
}

//! Payments that others have left: taken up side by side, and forgotten when nobody can ask for them any more.

use crate::stage::{AMOUNT, Stage};
use farebox_base::{Clock as _, SystemClock};
use farebox_db::sql;
use farebox_testkit::engines::TestDb;
use farebox_x402::Reason;
use farebox_x402::facilitator::Earlier;
use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;
use uuid::Uuid;

/// After which everything that is pending is asked for again.
const AGAIN: Duration = Duration::from_secs(60);

const CREDITED: &str = sql!("SELECT COUNT(*) FROM transfer WHERE kind = 'crypto_deposit'");

#[tokio::test(flavor = "multi_thread")]
async fn fifty_payments_on_a_slow_chain_end_within_a_few_of_its_delays_the_oldest_first() {
    for place in TestDb::all().await {
        let delay = Duration::from_millis(500);
        let stage = Stage::set(&place, delay).await;
        for n in 1..=50 {
            stage.begin(n).await;
        }
        assert_eq!(stage.resume().await, 0, "what is pending has not ended");
        stage.clock.advance(AGAIN);
        stage.slow.is_stuck.store(false, Ordering::SeqCst);
        let clock = SystemClock::default();
        let began = clock.ticks();
        assert_eq!(stage.resume().await, 50);
        let took = clock.ticks().since(began);
        assert!(took < delay * 12, "{took:?}");
        let at_once = stage.slow.at_once.load(Ordering::SeqCst);
        assert!((2..=16).contains(&at_once), "{at_once} at once");
        let begun: Vec<String> = stage.slow.begun.lock().iter().map(ToString::to_string).collect();
        assert_eq!(begun, stage.texts(sql!("SELECT id FROM payment ORDER BY earned_at")).await);
        assert_eq!(stage.resume().await, 0, "nothing is left");
        assert_eq!(stage.number(CREDITED).await, 50);
        assert_sound(&stage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn payments_that_stay_open_keep_no_later_one_waiting() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place, Duration::ZERO).await;
        for n in 1..=102 {
            stage.begin(n).await;
        }
        let stuck: HashSet<Uuid> = stage.slow.asked.lock().drain(..).map(|(id, _)| id).collect();
        *stage.slow.stuck.lock() = stuck;
        stage.begin(103).await;
        stage.slow.is_stuck.store(false, Ordering::SeqCst);
        let mut rounds = 0;
        while stage.number(CREDITED).await == 0 {
            rounds += 1;
            assert!(rounds < 4, "the last payment has no turn");
            stage.clock.advance(Duration::from_secs(2));
            stage.resume().await;
        }
        // In a minute of rounds each second, those that stay open are asked for a few times each.
        stage.slow.asked.lock().clear();
        for _ in 0..60 {
            stage.clock.advance(Duration::from_secs(1));
            assert_eq!(stage.resume().await, 0);
        }
        let asked = stage.slow.asked.lock().len();
        assert!((2 * 102..=6 * 102).contains(&asked), "{asked}");
        assert_sound(&stage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_network_that_answers_nothing_keeps_no_other_one_waiting() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place, Duration::ZERO).await;
        for n in 1..=110 {
            stage.begin(n).await;
        }
        stage.begin_on("base", 1).await;
        stage.other.is_stuck.store(false, Ordering::SeqCst);
        assert_eq!(stage.resume().await, 1, "the first round takes up both networks");
        assert_eq!(stage.number(CREDITED).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_up_counts_as_sent_and_a_doubt_is_remembered() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place, Duration::ZERO).await;
        stage.begin(1).await;
        *stage.slow.doubt.lock() = Some(Reason::ExactNonceUsed);
        for _ in 0..2 {
            stage.clock.advance(AGAIN);
            assert_eq!(stage.resume().await, 0);
        }
        let earlier: Vec<Earlier> = stage.slow.asked.lock().iter().map(|(_, earlier)| *earlier).collect();
        assert_eq!(earlier, [Earlier::No, Earlier::Maybe, Earlier::Doubted]);
        let rows = stage.texts(sql!("SELECT reason FROM payment WHERE state = 'earned'")).await;
        assert_eq!(rows, [Reason::ExactNonceUsed.code()]);
        stage.slow.is_stuck.store(false, Ordering::SeqCst);
        stage.clock.advance(AGAIN);
        assert_eq!(stage.resume().await, 1);
        assert_sound(&stage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_rounds_at_the_same_time_credit_each_payment_once() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place, Duration::from_millis(50)).await;
        for n in 1..=20 {
            stage.begin(n).await;
        }
        stage.slow.is_stuck.store(false, Ordering::SeqCst);
        tokio::join!(stage.resume(), stage.resume());
        assert_eq!(stage.number(CREDITED).await, 20);
        let credited = stage.number(sql!("SELECT CAST(SUM(amount) AS BIGINT) FROM entry WHERE amount > 0")).await;
        assert_eq!(credited, 20 * i64::try_from(AMOUNT).unwrap());
        assert_sound(&stage).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ended_long_ago_is_forgotten_and_what_may_be_asked_for_is_not() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place, Duration::ZERO).await;
        for (id, state, days) in [
            ("settled-old", "settled", 31),
            ("settled-older", "settled", 61),
            ("refused-old", "not_taken", 31),
            ("settled-lately", "settled", 29),
            ("begun-old", "begun", 400),
        ] {
            settlement(&stage, id, state, days).await;
        }
        stage.begin(1).await;
        let pending = stage.texts(sql!("SELECT id FROM payment")).await.remove(0);
        for (id, state, days) in [
            ("settled-older", "mined", 61),
            ("failed-older", "failed", 61),
            ("settled-old", "mined", 59),
            ("begun-old", "mined", 400),
            (&*pending, "mined", 400),
            ("flying-old", "broadcast", 400),
        ] {
            transaction(&stage, id, state, days).await;
        }
        assert_eq!(stage.calls.reconcile().await.unwrap().settlements_forgotten, 5);
        let settlements = stage.texts(sql!("SELECT id FROM x402_settlement ORDER BY id")).await;
        assert_eq!(settlements, ["begun-old", "settled-lately"]);
        let mut kept = vec!["begun-old", "flying-old", "settled-old", pending.as_str()];
        kept.sort_unstable();
        for table in [sql!("SELECT id FROM chain_transaction"), sql!("SELECT transaction_id FROM chain_replaced")] {
            let mut left = stage.texts(table).await;
            left.sort_unstable();
            assert_eq!(left, kept, "{table}");
        }
        assert_eq!(stage.calls.reconcile().await.unwrap().settlements_forgotten, 0);
        assert_eq!(stage.texts(sql!("SELECT id FROM payment")).await, [pending]);
    }
}

fn days_ago(days: u64) -> farebox_base::Timestamp {
    SystemClock::default().now().minus(Duration::from_secs(days * 86_400))
}

async fn settlement(stage: &Stage, id: &str, state: &str, days: u64) {
    let mut tx = stage.db.begin(farebox_db::Isolation::ReadCommitted).await.unwrap();
    let insert = sql!(
        "INSERT INTO x402_settlement (id, nonce, network, token, payer, pay_to, amount, fingerprint, state, created_at, updated_at)
         VALUES ($1, $1, 'eip155:84532', '', '', '', '1', $2, $3, $4, $4)"
    );
    let params = [id.into(), [0_u8; 32].as_slice().into(), state.into(), days_ago(days).into()];
    tx.execute_one(insert, &params).await.unwrap();
    tx.commit().await.unwrap();
}

/// A transaction of which one form was replaced.
async fn transaction(stage: &Stage, id: &str, state: &str, days: u64) {
    let mut tx = stage.db.begin(farebox_db::Isolation::ReadCommitted).await.unwrap();
    let insert = sql!(
        "INSERT INTO chain_transaction (id, network, wallet, nonce, state, tx_hash, raw, signed_at, created_at, updated_at)
         VALUES ($1, 'eip155:84532', '', 1, $2, '', $3, $4, $4, $4)"
    );
    let (raw, at): (&[u8], _) = (&[1], days_ago(days));
    tx.execute_one(insert, &[id.into(), state.into(), raw.into(), at.into()]).await.unwrap();
    let older = sql!("INSERT INTO chain_replaced (transaction_id, tx_hash, raw, signed_at) VALUES ($1, 'h', $2, $3)");
    tx.execute_one(older, &[id.into(), raw.into(), at.into()]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn assert_sound(stage: &Stage) {
    let mut findings = farebox_ledger::check::check(&stage.db).await.unwrap();
    findings.extend(farebox_calls::check(&stage.db).await.unwrap());
    for finding in findings {
        assert_eq!(finding.broken, 0, "{}: {:?}", finding.invariant, finding.examples);
    }
}

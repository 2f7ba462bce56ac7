//! A database that fails: nothing is written twice, what can be written later is, and nobody waits without end.

use super::{breaches, clock, line, log};
use farebox_audit::{AuditLog, Counts, NewLine};
use farebox_db::{DbError, Point};
use farebox_testkit::engines::{self, TestDb};
use farebox_testkit::faults::Strikes;
use std::sync::Arc;
use std::time::Duration;

async fn each(test: impl AsyncFn(AuditLog, &Strikes, farebox_db::Db)) {
    for place in TestDb::all().await {
        let strikes = Arc::new(Strikes::default());
        let db = place.open(strikes.clone());
        test(log(&db, &clock(), 1), &strikes, db).await;
    }
}

async fn until(log: &AuditLog, what: &str, holds: impl Fn(Counts) -> bool) {
    for _ in 0..1_000 {
        if holds(log.counts()) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what}, ten seconds later: {:?}", log.counts());
}

#[tokio::test]
async fn a_line_whose_commit_was_not_answered_is_there_once() {
    each(async |log, strikes, db| {
        strikes.plan(Point::AfterCommit, 1, DbError::CommitUnknown("the answer was lost".to_owned()));
        log.record(line("once")).await;
        log.record(line("then")).await;
        assert_eq!((log.counts().written, log.counts().late), (2, 0));
        let found = db.query("SELECT request_id FROM audit_line ORDER BY seq", &[]).await.unwrap();
        let ids: Vec<&str> = found.iter().map(|row| row.get(0).unwrap()).collect();
        assert_eq!(ids, ["once", "then"]);
        assert_eq!(breaches(&db).await.0, 0);
    })
    .await;
}

#[tokio::test]
async fn on_a_full_disk_the_answer_goes_on_and_the_line_is_written_when_there_is_room() {
    each(async |log, strikes, db| {
        strikes.plan(Point::BeforeCommit, u32::MAX, DbError::Full("no space".to_owned()));
        log.record(line("kept")).await;
        assert_eq!(log.counts(), Counts { late: 1, kept: 1, ..Counts::default() });
        strikes.plan(Point::BeforeCommit, 0, DbError::Serialization);
        until(&log, "the line is written", |counts| counts.written == 1 && counts.kept == 0).await;
        assert_eq!(breaches(&db).await, (0, String::new()));
    })
    .await;
}

#[tokio::test]
async fn what_the_database_refuses_for_good_is_lost_counted_and_takes_no_other_line_with_it() {
    each(async |log, _, db| {
        let wrong = NewLine { action: "a\0b".to_owned(), ..line("wrong") };
        tokio::join!(log.record(line("before")), log.record(wrong), log.record(line("after")));
        let counts = log.counts();
        assert_eq!((counts.written, counts.lost, counts.kept), (2, 1, 0));
        assert_eq!(breaches(&db).await.0, 0);
    })
    .await;
}

#[tokio::test]
async fn a_line_is_written_though_nobody_waits_for_it_and_at_the_end_too() {
    engines::each(async |db| {
        let log = log(&db, &clock(), 1);
        drop(log.record(line("unwaited")));
        log.stop().await;
        assert_eq!(log.counts().written, 1);
        log.record(line("too late")).await;
        assert_eq!((log.counts().lost, log.counts().late), (1, 1));
    })
    .await;
}

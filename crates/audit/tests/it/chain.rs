//! The chain: one over all processes, and every change of a line is found.

use super::{breaches, clock, line, log};
use farebox_audit::{AuditLog, check_deep};
use farebox_db::{Db, Engine, Isolation, NoFaults};
use farebox_testkit::engines::{self, TestDb};
use std::sync::Arc;

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_several_processes_make_one_chain_without_a_gap() {
    for place in TestDb::all().await {
        let db = place.open(Arc::new(NoFaults));
        // A file has one process; a server has several, each with connections of its own.
        let others = if place.engine() == Engine::Sqlite { db.clone() } else { place.open(Arc::new(NoFaults)) };
        let clock = clock();
        let logs: Vec<AuditLog> = [(&db, 1), (&others, 2), (&others, 3)].map(|(db, seed)| log(db, &clock, seed)).into();
        let mut tasks = tokio::task::JoinSet::new();
        for n in 0..300 {
            let log = logs[n % logs.len()].clone();
            tasks.spawn(async move { log.record(line(&format!("r{n}"))).await });
        }
        tasks.join_all().await;
        assert_eq!(breaches(&db).await, (0, String::new()), "{:?}", place.engine());
        let checked = check_deep(&db, |_| {}).await.unwrap();
        assert_eq!((checked.lines, checked.hash.len()), (300, 64));
        assert!(checked.findings.iter().all(|finding| finding.checked == 300));
        let late: u64 = logs.iter().map(|log| log.counts().late).sum();
        assert_eq!(late, 0, "every line was durable before its answer went on");
    }
}

async fn run(db: &Db, statements: &[&'static str]) {
    for statement in statements {
        let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
        tx.execute(statement, &[]).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// What somebody does who may do everything in the database.
async fn disarm(db: &Db) {
    let statements: &[&'static str] = match db.engine() {
        Engine::Sqlite => &[
            "DROP TRIGGER audit_line_stays",
            "DROP TRIGGER audit_line_remains",
            "DROP TRIGGER audit_mark_stays",
            "DROP TRIGGER audit_mark_remains",
        ],
        Engine::Postgres => {
            &["ALTER TABLE audit_line DISABLE TRIGGER ALL", "ALTER TABLE audit_mark DISABLE TRIGGER ALL"]
        }
    };
    run(db, statements).await;
}

async fn with_lines(db: &Db, count: usize) {
    let log = log(db, &clock(), 1);
    for n in 0..count {
        log.record(line(&format!("r{n}"))).await;
    }
    log.stop().await;
}

#[tokio::test]
async fn a_change_of_any_field_is_found_and_names_its_line() {
    let changes = [
        "UPDATE audit_line SET id = 'other' WHERE seq = 1",
        "UPDATE audit_line SET at = at + 1 WHERE seq = 2",
        "UPDATE audit_line SET actor_type = 'api_key' WHERE seq = 3",
        "UPDATE audit_line SET error = NULL WHERE seq = 4",
        "UPDATE audit_line SET address = '127.0.0.2' WHERE seq = 5",
        "UPDATE audit_line SET user_agent = '' WHERE seq = 6",
        "UPDATE audit_line SET request_id = 'none' WHERE seq = 7",
        "UPDATE audit_line SET metadata = '{}' WHERE seq = 8",
        "UPDATE audit_line SET status = 'denied' WHERE seq = 9",
        "UPDATE audit_line SET action = 'update_publisher' WHERE seq = 10",
        "UPDATE audit_line SET category = 'other' WHERE seq = 11",
        "UPDATE audit_line SET resource_type = 'service' WHERE seq = 12",
        "UPDATE audit_line SET resource_id = NULL WHERE seq = 13",
        "UPDATE audit_line SET actor_id = NULL WHERE seq = 14",
        "UPDATE audit_line SET party_id = NULL WHERE seq = 15",
    ];
    engines::each(async |db| {
        with_lines(&db, 20).await;
        assert_eq!(breaches(&db).await.0, 0);
        disarm(&db).await;
        run(&db, &changes).await;
        let checked = check_deep(&db, |_| {}).await.unwrap();
        let hashes = &checked.findings[0];
        assert_eq!((hashes.broken, hashes.checked), (15, 20), "{hashes:?}");
        assert!(hashes.examples[0].starts_with("line 1 (") && hashes.examples[1].starts_with("line 2 ("), "{hashes:?}");
    })
    .await;
}

#[tokio::test]
async fn a_line_that_is_gone_moved_or_hidden_from_its_lists_is_found() {
    for (change, expected) in [
        ("DELETE FROM audit_line WHERE seq = 3", "line 3 is missing"),
        ("DELETE FROM audit_line WHERE seq = 5", "the log ends at line 4, not 5"),
        ("UPDATE audit_line SET hash = CAST('x' AS BYTEA) WHERE seq = 2", "line 2 ("),
        ("UPDATE audit_head SET lines = 4 WHERE id = 0", "there are lines behind line 4"),
        ("UPDATE audit_head SET hash = CAST('x' AS BYTEA) WHERE id = 0", "the head, which is not the hash of line 5"),
        ("DELETE FROM audit_mark WHERE seq = 3 AND no = 3", "is missing from a list"),
        ("UPDATE audit_mark SET no = 9 WHERE seq = 4", "line 4 is misnumbered in a list"),
        ("INSERT INTO audit_mark (list, seq, no) VALUES (1, 1, 1)", "entries, not"),
    ] {
        engines::each(async |db| {
            with_lines(&db, 5).await;
            disarm(&db).await;
            // The type has another name on the other engine.
            let change = match (db.engine(), change.contains("BYTEA")) {
                (Engine::Sqlite, true) => &*change.replace("BYTEA", "BLOB").leak(),
                _ => change,
            };
            run(&db, &[change]).await;
            let (broken, examples) = breaches(&db).await;
            assert!(broken > 0 && examples.contains(expected), "{change}: {examples}");
        })
        .await;
    }
}

#[tokio::test]
async fn the_database_refuses_to_change_or_remove_a_line() {
    engines::each(async |db| {
        with_lines(&db, 2).await;
        for statement in [
            "UPDATE audit_line SET status = 'success'",
            "DELETE FROM audit_line WHERE seq = 2",
            "UPDATE audit_mark SET no = no + 1",
            "DELETE FROM audit_mark",
        ] {
            let mut tx = db.begin(Isolation::ReadCommitted).await.unwrap();
            let error = tx.execute(statement, &[]).await.unwrap_err().to_string();
            assert!(error.contains("audit lines are append-only"), "{statement}: {error}");
        }
        assert_eq!(breaches(&db).await.0, 0);
    })
    .await;
}

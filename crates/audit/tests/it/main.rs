//! The audit log on both engines.

#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

mod chain;
mod list;
mod trouble;

use farebox_audit::{Actor, AuditLog, AuditParts, NewLine, Status, check_deep};
use farebox_base::{ManualClock, PartyId, SeededRng, Timestamp, UserId};
use farebox_db::Db;
use std::sync::Arc;
use uuid::Uuid;

fn party(n: u128) -> PartyId {
    PartyId::from_uuid(Uuid::from_u128(n))
}

fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::at(Timestamp::from_micros(1_773_914_400_000_000)))
}

fn log(db: &Db, clock: &Arc<ManualClock>, seed: u64) -> AuditLog {
    let parts = AuditParts { db: db.clone(), clock: clock.clone(), rng: Arc::new(SeededRng::new(seed)) };
    AuditLog::start(parts).unwrap()
}

/// A line of organisation 1 by user 7.
fn line(request_id: &str) -> NewLine {
    let mut metadata = serde_json::Map::new();
    metadata.insert("http_status".to_owned(), 201.into());
    NewLine {
        party: Some(party(1)),
        actor: Actor::User(UserId::from_uuid(Uuid::from_u128(7))),
        action: "create_publisher".to_owned(),
        category: "listing".to_owned(),
        resource_type: "publisher".to_owned(),
        resource_id: Some(Uuid::from_u128(9)),
        status: Status::Success,
        error: Some("none".to_owned()),
        address: Some(std::net::Ipv4Addr::LOCALHOST.into()),
        user_agent: Some("tests/1".to_owned()),
        request_id: Some(request_id.to_owned()),
        metadata,
    }
}

/// How many breaches the check finds, and the examples of all.
async fn breaches(db: &Db) -> (i64, String) {
    let checked = check_deep(db, |_| {}).await.unwrap();
    let broken = checked.findings.iter().map(|finding| finding.broken).sum();
    (broken, checked.findings.into_iter().flat_map(|finding| finding.examples).collect::<Vec<_>>().join("; "))
}

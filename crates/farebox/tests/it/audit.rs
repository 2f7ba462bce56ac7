//! The audit log of the whole server: what leaves a line, what is in it, and what never is.

use crate::command::{farebox, text};
use farebox_api_kit::{DoorId, Probe, probes};
use farebox_audit::{Actor, AuditLog, AuditParts, NewLine, Status};
use farebox_base::{PartyId, SystemClock, SystemRng};
use farebox_db::{Db, NoFaults};
use farebox_testkit::app::{Agent, Ask, TestApp};
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::Arc;

/// So many that none is left out.
const ALL_REFUSALS: (&str, &str) = ("limits.audited_refusals_per_minute", "100000000");
/// What is sent wherever a request has room for it.
const SECRET: &str = "hunter2-d41d8cd98f00b204";

/// Requests to every operation that changes something, as the table has them.
fn audited() -> Vec<Probe> {
    let operations = farebox_api::operations();
    let row = |probe: &Probe| operations.iter().find(|op| op.id == probe.id && op.door == probe.door).unwrap();
    let mut all = probes(&operations);
    all.retain(|probe| row(probe).is_audited(&probe.method));
    all
}

/// The lines of a request: status, door, whether they have an actor.
async fn lines_of(app: &TestApp, request_id: &str) -> Vec<(String, String, bool)> {
    let rows =
        app.app.db.query("SELECT request_id, status, metadata, actor_id FROM audit_line ORDER BY seq", &[]).await;
    let rows = rows.unwrap();
    let own = rows.iter().filter(|row| row.get::<Option<&str>>(0).unwrap() == Some(request_id));
    own.map(|row| {
        let metadata: Value = serde_json::from_str(row.get(2).unwrap()).unwrap();
        let actor: Option<&str> = row.get(3).unwrap();
        (row.get(1).unwrap(), metadata["door"].as_str().unwrap().to_owned(), actor.is_some())
    })
    .collect()
}

/// Everything that the log holds, as one text.
async fn whole_log(db: &Db) -> String {
    let rows = db.query("SELECT * FROM audit_line ORDER BY seq", &[]).await.unwrap();
    rows.iter().map(|row| format!("{:?}\n", row.values())).collect()
}

fn secretive(probe: &Probe) -> Ask {
    let names = [
        "password",
        "new_password",
        "current_password",
        "token",
        "refresh_token",
        "secret",
        "client_secret",
        "api_key",
        "key_id",
        "name",
        "email",
        "owner_id",
        "slug",
        "sql",
        "query",
        "connectionString",
        "status",
        "code",
        "state",
        "walletAddress",
        "agentWallet",
        "price_per_call",
        "endpoint",
        "scopes",
        "expires_in_days",
        "role",
    ];
    let body = names.iter().map(|name| ((*name).to_owned(), json!(SECRET))).collect();
    Ask::new(probe.method.clone(), format!("{}?token={SECRET}&code={SECRET}", probe.path))
        .json(Value::Object(body))
        .with("Idempotency-Key", SECRET)
        .with("Cookie", format!("session={SECRET}"))
}

/// What a reply's status is in the log.
fn word(status: u16) -> &'static str {
    match status {
        401 | 403 | 429 => "denied",
        400.. => "failure",
        _ => "success",
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_that_changes_something_leaves_one_line_for_every_request_and_no_secret_in_it() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[ALL_REFUSALS]).await;
        let agent = app.agent("Prober").await;
        let narrow = json!({ "name": "narrow", "scopes": ["account.read"] });
        let narrow = app.expect(&Ask::post("/organizations/default/api-keys", narrow).key(&agent.key), 201).await;
        let mut doors = BTreeMap::new();
        for (n, probe) in audited().iter().enumerate() {
            *doors.entry(probe.door).or_insert(0) += 1;
            let narrow = narrow.at("/data/api_key");
            for (who, key) in [
                ("stranger", None),
                ("bad", Some("fbx_0123456789abcdef_00ff00ff00ff00ff")),
                ("narrow", Some(&*narrow)),
                ("agent", Some(&*agent.key)),
            ] {
                let request_id = format!("{who}-{n}");
                let ask = secretive(probe).with("X-Request-Id", &*request_id);
                let ask = key.map_or(ask.clone(), |key| ask.key(key));
                let got = app.ask(&ask).await;
                let lines = lines_of(&app, &request_id).await;
                let [(status, door, has_actor)] = &lines[..] else {
                    panic!("{} {} as {who}: {lines:?}, {}", probe.method, probe.path, got.text)
                };
                let expected = (word(got.status.as_u16()), probe.door.name());
                assert_eq!((status.as_str(), door.as_str()), expected, "{} as {who}: {}", probe.id, got.text);
                let is_known =
                    matches!(who, "agent" | "narrow") && !matches!(probe.access, farebox_base::Access::Public);
                assert!(*has_actor || !is_known, "{} as {who}", probe.id);
            }
        }
        let wanted = [DoorId::Platform, DoorId::Marketplace, DoorId::SqlGateway];
        assert!(wanted.iter().all(|door| doors.get(door).is_some_and(|count| *count >= 3)), "{doors:?}");
        let log = whole_log(&app.app.db).await;
        let halves =
            [agent.key.as_str(), &narrow.at("/data/api_key")].map(|key| key.rsplit('_').next().unwrap().to_owned());
        for secret in [SECRET, "00ff00ff00ff00ff", &halves[0], &halves[1]] {
            assert!(
                !log.contains(secret),
                "{secret} is in the log: {}",
                log.lines().find(|line| line.contains(secret)).unwrap()
            );
        }
        let checked = farebox_audit::check_deep(&app.app.db, |_| {}).await.unwrap();
        assert!(checked.findings.iter().all(|finding| finding.broken == 0), "{:?}", checked.findings);
    }
}

/// Requests that succeed, at all three doors.
async fn successes(app: &TestApp, agent: &Agent) -> Vec<(Ask, &'static str)> {
    let (_, id) = app.list(agent, "sold", "0.01").await;
    let key = json!({ "name": "second" });
    let key = app.expect(&Ask::post("/organizations/default/api-keys", key).key(&agent.key), 201).await;
    let service =
        json!({ "name": "n", "endpoint": format!("http://{}", app.upstream_address), "price_per_call": "0.05" });
    let database = Ask::post("/api/v1/keys", json!({ "owner_id": "somebody" }));
    let publisher = format!("/organizations/default/publishers/{id}");
    vec![
        (Ask::post("/auth/agent", json!({ "name": "New" })), "agent_register"),
        (app.listing(agent, "another", "0.01", &json!({})), "create_publisher"),
        (Ask::new(Method::PUT, &publisher).json(json!({ "name": "renamed" })).key(&agent.key), "update_publisher"),
        (Ask::new(Method::DELETE, &publisher).key(&agent.key), "delete_publisher"),
        (
            Ask::new(Method::DELETE, format!("/organizations/default/api-keys/{}", key.at("/data/id"))).key(&agent.key),
            "revoke_default_org_api_key",
        ),
        (Ask::post("/api/v1/services", service).key(&agent.key), "register_service"),
        (database, "create_key"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_leaves_one_line_that_says_who_did_what_to_which_thing() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Owner").await;
    let me = app.expect(&Ask::get("/auth/me").key(&agent.key), 200).await;
    for (ask, operation) in successes(&app, &agent).await {
        let got = app.ask(&ask.clone().with("X-Request-Id", operation).with("User-Agent", "tests/1")).await;
        assert!(got.status.is_success(), "{}\n{}", ask.curl(&app.base), got.text);
        let lines = lines_of(&app, operation).await;
        assert_eq!(lines.len(), 1, "{operation}: {lines:?}");
        assert_eq!(lines[0].0, "success", "{operation}");
    }
    let listed = format!("/organizations/{}/audit-logs", agent.party);
    let line = app.expect(&Ask::get(format!("{listed}?action=create_publisher&limit=1")).key(&agent.key), 200).await;
    let newest = |field: &str| line.at(&format!("/data/data/0/{field}"));
    for (field, expected) in [
        ("action_category", "listing".to_owned()),
        ("actor_id", me.at("/data/id")),
        ("actor_type", "user".to_owned()),
        ("ip_address", "127.0.0.1".to_owned()),
        ("metadata/api_key_id", me.at("/data/api_key_id")),
        ("metadata/door", "platform".to_owned()),
        ("metadata/http_status", "201".to_owned()),
        ("metadata/path", "/organizations/{organization_id}/publishers".to_owned()),
        ("organization_id", agent.party.to_string()),
        ("request_id", "create_publisher".to_owned()),
        ("resource_type", "publisher".to_owned()),
        ("status", "success".to_owned()),
        ("user_agent", "tests/1".to_owned()),
    ] {
        assert_eq!(newest(field), expected, "{field}: {}", line.text);
    }
    let made = app.expect(&Ask::get("/publishers/another"), 200).await;
    assert_eq!(newest("resource_id"), made.at("/data/id"), "the id of what was made");
    let registered = app.expect(&Ask::get(format!("{listed}?action=agent_register")).key(&agent.key), 200).await;
    assert_eq!(registered.at("/data/total"), "1", "the sign-up stands in the log of the organisation that it made");
    assert_eq!(registered.at("/data/data/0/actor_id"), me.at("/data/id"));
}

#[tokio::test(flavor = "multi_thread")]
async fn paid_calls_and_reading_leave_no_line() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Owner").await;
    app.list(&agent, "free", "0").await;
    let count = async || app.app.audit.counts().written;
    let before = count().await;
    app.expect(&Ask::post("/publishers/free/echo", json!({})).key(&agent.key), 200).await;
    app.expect(&Ask::get("/publishers/free").key(&agent.key), 200).await;
    app.expect(&Ask::get("/organizations/default/audit-logs").key(&agent.key), 200).await;
    app.ask(&Ask::post("/api/query", json!({})).key(&agent.key)).await;
    assert_eq!(count().await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_is_read_by_its_own_organisation_with_filters_and_exact_totals() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (owner, other) = (app.agent("Owner").await, app.agent("Other").await);
        for n in 0..7 {
            let made = Ask::post("/organizations/default/api-keys", json!({ "name": format!("k{n}") }));
            app.expect(&made.key(&owner.key), 201).await;
        }
        let (_, id) = app.list(&owner, "sold", "0.01").await;
        app.expect(&Ask::new(Method::DELETE, format!("/organizations/default/publishers/{id}")).key(&owner.key), 200)
            .await;
        app.expect(&Ask::new(Method::DELETE, format!("/organizations/default/publishers/{id}")).key(&other.key), 404)
            .await;
        let logs = format!("/organizations/{}/audit-logs", owner.party);
        let total = async |query: &str| {
            let got = app.expect(&Ask::get(format!("{logs}?{query}")).key(&owner.key), 200).await;
            got.at("/data/total")
        };
        for (query, expected) in [
            ("", "10"),
            ("resource_type=api_key", "7"),
            ("resource_type=api_key&action_category=access&status=success", "7"),
            ("resource_type=api_key&action_category=listing", "0"),
            ("action=create_default_org_api_key&limit=2&offset=6", "7"),
            (&format!("resource_id={id}"), "2"),
            (&format!("resource_id={id}&action=delete_publisher"), "1"),
            ("status=denied", "0"),
            ("start_date=2999-01-01", "0"),
            ("end_date=2999-01-01T00:00:00Z", "10"),
            ("end_date=2000-01-01", "0"),
            ("offset=1000000000", "10"),
        ] {
            assert_eq!(total(query).await, expected, "{query}");
        }
        let page = app.expect(&Ask::get(format!("{logs}?limit=2&offset=1")).key(&owner.key), 200).await;
        assert_eq!(
            (page.at("/data/data/0/action"), page.at("/data/limit"), page.at("/data/offset")),
            ("create_publisher".into(), "2".into(), "1".into())
        );
        let one = format!("{logs}/{}", page.at("/data/data/0/id"));
        let shown = app.expect(&Ask::get(&one).key(&owner.key), 200).await;
        assert_eq!(shown.at("/data"), page.at("/data/data/0"));
        for query in ["limit=0", "limit=101", "offset=-1", "status=odd", "start_date=yesterday", "actor_id=me"] {
            let got = app.expect(&Ask::get(format!("{logs}?{query}")).key(&owner.key), 400).await;
            assert_eq!(got.at("/field"), query.split('=').next().unwrap(), "{}", got.text);
        }
        app.expect(&Ask::get(format!("{logs}?action=%00&resource_type=%F0%9F%92%A5")).key(&owner.key), 400).await;
        for path in [logs.clone(), one.clone()] {
            app.expect(&Ask::get(&path), 401).await;
            app.expect(&Ask::get(&path).key(&other.key), 403).await;
        }
        let own = one.replace(&owner.party.to_string(), "default");
        app.expect(&Ask::get(&own).key(&other.key), 404).await;
        app.expect(&Ask::get(format!("{logs}/00000000-0000-7000-8000-000000000000")).key(&owner.key), 404).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refusals_is_counted_and_does_not_fill_the_log() {
    let app = TestApp::start(&TestDb::sqlite().await, &[("limits.audited_refusals_per_minute", "20")]).await;
    let written = app.app.audit.counts().written;
    let refused = Ask::post("/organizations/default/api-keys", json!({}));
    for _ in 0..100 {
        app.expect(&refused, 401).await;
    }
    let lines = app.app.audit.counts().written - written;
    assert!((20..40).contains(&lines), "{lines} lines of 100 refusals");
    let metrics = app.expect(&Ask::get("/metrics"), 200).await.text;
    let left_out = format!("farebox_audit_refusals_left_out_total {}", 100 - lines);
    assert!(metrics.contains(&left_out), "{left_out} in {metrics}");
    let agent = app.agent("Busy").await;
    for n in 0..30 {
        let made = Ask::post("/organizations/default/api-keys", json!({ "name": format!("k{n}") })).key(&agent.key);
        app.expect(&made.with("X-Request-Id", format!("made-{n}")), 201).await;
        assert_eq!(lines_of(&app, &format!("made-{n}")).await.len(), 1, "successes are all recorded");
    }
    let wrong = Ask::post("/organizations/default/api-keys", json!({ "scopes": ["none"] })).key(&agent.key);
    app.expect(&wrong.with("X-Request-Id", "first"), 400).await;
    assert_eq!(lines_of(&app, "first").await.len(), 1, "strangers do not use up what a caller has");
    assert_eq!(left_out_before(&app, "first").await, Value::Null, "and are not counted in another's log");
    let mut next = 0;
    let said = loop {
        next += 1;
        let request_id = format!("again-{next}");
        app.expect(&refused.clone().with("X-Request-Id", &*request_id), 401).await;
        if !lines_of(&app, &request_id).await.is_empty() {
            break left_out_before(&app, &request_id).await;
        }
    };
    assert_eq!(said, 100 - lines + next - 1, "the next line says how many have none");
}

async fn left_out_before(app: &TestApp, request_id: &str) -> Value {
    let find = "SELECT metadata FROM audit_line WHERE request_id = $1";
    let row = app.app.db.one(find, &[request_id.into()]).await.unwrap().unwrap();
    serde_json::from_str::<Value>(row.get(0).unwrap()).unwrap()["left_out"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_leaves_in_the_middle_of_its_body_leaves_a_line() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Leaver").await;
    let address = app.base.strip_prefix("http://").unwrap();
    let mut socket = std::net::TcpStream::connect(address).unwrap();
    write!(
        socket,
        "POST /organizations/default/api-keys HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\
         X-Request-Id: left\r\nContent-Length: 100\r\n\r\n{{\"name\":",
        agent.key
    )
    .unwrap();
    socket.flush().unwrap();
    drop(socket);
    for _ in 0..1_000 {
        let lines = lines_of(&app, "left").await;
        if let [line] = &lines[..] {
            assert_eq!(line.0, "failure");
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("no line ten seconds later");
}

#[test]
fn an_operation_id_means_one_kind_of_thing_of_a_known_category() {
    let mut kinds: BTreeMap<&str, String> = BTreeMap::new();
    for operation in farebox_api::operations() {
        let Some((kind, category)) = farebox_api::audited(&operation) else { continue };
        assert_ne!(
            category, "other",
            "{} is about a {kind}: give it a category in crates/api/src/audit.rs",
            operation.id
        );
        let known = kinds.entry(operation.id).or_insert_with(|| kind.clone());
        assert_eq!(*known, kind, "{} is about two kinds of things", operation.id);
    }
    assert!(kinds.len() > 15, "{kinds:?}");
}

/// A data folder whose log has some lines; the second has the word that is looked for.
async fn folder_with_lines() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let db = Db::sqlite(&folder.path().join("farebox.db"), Arc::new(NoFaults)).unwrap();
    db.migrate().await.unwrap();
    let parts = AuditParts { db, clock: Arc::new(SystemClock::default()), rng: Arc::new(SystemRng) };
    let log = AuditLog::start(parts).unwrap();
    for word in ["the first", "the needle", "the last"] {
        log.record(NewLine {
            party: PartyId::parse("00000000-0000-7000-8000-000000000000"),
            actor: Actor::Anonymous,
            action: "create_publisher".to_owned(),
            category: "listing".to_owned(),
            resource_type: "publisher".to_owned(),
            resource_id: None,
            status: Status::Failure,
            error: Some(word.to_owned()),
            address: None,
            user_agent: None,
            request_id: None,
            metadata: serde_json::Map::new(),
        })
        .await;
    }
    log.stop().await;
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_byte_of_a_line_in_a_copy_of_the_database_is_found_and_named_by_the_deep_check() {
    let folder = folder_with_lines().await;
    let data = folder.path().to_str().unwrap();
    let sound = farebox(&["check-ledger", "--deep", "--data-dir", data]);
    assert!(sound.status.success(), "{}", text(&sound));
    assert!(text(&sound).contains("the audit log ends with line 3, hash "), "{}", text(&sound));

    let book = std::fs::read(folder.path().join("farebox.db")).unwrap();
    let places: Vec<usize> = (0..book.len()).filter(|at| book[*at..].starts_with(b"the needle")).collect();
    let named = places.iter().filter(|at| {
        let copy = tempfile::tempdir().unwrap();
        let mut bytes = book.clone();
        bytes[**at] ^= 1;
        std::fs::write(copy.path().join("farebox.db"), bytes).unwrap();
        let checked = farebox(&["check-ledger", "--deep", "--data-dir", copy.path().to_str().unwrap()]);
        checked.status.code() == Some(1) && text(&checked).contains("first line 2 (")
    });
    assert_eq!(named.count(), 1, "the words of the line, at one of {places:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_cannot_be_read_is_named_and_the_one_behind_it_is_checked() {
    let folder = folder_with_lines().await;
    let (data, whole) = (folder.path().to_str().unwrap(), folder.path().join("copy"));
    assert!(farebox(&["backup", whole.to_str().unwrap(), "--data-dir", data]).status.success());
    let book = std::fs::read(whole).unwrap();
    let places: Vec<usize> = (0..book.len()).filter(|at| book[*at..].starts_with(b"the needle")).collect();
    let named = places.iter().filter(|at| {
        let copy = tempfile::tempdir().unwrap();
        let mut bytes = book.clone();
        bytes[**at] ^= 0x80;
        std::fs::write(copy.path().join("farebox.db"), bytes).unwrap();
        let checked = farebox(&["check-ledger", "--deep", "--data-dir", copy.path().to_str().unwrap()]);
        let said = text(&checked);
        assert_eq!(checked.status.code(), Some(1), "{said}");
        assert!(said.contains("the audit log ends with line 3, hash "), "{said}");
        said.contains("of its fields and of the line before: 1 broken, first line 2 cannot be read: column error")
    });
    assert_eq!(named.count(), 1, "the words of the line, at one of {places:?}");
}

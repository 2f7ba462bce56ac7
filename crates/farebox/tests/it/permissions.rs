//! Every operation of the platform door, tried by every role, in its own organisation, in another tenant's and without
//! credentials; `docs/permissions.txt` is the record of what may happen.

use crate::auth::{mailed, person};
use farebox_api_kit::{DoorId, Probe, probes};
use farebox_base::Access;
use farebox_testkit::app::{Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use http::Method;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

const MATRIX: &str = include_str!("../../../../docs/permissions.txt");
const EXAMPLE: &str = "/organizations/00000000-0000-7000-8000-000000000000";
/// The columns of the matrix that have a key, in its order.
const ROLES: [&str; 5] = ["owner", "admin", "editor", "viewer", "auditor"];

/// A server with an organisation that has a member of each role, and another tenant.
struct Stage {
    app: TestApp,
    members: Vec<Member>,
    own: String,
    foreign: String,
    asked: AtomicU32,
}

/// A member of the organisation by what he can send.
struct Member {
    /// A key of the organisation, made for him.
    key: String,
    /// The access token of his session, which acts for an organisation of its own where the path names none.
    session: String,
}

impl Stage {
    async fn set() -> Self {
        let app = TestApp::start(&TestDb::sqlite().await, &[("server.trusted_proxies", "127.0.0.1")]).await;
        let owner = person(&app, "owner@example.com").await.access;
        let foreign = app.agent("Foreign").await.party.to_string();
        let me = app.expect(&Ask::get("/auth/me").key(&owner), 200).await;
        let own = me.at("/data/default_organization_id");
        let auditor = json!({ "name": "auditor", "permissions": ["audit.read"] });
        app.expect(&Ask::post("/organizations/default/roles", auditor).key(&owner), 201).await;
        let mut members = vec![Member { key: new_key(&app, &own, &owner).await, session: owner }];
        for role in &ROLES[1..] {
            let member = joined(&app, &own, &members[0].session, role).await;
            members.push(member);
        }
        Self { app, members, own, foreign, asked: AtomicU32::new(0) }
    }

    /// Sends the probe, with another client's address each time, so that no limit by address stands in the way.
    async fn ask(&self, probe: &Probe, organization: &str, key: Option<&str>) -> Got {
        let number = self.asked.fetch_add(1, Ordering::Relaxed);
        let [_, a, b, c] = number.to_be_bytes();
        let path = probe.path.replace(EXAMPLE, &format!("/organizations/{organization}"));
        let ask = Ask::new(probe.method.clone(), path).json(json!({}));
        let ask = ask.with("X-Forwarded-For", format!("10.{a}.{b}.{c}"));
        self.app
            .ask(&match key {
                Some(key) => ask.key(key),
                None => ask,
            })
            .await
    }

    /// What the probe's row of the matrix should say, by what happens. Where the path names an organisation, a session
    /// must do as a key does.
    async fn row(&self, probe: &Probe) -> Vec<String> {
        let mut cells = Vec::new();
        for member in &self.members {
            let mut cell = outcome(probe, &self.ask(probe, &self.own, Some(&member.key)).await);
            if probe.path.contains(EXAMPLE) {
                let session = outcome(probe, &self.ask(probe, &self.own, Some(&member.session)).await);
                if session != cell {
                    cell = format!("{cell}, and by session {session}");
                }
            }
            cells.push(cell);
        }
        cells.push(self.stranger(probe).await);
        cells.push(outcome(probe, &self.ask(probe, &self.own, None).await));
        cells
    }

    /// What a member of every role hears in organisations that are not his, which must not tell whether they exist.
    async fn stranger(&self, probe: &Probe) -> String {
        let Access::Needs(_) = probe.access else { return "yes".to_owned() };
        if !probe.path.contains(EXAMPLE) {
            return ".".to_owned();
        }
        let mut heard = Vec::new();
        for member in &self.members {
            for organization in [self.foreign.as_str(), "00000000-0000-7000-8000-000000000000"] {
                for credential in [&member.key, &member.session] {
                    let got = self.ask(probe, organization, Some(credential)).await;
                    heard.push((got.status.as_u16(), without_request_id(&got)));
                }
            }
        }
        heard.dedup();
        assert_eq!(heard.len(), 1, "{} tells strangers apart: {heard:?}", probe.id);
        heard[0].0.to_string()
    }
}

/// Invites somebody who signs up and accepts, makes himself a key while he may, and is then given the role.
async fn joined(app: &TestApp, own: &str, owner: &str, role: &str) -> Member {
    let email = format!("{role}@example.com");
    let organization = format!("/organizations/{own}");
    let invite = json!({ "email": email, "role": "admin" });
    app.expect(&Ask::post(format!("{organization}/invites"), invite).key(owner), 201).await;
    let session = person(app, &email).await.access;
    let token = mailed(&app.folder(), &email, "invited").await;
    let accepted = app.expect(&Ask::post("/auth/accept-invite", json!({ "token": token })).key(&session), 200).await;
    assert_eq!((accepted.at("/data/organization_id"), accepted.at("/data/role")), (own.to_owned(), "admin".to_owned()));
    let key = new_key(app, own, &session).await;
    let me = app.expect(&Ask::get("/auth/me").key(&session), 200).await;
    assert_ne!(me.at("/data/default_organization_id"), own, "the first organisation stays the default");
    let path = format!("{organization}/members/{}/role", me.at("/data/id"));
    let given = app.expect(&Ask::new(Method::PUT, path).json(json!({ "role_name": role })).key(owner), 200).await;
    assert_eq!(given.at("/data/role"), role);
    Member { key, session }
}

async fn new_key(app: &TestApp, own: &str, session: &str) -> String {
    let make = Ask::post(format!("/organizations/{own}/api-keys"), json!({ "name": "key" })).key(session);
    let made = app.expect(&make, 201).await;
    assert_eq!(made.at("/data/organization_id"), own);
    made.at("/data/api_key")
}

fn outcome(probe: &Probe, got: &Got) -> String {
    let lacks = got.status == 403 && got.at("/message").starts_with("This needs the permission");
    match (probe.access, got.status.as_u16()) {
        (Access::Needs(_), 401) => "401".to_owned(),
        (Access::Needs(permission), 403) if lacks => {
            assert!(got.at("/message").contains(permission.text()), "{}: {}", probe.id, got.text);
            "no".to_owned()
        }
        _ => "yes".to_owned(),
    }
}

fn without_request_id(got: &Got) -> String {
    let body: Value = serde_json::from_str(&got.text).unwrap();
    got.text.replace(body["request_id"].as_str().unwrap(), "")
}

/// The cells of each row of the file, by method and path.
fn recorded() -> BTreeMap<String, Vec<String>> {
    let mut rows = BTreeMap::new();
    for line in MATRIX.lines().filter(|line| !line.starts_with('#') && line.contains('/')) {
        let mut words = line.split_whitespace().map(str::to_owned);
        let operation = format!("{} {}", words.next().unwrap(), words.next().unwrap());
        rows.insert(operation, words.skip(1).collect());
    }
    rows
}

fn platform() -> Vec<Probe> {
    let mut all = probes(&farebox_api::operations());
    all.retain(|probe| probe.door == DoorId::Platform);
    // Last what may end the sessions of whoever asks.
    all.sort_by_key(|probe| !probe.path.contains(EXAMPLE));
    all
}

#[test]
fn the_matrix_that_is_checked_in_is_that_of_the_table() {
    assert_eq!(MATRIX, farebox_api::permission_matrix(), "run `cargo xtask openapi`");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_operation_of_the_platform_does_for_every_role_what_the_matrix_says() {
    let stage = Stage::set().await;
    let mut recorded = recorded();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for probe in platform() {
        let name = format!("{} {}", probe.method, probe.template);
        let (seen, said) = (stage.row(&probe).await, recorded.remove(&name).unwrap_or_default());
        if seen != said {
            wrong.push(format!("{name}\n  happens  {}\n  recorded {}", seen.join(" "), said.join(" ")));
        }
        tried += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(recorded.is_empty(), "rows without an operation: {recorded:?}");
    assert!(tried > 50, "only {tried} operations were tried");
    for member in &stage.members {
        stage.app.expect(&Ask::get("/permissions").key(&member.key), 200).await;
    }
}

#[test]
fn strangers_hear_the_status_that_the_contract_documents() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let Ok(text) = std::fs::read_to_string(root.join("../shared/contract/platform.openapi.json")) else {
        println!("SKIPPED: no contract of the platform door beside the workspace");
        return;
    };
    let contract: Value = serde_json::from_str(&text).unwrap();
    for probe in platform().iter().filter(|probe| probe.template.contains("{organization_id}")) {
        let responses = &contract["paths"][probe.template][probe.method.as_str().to_lowercase()]["responses"];
        let documented: Vec<u16> =
            [403, 404].into_iter().filter(|status| responses.get(status.to_string()).is_some()).collect();
        let fits = documented.is_empty() || documented.contains(&probe.stranger.status());
        assert!(
            fits,
            "{} {} answers strangers {:?}, documented {documented:?}",
            probe.method, probe.template, probe.stranger
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn things_of_another_organisation_are_answered_as_if_they_did_not_exist() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let (owner, other) = (app.agent("Owner").await, app.agent("Other").await);
        let own = |path: &str| format!("/organizations/{}/{path}", owner.party);
        let post = async |path: &str, body: Value| {
            app.expect(&Ask::post(own(path), body).key(&owner.key), 201).await.at("/data/id")
        };
        let role = post("roles", json!({ "name": "lab", "permissions": ["org.read"] })).await;
        let invite = post("invites", json!({ "email": "x@example.com" })).await;
        let key = post("api-keys", json!({ "name": "second" })).await;
        let members = app.expect(&Ask::get(own("members")).key(&owner.key), 200).await;
        let member = members.at("/data/0/user_id");
        for (method, path, id, body) in [
            (Method::GET, "roles/{}", &role, json!({})),
            (Method::PATCH, "roles/{}", &role, json!({ "name": "stolen" })),
            (Method::DELETE, "roles/{}", &role, json!({})),
            (Method::DELETE, "invites/{}", &invite, json!({})),
            (Method::PUT, "members/{}/role", &member, json!({ "role_name": "viewer" })),
            (Method::DELETE, "members/{}", &member, json!({})),
            (Method::PATCH, "api-keys/{}/scopes", &key, json!({ "scopes": ["calls.make"] })),
            (Method::DELETE, "api-keys/{}", &key, json!({})),
        ] {
            let mut heard = Vec::new();
            for id in [id.as_str(), "00000000-0000-7000-8000-000000000000"] {
                let path = format!("/organizations/{}/{}", other.party, path.replace("{}", id));
                let ask = Ask::new(method.clone(), path).json(body.clone()).key(&other.key);
                let got = app.expect(&ask, 404).await;
                heard.push(without_request_id(&got));
            }
            assert_eq!(heard[0], heard[1], "{method} {path}");
        }
        for (path, pointer, expected) in [
            (format!("roles/{role}"), "/data/name", "lab"),
            ("invites".to_owned(), "/data/0/revoked_at", "null"),
            ("members".to_owned(), "/data/0/role", "owner"),
        ] {
            let shown = app.expect(&Ask::get(own(&path)).key(&owner.key), 200).await;
            assert_eq!(shown.at(pointer), expected, "{path}");
        }
        let keys = app.expect(&Ask::get(own("api-keys")).key(&owner.key), 200).await;
        assert!(keys.text.contains(&key) && !keys.text.contains("calls.make"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_is_run_through_its_operations() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let agent = app.agent("Ada").await;
    let get =
        async |path: &str| app.expect(&Ask::get(format!("/organizations/default/{path}")).key(&agent.key), 200).await;
    let listed = app.expect(&Ask::get("/organizations").key(&agent.key), 200).await;
    assert_eq!((listed.at("/data/0/id"), listed.at("/data/0/is_personal")), (agent.party.to_string(), "true".into()));
    let roles = get("roles").await;
    assert_eq!((roles.at("/data/0/name"), roles.at("/data/0/is_built_in")), ("owner".into(), "true".into()));
    let all = app.expect(&Ask::get("/permissions").key(&agent.key), 200).await;
    assert!(all.at("/0/description").ends_with('.') && !all.at("/0/resource_type").is_empty());
    assert_eq!(get("permissions/check/org.manage_roles").await.text, "{\"data\":true}");
    assert_eq!(get("permissions/check/platform.admin").await.text, "{\"data\":false}");
    assert_eq!(get("permissions/check/no%20such").await.text, "{\"data\":false}");
    assert!(get("permissions/mine").await.text.contains("\"org.update\""));
    let post = async |path: &str, body: Value, status| {
        app.expect(&Ask::post(format!("/organizations/default/{path}"), body).key(&agent.key), status).await
    };
    let bad = post("roles", json!({ "name": "owner", "permissions": [] }), 400).await;
    assert_eq!(bad.at("/field"), "name");
    let invite = post("invites", json!({ "email": "x@example.com" }), 201).await;
    assert_eq!((invite.at("/data/role"), invite.at("/data/accepted_at")), ("member".into(), "null".into()));
    assert!(!invite.text.contains(&mailed(&app.folder(), "x@example.com", "invited").await));
    let members = get("members").await;
    let path = format!("/organizations/default/members/{}/role", members.at("/data/0/id"));
    for (body, status) in [
        (json!({}), 400),
        (json!({ "role_name": "viewer" }), 400),
        (json!({ "role_name": "owner", "role_id": roles.at("/data/0/id") }), 400),
        (json!({ "role_name": "no such role" }), 404),
        (json!({ "role_id": roles.at("/data/0/id") }), 200),
    ] {
        app.expect(&Ask::new(Method::PUT, &path).json(body).key(&agent.key), status).await;
    }
    app.expect(&Ask::get("/organizations/nonsense/members").key(&agent.key), 400).await;
    let secret = post("api-keys", json!({ "name": "k" }), 201).await;
    let scopes = format!("/organizations/default/api-keys/{}/scopes", secret.at("/data/id"));
    let narrow = Ask::new(Method::PATCH, &scopes).json(json!({ "scopes": ["account.read"] }));
    let changed = app.expect(&narrow.key(&agent.key), 200).await;
    assert_eq!(changed.at("/data/scopes/0"), "account.read");
    let own = secret.at("/data/api_key");
    app.expect(&Ask::get("/auth/me").key(&own), 200).await;
    app.expect(&Ask::get("/organizations/default/members").key(&own), 403).await;
}

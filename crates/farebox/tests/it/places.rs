//! Where an organisation's traffic, chats and data may be: endpoints of private networks, the private chat policy,
//! databases.

use crate::command::{farebox, text};
use farebox_testkit::app::{Agent, Ask, Got, TestApp};
use farebox_testkit::engines::{TestDb, server_url};
use http::Method;
use serde_json::{Value, json};

const VPC: &str = "/organizations/default/vpc-endpoints";
const POLICY: &str = "/organizations/default/private-chat-policy";
const ENDPOINT: &str = "vpce-0123456789abcdef0";

fn json_of(got: &Got) -> Value {
    serde_json::from_str(&got.text).unwrap()
}

async fn record(app: &TestApp, agent: &Agent, region: &str, endpoint: &str) -> String {
    let body = json!({ "region": region, "endpoint_id": endpoint, "label": "office" });
    app.expect(&Ask::post(VPC, body).key(&agent.key), 201).await.at("/data/id")
}

#[tokio::test(flavor = "multi_thread")]
async fn vpc_endpoints_are_listed_shown_and_deleted_by_every_spelling_of_their_paths() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let agent = app.agent("Owner").await;
        let organization = format!("/organizations/{}", agent.party);
        let us = record(&app, &agent, "aws-us-east-1", ENDPOINT).await;
        let eu = record(&app, &agent, "aws-eu-west-1", "vpce-1a2b3c4d").await;
        for (path, expected) in [
            (format!("{organization}/vpc-endpoints"), vec![&us, &eu]),
            (VPC.to_owned(), vec![&us, &eu]),
            (format!("{VPC}?region=aws-eu-west-1"), vec![&eu]),
            (format!("{organization}/vpc/vpc_endpoints"), vec![&us, &eu]),
            (format!("{organization}/vpc/region/aws-us-east-1/vpc_endpoints"), vec![&us]),
            (format!("{organization}/vpc/region/nowhere/vpc_endpoints"), vec![]),
        ] {
            let listed = json_of(&app.expect(&Ask::get(&path).key(&agent.key), 200).await);
            let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
            assert_eq!(ids, expected, "{path}");
        }
        app.expect(&Ask::get(format!("{VPC}?region=%00")).key(&agent.key), 400).await;
        let shown = app.expect(&Ask::get(format!("{VPC}/{us}")).key(&agent.key), 200).await;
        assert_eq!((shown.at("/data/state"), shown.at("/data/label")), ("pending".into(), "office".into()));
        assert_eq!(shown.at("/data/organization_id"), agent.party.to_string());
        let by_region = |region: &str, id: &str| format!("{organization}/vpc/region/{region}/vpc_endpoints/{id}");
        app.expect(&Ask::get(by_region("aws-us-east-1", &us)).key(&agent.key), 200).await;
        app.expect(&Ask::get(by_region("aws-eu-west-1", &us)).key(&agent.key), 404).await;
        let delete = |path: String| Ask::new(Method::DELETE, path).key(&agent.key);
        app.expect(&delete(by_region("aws-eu-west-1", &us)), 404).await;
        let gone = app.expect(&delete(by_region("aws-us-east-1", &us)), 204).await;
        assert_eq!(gone.text, "");
        app.expect(&delete(format!("{VPC}/{us}")), 404).await;
        app.expect(&delete(format!("{VPC}/{eu}")), 204).await;
        assert_eq!(json_of(&app.expect(&Ask::get(VPC).key(&agent.key), 200).await), json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vpc_endpoints_of_bad_form_twice_or_of_others_are_refused_by_name() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let (agent, other) = (app.agent("Owner").await, app.agent("Other").await);
    let id = record(&app, &agent, "aws-us-east-1", ENDPOINT).await;
    for (body, status, field) in [
        (json!({ "region": "aws-us-east-1", "endpoint_id": ENDPOINT }), 409, ""),
        (json!({ "region": "US", "endpoint_id": ENDPOINT }), 400, "region"),
        (json!({ "region": "aws-us-east-1", "endpoint_id": "x" }), 400, "endpoint_id"),
        (json!({ "region": "aws-us-east-1", "endpoint_id": "vpce-1a2b3c4e", "label": "\u{0}" }), 400, "label"),
        (json!({ "region": "aws-us-east-1" }), 400, "endpoint_id"),
    ] {
        let got = app.expect(&Ask::post(VPC, body).key(&agent.key), status).await;
        assert_eq!(got.at("/field"), field);
    }
    let theirs = format!("/organizations/{}", agent.party);
    let body = json!({ "region": "aws-us-east-1", "endpoint_id": "vpce-1a2b3c4d" });
    for ask in [
        Ask::get(format!("{theirs}/vpc-endpoints")),
        Ask::get(format!("{theirs}/vpc/vpc_endpoints")),
        Ask::get(format!("{theirs}/vpc-endpoints/{id}")),
        Ask::get(format!("{theirs}/vpc/region/aws-us-east-1/vpc_endpoints/{id}")),
        Ask::new(Method::DELETE, format!("{theirs}/vpc-endpoints/{id}")),
        Ask::new(Method::DELETE, format!("{theirs}/vpc/region/aws-us-east-1/vpc_endpoints/{id}")),
        Ask::post(format!("{theirs}/vpc-endpoints"), body),
        Ask::get(format!("{VPC}/{id}")),
        Ask::new(Method::DELETE, format!("{VPC}/{id}")),
    ] {
        app.expect(&ask.key(&other.key), 404).await;
    }
    app.expect(&Ask::get(format!("{VPC}/{id}")).key(&agent.key), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_came_through_an_endpoint_acts_only_for_who_has_recorded_it() {
    let header = ("server.vpc_endpoint_header", "x-vpc-endpoint-id");
    let app = TestApp::start(&TestDb::sqlite().await, &[header]).await;
    let (agent, other) = (app.agent("Owner").await, app.agent("Other").await);
    let me = |agent: &Agent| Ask::get("/auth/me").key(&agent.key);
    let through = |agent: &Agent, endpoint: &str| me(agent).with("x-vpc-endpoint-id", endpoint);
    let refused = app.expect(&through(&agent, ENDPOINT), 403).await;
    assert_eq!(refused.at("/error"), "vpc_endpoint_not_recorded");
    let id = record(&app, &agent, "aws-us-east-1", ENDPOINT).await;
    app.expect(&through(&agent, ENDPOINT), 200).await;
    app.expect(&through(&other, ENDPOINT), 403).await;
    app.expect(&through(&agent, "vpce-1a2b3c4d"), 403).await;
    app.expect(&me(&other), 200).await;
    let shown = app.expect(&Ask::get(format!("{VPC}/{id}")).key(&agent.key), 200).await;
    assert_eq!(shown.at("/data/state"), "available");
    app.expect(&Ask::new(Method::DELETE, format!("{VPC}/{id}")).key(&agent.key), 204).await;
    app.expect(&through(&agent, ENDPOINT), 403).await;
    app.expect(&Ask::get("/publishers").with("x-vpc-endpoint-id", ENDPOINT), 200).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_policy_is_there_before_it_is_set_and_keeps_what_is_not_named() {
    for place in TestDb::all().await {
        let app = TestApp::start(&place, &[]).await;
        let agent = app.agent("Owner").await;
        let put = |body: Value| Ask::new(Method::PUT, POLICY).json(body).key(&agent.key);
        let unset = json_of(&app.expect(&Ask::get(POLICY).key(&agent.key), 200).await);
        let expected = json!({
            "organization_id": agent.party.to_string(), "mode": "standard", "deployment_id": null, "model_id": null,
            "fallback_models": null, "force_private_model": false, "disable_external_model_providers": false,
            "disable_local_agents": false, "disable_seren_models": false, "hide_model_picker": false,
            "otp_required_for_private_models": false, "private_output_policy": "control_plane",
            "session_database": null, "updated_at": unset["data"]["updated_at"],
        });
        assert_eq!(unset["data"], expected);

        let deployment = "0195aaaa-bbbb-7ccc-8ddd-eeeeffff0001";
        let database = json!({ "provider": "direct_url", "engine": "postgres", "url_secret_key": "CHAT_URL" });
        let all = put(json!({
            "mode": "private_org_agent", "deployment_id": deployment, "model_id": "own/a", "fallback_models": ["own/b"],
            "force_private_model": true, "hide_model_picker": true, "session_database": database,
            "private_output_policy": "private_session_database",
        }));
        let set = app.expect(&all, 200).await;
        assert_eq!(set.at("/data/session_database/url_secret_key"), "CHAT_URL");
        let kept = app.expect(&put(json!({ "mode": "private_org_agent", "hide_model_picker": false })), 200).await;
        assert_eq!((kept.at("/data/deployment_id"), kept.at("/data/model_id")), (deployment.into(), "own/a".into()));
        assert_eq!(
            (kept.at("/data/force_private_model"), kept.at("/data/hide_model_picker")),
            ("true".into(), "false".into())
        );
        let standard = put(json!({ "mode": "standard", "clear_session_database": true, "fallback_models": null }));
        let standard = app.expect(&standard, 200).await;
        for (field, value) in [
            ("force_private_model", "false"),
            ("session_database", "null"),
            ("private_output_policy", "control_plane"),
            ("fallback_models", "null"),
            ("model_id", "own/a"),
        ] {
            assert_eq!(standard.at(&format!("/data/{field}")), value, "{field}");
        }
        assert_eq!(app.expect(&Ask::get(POLICY).key(&agent.key), 200).await.text, standard.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chat_policy_that_contradicts_itself_is_refused_by_name_and_strangers_see_none() {
    let app = TestApp::start(&TestDb::sqlite().await, &[]).await;
    let (agent, other) = (app.agent("Owner").await, app.agent("Other").await);
    let named =
        |name: &str| json!({ "provider": "organization_database", "engine": "postgres", "database_name": name });
    for (body, field) in [
        (json!({}), "mode"),
        (json!({ "mode": "surprise" }), "mode"),
        (json!({ "mode": "private_org_agent" }), "deployment_id"),
        (json!({ "mode": "standard", "force_private_model": true }), "force_private_model"),
        (json!({ "mode": "standard", "model_id": "" }), "model_id"),
        (json!({ "mode": "standard", "fallback_models": ["a"] }), "fallback_models"),
        (json!({ "mode": "standard", "private_output_policy": "private_session_database" }), "private_output_policy"),
        (json!({ "mode": "standard", "session_database": named("none") }), "session_database.database_name"),
        (
            json!({ "mode": "standard", "session_database": named("none"), "clear_session_database": true }),
            "session_database.database_name",
        ),
        (
            json!({ "mode": "standard", "session_database": { "provider": "direct_url", "engine": "postgres",
                "url_secret_key": "postgres://me:secret@db/x" } }),
            "session_database.url_secret_key",
        ),
    ] {
        let ask = Ask::new(Method::PUT, POLICY).json(body.clone()).key(&agent.key);
        let got = app.expect(&ask, 400).await;
        assert_eq!(got.at("/field"), field, "{body}: {}", got.text);
        assert!(!got.text.contains("secret@"), "{}", got.text);
    }
    let file = app.folder().join("chats.db");
    farebox_upstream::sql::make_sample(&file).unwrap();
    let listing = json!({
        "name": "Chats", "slug": "chats", "publisher_category": "database", "base_price_per_1000_rows": "1",
        "database_config": { "connection_string": "sqlite:chats.db" },
        "wallet_address": "0x742d35cC6634c0532925A3b844bc9E7595F0beB1", "wallet_network_id": "eip155:84532",
    });
    app.expect(&Ask::post("/organizations/default/publishers", listing).key(&agent.key), 201).await;
    let body = json!({ "mode": "standard", "session_database": named("chats") });
    app.expect(&Ask::new(Method::PUT, POLICY).json(body.clone()).key(&agent.key), 200).await;
    app.expect(&Ask::new(Method::PUT, POLICY).json(body).key(&other.key), 400).await;
    let theirs = format!("/organizations/{}/private-chat-policy", agent.party);
    app.expect(&Ask::get(&theirs).key(&other.key), 403).await;
    app.expect(&Ask::new(Method::PUT, &theirs).json(json!({ "mode": "standard" })).key(&other.key), 403).await;

    let databases = app.expect(&Ask::get("/databases").key(&agent.key), 200).await;
    assert_eq!((databases.at("/data/0/name"), databases.at("/data/0/project_name")), ("chats".into(), "Chats".into()));
    assert_eq!(databases.at("/data/0/branch_name"), "main");
    assert_eq!(app.expect(&Ask::get("/databases").key(&other.key), 200).await.at("/data"), "[]");
}

#[test]
fn databases_are_made_from_the_command_line_and_shown_to_their_organisation() {
    let admin = server_url().filter(|url| url.contains('@') && !url.contains("host="));
    let Some(admin) = admin else {
        println!("SKIPPED: making databases from the command line; the tests' PostgreSQL has no TCP port");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_str().unwrap();
    farebox(&["admin", "create-key", "--owner", "shop", "--data-dir", data]);
    let create = |more: &[&str]| {
        let mut arguments = vec!["database", "create", "--owner", "shop", "--data-dir", data];
        arguments.extend(more);
        farebox(&arguments)
    };
    let off = create(&["--name", "orders"]);
    assert!(!off.status.success() && text(&off).contains("databases.admin_url"), "{}", text(&off));

    let file = folder.path().join("farebox.toml");
    std::fs::write(&file, format!("[databases]\nadmin_url = \"{admin}\"\n")).unwrap();
    let configured = ["--config", file.to_str().unwrap()];
    let made = create(&[&["--name", "orders"], configured.as_slice()].concat());
    assert!(made.status.success() && text(&made).contains("connect   postgres://orders_"), "{}", text(&made));
    let second =
        create(&[&["--name", "stock", "--project", "orders", "--branch", "dev"], configured.as_slice()].concat());
    assert!(second.status.success() && text(&second).contains("with the project's password"), "{}", text(&second));
    let twice = create(&[&["--name", "orders"], configured.as_slice()].concat());
    assert!(!twice.status.success() && text(&twice).contains("there already"), "{}", text(&twice));
    let bad = create(&[&["--name", "a\"b"], configured.as_slice()].concat());
    assert!(!bad.status.success() && text(&bad).contains("name must be"), "{}", text(&bad));
    let list = farebox(&["database", "list", "--owner", "shop", "--data-dir", data]);
    assert_eq!(text(&list), "orders / main / orders\norders / dev / stock\n");
    remove(admin, &[text(&made), text(&second)]);
}

/// Takes the databases away again: the server may be somebody's.
fn remove(admin: &str, told: &[String]) {
    let server_name = |line: &str| Some(line.strip_suffix(" on the server)")?.rsplit_once('(')?.1.to_owned());
    let names: Vec<String> = told.iter().flat_map(|text| text.lines().filter_map(server_name)).collect();
    assert_eq!(names.len(), 2);
    let role = told[0].split("connect   postgres://").nth(1).unwrap().split(':').next().unwrap();
    let place = admin.split_once('@').unwrap().1.split('/').next().unwrap();
    let policy = farebox_net::Policy { allow: vec![place.parse().unwrap()], ..Default::default() };
    let client = farebox_net::Client::new(policy).unwrap();
    let provisioner = farebox_upstream::sql::Provisioner::new(client, admin).unwrap();
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        provisioner.remove(&names[1], None).await.unwrap();
        provisioner.remove(&names[0], Some(role)).await.unwrap();
    });
}

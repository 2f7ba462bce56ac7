//! The operator's providers, and what of a flow reaches the log.

use super::stage::{Provider, Stage, begun, parameter};
use crate::process::{Server, client, command, free_port};
use farebox::serve::{self, SocketSettings};
use farebox_base::OauthProviderId;
use farebox_oauth::{NewProvider, Sensitive, TokenAuth};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use serde_json::{Value, json};
use std::sync::Arc;

/// Sets a provider up for everybody, as the command line does; answers its id.
pub async fn global(stage: &Stage, described: &Value) -> String {
    let text = |name: &str| described[name].as_str().unwrap().to_owned();
    let list = |name: &str| serde_json::from_value(described[name].clone()).unwrap();
    let new = NewProvider {
        slug: text("slug"),
        name: text("name"),
        description: None,
        logo_url: None,
        authorization_url: text("authorization_url"),
        token_url: text("token_url"),
        revocation_url: Some(text("revocation_url")),
        userinfo_url: Some(text("userinfo_url")),
        client_id: text("client_id"),
        client_secret: Sensitive::new(text("client_secret")),
        scopes: list("scopes"),
        auth: TokenAuth::Post,
        pkce_required: true,
        auth_params: serde_json::Map::new(),
        upstream_hosts: list("upstream_hosts"),
    };
    let id: OauthProviderId = stage.app.app.oauth.provider_create(None, &new).await.unwrap().id;
    id.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operators_provider_is_everybodys_and_its_tokens_go_to_the_hosts_it_names() {
    for place in TestDb::all().await {
        let stage = Stage::set(&place).await;
        let app = &stage.app;
        let mut described = stage.described("example");
        described["upstream_hosts"] = json!([app.upstream_address.to_string()]);
        let id = global(&stage, &described).await;
        let (_, provider) = stage.listing("needs", "example").await;
        assert_eq!(provider, id);
        // An organization's provider of the same slug is what its own listings and members mean, and no stranger's matter.
        let own = stage.own_provider(&stage.seller, "example").await;
        assert_eq!(stage.listing("also-needs", "example").await.1, own);
        let sellers = app.expect(&Ask::get("/oauth/example/authorize").key(&stage.seller.key), 302).await;
        let callback = format!("{}/oauth/providers/{own}/callback", app.base);
        assert_eq!(parameter(sellers.header("location"), "redirect_uri"), callback);
        let by_slug = app.expect(&Ask::get("/oauth/example/authorize").key(&stage.buyer.key), 302).await;
        let callback = format!("{}/oauth/example/callback", app.base);
        assert_eq!(parameter(by_slug.header("location"), "redirect_uri"), callback);
        let (state, cookie) = begun(&by_slug);
        let ask = Ask::get(format!("/oauth/example/callback?code=c&state={state}")).with("Cookie", cookie);
        let done = app.expect(&ask, 302).await;
        assert_eq!(parameter(done.header("location"), "status"), "success");
        app.expect(&Ask::get("/publishers/needs/echo").key(&stage.buyer.key), 200).await;
        let one = format!("/organizations/default/oauth/providers/{id}");
        for ask in [Ask::get(&one), Ask::new(http::Method::DELETE, &one)] {
            app.expect(&ask.key(&stage.seller.key), 404).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_sets_providers_up_and_no_log_of_a_flow_tells_a_secret() {
    let socket = serve::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let provider = Arc::new(Provider::default());
    tokio::spawn(serve::serve(socket, provider, SocketSettings::default(), std::future::pending()));
    let (folder, place) = (tempfile::tempdir().unwrap(), TestDb::sqlite().await);
    let file = folder.path().join("provider.json");
    let url = |path: &str| format!("http://{address}{path}");
    let described = json!({
        "slug": "example", "name": "Example", "authorization_url": url("/authorize"), "token_url": url("/token"),
        "userinfo_url": url("/me"), "client_id": "client-1", "client_secret": "hunter2-secret",
        "upstream_hosts": ["api.example.com"],
    });
    std::fs::write(&file, described.to_string()).unwrap();
    let set = ["admin", "oauth-provider", "set", file.to_str().unwrap()];
    let (refused, said) = command(folder.path(), &place, &set);
    assert!(
        !refused && said.contains("authorization_url"),
        "a server on this machine is not allowed by itself: {said}"
    );
    let config = folder.path().join("farebox.toml");
    std::fs::write(&config, "[net]\nallow = [\"127.0.0.1\"]\n").unwrap();
    let with_config = |words: &[&str]| -> String {
        let config = ["--config", config.to_str().unwrap()];
        let (done, said) = command(folder.path(), &place, &[words, &config[..]].concat());
        assert!(done && !said.contains("hunter2"), "{said}");
        said
    };
    assert!(with_config(&set).contains("/oauth/example/callback"));
    assert!(with_config(&set).contains("is changed"));
    assert!(with_config(&["admin", "oauth-provider", "list"]).contains("tokens go to: api.example.com"));

    let port = free_port();
    let log = folder.path().join("log");
    let server = Server::start_logging(folder.path(), &place, "127.0.0.1", &client(port), port, &log).await;
    let net = client(port);
    let agent = Ask::post("/auth/agent", json!({ "name": "One" })).send(&net, &server.base).await.unwrap();
    let key = agent.at("/data/agent/api_key");
    let got = Ask::get("/oauth/example/authorize").key(&key).send(&net, &server.base).await.unwrap();
    let (state, cookie) = begun(&got);
    let ask = Ask::get(format!("/oauth/example/callback?code=the-code&state={state}")).with("Cookie", &cookie);
    let done = ask.send(&net, &server.base).await.unwrap();
    assert_eq!(parameter(done.header("location"), "status"), "success");
    server.kill();
    let said = std::fs::read_to_string(&log).unwrap();
    assert!(said.contains("/oauth/example/callback"), "the log was written: {said}");
    let cookie = cookie.split_once('=').unwrap().1;
    for secret in ["hunter2", "the-code", "access-1", "refresh-1", &state, cookie, &key[20..]] {
        assert!(!said.contains(secret), "{secret}");
    }
    assert!(with_config(&["admin", "oauth-provider", "delete", "example"]).contains("is deleted"));
}

//! Unmodified published clients pay listings, with what they do by default: their own limits and lists of tokens.

use super::scripts::SCRIPTS;
use super::sql_stage::{SQL, provider};
use super::stage::{FORTUNE, PAYER_KEY, PRICE, Stage, gas_wallet};
use crate::npm::{said, skipped};
use alloy_primitives::{B256, hex};
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::Receipt;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What is fetched of PyPI's client.
const PYTHON_CLIENT: &str = "x402[httpx,evm]==2.25.0";
const BODY: &str = r#"{"what":"weather","where":["Ålesund",1]}"#;

/// A client: the program that runs it, and its script.
#[derive(Clone)]
struct Script {
    program: PathBuf,
    file: PathBuf,
}

#[tokio::test(flavor = "multi_thread")]
async fn x402_fetch_of_version_2_pays_what_it_finds_in_the_header() {
    paid_by(node("v2-fetch.mjs"), "eip155:84532").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x402_axios_of_version_2_with_its_older_core_pays_too() {
    paid_by(node("v2-axios.mjs"), "eip155:84532").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x402_fetch_of_version_1_pays_what_it_finds_in_the_body_of_the_same_url() {
    paid_by(node("v1-fetch.mjs"), "base-sepolia").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_over_httpx_pays_too() {
    paid_by(python("v2_httpx.py"), "eip155:84532").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn x402_fetch_of_both_versions_pays_for_queries_of_the_sql_gateway() {
    for (file, network) in [("v1-fetch.mjs", "base-sepolia"), ("v2-fetch.mjs", "eip155:84532")] {
        let Some(script) = node(file) else { return };
        let place = TestDb::all().await.remove(0);
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let provider = provider(&stage.app).await;
        for number in 1..=2 {
            let body = json!({ "sql": SQL, "agentWallet": stage.payer.address(), "providerId": provider }).to_string();
            let said = run(&script, &format!("{}/api/query", stage.app.base), Some(&body)).await;
            assert_eq!(said["status"], 200, "{file}: {said}");
            let reply: Value = serde_json::from_str(said["text"].as_str().unwrap()).unwrap();
            assert_eq!((&reply["rowCount"], &reply["actualCost"]), (&3.into(), &"0.006000".into()), "{said}");
            assert_eq!(stage.balance(gas_wallet()).await, number * 6_000);
            assert_receipt(&stage, &said["receipt"], network).await;
        }
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

/// Pays four calls: both doors, without and with a body. Each costs the payer the price, once, and arrives.
async fn paid_by(script: Option<Script>, network: &str) {
    let Some(script) = script else { return };
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let proxied = format!("/api/v1/proxy/{}", stage.listing);
    let mut paid = 0;
    for door in ["/publishers/things", &proxied] {
        for (path, body) in [("/ok", None), ("/echo?a=1&b=%20", Some(BODY))] {
            let said = run(&script, &format!("{}{door}{path}", stage.app.base), body).await;
            assert_eq!(said["status"], 200, "{door}{path}: {said}");
            let reply: Value = serde_json::from_str(said["text"].as_str().unwrap()).unwrap();
            match body {
                None => assert_eq!(reply["ok"], true, "{said}"),
                Some(body) => assert_eq!((&reply["method"], &reply["body"]), (&"POST".into(), &body.into()), "{said}"),
            }
            paid += PRICE;
            assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - paid, "{door}{path}");
            assert_eq!(stage.balance(gas_wallet()).await, paid);
            assert_receipt(&stage, &said["receipt"], network).await;
        }
    }
    assert_eq!(stage.app.upstream.asked(), 4);
    stage.app.settled().await;
    stage.app.assert_books_balance().await;
}

/// The receipt, as the client itself has decoded it, is of a transaction that the chain has.
async fn assert_receipt(stage: &Stage, receipt: &Value, network: &str) {
    assert_eq!((&receipt["success"], &receipt["network"]), (&true.into(), &network.into()), "{receipt}");
    let payer = receipt["payer"].as_str().unwrap();
    assert!(payer.eq_ignore_ascii_case(&stage.payer.address().to_string()), "{receipt}");
    let hash: B256 = receipt["transaction"].as_str().unwrap().parse().unwrap();
    let mined: Receipt = stage.rpc.receipt(hash).await.unwrap().unwrap();
    assert!(mined.succeeded);
}

async fn run(script: &Script, url: &str, body: Option<&str>) -> Value {
    let mut command = Command::new(&script.program);
    command.arg(&script.file).env("PAY_URL", url).env("PAY_KEY", format!("0x{}", hex::encode(PAYER_KEY)));
    if let Some(body) = body {
        command.env("PAY_METHOD", "POST").env("PAY_BODY", body);
    }
    said(command).await
}

/// A script among the packages of npm.
fn node(name: &str) -> Option<Script> {
    Some(Script { program: PathBuf::from("node"), file: SCRIPTS.folder()?.join(name) })
}

/// A script in an environment of Python's, which is made once.
fn python(name: &str) -> Option<Script> {
    let folder = beside_the_build("venv-x402");
    let program = folder.join("bin/python");
    let has_client = || succeeds(Command::new(&program).args(["-c", "import x402.http.clients.httpx, eth_account"]));
    let makes = || {
        succeeds(Command::new("python3").args(["-m", "venv"]).arg(&folder))
            && succeeds(Command::new(&program).args(["-m", "pip", "install", "--quiet", PYTHON_CLIENT]))
    };
    if has_client() || (makes() && has_client()) {
        return Some(Script { program, file: scripts().join(name) });
    }
    skipped("the Python client of x402; Python, pip or its packages are not to be had");
    None
}

fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

fn beside_the_build(name: &str) -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join(name)
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/x402-clients")
}

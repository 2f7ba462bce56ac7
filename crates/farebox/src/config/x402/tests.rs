//! `[x402]` as an operator meets it.

use super::super::{Config, ConfigSources, DEFAULTS, load};
use super::*;
use farebox_x402::chain::ChainSettings;
use std::io::Write as _;
use std::time::Duration;

const KEY: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";
const PAYEE: &str = "0x742d35cC6634c0532925A3b844bc9E7595F0beB1";
const TOKEN: &str = "address=0x036CbD53842c5426634e7929541eC2318f3dCF7e;symbol=USDC;decimals=6;name=USD Coin;version=2";

fn with_env(env: &[(&str, &str)]) -> Result<Config, String> {
    let env: Vec<_> = env.iter().map(|(name, value)| (format!("FAREBOX_X402_{name}"), (*value).to_owned())).collect();
    load(ConfigSources { file: None, env, overrides: Vec::new() }).map_err(|error| error.to_string())
}

fn with_file(text: &str) -> Result<Config, String> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    let sources = ConfigSources { file: Some(file.path().to_owned()), env: [], overrides: Vec::new() };
    load(sources).map_err(|error| error.to_string())
}

fn chain(config: &Config, name: &str) -> ChainSettings {
    let name: NetworkName = name.parse().unwrap();
    match config.x402.network[&name].route(&name) {
        Route::Chain(settings) => *settings,
        Route::Facilitator { url, .. } => panic!("{url}"),
    }
}

#[test]
fn without_networks_there_are_no_payments_on_chain() {
    let config = with_env(&[]).unwrap();
    assert!(!config.x402.is_on() && config.x402.network.is_empty());
    assert_eq!((config.x402.settle, config.x402.receiver), (Settle::After, Receiver::Gateway));
    assert_eq!((config.x402.timeout_s, config.x402.later_max_usdc.get()), (60, 10_000_000));
}

#[test]
fn every_key_of_a_network_is_explained_above_it() {
    let each = NETWORK_DEFAULTS.split("\n\n").nth(1).unwrap();
    let mut explained = false;
    for line in each.lines().skip(1) {
        let is_comment = line.starts_with('#');
        assert!(is_comment || explained, "no comment above: {line}");
        explained = is_comment;
    }
    for own in own_keys() {
        let guide = include_str!("../../../../../docs/configuration.md");
        assert!(guide.contains(&format!("| `{own}` |")), "{own} is not in the guide");
    }
    assert!(!DEFAULTS.contains("x402.network.each"));
}

#[test]
fn what_is_usual_on_a_network_holds_until_something_else_is_said() {
    let config = with_env(&[
        ("NETWORKS", "base, polygon"),
        ("GAS_KEY", KEY),
        ("NETWORK_BASE_RPC_URLS", "https://one.example/key1,https://two.example"),
        ("NETWORK_POLYGON_RPC_URLS", "https://polygon.example"),
        ("NETWORK_POLYGON_LOW_BALANCE", "3.5"),
    ])
    .unwrap();
    let base = chain(&config, "base");
    assert_eq!((base.chain_id, base.caip2.as_str(), base.confirmations), (8453, "eip155:8453", 2));
    assert_eq!(base.rpc_urls[0].as_str(), "https://one.example/key1");
    assert_eq!(base.max_fee_per_gas, 100_000_000_000);
    assert_eq!((base.block_time_hint, base.stuck_after), (Duration::from_secs(2), Duration::from_secs(30)));
    let polygon = chain(&config, "eip155:137");
    assert_eq!((polygon.confirmations, polygon.max_fee_per_gas), (6, 1_000_000_000_000));
    assert_eq!(polygon.low_balance_wei, 3_500_000_000_000_000_000);
    assert!(polygon.patience >= Duration::from_secs(22), "a settlement has the time that its blocks take");
    let listed: Vec<_> = config.x402.listed().map(|(name, _)| name.as_str()).collect();
    assert_eq!(listed, ["base", "polygon"]);
}

#[test]
fn a_network_without_a_name_is_set_by_file_or_environment_with_its_own_tokens() {
    let file = format!(
        "[x402]\nnetworks = [\"eip155:31337\"]\n[x402.network.\"eip155:31337\"]\nfacilitator_url = \"https://f.example/x\"\n\
         facilitator_token = \"hunter2\"\npay_to = \"{PAYEE}\"\ntokens = [\"{TOKEN};methods=permit2\"]\n"
    );
    let env = [
        ("NETWORKS", "eip155:31337"),
        ("NETWORK_EIP155_31337_FACILITATOR_URL", "https://f.example/x"),
        ("NETWORK_EIP155_31337_FACILITATOR_TOKEN", "hunter2"),
        ("NETWORK_EIP155_31337_PAY_TO", PAYEE),
        ("NETWORK_EIP155_31337_TOKENS", &format!("{TOKEN};methods=permit2")),
    ];
    let (by_file, by_env) = (with_file(&file).unwrap(), with_env(&env).unwrap());
    assert_eq!(by_file, by_env);
    let (name, network) = by_env.x402.listed().next().unwrap();
    let Route::Facilitator { url, token, chain: None } = network.route(name) else { panic!() };
    assert_eq!((url.as_str(), token.unwrap().expose().as_str()), ("https://f.example/x", "hunter2"));
    let settings = network.network(name);
    assert_eq!((settings.chain_id, settings.name.as_str()), (31337, "eip155:31337"));
    assert_eq!((settings.tokens[0].name.as_str(), settings.tokens[0].has_eip3009), ("USD Coin", false));
    for text in [by_env.render(), format!("{by_env:?}")] {
        assert!(!text.contains("hunter2") && text.contains("f.example/…"), "{text}");
    }
}

#[test]
fn a_network_has_one_name_however_it_is_spelled() {
    let config = with_file(
        "[x402]\nnetworks = [\"eip155:84532\"]\n[x402.network.base-sepolia]\nfacilitator_url = \"https://f.example\"\n\
         pay_to = \"0x742d35cC6634c0532925A3b844bc9E7595F0beB1\"\n",
    )
    .unwrap();
    assert_eq!(config.x402.networks[0].as_str(), "base-sepolia");
    assert_eq!(config.x402.listed().next().unwrap().1.network(&config.x402.networks[0]).tokens[0].name, "USDC");
    let twice =
        with_file("[x402.network.base]\nconfirmations = 1\n[x402.network.\"eip155:8453\"]\nconfirmations = 2\n");
    assert!(twice.unwrap_err().contains("means the same network"));
    let both = with_env(&[("NETWORK_BASE_CONFIRMATIONS", "1"), ("NETWORK_EIP155_8453_CONFIRMATIONS", "2")]);
    assert!(both.unwrap_err().contains("both set x402.network.base.confirmations"));
}

#[test]
fn no_key_is_shown() {
    let config = with_env(&[
        ("NETWORKS", "base"),
        ("GAS_KEY", KEY),
        ("NETWORK_BASE_RPC_URLS", "https://rpc.example/v2/hunter2?key=hunter2"),
    ])
    .unwrap();
    for text in [config.render(), format!("{config:?}")] {
        assert!(!text.contains(KEY) && !text.contains("hunter2"), "{text}");
    }
    assert!(config.render().contains("rpc_urls = [\"https://rpc.example/…\"]"), "{}", config.render());
    assert!(config.render().contains("[x402.network.base]"), "{}", config.render());
}

#[test]
fn the_gas_key_comes_from_the_environment_or_a_file_of_its_own() {
    let message = with_file(&format!("[x402]\ngas_key = \"{KEY}\"\n")).unwrap_err();
    assert!(message.contains("FAREBOX_X402_GAS_KEY") && !message.contains(KEY), "{message}");
}

/// Variables, the key at fault and the rule.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

#[test]
fn mistakes_name_their_key_and_rule() {
    let rpc = ("NETWORK_BASE_RPC_URLS", "https://rpc.example");
    let on = ("NETWORKS", "base");
    let key = ("GAS_KEY", KEY);
    let cases: &[Case<'_>] = &[
        (&[("NETWORKS", "bass")], "x402.networks", "must be one of base, "),
        (&[("NETWORKS", "base,eip155:8453"), key, rpc], "x402.networks", "base twice"),
        (&[on], "x402.network.base.rpc_urls", "must hold an endpoint"),
        (&[on, rpc], "x402.gas_key_file", "must be set for base"),
        (&[("NETWORKS", "eip155:5"), key], "x402.network.eip155:5.tokens", "must hold a token"),
        (&[on, ("NETWORK_BASE_FACILITATOR_URL", "https://f.example")], "x402.network.base.pay_to", "must be set"),
        (&[("NETWORK_BASE_FACILITATOR_TOKEN", "hunter2")], "x402.network.base.facilitator_token", "without"),
        (
            &[("NETWORK_BASE_FACILITATOR_URL", "https://f"), ("NETWORK_BASE_FACILITATOR_TOKEN", "(set, not shown)")],
            "x402.network.base.facilitator_token",
            "without spaces",
        ),
        (&[("NETWORK_BASE_FACILITATOR_URL", "ftp://f")], "x402.network.base.facilitator_url", "must be a URL"),
        (&[("NETWORK_BASE_RPC_URLS", "https://u:hunter2@r")], "x402.network.base.rpc_urls", "must be a URL"),
        (&[("NETWORK_BASE_RPC_URLS", "https://r/…")], "x402.network.base.rpc_urls", "in full"),
        (&[("NETWORK_BASE_PAY_TO", "0x12")], "x402.network.base.pay_to", "must be an address"),
        (&[("NETWORK_BASE_CONFIRMATIONS", "0")], "x402.network.base.confirmations", "at least 1"),
        (&[("NETWORK_BASE_CONFIRMATIONS", "many")], "x402.network.base.confirmations", "whole number"),
        (&[("NETWORK_BASE_BLOCK_TIME_MS", "1")], "x402.network.base.block_time_ms", "at least 100"),
        (&[("NETWORK_BASE_STUCK_AFTER_MS", "1")], "x402.network.base.stuck_after_ms", "at least 2000"),
        (&[("NETWORK_BASE_MAX_FEE_GWEI", "0")], "x402.network.base.max_fee_gwei", "more than 0"),
        (&[("NETWORK_BASE_LOW_BALANCE", "1e3")], "x402.network.base.low_balance", "decimal number"),
        (&[("NETWORK_BASE_PAUSE_BALANCE", "1")], "x402.network.base.pause_balance", "low_balance"),
        (&[("NETWORK_BASE_TOKENS", "symbol=USDC")], "x402.network.base.tokens", "must hold the part"),
        (&[("NETWORK_BASE_TOKENS", "color=red")], "x402.network.base.tokens", "\"color\""),
        (&[("NETWORK_BASE_TOKENS", &TOKEN.replace("0x036", "036"))], "x402.network.base.tokens", "tokens.0.address"),
        (&[("NETWORK_BASE_TOKENS", &TOKEN.replace("=6", "=99"))], "x402.network.base.tokens", "decimals"),
        (&[("GAS_KEY", "hunter2")], "x402.gas_key", "64 hex digits"),
        (&[("GAS_KEY_FILE", "/no/such.key")], "x402.gas_key_file", "/no/such.key"),
        (&[key, ("GAS_KEY_FILE", "/no/such.key")], "x402.gas_key_file", "together with"),
        (&[("TIMEOUT_S", "9")], "x402.timeout_s", "at least 10"),
        (&[("TIMEOUT_S", "604801")], "x402.timeout_s", "at most 604800"),
        (&[("SETTLE", "later"), ("LATER_MAX_USDC", "0")], "x402.later_max_usdc", "more than 0"),
        (&[("SETTLE", "soon")], "x402.settle", "\"after\""),
        (&[("RECEIVER", "me")], "x402.receiver", "\"seller\""),
        (&[("NETWORK_BASE_RPC_URL", "x")], "FAREBOX_X402_NETWORK_BASE_RPC_URL", "FAREBOX_X402_NETWORK_BASE_RPC_URLS"),
        (
            &[("NETWORK_BASIS_RPC_URLS", "x")],
            "FAREBOX_X402_NETWORK_BASIS_RPC_URLS",
            "FAREBOX_X402_NETWORK_BASE_RPC_URLS",
        ),
    ];
    for (env, key, rule) in cases {
        let message = with_env(env).unwrap_err();
        assert!(message.contains(key) && message.contains(rule), "{key}: {message}");
        assert!(!message.contains("hunter2") && !message.contains(KEY), "{message}");
    }
    for (text, part) in [
        ("[x402]\nnetwork = 1\n", "x402.network must hold sections"),
        ("[x402.network]\nbase = 1\n", "x402.network.base must hold sections"),
        ("[x402.network.bass]\n", "x402.network.bass must be one of base, "),
        ("[x402.network.base]\nrpc_url = \"x\"\n", "the nearest one is x402.network.base.rpc_urls"),
        ("[x402.network.base]\nrpc_urls = \"x\"\n", "x402.network.base.rpc_urls must be a list of texts"),
    ] {
        let message = with_file(text).unwrap_err();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn what_is_shown_of_networks_reads_back() {
    let config = with_env(&[
        ("NETWORKS", "base"),
        ("NETWORK_BASE_FACILITATOR_URL", "https://f.example"),
        ("NETWORK_BASE_PAY_TO", PAYEE),
        ("NETWORK_BASE_TOKENS", TOKEN),
        ("NETWORK_AVALANCHE_LOW_BALANCE", "7"),
    ])
    .unwrap();
    assert_eq!(with_file(&config.render()).unwrap(), config);
}

#[test]
fn the_operator_bounds_what_sellers_choose() {
    let usual = with_env(&[]).unwrap().x402;
    assert_eq!(usual.orders_allowed, [Settle::After, Settle::Before]);
    assert_eq!(usual.receivers_allowed, [Receiver::Gateway, Receiver::Seller]);
    assert!(!usual.settles_later());
    let own = with_env(&[("ORDERS_ALLOWED", "later"), ("RECEIVERS_ALLOWED", "")]).unwrap().x402;
    assert!(own.settles_later() && own.receivers_allowed.is_empty());
    let unbounded = with_env(&[("ORDERS_ALLOWED", "later"), ("LATER_MAX_USDC", "0")]).unwrap_err();
    assert!(unbounded.contains("x402.later_max_usdc"), "{unbounded}");
    assert!(with_env(&[("ORDERS_ALLOWED", "soon")]).unwrap_err().contains("x402.orders_allowed"));
    let twice_paid = with_env(&[("SETTLE", "before"), ("RECEIVER", "seller")]).unwrap_err();
    assert!(twice_paid.contains("x402.receiver"), "{twice_paid}");
}

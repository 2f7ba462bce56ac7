//! The layers together, as an operator meets them.

use super::*;
use std::io::Write;

fn sources(env: &[(&str, &str)]) -> ConfigSources<Vec<(String, String)>> {
    let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    ConfigSources { file: None, env, overrides: Vec::new() }
}

fn with_env(env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    load(sources(env))
}

fn with_file(text: &str, env: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    load(ConfigSources { file: Some(file.path().to_owned()), ..sources(env) })
}

fn error(result: Result<Config, ConfigError>) -> String {
    result.unwrap_err().to_string()
}

const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

#[test]
fn without_sources_the_defaults_are_in_effect() {
    let config = with_env(&[("HOME", "/"), ("FAREBOX_TEST_PG_URL", "x"), ("FAREBOX_TARGET_DIR", "x")]).unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8402");
    assert_eq!(config.server.public_url(), "http://127.0.0.1:8402");
    assert_eq!(config.server.max_request_bytes, 8 << 30);
    assert_eq!(config.database.url, None);
    assert_eq!(config.bonus.signup_usdc.get(), 500_000);
    assert_eq!(config.marketplace.price_cap_usdc.get(), 100_000_000);
    assert_eq!(config.sql_gateway.wallet_proof, WalletProof::Required);
    assert_eq!((config.limits.marketplace_per_minute, config.limits.marketplace_burst), (60, 120));
}

#[test]
fn every_key_of_the_defaults_is_explained_above_it() {
    let mut explained = false;
    for line in DEFAULTS.lines() {
        match line.chars().next() {
            Some('#') => explained = true,
            Some('[') | None => explained = false,
            Some(_) => {
                assert!(explained, "no comment above: {line}");
                explained = false;
            }
        }
    }
}

#[test]
fn each_layer_wins_over_the_one_below() {
    let text = "[server]\nlisten = \"0.0.0.0:1\"\nmax_header_bytes = 10000\n[net]\nallow = [\"localhost:9000\"]\n";
    let config = with_file(text, &[]).unwrap();
    assert_eq!((config.server.listen.port(), config.server.max_header_bytes), (1, 10_000));
    assert_eq!(config.net.allow, ["localhost:9000"]);

    let config = with_file(text, &[("FAREBOX_SERVER_LISTEN", "0.0.0.0:2")]).unwrap();
    assert_eq!((config.server.listen.port(), config.server.max_header_bytes), (2, 10_000));

    let mut all = sources(&[("FAREBOX_SERVER_LISTEN", "0.0.0.0:2")]);
    all.overrides.push(("server.listen".into(), "0.0.0.0:3".into()));
    assert_eq!(load(all).unwrap().server.listen.port(), 3);
}

#[test]
fn variables_are_read_as_the_type_of_the_default() {
    let config = with_env(&[
        ("FAREBOX_NET_ALLOW", "localhost:9000, 10.0.0.0/8"),
        ("FAREBOX_MARKETPLACE_OPEN_PROVIDER_REGISTRATION", "true"),
        ("FAREBOX_SQL_GATEWAY_MAX_ROWS", "5"),
        ("FAREBOX_SQL_GATEWAY_WALLET_PROOF", "optional"),
        ("FAREBOX_SERVER_TRUSTED_PROXIES", "10.0.0.1"),
        ("FAREBOX_BONUS_SIGNUP_USDC", "0"),
        ("FAREBOX_LOG_FORMAT", "json"),
    ])
    .unwrap();
    assert_eq!(config.net.allow, ["localhost:9000", "10.0.0.0/8"]);
    assert!(config.marketplace.open_provider_registration);
    assert_eq!(config.sql_gateway.max_rows, 5);
    assert_eq!(config.sql_gateway.wallet_proof, WalletProof::Optional);
    assert!(config.server.trusted_proxies[0].contains("10.0.0.1".parse().unwrap()));
    assert!(config.bonus.signup_usdc.is_zero());
    assert_eq!(config.log.format, LogFormat::Json);

    let empty = with_file("[net]\nallow = [\"a\"]\n", &[("FAREBOX_NET_ALLOW", "")]).unwrap();
    assert!(empty.net.allow.is_empty(), "an empty variable empties a list");
}

#[test]
fn short_forms_set_what_the_long_ones_do_and_both_together_are_refused() {
    let config = with_env(&[
        ("FAREBOX_DATA_DIR", "/data"),
        ("FAREBOX_DATABASE_URL", "postgres://db/books"),
        ("FAREBOX_LOG", "debug"),
        ("FAREBOX_SECRET_KEY", KEY),
    ])
    .unwrap();
    assert_eq!(config.database.data_dir, PathBuf::from("/data"));
    assert_eq!(config.database.url.unwrap().expose(), "postgres://db/books");
    assert_eq!(config.log.filter, "debug");
    assert_eq!(config.secrets.key.unwrap().expose(), KEY);

    let message = error(with_env(&[("FAREBOX_DATA_DIR", "/a"), ("FAREBOX_DATABASE_DATA_DIR", "/b")]));
    for part in ["FAREBOX_DATA_DIR", "FAREBOX_DATABASE_DATA_DIR", "database.data_dir"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn the_file_may_be_named_by_a_variable() {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(b"[limits]\nmarketplace_burst = 77\n").unwrap();
    let path = file.path().to_str().unwrap();
    assert_eq!(with_env(&[("FAREBOX_CONFIG", path)]).unwrap().limits.marketplace_burst, 77);
    assert!(matches!(with_env(&[("FAREBOX_CONFIG", "/no/such/file")]), Err(ConfigError::Unreadable { .. })));
}

#[test]
fn what_does_not_exist_is_refused_with_the_nearest_that_does() {
    let cases = [
        (with_file("[server]\nlistn = \"x\"\n", &[]), "server.listn", "server.listen"),
        (with_file("[servr]\nlisten = \"x\"\n", &[]), "servr", "server"),
        (with_file("listen = \"x\"\n", &[]), "listen", "server.listen"),
        (with_env(&[("FAREBOX_SERVER_LISTN", "x")]), "FAREBOX_SERVER_LISTN", "FAREBOX_SERVER_LISTEN"),
        (with_env(&[("FAREBOX_SECRET", "x")]), "FAREBOX_SECRET", "FAREBOX_SECRET_KEY"),
        (
            with_env(&[("FAREBOX_DATABASE_PREPARED", "x")]),
            "FAREBOX_DATABASE_PREPARED",
            "FAREBOX_DATABASE_PREPARED_STATEMENTS",
        ),
    ];
    for (result, name, nearest) in cases {
        let Err(ConfigError::Unknown { name: found, nearest: offered, .. }) = &result else { panic!("{result:?}") };
        assert_eq!((found.as_str(), offered.as_str()), (name, nearest));
    }
    let mut wrong = sources(&[]);
    wrong.overrides.push(("calls.hold_ttl".into(), "1".into()));
    assert!(error(load(wrong)).contains("calls.hold_ttl_s"));
}

#[test]
fn values_of_the_wrong_type_or_range_are_refused_by_key_and_origin() {
    let cases = [
        (with_file("[server]\nmax_header_bytes = \"x\"\n", &[]), "server.max_header_bytes", "whole number"),
        (with_file("[server]\nmax_header_bytes = 1\n", &[]), "server.max_header_bytes", "at least 8192"),
        (with_file("[net]\nallow = [1]\n", &[]), "net.allow", "list of texts"),
        (with_file("net = 1\n", &[]), "net", "section"),
        (with_env(&[("FAREBOX_LIMITS_MARKETPLACE_BURST", "many")]), "limits.marketplace_burst", "whole number"),
        (with_env(&[("FAREBOX_LIMITS_MARKETPLACE_BURST", "-1")]), "limits.marketplace_burst", "-1"),
        (with_env(&[("FAREBOX_CALLS_IDEMPOTENCY_TTL_S", "60")]), "calls.idempotency_ttl_s", "at least"),
        (with_env(&[("FAREBOX_LIMITS_MARKETPLACE_ENABLED", "yes")]), "limits.marketplace_enabled", "true or false"),
        (with_env(&[("FAREBOX_SERVER_LISTEN", "here")]), "server.listen", "ADDRESS:PORT"),
        (with_env(&[("FAREBOX_SERVER_PUBLIC_URL", "https://x.example/")]), "server.public_url", "slash"),
        (with_env(&[("FAREBOX_SERVER_TRUSTED_PROXIES", "10.0.0.1,x")]), "server.trusted_proxies", "network"),
        (
            with_env(&[("FAREBOX_SERVER_CORS_ORIGINS", "https://app.example/")]),
            "server.cors_origins",
            "origins such as",
        ),
        (with_env(&[("FAREBOX_NET_ALLOW", "a b")]), "net.allow", "a b"),
        (with_env(&[("FAREBOX_NET_IDLE_TIMEOUT_MS", "900001")]), "net.idle_timeout_ms", "at most 900000"),
        (with_env(&[("FAREBOX_CALLS_HOLD_TTL_S", "900")]), "calls.hold_ttl_s", "net.total_timeout_ms"),
        (with_env(&[("FAREBOX_FEES_GATEWAY_FEE_BASIS_POINTS", "10001")]), "fees.gateway_fee_basis_points", "10000"),
        (with_env(&[("FAREBOX_BONUS_SIGNUP_USDC", "1e3")]), "bonus.signup_usdc", "decimal number"),
        (with_env(&[("FAREBOX_MARKETPLACE_PRICE_CAP_USDC", "0")]), "marketplace.price_cap_usdc", "more than 0"),
        (with_env(&[("FAREBOX_SQL_GATEWAY_WALLET_PROOF", "maybe")]), "sql_gateway.wallet_proof", "required"),
        (with_env(&[("FAREBOX_DATABASE_URL", "mysql://x")]), "database.url", "postgres://"),
        (with_env(&[("FAREBOX_DATABASE_URL", "postgres://u:hunter2@h/b?sslmode=on")]), "database.url", "sslmode"),
        (with_env(&[("FAREBOX_DATABASE_CA_FILE", "/no/such.pem")]), "database.ca_file", "/no/such.pem"),
        (with_env(&[("FAREBOX_DATABASE_MAX_CONNECTIONS", "10001")]), "database.max_connections", "at most 10000"),
        (with_env(&[("FAREBOX_CALLS_BALANCE_FRESH_MS", "60001")]), "calls.balance_fresh_ms", "at most 60000"),
        (with_env(&[("FAREBOX_CALLS_GROUP_COMMIT_MAX", "10001")]), "calls.group_commit_max", "at most 10000"),
        (with_env(&[("FAREBOX_CALLS_REPLY_BUFFER_BYTES", "67108865")]), "calls.reply_buffer_bytes", "at most 67108864"),
        (with_env(&[("FAREBOX_CALLS_REPLY_QUIET_MS", "10001")]), "calls.reply_quiet_ms", "at most 10000"),
        (with_env(&[("FAREBOX_DATA_DIR", "")]), "database.data_dir", "folder"),
        (with_env(&[("FAREBOX_SECRET_KEY", "hunter2")]), "secrets.key", "64 hex digits"),
        (with_env(&[("FAREBOX_LOG", "info,=,")]), "log.filter", "level"),
        (with_env(&[("FAREBOX_LOG_FORMAT", "xml")]), "log.format", "json"),
    ];
    for (result, key, rule) in cases {
        let Err(ConfigError::Invalid { key: found, origin, .. }) = &result else { panic!("{key}: {result:?}") };
        assert_eq!(found, key, "{result:?}");
        assert!(!origin.is_empty() && (origin != "defaults" || rule == "at most 10"), "{result:?}");
        let message = error(result.clone());
        assert!(message.contains(key) && message.contains(rule), "{message}");
        assert!(!message.contains("hunter2"), "{message}");
    }
}

#[test]
fn broken_files_are_refused_with_their_line() {
    let Err(ConfigError::Syntax { line, .. }) = with_file("[server]\n\nlisten = = 1\n", &[]) else { panic!() };
    assert_eq!(line, 3);
}

#[test]
fn settings_that_exclude_each_other_are_refused() {
    let message = error(with_env(&[
        ("FAREBOX_DATABASE_URL", "postgres://db/books"),
        ("FAREBOX_SQL_GATEWAY_WALLET_PROOF", "optional"),
    ]));
    assert!(message.contains("sql_gateway.wallet_proof") && message.contains("database.url"), "{message}");
    let message = error(with_env(&[("FAREBOX_SECRET_KEY", KEY), ("FAREBOX_SECRETS_KEY_FILE", "/key")]));
    assert!(message.contains("secrets.key_file") && !message.contains(KEY), "{message}");
}

#[test]
fn the_secret_key_comes_from_the_environment_alone() {
    let message = error(with_file(&format!("[secrets]\nkey = \"{KEY}\"\n"), &[]));
    assert!(message.contains("FAREBOX_SECRET_KEY") && !message.contains(KEY), "{message}");
    let mut wrong = sources(&[]);
    wrong.overrides.push(("secrets.key".into(), KEY.into()));
    assert!(error(load(wrong)).contains("FAREBOX_SECRET_KEY"));
}

#[test]
fn what_is_shown_reads_back_and_holds_no_secret() {
    let config = with_env(&[
        ("FAREBOX_SECRET_KEY", KEY),
        ("FAREBOX_DATABASE_URL", "postgres://me:hunter2@db/books"),
        ("FAREBOX_SERVER_TRUSTED_PROXIES", "10.0.0.0/8"),
    ])
    .unwrap();
    for text in [config.render(), format!("{config:?}")] {
        assert!(!text.contains(KEY) && !text.contains("hunter2"), "{text}");
    }
    assert!(config.render().contains("url = \"postgres://me:…@db/books\""), "{}", config.render());

    let plain = with_env(&[("FAREBOX_BONUS_SIGNUP_USDC", "1.5")]).unwrap();
    let shown = plain.render();
    assert_eq!(with_file(&shown, &[]).unwrap(), plain);
    let order = |text: &str| -> Vec<String> {
        text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key.to_owned()).collect()
    };
    assert_eq!(order(&plain.render()), order(DEFAULTS), "in the order of the defaults, nothing left out");
}

#[test]
fn a_mail_server_needs_a_sender_and_its_password_is_not_shown() {
    let url = "smtps://farebox:hunter2@mail.example.com";
    let alone = error(with_env(&[("FAREBOX_MAIL_SMTP_URL", url)]));
    assert!(alone.contains("mail.from must name the sender") && !alone.contains("hunter2"), "{alone}");
    let both = [("FAREBOX_MAIL_SMTP_URL", url), ("FAREBOX_MAIL_FROM", "Farebox <no-reply@example.com>")];
    let config = with_env(&both).unwrap();
    assert!(!config.render().contains("hunter2") && !format!("{config:?}").contains("hunter2"));
    let wrong = error(with_env(&[("FAREBOX_MAIL_SMTP_URL", "http://u:hunter2@h"), both[1]]));
    assert!(wrong.contains("mail.smtp_url must be smtps://") && !wrong.contains("hunter2"), "{wrong}");
    assert!(error(with_env(&[("FAREBOX_MAIL_FROM", "nobody")])).contains("mail.from must be an address"));
}

#[test]
fn the_outbox_is_shown_only_where_the_server_is_its_own_machines() {
    let private = |env: &[(&str, &str)]| with_env(env).unwrap().server.is_private();
    assert!(private(&[]));
    assert!(private(&[("FAREBOX_SERVER_LISTEN", "[::1]:80"), ("FAREBOX_SERVER_PUBLIC_URL", "http://localhost:80")]));
    assert!(!private(&[("FAREBOX_SERVER_LISTEN", "0.0.0.0:80")]));
    assert!(!private(&[("FAREBOX_SERVER_PUBLIC_URL", "https://pay.example.com")]));
}

//! Which addresses and URLs pass.

use std::net::SocketAddr;

use farebox_base::Kind;
use farebox_net::{AllowRule, Policy, address_refusal};
use url::Url;

/// At least one of every range, with its first and last where they are near public ones.
const REFUSED: &str = "
    0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 100.100.100.200 127.0.0.1 127.255.255.254
    168.63.129.16 169.254.0.1 169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.7 192.88.99.1
    192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1
    255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.1.2.3 ::ffff:169.254.169.254
    64:ff9b::10.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2
    2001:2::1 2001:db8::1 2002:7f00:1:: 2002:a00:1::1 2002:c0a8:101::1 3fff::1 fc00::1 fd00:ec2::254 fd12:3456::1
    fe80::1 fec0::1 ff02::1 5f00::1 2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:c0a8:101
";

/// Among them the neighbours of refused ranges.
const PUBLIC: &str = "
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.1 168.63.129.15
    169.253.255.255 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.1 192.167.255.255 192.169.0.0 198.17.255.255
    198.20.0.0 223.255.255.255 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1 2001:4860:4860::8888
    2606:4700:4700::1111 2a00:1450:4001::200e 2606:4700::5efe:8.8.8.8
";

#[test]
fn only_addresses_of_the_public_internet_pass() {
    for text in REFUSED.split_whitespace() {
        assert!(address_refusal(text.parse().unwrap()).is_some(), "{text} must be refused");
    }
    for text in PUBLIC.split_whitespace() {
        assert_eq!(address_refusal(text.parse().unwrap()), None, "{text} must pass");
    }
}

#[test]
fn an_allow_rule_covers_its_host_or_range_and_port_only() {
    let cases = [
        ("127.0.0.1:9001", "x", "127.0.0.1:9001", true),
        ("127.0.0.1:9001", "x", "127.0.0.1:9002", false),
        ("127.0.0.1", "x", "127.0.0.1:1", true),
        ("127.0.0.1", "x", "127.0.0.2:1", false),
        ("127.0.0.1", "x", "[::ffff:127.0.0.1]:1", true),
        ("10.0.0.0/8", "x", "10.200.1.1:80", true),
        ("10.0.0.0/8", "x", "192.168.0.1:80", false),
        ("10.0.0.0/8:8080", "x", "10.0.0.1:8080", true),
        ("10.0.0.0/8:8080", "x", "10.0.0.1:80", false),
        ("0.0.0.0/0", "x", "169.254.169.254:80", true),
        ("::1", "x", "[::1]:5", true),
        ("[::1]:9001", "x", "[::1]:9001", true),
        ("[::1]:9001", "x", "[::1]:9002", false),
        ("fd00::/8", "x", "[fd12::1]:1", true),
        ("fd00::/8", "x", "[fe80::1]:1", false),
        ("internal.example:8080", "Internal.Example", "10.0.0.1:8080", true),
        ("internal.example:8080", "internal.example", "10.0.0.1:80", false),
        ("internal.example", "other.example", "10.0.0.1:80", false),
        ("internal.example", "a.internal.example", "10.0.0.1:80", false),
        ("localhost", "localhost.", "127.0.0.1:80", true),
    ];
    for (rule, host, address, is_allowed) in cases {
        let policy = Policy { allow: vec![rule.parse().unwrap()], ..Policy::default() };
        let address: SocketAddr = address.parse().unwrap();
        assert_eq!(policy.refusal(host, address).is_none(), is_allowed, "rule {rule}, {host} at {address}");
    }
}

#[test]
fn text_that_is_no_rule_is_refused_with_a_hint() {
    for text in [
        "",
        ":80",
        "10.0.0.0/33",
        "10.0.0.0/x",
        "fd00::/129",
        "host:port",
        "host:99999",
        "[::1",
        "[::1]x",
        "http://a",
        "a b",
    ] {
        let error = text.parse::<AllowRule>().unwrap_err().to_string();
        assert!(error.contains("10.0.0.0/8"), "{text}: {error}");
    }
}

#[test]
fn urls_that_point_inside_are_refused_at_registration() {
    let policy = Policy::default();
    let private = [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://10.0.0.1:8080/x",
        "http://100.64.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://224.0.0.1/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[fd00:ec2::254]/",
        "http://localhost/",
        "http://LOCALHOST:1/",
        "http://localhost./",
        "http://a.localhost/",
        "http://metadata.google.internal/",
        "http://db.internal/",
        "http://printer.local/",
        "https://127.0.0.1/",
    ];
    for text in private {
        let error = policy.check_url("endpoint", &Url::parse(text).unwrap()).unwrap_err();
        assert_eq!(error.kind, Kind::Invalid, "{text}");
        assert_eq!(error.message, "endpoint must not point to a private address", "{text}");
        assert_eq!(error.field.as_deref(), Some("endpoint"));
    }
    for (text, rule) in [
        ("ftp://example.com/", "http"),
        ("file:///etc/passwd", "http"),
        ("http://me:pw@example.com/", "password"),
        ("http://me@example.com/", "user name"),
    ] {
        let error = policy.check_url("endpoint", &Url::parse(text).unwrap()).unwrap_err();
        assert!(error.message.contains(rule), "{text}: {}", error.message);
    }
    for text in [
        "http://example.com/",
        "https://api.example.com:8443/v1?x=1",
        "http://8.8.8.8/",
        "https://[2606:4700::1111]/",
        "http://localhost.example.com/",
    ] {
        assert!(policy.check_url("endpoint", &Url::parse(text).unwrap()).is_ok(), "{text}");
    }
}

#[test]
fn an_allowed_host_passes_at_registration_with_its_port_only() {
    let allow = vec!["127.0.0.1:9001".parse().unwrap(), "localhost:9002".parse().unwrap()];
    let policy = Policy { allow, ..Policy::default() };
    for (text, passes) in [
        ("http://127.0.0.1:9001/a", true),
        ("http://127.0.0.1:9002/a", false),
        ("http://localhost:9002", true),
        ("http://localhost:9001", false),
    ] {
        assert_eq!(policy.check_url("endpoint", &Url::parse(text).unwrap()).is_ok(), passes, "{text}");
    }
}

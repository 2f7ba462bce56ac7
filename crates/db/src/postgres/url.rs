//! The rules of a PostgreSQL URL, in words that name the part at fault.
//!
//! Looks at the URL before the driver does, which takes it apart in the same way but says little about what it refuses.
//! Invariant: no message quotes a value, so that none holds a part of a password.

const SCHEMES: [&str; 2] = ["postgres://", "postgresql://"];
const TIMEOUT_MAX_S: u64 = 600;

/// What a parameter takes.
enum Takes {
    Text,
    Words(&'static [&'static str]),
    /// A whole number from the one to the other.
    Number(u64, u64),
    Ports,
    Addresses,
}

const PARAMETERS: &[(&str, Takes)] = &[
    ("user", Takes::Text),
    ("password", Takes::Text),
    ("dbname", Takes::Text),
    ("options", Takes::Text),
    ("application_name", Takes::Text),
    ("host", Takes::Text),
    ("hostaddr", Takes::Addresses),
    ("port", Takes::Ports),
    ("sslmode", Takes::Words(&["disable", "prefer", "require", "verify-full"])),
    ("sslnegotiation", Takes::Words(&["postgres", "direct"])),
    ("channel_binding", Takes::Words(&["disable", "prefer", "require"])),
    ("target_session_attrs", Takes::Words(&["any", "read-write"])),
    ("load_balance_hosts", Takes::Words(&["disable", "random"])),
    ("connect_timeout", Takes::Number(1, TIMEOUT_MAX_S)),
    ("tcp_user_timeout", Takes::Number(1, TIMEOUT_MAX_S)),
    ("keepalives", Takes::Number(0, 1)),
    ("keepalives_idle", Takes::Number(1, TIMEOUT_MAX_S)),
    ("keepalives_interval", Takes::Number(1, TIMEOUT_MAX_S)),
    ("keepalives_retries", Takes::Number(1, 100)),
];

/// Whether a URL can be meant for a server at all.
///
/// # Errors
/// Completes a sentence that begins with what names the URL: "has a wrong sslmode: …".
pub(super) fn check(url: &str) -> Result<(), String> {
    let Some(rest) = SCHEMES.iter().find_map(|scheme| url.strip_prefix(scheme)) else {
        return Err("must begin with postgres:// or postgresql://".to_owned());
    };
    let place = rest.split_once('@').map_or(rest, |(_, place)| place);
    let hosts = place.split(['/', '?']).next().unwrap_or_default();
    if hosts.contains('@') {
        return Err("has more than one @; in a password it is written %40".to_owned());
    }
    if !hosts.is_empty() {
        hosts.split(',').try_for_each(host)?;
    }
    let query = place.split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|pair| !pair.is_empty()).try_for_each(parameter)
}

fn host(text: &str) -> Result<(), String> {
    let (host, port) = match text.strip_prefix('[') {
        Some(inside) => inside.split_once(']').ok_or("has a [ without a ] in its hosts")?,
        None => text.find(':').map_or((text, ""), |at| text.split_at(at)),
    };
    if host.is_empty() {
        return Err("names an empty host: several are written host1,host2".to_owned());
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok(()),
        Some(port) if is_port(port) => Ok(()),
        _ => Err("has a wrong port: it must be a number from 1 to 65535".to_owned()),
    }
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok_and(|port| port != 0)
}

fn parameter(pair: &str) -> Result<(), String> {
    let (name, value) = pair.split_once('=').ok_or("has a parameter without a value: one is written name=value")?;
    let Some((name, takes)) = PARAMETERS.iter().find(|(known, _)| *known == name) else {
        let is_word = name.len() <= 40 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        let name = if is_word { format!(" {name}") } else { String::new() };
        let known: Vec<_> = PARAMETERS.iter().map(|(known, _)| *known).collect();
        return Err(format!("has an unknown parameter{name}; there are {}", known.join(", ")));
    };
    let wanted = match takes {
        Takes::Text if !value.is_empty() => return Ok(()),
        Takes::Words(words) if words.contains(&value) => return Ok(()),
        Takes::Number(least, most) if value.parse().is_ok_and(|n: u64| (*least..=*most).contains(&n)) => return Ok(()),
        Takes::Ports if value.split(',').all(is_port) => return Ok(()),
        Takes::Addresses if value.split(',').all(|a| a.parse::<std::net::IpAddr>().is_ok()) => return Ok(()),
        Takes::Text => "must not be empty".to_owned(),
        Takes::Words(words) => format!("must be one of {}", words.join(", ")),
        Takes::Number(least, most) => format!("must be a whole number from {least} to {most}"),
        Takes::Ports => "must be numbers from 1 to 65535, one or as many as hosts".to_owned(),
        Takes::Addresses => "must be IP addresses, as many as hosts".to_owned(),
    };
    Err(format!("has a wrong {name}: it {wanted}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_that_work_pass() {
        for url in [
            "postgres://u:p%40x@a:1,b:2/books?connect_timeout=3&sslmode=verify-full&application_name=f",
            "postgresql://u@[::1]:5432/books?target_session_attrs=read-write",
            "postgres://u@/books?host=/run/postgresql&port=5433",
            "postgres://%2Frun%2Fpostgresql/books",
            "postgres://u:p/a?s@a/books",
            "postgres://a,b/books?hostaddr=10.0.0.1,10.0.0.2",
        ] {
            assert_eq!(check(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn the_part_that_cannot_work_is_named_with_what_it_takes_and_no_secret() {
        for (url, words) in [
            ("mysql://u:hunter2@a/b", "must begin with postgres://"),
            ("postgres://u:hunter2@h1,,h2/b", "an empty host"),
            ("postgres://u:hunter2@h1,/b", "an empty host"),
            ("postgres://u:hunter2@:5432/b", "an empty host"),
            ("postgres://u:x@hunter2@a/b", "%40"),
            ("postgres://u:hunter2@a:0/b", "1 to 65535"),
            ("postgres://u:hunter2@a:port/b", "1 to 65535"),
            ("postgres://u:hunter2@[::1/b", "without a ]"),
            ("postgres://u:hunter2@a/b?sslmode=verify-ca", "wrong sslmode: it must be one of disable, prefer, require"),
            ("postgres://u:hunter2@a/b?target_session_attrs=primary", "one of any, read-write"),
            ("postgres://u:hunter2@a/b?target_session_attrs=read-only", "one of any, read-write"),
            ("postgres://u:hunter2@a/b?connect_timeout=0", "wrong connect_timeout: it must be a whole number from 1"),
            ("postgres://u:hunter2@a/b?connect_timeout=3s", "wrong connect_timeout"),
            ("postgres://u:hunter2@a/b?statement_timeout=3", "unknown parameter statement_timeout; there are user"),
            ("postgres://u:hunter2@a/b?sslmode", "without a value"),
            ("postgres://u:hunter2@a/b?user=", "wrong user: it must not be empty"),
            ("postgres://u:hunter2@a/b?hostaddr=a", "IP addresses"),
        ] {
            let error = check(url).unwrap_err();
            assert!(error.contains(words) && !error.contains("hunter2"), "{url}: {error}");
        }
    }
}

//! Why a server takes no connection, told to whoever can do something about it.

use crate::error::with_causes;
use tokio_postgres::Error;
use tokio_postgres::error::SqlState;

/// What a server, or the way to it, has against a login: the fault in its words, and what to change where that is known.
pub(super) fn refusal(error: &Error) -> String {
    let Some(answer) = error.as_db_error() else { return with_advice(with_causes(error)) };
    let text = format!("{} ({})", answer.message(), answer.code().code());
    let advice = match *answer.code() {
        SqlState::INVALID_CATALOG_NAME => "make the database, or name another one in the URL",
        SqlState::INVALID_AUTHORIZATION_SPECIFICATION | SqlState::INVALID_PASSWORD => {
            "see the user and the password in the URL, and the server's pg_hba.conf"
        }
        _ => return with_advice(text),
    };
    format!("{text}; {advice}")
}

/// Poolers have no codes of their own, and the driver has none for TLS.
fn with_advice(text: String) -> String {
    const PARAMETER: &str = "unsupported startup parameter";
    if text.contains("server does not support TLS") {
        return format!(
            "{text}; switch on `ssl` there, or leave out sslmode=require and database.ca_file where the network is \
             trusted"
        );
    }
    if text.contains("invalid dns name") {
        return format!("{text}; TLS needs a host's name or address in the URL: leave sslmode out for a socket");
    }
    if let Some((_, rest)) = text.split_once(PARAMETER) {
        let named = rest.split_once(": ").map_or("", |(_, name)| name);
        let name: String = named.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        // A parameter inside `options` is ignored by its own name.
        let name = if name.is_empty() { "options".to_owned() } else { name };
        return format!(
            "{text}; leave it out of the URL, or set `ignore_startup_parameters = {name}` in pgbouncer's configuration"
        );
    }
    text
}

/// What each server had against it, by its name; a fault that several share is told once.
pub(super) fn told(refusals: Vec<(String, String)>) -> String {
    let mut by_fault: Vec<(String, Vec<String>)> = vec![];
    for (server, fault) in refusals {
        match by_fault.iter_mut().find(|(known, _)| *known == fault) {
            Some((_, servers)) => servers.push(server),
            None => by_fault.push((fault, vec![server])),
        }
    }
    let each: Vec<_> = by_fault.iter().map(|(fault, servers)| format!("{}: {fault}", servers.join(", "))).collect();
    format!("no connection to PostgreSQL at {}", each.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_servers_share_is_told_once() {
        let refusals = [("a:1", "gone"), ("b:2", "asleep"), ("c:3", "gone")];
        let refusals = refusals.map(|(server, fault)| (server.to_owned(), fault.to_owned())).to_vec();
        assert_eq!(told(refusals), "no connection to PostgreSQL at a:1, c:3: gone; b:2: asleep");
    }

    #[test]
    fn faults_that_poolers_and_tls_word_freely_come_with_advice() {
        for (fault, advice) in [
            ("unsupported startup parameter: options (08P01)", "ignore_startup_parameters = options"),
            ("unsupported startup parameter in options: enable_sort", "ignore_startup_parameters = enable_sort"),
            ("error performing TLS handshake: invalid dns name", "leave sslmode out"),
            ("error performing TLS handshake: server does not support TLS", "sslmode"),
        ] {
            assert!(with_advice(fault.to_owned()).contains(advice), "{}", with_advice(fault.to_owned()));
        }
        assert_eq!(with_advice("other".to_owned()), "other");
    }
}

//! What a key takes, in words for whoever set it wrong.
//!
//! The values' types decide what is read; this only words their refusals, in place of the reader's own terms.

use toml::Value;

/// Keys that take one of a few words.
const WORDS: &[(&str, &[&str])] = &[
    ("calls.durability", &["full", "relaxed"]),
    ("sql_gateway.wallet_proof", &["required", "optional"]),
    ("x402.settle", &["after", "before", "later"]),
    ("x402.receiver", &["gateway", "seller"]),
    ("log.format", &["text", "json"]),
];

/// The rule that a value of the right TOML type breaks; `reason` is the reader's, where it has words of its own.
pub(super) fn rule(key: &str, value: Option<&Value>, reason: &str) -> String {
    if let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == key) {
        let words: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
        return format!("must be {}, not {}", words.join(" or "), shown(value));
    }
    match value {
        Some(Value::Integer(number)) if *number < 0 => {
            format!("must be a whole number that is not negative, not {number}")
        }
        Some(Value::Integer(number)) => format!("must be a smaller whole number than {number}"),
        _ if key == "server.listen" => {
            format!("must be ADDRESS:PORT, such as 127.0.0.1:8402 or [::1]:8402, not {}", shown(value))
        }
        _ if reason.starts_with("must ") || reason.starts_with("is ") => reason.to_owned(),
        _ => format!("is not valid: {reason}"),
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map(Value::to_string).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::{Config, ConfigSources, load};
    use super::*;

    fn with(key: &str, value: &str) -> Result<Config, String> {
        let overrides = vec![(key.to_owned(), value.to_owned())];
        load(ConfigSources { file: None, env: [], overrides }).map_err(|error| error.to_string())
    }

    #[test]
    fn the_words_of_a_key_are_those_it_takes() {
        for (key, words) in WORDS {
            for word in *words {
                with(key, word).unwrap();
            }
            let refused = with(key, "none of them").unwrap_err();
            assert!(words.iter().all(|word| refused.contains(word)), "{refused}");
            assert!(refused.ends_with("not \"none of them\""), "{refused}");
        }
    }

    #[test]
    fn numbers_and_addresses_are_refused_in_words_of_ours() {
        for (key, value, words) in [
            ("calls.in_flight_max", "-1", "must be a whole number that is not negative, not -1"),
            ("limits.marketplace_burst", "5000000000", "must be a smaller whole number than 5000000000"),
            ("server.listen", "8402", "must be ADDRESS:PORT, such as 127.0.0.1:8402 or [::1]:8402, not \"8402\""),
            ("server.trusted_proxies", "x", "server.trusted_proxies must be an address or a network"),
            ("bonus.signup_usdc", "-1", "bonus.signup_usdc must not be negative"),
        ] {
            let refused = with(key, value).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }
}

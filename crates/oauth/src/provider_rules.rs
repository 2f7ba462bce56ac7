//! The rules for a provider's fields. Each names the field, by its name on the wire, and the broken rule.

use crate::redirect::is_loopback;
use crate::{Provider, Sensitive};
use farebox_accounts::visible_text;
use farebox_base::{Error, Result};
use farebox_net::Client;
use serde_json::{Map, Value};
use url::Url;

const NAME_CHARS: usize = 100;
const SLUG_CHARS: usize = 64;
const DESCRIPTION_CHARS: usize = 1_000;
const URL_BYTES: usize = 2_048;
const CLIENT_ID_BYTES: usize = 512;
const SECRET_BYTES: usize = 4_096;
const SCOPES_MOST: usize = 100;
const SCOPE_BYTES: usize = 256;
const PARAMS_MOST: usize = 20;
const PARAM_BYTES: usize = 500;
const HOSTS_MOST: usize = 50;
/// Words that stand in the place of a slug in paths.
const RESERVED_SLUGS: [&str; 5] = ["callback", "confirm", "connections", "done", "providers"];
/// What decides a flow is this crate's matter.
const RESERVED_PARAMS: [&str; 13] = [
    "client_assertion",
    "client_id",
    "client_secret",
    "code_challenge",
    "code_challenge_method",
    "code_verifier",
    "redirect_uri",
    "request",
    "request_uri",
    "response_mode",
    "response_type",
    "scope",
    "state",
];

/// Checks a provider and brings it into the form in which it is stored.
///
/// # Errors
/// `Invalid`, naming the field.
pub(crate) fn checked(client: &Client, mut provider: Provider) -> Result<Provider> {
    slug(&provider.slug)?;
    provider.name = visible_text("name", &provider.name, NAME_CHARS)?;
    provider.description = provider.description.map(|text| description(&text)).transpose()?;
    provider.logo_url = provider.logo_url.map(|text| logo_url(&text)).transpose()?;
    provider.authorization_url = authorization_url(client, &provider.authorization_url)?;
    provider.token_url = server_url(client, "token_url", &provider.token_url)?.to_string();
    let optional = |field, url: Option<String>| -> Result<Option<String>> {
        url.map(|text| server_url(client, field, &text).map(|url| url.to_string())).transpose()
    };
    provider.revocation_url = optional("revocation_url", provider.revocation_url)?;
    provider.userinfo_url = optional("userinfo_url", provider.userinfo_url)?;
    visible("client_id", &provider.client_id, CLIENT_ID_BYTES)?;
    scopes(&provider.scopes)?;
    params(&provider.auth_params)?;
    provider.upstream_hosts = provider.upstream_hosts.iter().map(|host| upstream_host(host)).collect::<Result<_>>()?;
    at_most("upstream_hosts", provider.upstream_hosts.len(), HOSTS_MOST)?;
    Ok(provider)
}

/// # Errors
/// `Invalid` for `client_secret`, without quoting it.
pub(crate) fn secret(secret: &Sensitive) -> Result<()> {
    visible("client_secret", secret.expose(), SECRET_BYTES)
}

/// A secret that is kept is not sent to another server because somebody changed an address: who may change providers may
/// not read their secrets.
///
/// # Errors
/// `Invalid` for `client_secret`.
pub(crate) fn secret_stays(before: &Provider, after: &Provider) -> Result<()> {
    let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
    let known = origin(&before.token_url);
    let sent_to = [Some(&after.token_url), after.revocation_url.as_ref()];
    let is_known = |url: &String| {
        let to = origin(url);
        to == known || to == before.revocation_url.as_deref().and_then(origin)
    };
    if sent_to.into_iter().flatten().all(is_known) {
        return Ok(());
    }
    Err(Error::invalid("client_secret", "must be sent again where token_url or revocation_url leads to another server"))
}

fn slug(text: &str) -> Result<()> {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let ends_plain = text.bytes().next().is_some_and(is_plain) && text.bytes().last().is_some_and(is_plain);
    if text.len() > SLUG_CHARS || !ends_plain || !text.bytes().all(|b| is_plain(b) || b == b'-') {
        let rule = "must be 1 to 64 lower-case letters, digits or hyphens, with a letter or digit at both ends";
        return Err(Error::invalid("slug", rule));
    }
    if RESERVED_SLUGS.contains(&text) || farebox_base::OauthProviderId::parse(text).is_some() {
        return Err(Error::invalid("slug", "must be another word: this one has a meaning of its own in paths"));
    }
    Ok(())
}

fn description(text: &str) -> Result<String> {
    if text.chars().count() > DESCRIPTION_CHARS {
        let rule = format!("must not be longer than {DESCRIPTION_CHARS} characters");
        return Err(Error::invalid("description", rule));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(Error::invalid("description", "must not contain control characters"));
    }
    Ok(text.to_owned())
}

/// Browsers load it; the server does not.
fn logo_url(text: &str) -> Result<String> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match url.filter(|_| text.len() <= URL_BYTES) {
        Some(url) => Ok(url.to_string()),
        None => Err(Error::invalid("logo_url", "must be a URL that begins with https:// or http://")),
    }
}

fn authorization_url(client: &Client, text: &str) -> Result<String> {
    let url = server_url(client, "authorization_url", text)?;
    if let Some((name, _)) = url.query_pairs().find(|(name, _)| is_reserved(name)) {
        let rule = format!("must not have the parameter {name}, which this gateway sets itself");
        return Err(Error::invalid("authorization_url", rule));
    }
    Ok(url.to_string())
}

/// Secrets go there, so it is encrypted, but for a server on the same machine that the operator lets be reached.
fn server_url(client: &Client, field: &str, text: &str) -> Result<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= URL_BYTES);
    let url = url.ok_or_else(|| Error::invalid(field, "must be a URL such as https://accounts.example.com/path"))?;
    if url.fragment().is_some() {
        return Err(Error::invalid(field, "must not have a fragment"));
    }
    client.check_url(field, &url)?;
    if url.scheme() != "https" && !is_loopback(&url) {
        return Err(Error::invalid(field, "must begin with https://"));
    }
    Ok(url)
}

fn scopes(scopes: &[String]) -> Result<()> {
    at_most("scopes", scopes.len(), SCOPES_MOST)?;
    let is_scope = |text: &str| {
        (1..=SCOPE_BYTES).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\".contains(&b))
    };
    match scopes.iter().position(|scope| !is_scope(scope)) {
        Some(index) => {
            let rule =
                format!("must be 1 to {SCOPE_BYTES} visible ASCII characters without quotes, backslashes and blanks");
            Err(Error::invalid(format!("scopes.{index}"), rule))
        }
        None => Ok(()),
    }
}

fn params(params: &Map<String, Value>) -> Result<()> {
    at_most("custom_auth_params", params.len(), PARAMS_MOST)?;
    for (name, value) in params {
        let is_name = (1..=100).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic());
        if !is_name || is_reserved(name) {
            let rule = "must not name what this gateway sets itself, and names must be visible ASCII characters";
            return Err(Error::invalid("custom_auth_params", rule));
        }
        let text = value.as_str().filter(|text| text.len() <= PARAM_BYTES && !text.chars().any(char::is_control));
        if text.is_none() {
            let rule = format!("must have texts of at most {PARAM_BYTES} bytes as values");
            return Err(Error::invalid("custom_auth_params", rule));
        }
    }
    Ok(())
}

fn is_reserved(name: &str) -> bool {
    RESERVED_PARAMS.iter().any(|reserved| name.eq_ignore_ascii_case(reserved))
}

fn upstream_host(text: &str) -> Result<String> {
    let is_plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-.:[]".contains(&b));
    let url = Url::parse(&format!("https://{text}/")).ok().filter(|_| is_plain);
    let host = url.as_ref().and_then(Url::host_str).filter(|_| text.len() <= 260);
    let host = host.ok_or_else(|| Error::invalid("upstream_hosts", "must hold HOST or HOST:PORT"))?;
    Ok(match url.as_ref().and_then(Url::port) {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

fn visible(field: &str, text: &str, most: usize) -> Result<()> {
    if (1..=most).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic() || b == b' ') {
        return Ok(());
    }
    Err(Error::invalid(field, format!("must be 1 to {most} visible ASCII characters")))
}

fn at_most(field: &str, count: usize, most: usize) -> Result<()> {
    if count > most {
        return Err(Error::invalid(field, format!("must not have more than {most} entries")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_net::Policy;

    fn client() -> Client {
        let allow = vec!["127.0.0.1:9001".parse().unwrap(), "10.1.2.3".parse().unwrap()];
        Client::new(Policy { allow, ..Policy::default() }).unwrap()
    }

    #[test]
    fn servers_are_reached_encrypted_or_not_at_all() {
        let check = |text: &str| server_url(&client(), "token_url", text).map(|url| url.to_string());
        assert_eq!(check("https://ID.example.com").unwrap(), "https://id.example.com/");
        assert_eq!(check("http://127.0.0.1:9001/t").unwrap(), "http://127.0.0.1:9001/t");
        assert!(check("https://10.1.2.3/t").is_ok(), "the operator allows it");
        for bad in [
            "http://id.example.com/t",
            "http://10.1.2.3/t",
            "http://127.0.0.1:9002/t",
            "https://127.0.0.1/t",
            "https://169.254.169.254/latest",
            "https://[::1]/t",
            "https://metadata.google.internal/t",
            "https://user:password@id.example.com/t",
            "https://id.example.com/t#x",
            "ftp://id.example.com/t",
            "javascript:alert(1)",
            "id.example.com",
            "",
        ] {
            assert_eq!(check(bad).unwrap_err().field.as_deref(), Some("token_url"), "{bad}");
        }
        let error = authorization_url(&client(), "https://id.example.com/a?prompt=x&State=mine").unwrap_err();
        assert!(error.message.contains("State"), "{}", error.message);
    }

    #[test]
    fn parameters_cannot_take_over_a_flow() {
        let read = |value: Value| params(value.as_object().unwrap());
        assert!(read(serde_json::json!({ "access_type": "offline", "prompt": "consent" })).is_ok());
        for name in RESERVED_PARAMS {
            assert!(read(serde_json::json!({ name: "x" })).is_err(), "{name}");
            assert!(read(serde_json::json!({ name.to_uppercase(): "x" })).is_err(), "{name}");
        }
        for bad in [serde_json::json!({ "a": 1 }), serde_json::json!({ "": "x" }), serde_json::json!({ "a": "\n" })] {
            assert!(read(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn slugs_scopes_and_hosts_are_plain() {
        assert!(slug("github").is_ok() && slug("a").is_ok() && slug("git-hub-2").is_ok());
        for bad in ["", "-a", "a-", "GitHub", "git hub", "providers", "ü", "01937b2e-0000-7000-8000-000000000000"] {
            assert!(slug(bad).is_err(), "{bad}");
        }
        assert!(scopes(&["repo:read".to_owned(), "https://www.example.com/auth/drive".to_owned()]).is_ok());
        for bad in ["", "a b", "a\"", "a\\", "é"] {
            assert!(scopes(&[bad.to_owned()]).is_err(), "{bad}");
        }
        assert_eq!(upstream_host("API.github.com").unwrap(), "api.github.com");
        assert_eq!(upstream_host("127.0.0.1:9001").unwrap(), "127.0.0.1:9001");
        for bad in ["", "https://x", "x/y", "a@b", "*", "a b"] {
            assert!(upstream_host(bad).is_err(), "{bad}");
        }
    }
}

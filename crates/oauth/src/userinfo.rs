//! Whose account a token is of, as far as its provider tells. Without it a connection works as well.

use crate::exchange::{AGENT, JSON, LIMITS};
use crate::token_reply::Tokens;
use crate::{Oauth, Provider, Sensitive};
use farebox_net::empty;
use http::header::{ACCEPT, AUTHORIZATION, USER_AGENT};
use http::{HeaderValue, Request};
use serde_json::Value;

const TEXT_CHARS_MAX: usize = 254;

/// Who the user is at the provider.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    /// Empty: not known.
    pub id: String,
    pub email: Option<String>,
}

impl Oauth {
    /// Asks for the account; an empty one where the provider does not tell.
    pub(crate) async fn account(&self, provider: &Provider, tokens: &Tokens) -> Account {
        let Some(url) = &provider.userinfo_url else { return Account::default() };
        let Ok(bearer) = bearer(&tokens.access) else { return Account::default() };
        let request = Request::get(url).header(AUTHORIZATION, bearer).header(ACCEPT, JSON).header(USER_AGENT, AGENT);
        let Ok(request) = request.body(empty()) else { return Account::default() };
        match self.client().fetch(request, LIMITS).await {
            Ok(response) if response.status().is_success() => read(response.body()),
            Ok(response) => {
                let status = response.status().as_u16();
                tracing::warn!(provider = %provider.id, status, "a provider does not tell whose a token is");
                Account::default()
            }
            Err(error) => {
                tracing::warn!(provider = %provider.id, cause = ?error.kind, "a provider does not tell whose a token is");
                Account::default()
            }
        }
    }
}

/// A token as it is sent.
pub(crate) fn bearer(token: &Sensitive) -> Result<HeaderValue, http::header::InvalidHeaderValue> {
    let mut header = HeaderValue::try_from(format!("Bearer {}", token.expose()))?;
    header.set_sensitive(true);
    Ok(header)
}

/// `sub` by OpenID Connect, `id` elsewhere.
fn read(body: &[u8]) -> Account {
    let Ok(reply) = serde_json::from_slice::<Value>(body) else { return Account::default() };
    let id = match reply.get("sub").or_else(|| reply.get("id")) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        _ => String::new(),
    };
    let email = reply.get("email").and_then(Value::as_str).filter(|text| is_plain(text)).map(str::to_owned);
    Account { id: Some(id).filter(|id| is_plain(id)).unwrap_or_default(), email }
}

fn is_plain(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= TEXT_CHARS_MAX && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_from_what_makes_sense() {
        let read = |text: &str| {
            let account = read(text.as_bytes());
            (account.id, account.email)
        };
        let none = (String::new(), None);
        assert_eq!(read(r#"{"sub":"u1","email":"a@b.c","id":7}"#), ("u1".to_owned(), Some("a@b.c".to_owned())));
        assert_eq!(read(r#"{"id":7,"email":null}"#), ("7".to_owned(), None));
        for odd in ["", "<html>", "[]", r#"{"sub":{}}"#, r#"{"sub":"a\u0000b","email":"\n"}"#, r#"{"sub":""}"#] {
            assert_eq!(read(odd), none, "{odd}");
        }
    }
}

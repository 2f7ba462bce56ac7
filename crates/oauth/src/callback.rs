//! The provider's answer, which a browser brings.
//!
//! Whatever the answer says, its state is used up. A browser that has the flow's cookie began it and is done here; any
//! other may belong to somebody who was lured into finishing a stranger's flow, and is asked first (`confirm`).

use crate::pending::Pending;
use crate::save::Saved;
use crate::{Flow, Oauth, Provider};
use farebox_base::{Error, OauthConnectionId, Result};
use url::Url;

const CODE_BYTES_MAX: usize = 4_096;
const ERROR_BYTES_MAX: usize = 64;

/// The parameters of the answer.
#[derive(Clone, Copy, Debug, Default)]
pub struct Returned<'a> {
    pub state: Option<&'a str>,
    pub code: Option<&'a str>,
    pub error: Option<&'a str>,
    /// Who answers (RFC 9207).
    pub iss: Option<&'a str>,
}

/// Where the browser goes next.
#[derive(Clone, Debug)]
pub enum Arrived {
    /// To this address: the connection is made, or has failed.
    Done(String),
    /// To this server's question, with this cookie.
    Asks(Flow),
}

impl Oauth {
    /// Takes the answer that came to the address of `provider`. `browser` is the value of the flow's cookie.
    ///
    /// # Errors
    /// `Invalid` where it answers nothing that was asked; those of the database.
    pub async fn callback(
        &self,
        provider: &Provider,
        returned: Returned<'_>,
        browser: Option<&str>,
    ) -> Result<Arrived> {
        let state = returned.state.ok_or_else(|| Error::invalid("state", "is required"))?;
        if returned.code.is_none() && returned.error.is_none() {
            return Err(Error::invalid("code", "is required"));
        }
        let unknown = || Error::invalid("state", "is not known, was used before, or is too old: begin again");
        let pending = self.pending_take(state).await?.ok_or_else(unknown)?;
        if pending.provider_id != provider.id {
            tracing::warn!(provider = %provider.id, "an answer came to the address of another provider than was asked");
            return Err(unknown());
        }
        let failed = |error: &str| Ok(Arrived::Done(failure(&pending, provider, error)));
        if let Some(iss) = returned.iss
            && !is_issuer(provider, iss)
        {
            return failed("issuer_mismatch");
        }
        if let Some(error) = returned.error {
            return failed(plain(error));
        }
        let Some(code) = returned.code.filter(|code| is_code(code)) else { return failed("invalid_code") };
        let code = crate::Sensitive::new(code);
        let is_same_browser = browser.is_some_and(|secret| self.hash("browser", secret) == pending.browser);
        if is_same_browser {
            return self.finish(provider, &Pending { code: Some(code), ..pending }).await.map(Arrived::Done);
        }
        let secret = self.random();
        self.pending_insert(&secret, &Pending { code: Some(code), ..pending }).await?;
        Ok(Arrived::Asks(Flow { name: self.flow_name(secret.expose()), secret }))
    }

    /// Redeems the code and keeps the connection. Answers where the browser goes, also where that failed.
    pub(crate) async fn finish(&self, provider: &Provider, pending: &Pending) -> Result<String> {
        if !provider.is_active {
            return Ok(failure(pending, provider, "provider_inactive"));
        }
        let tokens = match self.redeem(provider, pending).await? {
            Ok(tokens) => tokens,
            Err(failed) => {
                tracing::warn!(provider = %provider.id, cause = failed.cause(), "a code was not redeemed");
                return Ok(failure(pending, provider, "exchange_failed"));
            }
        };
        let account = self.account(provider, &tokens).await;
        match self.save(pending.holder, provider, &tokens, &account).await? {
            Saved::Connection(id) => Ok(success(pending, provider, id)),
            Saved::TooMany => Ok(failure(pending, provider, "too_many_connections")),
            Saved::ProviderMoved => Ok(failure(pending, provider, "provider_changed")),
        }
    }
}

fn success(pending: &Pending, provider: &Provider, id: OauthConnectionId) -> String {
    ended(pending, &[("status", "success"), ("provider", &provider.slug), ("connection_id", &id.to_string())])
}

pub(crate) fn failure(pending: &Pending, provider: &Provider, error: &str) -> String {
    ended(pending, &[("status", "error"), ("provider", &provider.slug), ("error", error)])
}

fn ended(pending: &Pending, more: &[(&str, &str)]) -> String {
    match Url::parse(&pending.redirect_uri) {
        Ok(mut url) => {
            url.query_pairs_mut().extend_pairs(more);
            url.into()
        }
        Err(_) => pending.redirect_uri.clone(),
    }
}

/// An issuer is an address that its authorization page is below of, as far as it tells.
fn is_issuer(provider: &Provider, iss: &str) -> bool {
    match (Url::parse(iss), Url::parse(&provider.authorization_url)) {
        (Ok(issuer), Ok(own)) => issuer.origin().is_tuple() && issuer.origin() == own.origin(),
        _ => false,
    }
}

/// A provider's word for what went wrong, if it is one.
fn plain(error: &str) -> &str {
    let is_word =
        (1..=ERROR_BYTES_MAX).contains(&error.len()) && error.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if is_word { error } else { "provider_error" }
}

fn is_code(code: &str) -> bool {
    (1..=CODE_BYTES_MAX).contains(&code.len()) && code.bytes().all(|b| (0x20..=0x7e).contains(&b))
}

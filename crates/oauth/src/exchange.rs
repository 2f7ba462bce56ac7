//! What is asked of a provider by the server itself: tokens for a code or a refresh token, and to forget tokens.
//!
//! Bounded in time and size; redirects are not followed, as they would carry secrets elsewhere.

use crate::pending::Pending;
use crate::token_reply::{Failed, Tokens};
use crate::{Oauth, Provider, Sensitive, TokenAuth};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use farebox_base::{Error, Result};
use farebox_net::{Body, FetchLimits, full};
use form_urlencoded::{Serializer, byte_serialize};
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::{HeaderValue, Request, Response};

pub(crate) const LIMITS: FetchLimits = FetchLimits { timeout_ms: 10_000, max_response_bytes: 64 << 10 };
/// Nobody waits long for a provider to forget.
const FORGET_LIMITS: FetchLimits = FetchLimits { timeout_ms: 5_000, max_response_bytes: 64 << 10 };
/// Some providers refuse requests without one.
pub(crate) const AGENT: HeaderValue = HeaderValue::from_static("farebox");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
pub(crate) const JSON: HeaderValue = HeaderValue::from_static("application/json");

impl Oauth {
    /// Redeems the code of a flow.
    pub(crate) async fn redeem(&self, provider: &Provider, pending: &Pending) -> Result<Result<Tokens, Failed>> {
        let code = pending.code.as_ref().ok_or_else(|| Error::internal("a flow is to be finished without a code"))?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code.expose()),
            ("redirect_uri", &pending.callback),
            ("code_verifier", pending.verifier.expose()),
        ];
        self.tokens(provider, &form).await
    }

    /// Trades a refresh token for a new pair.
    pub(crate) async fn traded(&self, provider: &Provider, refresh: &Sensitive) -> Result<Result<Tokens, Failed>> {
        self.tokens(provider, &[("grant_type", "refresh_token"), ("refresh_token", refresh.expose())]).await
    }

    /// Asks the provider to forget a token (RFC 7009). Whether it does is its matter.
    pub(crate) async fn forget(&self, provider: &Provider, token: &Sensitive, hint: &str) -> Result<bool> {
        let Some(url) = &provider.revocation_url else { return Ok(false) };
        let form = [("token", token.expose()), ("token_type_hint", hint)];
        let request = self.request(provider, url, &form).await?;
        match self.client().fetch(request, FORGET_LIMITS).await {
            Ok(response) => Ok(response.status().is_success()),
            Err(error) => {
                tracing::warn!(provider = %provider.id, cause = ?error.kind, "a token was not revoked at its provider");
                Ok(false)
            }
        }
    }

    async fn tokens(&self, provider: &Provider, form: &[(&str, &str)]) -> Result<Result<Tokens, Failed>> {
        let request = self.request(provider, &provider.token_url, form).await?;
        Ok(match self.client().fetch(request, LIMITS).await {
            Ok(response) => self.read(&response),
            Err(error) => Err(Failed::Unclear(format!("{:?}", error.kind))),
        })
    }

    fn read(&self, response: &Response<Bytes>) -> Result<Tokens, Failed> {
        Tokens::read(response.status(), response.body(), self.now())
    }

    async fn request(&self, provider: &Provider, url: &str, form: &[(&str, &str)]) -> Result<Request<Body>> {
        let secret = self.client_secret(provider.id).await?;
        let mut text = Serializer::new(String::new());
        text.extend_pairs(form);
        let mut request = Request::post(url);
        match provider.auth {
            TokenAuth::Post => {
                text.append_pair("client_id", &provider.client_id).append_pair("client_secret", secret.expose());
            }
            TokenAuth::Basic => request = request.header(AUTHORIZATION, basic(provider, &secret)?),
        }
        let request = request.header(ACCEPT, JSON).header(CONTENT_TYPE, FORM).header(USER_AGENT, AGENT);
        let built = request.body(full(text.finish()));
        built.map_err(|e| Error::internal(format!("OAuth provider {}: {e}", provider.id)))
    }
}

/// Both halves are encoded as in a form before they are joined (RFC 6749, section 2.3.1).
fn basic(provider: &Provider, secret: &Sensitive) -> Result<HeaderValue> {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", encoded(&provider.client_id), encoded(secret.expose()));
    let header = HeaderValue::try_from(format!("Basic {}", STANDARD.encode(pair)));
    let mut header = header.map_err(|_| Error::internal("a client's secret can't stand in a header"))?;
    header.set_sensitive(true);
    Ok(header)
}

//! The first step: the address at the provider where the user says yes.

use crate::pending::Pending;
use crate::sealed::challenge;
use crate::{Flow, Holder, Oauth, Provider, Sensitive};
use farebox_base::{ApiKeyId, Error, Result, Timestamp};
use url::Url;

/// How the caller named the provider; the provider answers to an address of the same form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    Slug,
    Id,
}

/// What a holder asks for.
#[derive(Clone, Copy, Debug)]
pub struct Begin<'a> {
    pub named: Named,
    /// Where the browser goes in the end; `None`: to a page of this server.
    pub redirect_uri: Option<&'a str>,
    /// The key that asks; the flow ends with it. `None`: a session asks.
    pub key: Option<ApiKeyId>,
}

/// A connection that was begun.
#[derive(Clone, Debug)]
pub struct Begun {
    /// Where the user's browser has to go. Knowing it lets nobody finish the connection as this holder without being
    /// asked, but it is meant for the user alone.
    pub url: Sensitive,
    /// The cookie that lets this browser finish without being asked.
    pub flow: Flow,
    pub expires_at: Timestamp,
}

impl Oauth {
    /// The address that the provider sends browsers to: one of its own for each provider, so that the answer of one is never
    /// taken for another's. Slugs are unique among the operator's providers only.
    pub fn callback_address(&self, provider: &Provider, named: Named) -> String {
        match (named, provider.party_id) {
            (Named::Slug, None) => self.own_address(&format!("/oauth/{}/callback", provider.slug)),
            _ => self.own_address(&format!("/oauth/providers/{}/callback", provider.id)),
        }
    }

    /// Begins a connection of the holder.
    ///
    /// # Errors
    /// `Invalid` for `redirect_uri`; `Unavailable` where the provider is switched off; `TooManyRequests`.
    pub async fn begin(&self, holder: Holder, provider: &Provider, asked: Begin<'_>) -> Result<Begun> {
        let redirect_uri = self.redirect_uri(asked.redirect_uri)?.to_string();
        if !provider.is_active {
            let message = format!("{} can't be connected to: it is switched off", provider.name);
            return Err(Error::unavailable(message).with_code("provider_inactive"));
        }
        let (state, secret, verifier) = (self.random(), self.random(), self.random());
        let expires_at = self.now().plus(self.settings().pending_for);
        let callback = self.callback_address(provider, asked.named);
        let url = authorization(provider, &callback, &state, &verifier)?;
        let pending = Pending {
            provider_id: provider.id,
            holder,
            key: asked.key,
            callback,
            redirect_uri,
            verifier,
            browser: self.hash("browser", secret.expose()),
            code: None,
            expires_at,
        };
        self.pending_insert(&state, &pending).await?;
        let flow = Flow { name: self.flow_name(state.expose()), secret };
        Ok(Begun { url: Sensitive::new(url), flow, expires_at })
    }
}

fn authorization(provider: &Provider, callback: &str, state: &Sensitive, verifier: &Sensitive) -> Result<String> {
    let mut url = Url::parse(&provider.authorization_url)
        .map_err(|e| Error::internal(format!("OAuth provider {}: authorization_url: {e}", provider.id)))?;
    let mut query = url.query_pairs_mut();
    query.append_pair("response_type", "code").append_pair("client_id", &provider.client_id);
    query.append_pair("redirect_uri", callback);
    if !provider.scopes.is_empty() {
        query.append_pair("scope", &provider.scopes.join(" "));
    }
    query.append_pair("state", state.expose());
    query.append_pair("code_challenge", &challenge(verifier)).append_pair("code_challenge_method", "S256");
    for (name, value) in &provider.auth_params {
        query.append_pair(name, value.as_str().unwrap_or_default());
    }
    drop(query);
    Ok(url.into())
}

//! A server at which users have accounts.

use crate::Sensitive;
use farebox_base::{OauthProviderId, PartyId, Timestamp};
use serde_json::{Map, Value};

/// How Farebox proves itself where it asks for tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TokenAuth {
    /// Id and secret are fields of the form.
    #[default]
    Post,
    /// Id and secret are user name and password.
    Basic,
}

/// A provider without its secret.
#[derive(Clone, Debug, PartialEq)]
pub struct Provider {
    pub id: OauthProviderId,
    /// Whose it is; `None`: the operator's, for everybody.
    pub party_id: Option<PartyId>,
    /// Unique for its owner.
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub logo_url: Option<String>,
    /// Where browsers are sent to ask the user.
    pub authorization_url: String,
    pub token_url: String,
    /// Where tokens are given back (RFC 7009).
    pub revocation_url: Option<String>,
    /// Where a token tells whose account it is of.
    pub userinfo_url: Option<String>,
    pub client_id: String,
    pub scopes: Vec<String>,
    pub auth: TokenAuth,
    /// Whether the provider insists on PKCE. Farebox sends it in any case.
    pub pkce_required: bool,
    /// More parameters of the authorization URL, all of them texts.
    pub auth_params: Map<String, Value>,
    /// Of the operator's providers: the servers to which calls may take a token, `HOST` or `HOST:PORT`.
    pub upstream_hosts: Vec<String>,
    pub is_active: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// A provider to set up, active at once. The fields are those of `Provider`.
#[derive(Clone, Debug)]
pub struct NewProvider {
    pub slug: String,
    pub name: String,
    pub description: Option<String>,
    pub logo_url: Option<String>,
    pub authorization_url: String,
    pub token_url: String,
    pub revocation_url: Option<String>,
    pub userinfo_url: Option<String>,
    pub client_id: String,
    pub client_secret: Sensitive,
    pub scopes: Vec<String>,
    pub auth: TokenAuth,
    pub pkce_required: bool,
    pub auth_params: Map<String, Value>,
    pub upstream_hosts: Vec<String>,
}

/// What to change; `None` changes nothing, `Some(None)` clears.
#[derive(Clone, Debug, Default)]
pub struct ProviderPatch {
    pub slug: Option<String>,
    pub name: Option<String>,
    pub description: Option<Option<String>>,
    pub logo_url: Option<Option<String>>,
    pub authorization_url: Option<String>,
    pub token_url: Option<String>,
    pub revocation_url: Option<Option<String>>,
    pub userinfo_url: Option<Option<String>>,
    pub client_id: Option<String>,
    pub client_secret: Option<Sensitive>,
    pub scopes: Option<Vec<String>>,
    pub auth: Option<TokenAuth>,
    pub pkce_required: Option<bool>,
    pub auth_params: Option<Map<String, Value>>,
    pub upstream_hosts: Option<Vec<String>>,
    pub is_active: Option<bool>,
}

impl TokenAuth {
    pub const fn text(self) -> &'static str {
        match self {
            TokenAuth::Post => "client_secret_post",
            TokenAuth::Basic => "client_secret_basic",
        }
    }

    /// `None` for a word that is neither.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "client_secret_post" => Some(TokenAuth::Post),
            "client_secret_basic" => Some(TokenAuth::Basic),
            _ => None,
        }
    }
}

impl NewProvider {
    /// As it will be; its secret goes another way.
    pub(crate) fn provider(&self, id: OauthProviderId, party_id: Option<PartyId>, now: Timestamp) -> Provider {
        let new = self.clone();
        Provider {
            id,
            party_id,
            slug: new.slug,
            name: new.name,
            description: new.description,
            logo_url: new.logo_url,
            authorization_url: new.authorization_url,
            token_url: new.token_url,
            revocation_url: new.revocation_url,
            userinfo_url: new.userinfo_url,
            client_id: new.client_id,
            scopes: new.scopes,
            auth: new.auth,
            pkce_required: new.pkce_required,
            auth_params: new.auth_params,
            upstream_hosts: new.upstream_hosts,
            is_active: true,
            created_at: now,
            updated_at: now,
        }
    }
}

impl ProviderPatch {
    /// Changes everything but the secret.
    pub(crate) fn apply(&self, provider: &mut Provider) {
        fn put<T: Clone>(change: Option<&T>, target: &mut T) {
            if let Some(value) = change {
                target.clone_from(value);
            }
        }
        put(self.slug.as_ref(), &mut provider.slug);
        put(self.name.as_ref(), &mut provider.name);
        put(self.description.as_ref(), &mut provider.description);
        put(self.logo_url.as_ref(), &mut provider.logo_url);
        put(self.authorization_url.as_ref(), &mut provider.authorization_url);
        put(self.token_url.as_ref(), &mut provider.token_url);
        put(self.revocation_url.as_ref(), &mut provider.revocation_url);
        put(self.userinfo_url.as_ref(), &mut provider.userinfo_url);
        put(self.client_id.as_ref(), &mut provider.client_id);
        put(self.scopes.as_ref(), &mut provider.scopes);
        put(self.auth.as_ref(), &mut provider.auth);
        put(self.pkce_required.as_ref(), &mut provider.pkce_required);
        put(self.auth_params.as_ref(), &mut provider.auth_params);
        put(self.upstream_hosts.as_ref(), &mut provider.upstream_hosts);
        put(self.is_active.as_ref(), &mut provider.is_active);
    }
}

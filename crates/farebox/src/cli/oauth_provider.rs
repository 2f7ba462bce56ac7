//! `farebox admin oauth-provider`: OAuth providers for everybody, which only the operator sets up.

use super::ConfigArgs;
use crate::app::App;
use clap::{Args, Subcommand};
use farebox_base::{Error, Result};
use farebox_oauth::{Named, NewProvider, Provider, ProviderPatch, Sensitive, TokenAuth};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::path::PathBuf;

#[derive(Args, Debug)]
pub(super) struct OauthProviderArgs {
    #[command(subcommand)]
    command: OauthProviderCommand,
}

#[derive(Subcommand, Debug)]
enum OauthProviderCommand {
    /// Set a provider up, or change the one with its slug, as a file says.
    Set(SetArgs),
    /// List the providers for everybody.
    List(ConfigArgs),
    /// Delete a provider with all connections to it.
    Delete(DeleteArgs),
}

#[derive(Args, Debug)]
struct SetArgs {
    #[command(flatten)]
    config: ConfigArgs,
    /// A JSON file with slug, name, authorization_url, token_url, client_id, client_secret, scopes and upstream_hosts;
    /// what else there is, is in docs/oauth.md.
    file: PathBuf,
}

#[derive(Args, Debug)]
struct DeleteArgs {
    #[command(flatten)]
    config: ConfigArgs,
    slug: String,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Described {
    slug: String,
    name: String,
    description: Option<String>,
    logo_url: Option<String>,
    authorization_url: String,
    token_url: String,
    revocation_url: Option<String>,
    userinfo_url: Option<String>,
    client_id: String,
    client_secret: farebox_api_types::Secret,
    #[serde(default)]
    scopes: Vec<String>,
    token_endpoint_auth_method: Option<String>,
    #[serde(default)]
    custom_auth_params: Map<String, Value>,
    /// Servers to which calls may take a token: HOST or HOST:PORT.
    upstream_hosts: Vec<String>,
    is_active: Option<bool>,
}

impl OauthProviderArgs {
    pub(super) fn config(&self) -> &ConfigArgs {
        match &self.command {
            OauthProviderCommand::Set(args) => &args.config,
            OauthProviderCommand::List(config) => config,
            OauthProviderCommand::Delete(args) => &args.config,
        }
    }

    /// Does what the subcommand says; answers lines for the operator.
    pub(super) async fn run(&self, app: &App) -> Result<Vec<String>> {
        match &self.command {
            OauthProviderCommand::Set(args) => set(app, args).await,
            OauthProviderCommand::List(_) => list(app).await,
            OauthProviderCommand::Delete(args) => {
                let provider = by_slug(app, &args.slug).await?.ok_or_else(|| Error::not_found("Provider"))?;
                app.oauth.provider_delete(None, provider.id).await?;
                Ok(vec![format!("{} is deleted, with all connections to it", provider.slug)])
            }
        }
    }
}

async fn set(app: &App, args: &SetArgs) -> Result<Vec<String>> {
    let place = args.file.display();
    let text =
        std::fs::read_to_string(&args.file).map_err(|e| Error::unavailable(format!("can't read {place}: {e}")))?;
    let described: Described = serde_json::from_str(&text)
        .map_err(|e| Error::invalid(place.to_string(), format!("is not as it must be: {e}")))?;
    let is_active = described.is_active;
    let new = new_provider(described)?;
    let (verb, provider) = match by_slug(app, &new.slug).await? {
        Some(known) => ("changed", app.oauth.provider_update(None, known.id, &as_patch(new, is_active)).await?),
        None => {
            let made = app.oauth.provider_create(None, &new).await?;
            let patch = ProviderPatch { is_active, ..ProviderPatch::default() };
            ("set up", app.oauth.provider_update(None, made.id, &patch).await?)
        }
    };
    let mut lines = vec![format!("{} is {verb}", provider.slug), format!("id        {}", provider.id)];
    lines.push(format!("callback  {}", app.oauth.callback_address(&provider, Named::Slug)));
    lines.push(format!("      or  {}", app.oauth.callback_address(&provider, Named::Id)));
    lines.push("Register both addresses at the provider, or the one of the form that clients use.".to_owned());
    Ok(lines)
}

async fn list(app: &App) -> Result<Vec<String>> {
    let providers = app.oauth.providers_owned(None).await?;
    let state = |provider: &Provider| if provider.is_active { "" } else { "  (switched off)" };
    let line = |one: &Provider| {
        format!("{}  {}  {}  tokens go to: {}{}", one.slug, one.id, one.name, one.upstream_hosts.join(" "), state(one))
    };
    Ok(providers.iter().map(line).collect())
}

async fn by_slug(app: &App, slug: &str) -> Result<Option<Provider>> {
    app.oauth.operators_provider(slug).await
}

fn new_provider(described: Described) -> Result<NewProvider> {
    let auth = match described.token_endpoint_auth_method.as_deref() {
        None => TokenAuth::default(),
        Some(word) => TokenAuth::parse(word).ok_or_else(|| {
            Error::invalid("token_endpoint_auth_method", "must be client_secret_post or client_secret_basic")
        })?,
    };
    Ok(NewProvider {
        slug: described.slug,
        name: described.name,
        description: described.description,
        logo_url: described.logo_url,
        authorization_url: described.authorization_url,
        token_url: described.token_url,
        revocation_url: described.revocation_url,
        userinfo_url: described.userinfo_url,
        client_id: described.client_id,
        client_secret: Sensitive::new(described.client_secret.into_exposed()),
        scopes: described.scopes,
        auth,
        pkce_required: true,
        auth_params: described.custom_auth_params,
        upstream_hosts: described.upstream_hosts,
    })
}

fn as_patch(new: NewProvider, is_active: Option<bool>) -> ProviderPatch {
    ProviderPatch {
        slug: None,
        name: Some(new.name),
        description: Some(new.description),
        logo_url: Some(new.logo_url),
        authorization_url: Some(new.authorization_url),
        token_url: Some(new.token_url),
        revocation_url: Some(new.revocation_url),
        userinfo_url: Some(new.userinfo_url),
        client_id: Some(new.client_id),
        client_secret: Some(new.client_secret),
        scopes: Some(new.scopes),
        auth: Some(new.auth),
        pkce_required: Some(new.pkce_required),
        auth_params: Some(new.auth_params),
        upstream_hosts: Some(new.upstream_hosts),
        is_active,
    }
}

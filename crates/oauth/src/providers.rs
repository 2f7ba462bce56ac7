//! The table `oauth_provider`: list, set up, change, delete.
//!
//! Whoever changes a provider names its owner, `None` for the operator, and every statement asks for it.

use crate::provider_moves::{connections_delete_in, connections_end_in};
use crate::{NewProvider, Oauth, Provider, ProviderPatch, Sensitive, TokenAuth, provider_rules};
use farebox_base::{Error, OauthProviderId, PartyId, Result};
use farebox_db::{DB_CONFLICT, Param, Row, Tx, Where, sql, tx};

pub(crate) const PROVIDERS: &str = sql!(
    "SELECT id, party_id, slug, name, description, logo_url, authorization_url, token_url, revocation_url, userinfo_url,
       client_id, scopes, auth_method, pkce_required, auth_params, upstream_hosts, is_active, created_at, updated_at
     FROM oauth_provider"
);

const SECRET: &str = "oauth_provider.client_secret";
/// The most providers that a list shows, and that one owner may have.
const PROVIDERS_MOST: usize = 200;

impl Oauth {
    /// The owner's providers, oldest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn providers_owned(&self, owner: Option<PartyId>) -> Result<Vec<Provider>> {
        let owner = owner.map(|owner| owner.to_string());
        let mut wanted = Where::new(PROVIDERS);
        owned_by(&mut wanted, owner.as_deref());
        self.providers(wanted).await
    }

    /// The providers that a member of these parties can connect to: the operator's and theirs, if they are active.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn providers_visible(&self, parties: &[PartyId]) -> Result<Vec<Provider>> {
        let mut visible = self.providers_owned(None).await?;
        for party in parties {
            visible.extend(self.providers_owned(Some(*party)).await?);
        }
        visible.retain(|provider| provider.is_active);
        Ok(visible)
    }

    /// A provider of the owner.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn provider_owned(&self, owner: Option<PartyId>, id: OauthProviderId) -> Result<Provider> {
        let found = self.provider(id).await?;
        found.filter(|provider| provider.party_id == owner).ok_or_else(not_found)
    }

    /// Anybody's provider, by its id; who may know of it is the caller's matter.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn provider(&self, id: OauthProviderId) -> Result<Option<Provider>> {
        let id = id.to_string();
        let mut wanted = Where::new(PROVIDERS);
        wanted.and("id = $1", &[(&id).into()]);
        Ok(self.providers(wanted).await?.pop())
    }

    /// Sets a provider up.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `Conflict` where the owner has the slug already, or too many providers.
    pub async fn provider_create(&self, owner: Option<PartyId>, new: &NewProvider) -> Result<Provider> {
        let id = OauthProviderId::generate(self.clock(), self.rng());
        let provider = provider_rules::checked(self.client(), new.provider(id, owner, self.now()))?;
        provider_rules::secret(&new.client_secret)?;
        if self.providers_owned(owner).await?.len() >= PROVIDERS_MOST {
            let message = format!("There are {PROVIDERS_MOST} providers already; delete one first");
            return Err(Error::conflict("too_many_providers", message));
        }
        let sealed = self.seal(SECRET, &id.to_string(), &new.client_secret)?;
        let written = tx!(self.db(), tx => { insert_in(tx, &provider, &sealed).await });
        written.map_err(|error| slug_taken(error, &provider.slug))?;
        Ok(provider)
    }

    /// Changes a provider. Where it becomes another one (`Provider::is_another_than`), the connections to it end.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `NotFound`; `Conflict` where the owner has the slug already.
    pub async fn provider_update(
        &self,
        owner: Option<PartyId>,
        id: OauthProviderId,
        patch: &ProviderPatch,
    ) -> Result<Provider> {
        let mut provider = self.provider_owned(owner, id).await?;
        let before = provider.clone();
        patch.apply(&mut provider);
        provider.updated_at = self.now();
        let provider = provider_rules::checked(self.client(), provider)?;
        if patch.client_secret.is_none() {
            provider_rules::secret_stays(&before, &provider)?;
        }
        let sealed = match &patch.client_secret {
            Some(secret) => {
                provider_rules::secret(secret)?;
                Some(self.seal(SECRET, &id.to_string(), secret)?)
            }
            None => None,
        };
        let written = tx!(self.db(), tx => {
            connections_end_in(tx, &provider).await?;
            update_in(tx, &provider, sealed.as_deref()).await
        });
        if written.map_err(|error| slug_taken(error, &provider.slug))? { Ok(provider) } else { Err(not_found()) }
    }

    /// Deletes a provider with all connections to it.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn provider_delete(&self, owner: Option<PartyId>, id: OauthProviderId) -> Result<()> {
        self.provider_owned(owner, id).await?;
        let id_text = id.to_string();
        tx!(self.db(), tx => {
            connections_delete_in(tx, id).await?;
            tx.execute(sql!("DELETE FROM oauth_provider WHERE id = $1"), &[(&id_text).into()]).await?;
            Ok(())
        })
    }

    /// The secret that Farebox proves itself with.
    pub(crate) async fn client_secret(&self, id: OauthProviderId) -> Result<Sensitive> {
        let id = id.to_string();
        let row =
            self.db().one(sql!("SELECT client_secret FROM oauth_provider WHERE id = $1"), &[(&id).into()]).await?;
        let row = row.ok_or_else(not_found)?;
        self.open(SECRET, &id, row.get(0)?)
    }

    pub(crate) async fn providers(&self, wanted: Where<'_>) -> Result<Vec<Provider>> {
        let (statement, params) = wanted.finish("ORDER BY created_at, id LIMIT 1000", &[]);
        self.db().query_built(&statement, &params).await?.iter().map(read).collect()
    }
}

/// A provider as a transaction sees it.
pub(crate) async fn provider_in(tx: &mut Tx, id: OauthProviderId) -> Result<Option<Provider>> {
    let id = id.to_string();
    let mut wanted = Where::new(PROVIDERS);
    wanted.and("id = $1", &[(&id).into()]);
    let (statement, params) = wanted.finish("", &[]);
    tx.query_built(&statement, &params).await?.first().map(read).transpose()
}

pub(crate) fn owned_by<'a>(wanted: &mut Where<'a>, owner: Option<&'a str>) {
    match owner {
        Some(owner) => wanted.and("party_id = $1", &[owner.into()]),
        None => wanted.and("party_id IS NULL", &[]),
    };
}

pub(crate) fn not_found() -> Error {
    Error::not_found("Provider")
}

fn slug_taken(error: Error, slug: &str) -> Error {
    if error.code == DB_CONFLICT {
        return Error::conflict(
            "slug_taken",
            format!("A provider with the slug {slug} exists already; choose another"),
        );
    }
    error
}

/// What both kinds of writing share, in this order.
fn columns<'a>(provider: &'a Provider, scopes: &'a String, params: &'a String, hosts: &'a String) -> [Param<'a>; 16] {
    let text = |text: &'a Option<String>| text.as_ref().into();
    [
        (&provider.slug).into(),
        (&provider.name).into(),
        text(&provider.description),
        text(&provider.logo_url),
        (&provider.authorization_url).into(),
        (&provider.token_url).into(),
        text(&provider.revocation_url),
        text(&provider.userinfo_url),
        (&provider.client_id).into(),
        scopes.into(),
        provider.auth.text().into(),
        provider.pkce_required.into(),
        params.into(),
        hosts.into(),
        provider.is_active.into(),
        provider.updated_at.into(),
    ]
}

async fn insert_in(tx: &mut Tx, provider: &Provider, sealed: &[u8]) -> Result<()> {
    let (id, party) = (provider.id.to_string(), provider.party_id.map(|party| party.to_string()));
    let (scopes, hosts) = (provider.scopes.join(" "), provider.upstream_hosts.join(" "));
    let auth_params = serde_json::Value::Object(provider.auth_params.clone()).to_string();
    let mut params = columns(provider, &scopes, &auth_params, &hosts).to_vec();
    params.extend_from_slice(&[(&id).into(), party.as_ref().into(), sealed.into(), provider.created_at.into()]);
    tx.execute_one(
        sql!(
            "INSERT INTO oauth_provider (slug, name, description, logo_url, authorization_url, token_url, revocation_url,
               userinfo_url, client_id, scopes, auth_method, pkce_required, auth_params, upstream_hosts, is_active,
               updated_at, id, party_id, client_secret, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)"
        ),
        &params,
    )
    .await?;
    Ok(())
}

/// False where the provider is gone, or is another owner's by now.
async fn update_in(tx: &mut Tx, provider: &Provider, sealed: Option<&[u8]>) -> Result<bool> {
    let (id, party) = (provider.id.to_string(), provider.party_id.map(|party| party.to_string()));
    let (scopes, hosts) = (provider.scopes.join(" "), provider.upstream_hosts.join(" "));
    let auth_params = serde_json::Value::Object(provider.auth_params.clone()).to_string();
    let mut params = columns(provider, &scopes, &auth_params, &hosts).to_vec();
    params.extend_from_slice(&[(&id).into(), party.as_deref().unwrap_or_default().into(), sealed.into()]);
    let changed = tx
        .execute(
            sql!(
                "UPDATE oauth_provider SET slug = $1, name = $2, description = $3, logo_url = $4, authorization_url = $5,
                   token_url = $6, revocation_url = $7, userinfo_url = $8, client_id = $9, scopes = $10,
                   auth_method = $11, pkce_required = $12, auth_params = $13, upstream_hosts = $14, is_active = $15,
                   updated_at = $16, client_secret = COALESCE($19, client_secret)
                 WHERE id = $17 AND COALESCE(party_id, '') = $18"
            ),
            &params,
        )
        .await?;
    Ok(changed == 1)
}

fn read(row: &Row) -> Result<Provider> {
    let id: OauthProviderId = row.get(0)?;
    let corrupt = |what: &str| Error::internal(format!("OAuth provider {id}: the stored {what} cannot be read"));
    let words = |index| Ok::<_, Error>(row.get::<&str>(index)?.split_whitespace().map(str::to_owned).collect());
    Ok(Provider {
        id,
        party_id: row.get(1)?,
        slug: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        logo_url: row.get(5)?,
        authorization_url: row.get(6)?,
        token_url: row.get(7)?,
        revocation_url: row.get(8)?,
        userinfo_url: row.get(9)?,
        client_id: row.get(10)?,
        scopes: words(11)?,
        auth: TokenAuth::parse(row.get(12)?).ok_or_else(|| corrupt("method"))?,
        pkce_required: row.get(13)?,
        auth_params: serde_json::from_str(row.get(14)?).map_err(|_| corrupt("parameters"))?,
        upstream_hosts: words(15)?,
        is_active: row.get(16)?,
        created_at: row.get(17)?,
        updated_at: row.get(18)?,
    })
}

//! Processes of Farebox on one database, a provider, and users.

use crate::provider::Provider as Server;
use farebox_accounts::Vault;
use farebox_base::{ManualClock, OauthConnectionId, PartyId, SystemRng, Timestamp, UserId};
use farebox_db::{Db, Isolation};
use farebox_net::{Client, Policy};
use farebox_oauth::{
    Arrived, Begin, Begun, Holder, Named, NewProvider, Oauth, OauthParts, OauthSettings, Provider, RedirectRule,
    Returned, Sensitive, TokenAuth,
};
use std::sync::Arc;
use std::time::Duration;
use url::Url;

pub const REDIRECT: &str = "https://app.example.com/connected";

pub struct Stage {
    pub oauth: Oauth,
    /// Another process on the same database.
    pub other: Oauth,
    pub clock: Arc<ManualClock>,
    pub server: Server,
    pub db: Db,
}

impl Stage {
    pub async fn set(db: Db) -> Self {
        let server = Server::start().await;
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_773_914_400_000_000)));
        let rng = Arc::new(SystemRng);
        let vault = Vault::from_key([4; 32], rng.clone());
        let allow = vec![server.address.to_string().parse().unwrap()];
        let client = Client::new(Policy { allow, ..Policy::default() }).unwrap();
        let process = || {
            Oauth::new(OauthParts {
                db: db.clone(),
                clock: clock.clone(),
                rng: rng.clone(),
                client: client.clone(),
                vault: vault.clone(),
                pepper: [3; 32],
                settings: OauthSettings {
                    public_url: Url::parse("https://pay.example.com").unwrap(),
                    redirects: vec![RedirectRule::parse(REDIRECT).unwrap()],
                    pending_for: Duration::from_secs(600),
                },
            })
        };
        Self { oauth: process(), other: process(), clock, server, db }
    }

    /// A user with an organisation.
    pub async fn user(&self, name: &str) -> Holder {
        let party_id = PartyId::generate(&*self.clock, &SystemRng);
        let id = party_id.to_string();
        let mut tx = self.db.begin(Isolation::Serializable).await.unwrap();
        let insert = "INSERT INTO party (id, kind, handle, name, created_at) VALUES ($1, 'organization', $1, $2, 0)";
        tx.execute_one(insert, &[(&id).into(), name.into()]).await.unwrap();
        tx.commit().await.unwrap();
        Holder { party_id, user_id: Some(UserId::generate(&*self.clock, &SystemRng)) }
    }

    pub fn described(&self, slug: &str) -> NewProvider {
        let url = |path: &str| format!("http://{}{path}", self.server.address);
        NewProvider {
            slug: slug.to_owned(),
            name: "Example".to_owned(),
            description: None,
            logo_url: None,
            authorization_url: url("/authorize?tenant=7"),
            token_url: url("/token"),
            revocation_url: Some(url("/revoke")),
            userinfo_url: None,
            client_id: "client&1".to_owned(),
            client_secret: Sensitive::new("hunter2-secret"),
            scopes: vec!["read".to_owned(), "write".to_owned()],
            auth: TokenAuth::Post,
            pkce_required: true,
            auth_params: serde_json::from_str(r#"{"access_type":"offline"}"#).unwrap(),
            upstream_hosts: vec![],
        }
    }

    pub async fn provider(&self, owner: Option<PartyId>, slug: &str) -> Provider {
        self.oauth.provider_create(owner, &self.described(slug)).await.unwrap()
    }

    pub async fn begun(&self, holder: Holder, provider: &Provider) -> (Begun, String) {
        let begun = self.oauth.begin(holder, provider, asked(Named::Id, Some(REDIRECT))).await.unwrap();
        let state = parameter(begun.url.expose(), "state");
        (begun, state)
    }

    /// Connects in the browser that began it.
    pub async fn connected(&self, holder: Holder, provider: &Provider) -> OauthConnectionId {
        let (begun, state) = self.begun(holder, provider).await;
        let returned = Returned { state: Some(&state), code: Some("a-code"), ..Returned::default() };
        let arrived = self.oauth.callback(provider, returned, Some(begun.flow.secret.expose())).await.unwrap();
        let url = target(arrived);
        assert_eq!(parameter(&url, "status"), "success", "{url}");
        OauthConnectionId::parse(&parameter(&url, "connection_id")).unwrap()
    }
}

/// What somebody who is signed in asks for.
pub fn asked(named: Named, redirect_uri: Option<&str>) -> Begin<'_> {
    Begin { named, redirect_uri, key: None }
}

pub fn target(arrived: Arrived) -> String {
    match arrived {
        Arrived::Done(url) => url,
        Arrived::Asks(_) => panic!("the user is asked"),
    }
}

/// A parameter of an address; empty where it has none.
pub fn parameter(url: &str, name: &str) -> String {
    let url = Url::parse(url).unwrap();
    url.query_pairs().find(|(found, _)| found == name).map(|(_, value)| value.into_owned()).unwrap_or_default()
}

//! Which servers may see a token of a provider.
//!
//! A listing names a provider, and its calls then carry the buyer's token. If any seller could name any provider, a
//! listing that points to a server of his own would collect the tokens of everybody who calls it.

use crate::Provider;
use crate::redirect::is_loopback;
use farebox_base::PartyId;
use url::Url;

impl Provider {
    /// Whether calls of a listing of `seller` at `target` may carry a token of this provider: at the operator's providers
    /// where the operator says so, at an organisation's own where the listing is its own too.
    ///
    /// # Errors
    /// The rule that is broken; completes a sentence that begins with the provider's name.
    pub fn check_use(&self, seller: PartyId, target: &str) -> Result<(), &'static str> {
        let url = Url::parse(target).map_err(|_| "sends tokens to servers only")?;
        if url.scheme() != "https" && !is_loopback(&url) {
            return Err("sends tokens only where https:// leads");
        }
        match self.party_id {
            Some(owner) if owner == seller => Ok(()),
            Some(_) => Err("belongs to another organization"),
            None if self.upstream_hosts.contains(&place(&url)) => Ok(()),
            None => Err("does not let its tokens go to this server"),
        }
    }
}

/// `HOST`, with the port where it is not the usual one.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NewProvider, Sensitive, TokenAuth};
    use farebox_base::{ManualClock, OauthProviderId, SystemRng, Timestamp};

    fn party() -> PartyId {
        PartyId::generate(&ManualClock::at(Timestamp::from_micros(0)), &SystemRng)
    }

    fn provider(party_id: Option<PartyId>, hosts: &[&str]) -> Provider {
        let new = NewProvider {
            slug: "github".to_owned(),
            name: "GitHub".to_owned(),
            description: None,
            logo_url: None,
            authorization_url: String::new(),
            token_url: String::new(),
            revocation_url: None,
            userinfo_url: None,
            client_id: String::new(),
            client_secret: Sensitive::new(""),
            scopes: vec![],
            auth: TokenAuth::Post,
            pkce_required: true,
            auth_params: Map::new(),
            upstream_hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        };
        let id = OauthProviderId::generate(&ManualClock::at(Timestamp::from_micros(0)), &SystemRng);
        new.provider(id, party_id, Timestamp::from_micros(0))
    }

    use serde_json::Map;

    #[test]
    fn tokens_of_the_operators_providers_go_to_the_hosts_that_he_names_and_nowhere_else() {
        let github = provider(None, &["api.github.com", "127.0.0.1:9001"]);
        for target in ["https://api.github.com/repos", "https://API.github.com:443/", "http://127.0.0.1:9001/x"] {
            assert_eq!(github.check_use(party(), target), Ok(()), "{target}");
        }
        for target in [
            "https://evil.example.com/",
            "https://api.github.com.evil.example.com/",
            "https://evil.example.com/api.github.com",
            "https://api.github.com@evil.example.com/",
            "https://api.github.com:8443/",
            "https://x.api.github.com/",
            "http://api.github.com/",
            "http://127.0.0.1:9002/",
            "",
        ] {
            assert!(github.check_use(party(), target).is_err(), "{target}");
        }
        assert!(provider(None, &[]).check_use(party(), "https://api.github.com/").is_err());
    }

    #[test]
    fn an_organisations_provider_is_for_its_own_listings() {
        let owner = party();
        let own = provider(Some(owner), &[]);
        assert_eq!(own.check_use(owner, "https://api.example.com/"), Ok(()));
        assert!(own.check_use(owner, "http://api.example.com/").is_err());
        assert!(own.check_use(party(), "https://api.example.com/").is_err());
    }
}

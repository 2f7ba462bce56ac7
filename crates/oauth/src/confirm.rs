//! The question to a browser that did not begin the flow: who asks, and whether its user wants that.
//!
//! Agents begin flows that people finish: they hand the address over, and the browser that follows it has no cookie of
//! ours. Whoever sends such an address to somebody else would get his account; so the user is told who asks.

use crate::callback::failure;
use crate::{Holder, Oauth, Provider};
use farebox_base::{Error, Result};

/// What the user is asked.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Who would act with the user's account.
    pub holder: Holder,
    pub provider: Provider,
    /// Where the browser goes afterwards.
    pub redirect_uri: String,
    /// Comes back with the answer, so that no other page can give it.
    pub check: String,
}

impl Oauth {
    /// The question for a browser with this cookie; `None`: there is none, or no more.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn asked(&self, secret: &str) -> Result<Option<Asked>> {
        let Some(pending) = self.confirmation(secret).await? else { return Ok(None) };
        let Some(provider) = self.provider(pending.provider_id).await? else { return Ok(None) };
        let check = self.check(secret);
        Ok(Some(Asked { holder: pending.holder, provider, redirect_uri: pending.redirect_uri, check }))
    }

    /// Takes the user's answer, and answers where the browser goes.
    ///
    /// # Errors
    /// `Invalid` where nothing was asked, or the answer does not come from the page that asked.
    pub async fn answered(&self, secret: &str, check: &str, is_yes: bool) -> Result<String> {
        let over = || Error::invalid("flow", "is not known, was answered before, or is too old: begin again");
        if blake3::hash(self.check(secret).as_bytes()) != blake3::hash(check.as_bytes()) {
            return Err(over());
        }
        let pending = self.confirmation_take(secret).await?.ok_or_else(over)?;
        let provider = self.provider(pending.provider_id).await?.ok_or_else(over)?;
        if is_yes { self.finish(&provider, &pending).await } else { Ok(failure(&pending, &provider, "access_denied")) }
    }

    fn check(&self, secret: &str) -> String {
        self.hash("check", secret).to_hex().to_string()
    }
}

//! `[oauth]`: where browsers may be sent when users have connected their accounts elsewhere.

use super::check::{Broken, at_least, at_most, broken};
use farebox_oauth::RedirectRule;
use serde::{Deserialize, Serialize};

/// See `default.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Oauth {
    pub redirect_uris: Vec<String>,
    pub pending_s: u64,
}

impl Oauth {
    /// The addresses that are allowed; those that break a rule were refused with the configuration.
    pub fn redirects(&self) -> Vec<RedirectRule> {
        self.redirect_uris.iter().filter_map(|text| RedirectRule::parse(text).ok()).collect()
    }

    pub(super) fn check(&self) -> Result<(), Broken> {
        at_least("oauth.pending_s", self.pending_s, 60)?;
        at_most("oauth.pending_s", self.pending_s, 3_600)?;
        match self.redirect_uris.iter().find_map(|text| Some((text, RedirectRule::parse(text).err()?))) {
            Some((text, rule)) => broken("oauth.redirect_uris", format!("{rule}, not {text:?}")),
            None => Ok(()),
        }
    }
}

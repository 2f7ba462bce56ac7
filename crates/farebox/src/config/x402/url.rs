//! URLs of endpoints, whose paths and queries often hold a key. Invariant: such a part is never shown.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;
use url::Url;

/// Stands for what is not shown.
const HIDDEN: char = '…';

/// An http or https URL without user and password.
#[derive(Clone, PartialEq, Eq)]
pub struct EndpointUrl(Url);

impl EndpointUrl {
    pub const fn get(&self) -> &Url {
        &self.0
    }

    /// Scheme, host and port; an ellipsis for what follows.
    pub fn shown(&self) -> String {
        let origin = self.0.origin().ascii_serialization();
        let has_more = self.0.path().len() > 1 || self.0.query().is_some();
        if has_more { format!("{origin}/{HIDDEN}") } else { origin }
    }
}

impl FromStr for EndpointUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rule = || "must be a URL such as https://rpc.example.com, without user, password and fragment".to_owned();
        if text.contains(HIDDEN) {
            return Err("must be written in full, with what is not shown of it".to_owned());
        }
        let url = Url::parse(text).map_err(|_| rule())?;
        let is_sound = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none();
        if is_sound { Ok(Self(url)) } else { Err(rule()) }
    }
}

impl fmt::Debug for EndpointUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown())
    }
}

impl<'de> Deserialize<'de> for EndpointUrl {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Serialize for EndpointUrl {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.shown())
    }
}

/// A URL or `""`.
pub mod optional {
    use super::*;

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<EndpointUrl>, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(serde::de::Error::custom) }
    }

    pub fn serialize<S: Serializer>(url: &Option<EndpointUrl>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&url.as_ref().map(EndpointUrl::shown).unwrap_or_default())
    }
}

//! What a payment says that it pays for, as an entry of the catalogue; and the questions that the catalogue answers.
//!
//! A payer's word, which nothing proves: nothing of it is fetched, everything is cut to size, and what is told of one
//! recipient never mixes with what is told of another one.

use super::own_place::OwnPlace;
use crate::evm::address;
use crate::extension::bazaar::{self, CatalogueKey};
use crate::offer::{Offer, Resource};
use crate::wire::{Object, PaymentHeader, v2};
use crate::{Reason, Refusal};
use alloy_primitives::{B256, keccak256};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;

const URL_BYTES_MAX: usize = 2_048;
const DESCRIPTION_CHARS_MAX: usize = 1_000;
const LABEL_CHARS_MAX: usize = 100;
const TAGS_MAX: usize = 5;
const EXTENSION_BYTES_MAX: usize = 16 * 1024;
const WORDS_MAX: usize = 8;
const QUERY_CHARS_MAX: usize = 200;
/// As many as a page has where nobody says.
const LIMIT: u32 = 20;
const LIMIT_MAX: u32 = 100;
const OFFSET_MAX: u64 = 1_000_000;

/// One resource with one recipient, as one payment tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub key: CatalogueKey,
    /// `http` or `mcp`.
    pub kind: &'static str,
    pub details: Details,
    /// Empty, or the one under `bazaar`.
    pub extensions: Object,
    pub terms: v2::Requirements,
}

/// What people read of a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Details {
    pub description: Option<String>,
    pub mime_type: Option<String>,
    pub service_name: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
    pub icon_url: Option<String>,
}

/// Filters of `GET /discovery/resources`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters {
    pub kind: Option<String>,
    /// In small letters.
    pub pay_to: Option<String>,
    pub scheme: Option<String>,
    pub network: Option<String>,
    /// The name of an extension that the resource has to have.
    pub extension: Option<String>,
}

/// A page of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListQuery {
    pub filters: Filters,
    /// 1 to 100.
    pub limit: u32,
    pub offset: u64,
}

/// A search in the catalogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery {
    pub filters: Filters,
    /// In small letters; a resource has to have all of them.
    pub words: Vec<String>,
    pub limit: u32,
    pub offset: u64,
}

/// Why a resource is not catalogued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    #[error("resource.url must be an http, https or mcp URL of at most 2048 bytes, without a user name")]
    Url,
    #[error("resource.url must not lead to this gateway, which lists what it sells by itself")]
    Own,
    #[error("resource.url must name a host of the public internet")]
    NotPublic,
    #[error("the bazaar extension must describe an http or mcp input within 16 KiB, with a sound routeTemplate")]
    Extension,
}

impl Entry {
    /// What a payment to somebody else pays for; `None` where it names no resource, as in version 1.
    ///
    /// # Errors
    /// Says why what it names is not catalogued.
    pub fn of(offer: &Offer, header: &PaymentHeader, own: &OwnPlace) -> Result<Option<Self>, EntryError> {
        let Some(resource) = header.json().get("resource").filter(|_| header.version() == 2) else { return Ok(None) };
        let resource = v2::Resource::deserialize(resource).map_err(|_| EntryError::Url)?;
        let extension = header.extensions().and_then(|extensions| extensions.get(bazaar::KEY));
        own.check_other(&resource.url)?;
        let icon_url = resource.icon_url.filter(|url| own.check_other(url).is_ok());
        let entry = Self::new(offer, v2::Resource { icon_url, ..resource }, extension)?;
        own.check_other(&entry.key.url)?;
        Ok(Some(entry))
    }

    /// A resource that we sell ourselves; `extension` is the one under `bazaar`.
    ///
    /// # Errors
    /// As `of`.
    pub fn own(offer: &Offer, resource: &Resource, extension: Option<&Value>) -> Result<Self, EntryError> {
        Self::new(offer, resource.into(), extension)
    }

    fn new(offer: &Offer, resource: v2::Resource, extension: Option<&Value>) -> Result<Self, EntryError> {
        check_url(&resource.url)?;
        let key = match extension {
            Some(extension) if serde_json::to_vec(extension).is_ok_and(|json| json.len() <= EXTENSION_BYTES_MAX) => {
                CatalogueKey::of(&resource.url, extension).ok_or(EntryError::Extension)?
            }
            Some(_) => return Err(EntryError::Extension),
            None => plain_key(&resource.url)?,
        };
        let extensions = extension.map(|extension| (bazaar::KEY.to_owned(), without_nul(extension.clone())));
        Ok(Self {
            kind: if key.tool.is_some() { "mcp" } else { "http" },
            key,
            details: Details {
                description: resource.description.map(|text| cut(&text, DESCRIPTION_CHARS_MAX)),
                mime_type: resource.mime_type.map(|text| cut(&text, LABEL_CHARS_MAX)),
                service_name: resource.service_name.map(|text| cut(&text, LABEL_CHARS_MAX)),
                tags: resource.tags.iter().flatten().take(TAGS_MAX).map(|tag| cut(tag, LABEL_CHARS_MAX)).collect(),
                icon_url: resource.icon_url.filter(|url| check_url(url).is_ok()),
            },
            extensions: extensions.into_iter().collect(),
            terms: offer.into(),
        })
    }

    /// The same for the same resource and recipient.
    pub fn id(&self) -> B256 {
        let tool = self.key.tool.as_deref().unwrap_or_default();
        keccak256([self.key.url.as_str(), tool, &self.terms.pay_to.to_lowercase()].join("\n"))
    }

    /// What a search looks through, in small letters.
    pub fn words(&self) -> String {
        let details = &self.details;
        let parts = [&details.description, &details.service_name].into_iter().flatten().chain(&details.tags);
        let parts = parts.chain([&self.key.url]).chain(&self.key.tool);
        parts.map(|part| part.to_lowercase()).collect::<Vec<_>>().join(" ")
    }
}

fn check_url(url: &str) -> Result<(), EntryError> {
    let parsed = Url::parse(url).map_err(|_| EntryError::Url)?;
    let is_sound = url.len() <= URL_BYTES_MAX
        && matches!(parsed.scheme(), "http" | "https" | "mcp")
        && parsed.has_host()
        && parsed.username().is_empty()
        && parsed.password().is_none();
    is_sound.then_some(()).ok_or(EntryError::Url)
}

fn plain_key(url: &str) -> Result<CatalogueKey, EntryError> {
    let mut url = Url::parse(url).map_err(|_| EntryError::Url)?;
    url.set_query(None);
    url.set_fragment(None);
    Ok(CatalogueKey { url: url.into(), tool: None })
}

fn cut(text: &str, chars_max: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(chars_max).collect()
}

/// Databases keep no NUL characters.
fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) => text.replace('\0', "").into(),
        Value::Array(list) => list.into_iter().map(without_nul).collect(),
        Value::Object(object) => {
            object.into_iter().map(|(key, value)| (key.replace('\0', ""), without_nul(value))).collect()
        }
        other => other,
    }
}

impl ListQuery {
    /// Reads the query string of `GET /discovery/resources`; unknown names are ignored.
    ///
    /// # Errors
    /// `InvalidPayload` naming the parameter.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let mut filters = Filters::default();
        let (mut limit, mut offset) = (LIMIT, 0);
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "limit" => limit = page_limit(&value)?,
                "offset" => offset = page_offset("offset", &value)?,
                other => filters.read(other, &value)?,
            }
        }
        Ok(Self { filters, limit, offset })
    }
}

impl SearchQuery {
    /// Reads the query string of `GET /discovery/search`; unknown names are ignored.
    ///
    /// # Errors
    /// `InvalidPayload` naming the parameter.
    pub fn parse(query: &str) -> Result<Self, Refusal> {
        let mut read = Self { filters: Filters::default(), words: Vec::new(), limit: LIMIT, offset: 0 };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "query" => {
                    let text: String = cut(&value, QUERY_CHARS_MAX).to_lowercase();
                    read.words = text.split_whitespace().take(WORDS_MAX).map(str::to_owned).collect();
                }
                "limit" => read.limit = page_limit(&value)?,
                "cursor" => read.offset = page_offset("cursor", &value)?,
                other => read.filters.read(other, &value)?,
            }
        }
        Ok(read)
    }
}

impl Filters {
    fn read(&mut self, name: &str, value: &str) -> Result<(), Refusal> {
        if value.is_empty() {
            return Ok(());
        }
        let value = || Some(cut(value, LABEL_CHARS_MAX));
        match name {
            "type" => self.kind = value(),
            "scheme" => self.scheme = value(),
            "network" => self.network = value(),
            "extensions" => self.extension = value(),
            "payTo" => {
                let text = value().unwrap_or_default();
                let parsed = address::parse(&text).ok_or_else(|| invalid("payTo", "must be 40 hex digits after 0x"))?;
                self.pay_to = Some(format!("{parsed:#x}"));
            }
            _ => {}
        }
        Ok(())
    }
}

fn page_limit(value: &str) -> Result<u32, Refusal> {
    let limit = value.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit));
    limit.ok_or_else(|| invalid("limit", "must be 1 to 100"))
}

fn page_offset(name: &str, value: &str) -> Result<u64, Refusal> {
    let offset = value.parse().ok().filter(|offset| *offset <= OFFSET_MAX);
    offset.ok_or_else(|| invalid(name, "must be 0 to 1,000,000"))
}

fn invalid(name: &str, rule: &str) -> Refusal {
    Refusal::new(Reason::InvalidPayload, format!("{name} {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_read_within_their_limits() {
        let read = ListQuery::parse("type=http&limit=5&offset=10&payTo=0x036CbD53842c5426634e7929541eC2318f3dCF7e&x=y");
        let read = read.unwrap();
        assert_eq!((read.limit, read.offset, read.filters.kind.as_deref()), (5, 10, Some("http")));
        assert_eq!(read.filters.pay_to.as_deref(), Some("0x036cbd53842c5426634e7929541ec2318f3dcf7e"));
        for wrong in ["limit=0", "limit=101", "limit=x", "offset=-1", "offset=9999999999", "payTo=me"] {
            assert_eq!(ListQuery::parse(wrong).unwrap_err().reason, Reason::InvalidPayload, "{wrong}");
        }
        let read = SearchQuery::parse("query=Weather%20in%09Lisbon&cursor=20").unwrap();
        assert_eq!((read.words.join("|").as_str(), read.offset), ("weather|inlisbon", 20));
    }

    #[test]
    fn only_urls_that_could_be_called_are_catalogued() {
        for good in ["https://pay.example/x", "http://127.0.0.1:1/", "mcp://tool/weather"] {
            assert_eq!(check_url(good), Ok(()), "{good}");
        }
        let long = format!("https://pay.example/{}", "x".repeat(URL_BYTES_MAX));
        for bad in ["", "/x", "ftp://x/", "javascript:alert(1)", "https://me:pw@pay.example/", long.as_str()] {
            assert_eq!(check_url(bad), Err(EntryError::Url), "{bad}");
        }
    }
}

//! Where a listing's calls go: its URL, the headers and parameters that its server asks for, and what of the
//! buyer's headers may pass.

use crate::settings::CallSettings;
use farebox_base::{Error, Result};
use farebox_market::{Listing, ListingEntry, UpstreamSecret};
use farebox_upstream::http::{HttpTarget, PassthroughPolicy};
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue};
use url::Url;

/// # Errors
/// `Internal` where what is stored can't be sent; it was checked when it was registered.
pub(crate) fn http_target(entry: &ListingEntry, settings: &CallSettings) -> Result<HttpTarget> {
    let (listing, secret) = (&entry.listing, entry.secret()?);
    let base = Url::parse(&listing.target).map_err(|e| stored_wrong(listing, &e.to_string()))?;
    let query_key = secret.api_key_query_param.clone().zip(secret.api_key.clone());
    Ok(HttpTarget {
        base,
        set_headers: set_headers(listing, secret)?,
        add_query: query_key.into_iter().collect(),
        passthrough: passthrough(listing),
        timeouts: settings.timeouts,
        max_request_bytes: settings.request_bytes_max,
        max_response_bytes: None,
    })
}

/// The same with what proves the buyer to the server.
pub(crate) fn with_authorization(target: &HttpTarget, value: HeaderValue) -> HttpTarget {
    let mut target = target.clone();
    target.set_headers.retain(|(name, _)| *name != AUTHORIZATION);
    target.set_headers.push((AUTHORIZATION, value));
    target
}

fn set_headers(listing: &Listing, secret: &UpstreamSecret) -> Result<Vec<(HeaderName, HeaderValue)>> {
    let mut headers = Vec::new();
    let public = listing.profile.get("upstream_headers").and_then(|value| value.as_object());
    for (name, value) in public.into_iter().flatten() {
        headers.push(header(listing, name, value.as_str().unwrap_or_default())?);
    }
    for (name, value) in &secret.headers {
        headers.push(header(listing, name, value)?);
    }
    if let Some((name, key)) = secret.api_key_header.as_ref().zip(secret.api_key.as_ref()) {
        headers.push(header(listing, name, key)?);
    }
    Ok(headers)
}

fn header(listing: &Listing, name: &str, value: &str) -> Result<(HeaderName, HeaderValue)> {
    let parsed = HeaderName::try_from(name).ok().zip(HeaderValue::from_str(value).ok());
    let (name, mut value) = parsed.ok_or_else(|| stored_wrong(listing, "a header"))?;
    value.set_sensitive(true);
    Ok((name, value))
}

/// All of the buyer's headers, unless the seller named those that it wants.
fn passthrough(listing: &Listing) -> PassthroughPolicy {
    let named = listing.profile.get("allowed_passthrough_headers").and_then(|value| value.as_array());
    match named {
        Some(names) if !names.is_empty() => {
            let names = names.iter().filter_map(|name| name.as_str());
            PassthroughPolicy::Only(names.filter_map(|name| HeaderName::try_from(name).ok()).collect())
        }
        _ => PassthroughPolicy::All,
    }
}

fn stored_wrong(listing: &Listing, what: &str) -> Error {
    Error::internal(format!("listing {} can't be called as it is stored: {what}", listing.id))
}

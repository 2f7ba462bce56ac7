//! Logos of publishers: their sellers upload them, everybody sees them.

use super::Cx;
use super::org_publishers::owned;
use super::publisher_mapping::uploaded_logo;
use super::publishers::found;
use crate::Core;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use farebox_api_kit::{Data, Headers, Json, Ok200, Path, Query, Reply, operations};
use farebox_api_types::platform::{LogoQuery, LogoUploadRequest, LogoUploadResponse};
use farebox_base::{Error, Result};
use farebox_market::Logo;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, HeaderMap, HeaderName, IF_NONE_MATCH};
use http::{HeaderValue, Response, StatusCode};
use serde_json::Value;
use uuid::Uuid;

operations! {
    core Core, door Platform, tag "Organizations";
    POST "/organizations/{organization_id}/publishers/{publisher_id}/logo" upload_publisher_logo(Needs(ListingsWrite)) limit(BODY_BYTES_MAX) "Upload a publisher's logo, in place of the one before";
    GET  "/publishers/{slug}/logo" get_store_publisher_logo(Public) tag("publishers") replies(200 as "image/*", 302, 304) "Show a publisher's logo";
}

/// The largest picture in Base64, and room for the rest of the request.
const BODY_BYTES_MAX: usize = 1 << 20;
/// Whoever opens a drawing by itself sees it, and nothing in it can run, load or reach the page's origin.
const CONTENT_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
const FOR_A_YEAR: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const FOR_FIVE_MINUTES: HeaderValue = HeaderValue::from_static("public, max-age=300");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

async fn upload_publisher_logo(
    cx: Cx,
    path: Path<(String, Uuid)>,
    body: Json<LogoUploadRequest>,
) -> Result<Ok200<Data<LogoUploadResponse>>> {
    let (access, entry) = owned(&cx, &path.0).await?;
    let logo = read(body.0).await?;
    cx.core.market.logo_set(access, entry.listing.id, &logo).await?;
    let entry = cx.core.market.listing_owned(access, entry.listing.id).await?;
    let logo_url = uploaded_logo(&entry.listing, &cx.core.settings.public_url)
        .ok_or_else(|| Error::internal("an uploaded logo has no address"))?;
    Ok(Ok200(Data(LogoUploadResponse { message: "Logo uploaded successfully".to_owned(), logo_url })))
}

async fn get_store_publisher_logo(
    cx: Cx,
    path: Path<String>,
    query: Query<LogoQuery>,
    headers: Headers,
) -> Result<Reply> {
    let entry = found(&cx, &path.0).await?;
    let listing = &entry.listing;
    let none = || Error::not_found("Logo");
    let Some(digest) = listing.logo_digest() else {
        let elsewhere = listing.profile.get("logo_url").and_then(Value::as_str).ok_or_else(none)?;
        return Reply::redirect(elsewhere);
    };
    let is_this_one = query.0.v.is_some_and(|version| !version.is_empty() && digest.starts_with(&version));
    let tag = format!("\"{digest}\"");
    let mut reply = if has_it(&headers.0, &tag) {
        let mut unchanged = Response::new(farebox_api_kit::empty());
        *unchanged.status_mut() = StatusCode::NOT_MODIFIED;
        Reply(unchanged)
    } else {
        let logo = cx.core.market.logo(listing).await?.ok_or_else(none)?;
        Reply::bytes(logo.media.text(), logo.bytes)
    };
    let about = reply.0.headers_mut();
    about.insert(ETAG, HeaderValue::try_from(tag).map_err(|e| Error::internal(format!("logo's tag: {e}")))?);
    about.insert(CACHE_CONTROL, if is_this_one { FOR_A_YEAR } else { FOR_FIVE_MINUTES });
    about.insert(CONTENT_SECURITY_POLICY, CONTENT_POLICY);
    about.insert(RESOURCE_POLICY, HeaderValue::from_static("cross-origin"));
    Ok(reply)
}

/// Decodes and checks the picture on a thread where it holds nobody up.
async fn read(request: LogoUploadRequest) -> Result<Logo> {
    let checked = tokio::task::spawn_blocking(move || {
        let bytes = STANDARD.decode(request.logo.trim()).map_err(|_| {
            Error::invalid("logo", "must be a picture in Base64, with padding and without a data: prefix")
        })?;
        Logo::read(&request.content_type, &bytes)
    });
    checked.await.map_err(|e| Error::internal(format!("checking a logo: {e}")))?
}

/// Whether the client has the picture with this tag already.
fn has_it(headers: &HeaderMap, tag: &str) -> bool {
    let named = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    named.flat_map(|line| line.split(',')).any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_known_tag_is_found_in_every_spelling() {
        let with = |text: &'static str| HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(text))]);
        for known in ["\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*"] {
            assert!(has_it(&with(known), "\"abc\""), "{known}");
        }
        for other in ["abc", "\"ab\"", ""] {
            assert!(!has_it(&with(other), "\"abc\""), "{other}");
        }
        assert!(!has_it(&HeaderMap::new(), "\"abc\""));
    }
}

//! Where each door finds a key in a request, and what it says when there is none or a bad one.

use farebox_api_kit::DoorId;
use farebox_base::{Error, Result};
use http::HeaderMap;
use http::header::AUTHORIZATION;

/// The key as it was sent: `Authorization: Bearer …` or `X-API-Key: …`, at every door. `None`: none was sent.
///
/// # Errors
/// `Unauthenticated` where an `Authorization` header is there and is no bearer key.
pub(crate) fn presented(door: DoorId, headers: &HeaderMap) -> Result<Option<&str>> {
    if let Some(value) = headers.get(AUTHORIZATION) {
        let text = value.to_str().unwrap_or_default();
        let scheme = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("bearer "));
        return match scheme {
            Some(_) => Ok(Some(text[7..].trim())),
            None => Err(malformed(door)),
        };
    }
    match headers.get("x-api-key") {
        Some(value) => value.to_str().map(|text| Some(text.trim())).map_err(|_| malformed(door)),
        None => Ok(None),
    }
}

/// The error for a key that can't be read, in the door's words.
pub(crate) fn in_words_of(door: DoorId, error: Error) -> Error {
    if error.code == "malformed_key" { malformed(door) } else { error }
}

fn malformed(door: DoorId) -> Error {
    Error::unauthenticated(match door {
        DoorId::Marketplace => "Invalid key format. Use key_id:secret",
        DoorId::SqlGateway => "Invalid API key: send the key as it was issued in the X-API-Key header",
        DoorId::Platform | DoorId::System => {
            "Invalid API key: send the key as it was issued as `Authorization: Bearer`"
        }
    })
    .with_code("malformed_key")
}

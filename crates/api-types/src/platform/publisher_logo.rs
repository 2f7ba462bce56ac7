//! Logos of publishers.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A picture for a publisher.
#[derive(Clone, Deserialize, JsonSchema)]
pub struct LogoUploadRequest {
    /// The picture in Base64. PNG, JPEG and WebP: at most 524,288 bytes and 2,048 x 2,048 pixels; SVG: at most 262,144 bytes.
    pub logo: String,
    /// `image/png`, `image/jpeg`, `image/webp` or `image/svg+xml`.
    #[schemars(example = &"image/png")]
    pub content_type: String,
}

/// Where the picture can be seen from now on.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct LogoUploadResponse {
    pub message: String,
    pub logo_url: String,
}

/// Which picture is meant; addresses in replies carry it.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
pub struct LogoQuery {
    /// The beginning of the picture's digest. With the right one the picture may be kept for a year.
    pub v: Option<String>,
}

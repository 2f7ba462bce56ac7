//! Logos of listings: what an uploaded picture must be, and what is kept of it.
//!
//! Owns the table `listing_logo`, the checks of each format, and the cleaning: what is stored is written anew, with the
//! parts that make up the picture and nothing else. Fetches nothing. Invariants: the bytes that are stored are of the
//! media type beside them and of no other; a picture that is decoded is within the limits before a pixel is made.

mod jpeg;
mod parts;
mod png;
mod store;
mod svg;
mod webp;

pub use store::StoredLogo;

use farebox_base::{Error, Result};

/// The largest picture of pixels, in bytes.
pub const LOGO_BYTES_MAX: usize = 512 * 1024;
/// The largest drawing (SVG), in bytes.
pub const LOGO_SVG_BYTES_MAX: usize = 256 * 1024;
/// The longest side of a picture of pixels.
pub const LOGO_PIXELS_MAX: u32 = 2_048;

/// The request's name for the bytes.
const FIELD: &str = "logo";

/// The formats that are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogoMedia {
    Png,
    Jpeg,
    Webp,
    Svg,
}

/// A picture that passed, in the form in which it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Logo {
    pub(crate) media: LogoMedia,
    pub(crate) bytes: Vec<u8>,
}

impl LogoMedia {
    pub const ALL: [LogoMedia; 4] = [LogoMedia::Png, LogoMedia::Jpeg, LogoMedia::Webp, LogoMedia::Svg];

    /// The media type as HTTP spells it.
    pub const fn text(self) -> &'static str {
        match self {
            LogoMedia::Png => "image/png",
            LogoMedia::Jpeg => "image/jpeg",
            LogoMedia::Webp => "image/webp",
            LogoMedia::Svg => "image/svg+xml",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|media| media.text() == text)
    }
}

impl Logo {
    /// Checks and cleans a picture. Takes up to some hundred milliseconds of a processor.
    ///
    /// # Errors
    /// `Invalid` for `content_type` where the type is not taken, for `logo` where the bytes are not such a picture, are
    /// more than that, or are over a limit.
    pub fn read(content_type: &str, bytes: &[u8]) -> Result<Self> {
        let media = LogoMedia::parse(content_type).ok_or_else(|| {
            Error::invalid("content_type", "must be image/png, image/jpeg, image/webp or image/svg+xml")
        })?;
        let most = if media == LogoMedia::Svg { LOGO_SVG_BYTES_MAX } else { LOGO_BYTES_MAX };
        if bytes.is_empty() || bytes.len() > most {
            return Err(Error::invalid(FIELD, format!("must be a picture of 1 to {most} bytes")));
        }
        let bytes = match media {
            LogoMedia::Png => png::clean(bytes)?,
            LogoMedia::Jpeg => jpeg::clean(bytes)?,
            LogoMedia::Webp => webp::clean(bytes)?,
            LogoMedia::Svg => svg::clean(bytes)?,
        };
        Ok(Self { media, bytes })
    }

    pub fn media(&self) -> LogoMedia {
        self.media
    }

    /// What is kept.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// `rule` completes a sentence about the picture: "must be a PNG file".
fn refused(rule: impl AsRef<str>) -> Error {
    Error::invalid(FIELD, rule)
}

/// # Errors
/// `Invalid` where a side is longer than what is taken, or there is none.
fn check_size(width: u32, height: u32) -> Result<()> {
    let fits = |side: u32| (1..=LOGO_PIXELS_MAX).contains(&side);
    if fits(width) && fits(height) {
        return Ok(());
    }
    Err(refused(format!("must be at most {LOGO_PIXELS_MAX} pixels wide and high; it is {width} x {height}")))
}

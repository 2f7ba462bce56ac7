//! How regions and endpoints are spelled. Pure functions; each names the field and the broken rule.

use crate::visible_text;
use farebox_base::{Error, Result};

const REGION_BYTES: usize = 64;
const LABEL_CHARS: usize = 100;
/// Amazon's own lengths: the old one and the one since 2018.
const AWS_HEX_DIGITS: [usize; 2] = [8, 17];
const GCP_DIGITS: usize = 20;

/// Lower-case letters and digits in parts that hyphens join: `aws-us-east-1`, `eu-central-1`.
pub(super) fn is_region(text: &str) -> bool {
    let part = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.len() <= REGION_BYTES && text.split('-').all(part)
}

pub(super) fn region(text: &str) -> Result<String> {
    if is_region(text) {
        return Ok(text.to_owned());
    }
    let rule = "must be lower-case letters, digits and single hyphens between them, such as aws-us-east-1";
    Err(Error::invalid("region", rule))
}

/// The name in the form that the provider of the region gives it.
pub(super) fn endpoint_id(region: &str, text: &str) -> Result<String> {
    let (fits, form) = match region.split('-').next() {
        Some("gcp") => (is_number(text), "the number of a Private Service Connect connection"),
        Some("azure") => (is_uuid(text), "the UUID of a private endpoint, in lower case"),
        _ => (is_aws(text), "vpce- followed by 8 or 17 lower-case hex digits"),
    };
    if fits { Ok(text.to_owned()) } else { Err(Error::invalid("endpoint_id", format!("must be {form}"))) }
}

/// Whether a text is an endpoint's name at any provider.
pub(super) fn is_endpoint_id(text: &str) -> bool {
    is_aws(text) || is_uuid(text) || is_number(text)
}

pub(super) fn label(text: &str) -> Result<String> {
    visible_text("label", text, LABEL_CHARS)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

fn is_aws(text: &str) -> bool {
    text.strip_prefix("vpce-").is_some_and(|digits| AWS_HEX_DIGITS.contains(&digits.len()) && is_hex(digits))
}

fn is_uuid(text: &str) -> bool {
    let lengths = [8, 4, 4, 4, 12];
    let mut parts = text.split('-');
    lengths.iter().all(|length| parts.next().is_some_and(|part| part.len() == *length && is_hex(part)))
        && parts.next().is_none()
}

fn is_number(text: &str) -> bool {
    (1..=GCP_DIGITS).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_plain_words_joined_by_hyphens() {
        for good in ["aws-us-east-1", "eu-central-1", "local", "gcp-europe-west4"] {
            assert_eq!(region(good).unwrap(), good);
        }
        for bad in ["", "-", "aws-", "-aws", "aws--1", "AWS", "aws us", "aws\0", "ü", &"a".repeat(65)] {
            assert_eq!(region(bad).unwrap_err().field.as_deref(), Some("region"), "{bad:?}");
        }
    }

    #[test]
    fn endpoints_have_the_form_of_their_regions_provider() {
        let uuid = "0195aaaa-bbbb-7ccc-8ddd-eeeeffff0001";
        for (region, good) in [
            ("aws-us-east-1", "vpce-0123456789abcdef0"),
            ("us-east-1", "vpce-1a2b3c4d"),
            ("gcp-europe-west4", "78409325841"),
            ("azure-westeurope", uuid),
        ] {
            assert_eq!(endpoint_id(region, good).unwrap(), good);
            assert!(is_endpoint_id(good));
        }
        for (region, bad) in [
            ("aws-us-east-1", ""),
            ("aws-us-east-1", "vpce-"),
            ("aws-us-east-1", "vpce-0123456789ABCDEF0"),
            ("aws-us-east-1", "vpce-012345678"),
            ("aws-us-east-1", "vpce-0123456789abcdef0 "),
            ("aws-us-east-1", "78409325841"),
            ("gcp-europe-west4", "vpce-1a2b3c4d"),
            ("gcp-europe-west4", "123456789012345678901"),
            ("azure-westeurope", "0195AAAA-bbbb-7ccc-8ddd-eeeeffff0001"),
            ("azure-westeurope", "0195aaaabbbb7ccc8dddeeeeffff0001"),
        ] {
            assert_eq!(endpoint_id(region, bad).unwrap_err().field.as_deref(), Some("endpoint_id"), "{region} {bad:?}");
        }
    }
}

//! Header names and values: base64 of JSON, within limits.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Serialize;
use serde_json::Value;

use super::{Object, v1, v2};
use crate::{Reason, Refusal};

/// The longest value of a payment header that is read.
pub const HEADER_BYTES_MAX: usize = 32 * 1024;

/// Names of headers. They are compared without case.
pub mod names {
    /// Version 2: what to pay, with 402.
    pub const PAYMENT_REQUIRED: &str = "payment-required";
    /// Version 2: the payment.
    pub const PAYMENT_SIGNATURE: &str = "payment-signature";
    /// Version 2: what became of it.
    pub const PAYMENT_RESPONSE: &str = "payment-response";
    /// Version 1: the payment.
    pub const X_PAYMENT: &str = "x-payment";
    /// Version 1: what became of it.
    pub const X_PAYMENT_RESPONSE: &str = "x-payment-response";
    /// The proof of a wallet.
    pub const SIGN_IN_WITH_X: &str = "sign-in-with-x";
}

/// The standard alphabet; padding as clients send it, or none.
const TOLERANT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A payment as it came, of the version that it says.
#[derive(Debug, Clone)]
pub enum PaymentHeader {
    V1(v1::Payload),
    V2(v2::Payload),
}

impl PaymentHeader {
    /// Reads the value of `PAYMENT-SIGNATURE` or `X-PAYMENT`; the version is the one inside.
    ///
    /// # Errors
    /// `PayloadTooLarge`, `InvalidPayload`, `InvalidVersion`.
    pub fn decode(value: &str) -> Result<Self, Refusal> {
        Self::from_json(decode_base64_json(value)?)
    }

    /// As `decode`, of what the base64 stood for.
    ///
    /// # Errors
    /// `InvalidPayload`, `InvalidVersion`.
    pub fn from_bytes(json: &[u8]) -> Result<Self, Refusal> {
        Self::from_json(json_of(json)?)
    }

    /// Reads a payload that came in a body.
    ///
    /// # Errors
    /// `InvalidPayload`, `InvalidVersion`.
    pub fn from_json(json: Value) -> Result<Self, Refusal> {
        let version = json.get("x402Version").and_then(Value::as_u64);
        match version {
            Some(1) => v1::Payload::from_json(json).map(Self::V1),
            Some(2) => v2::Payload::from_json(json).map(Self::V2),
            Some(other) => Err(Refusal::mismatch(Reason::InvalidVersion, "x402Version", "1 or 2", other)),
            None if json.is_object() => {
                Err(Refusal::new(Reason::InvalidVersion, "x402Version: expected the number 1 or 2, got none"))
            }
            None => Err(Refusal::new(Reason::InvalidPayload, "the payment is not a JSON object")),
        }
    }

    pub const fn version(&self) -> u8 {
        match self {
            Self::V1(_) => 1,
            Self::V2(_) => 2,
        }
    }

    /// The payment as it came.
    pub const fn json(&self) -> &Value {
        match self {
            Self::V1(payload) => payload.json(),
            Self::V2(payload) => payload.json(),
        }
    }

    /// The extensions that came with it; version 1 has none.
    pub fn extensions(&self) -> Option<&Object> {
        match self {
            Self::V1(_) => None,
            Self::V2(payload) => payload.extensions(),
        }
    }
}

/// # Errors
/// `PayloadTooLarge` over the limit, `InvalidPayload` for what is no base64 of JSON.
pub fn decode_base64_json(value: &str) -> Result<Value, Refusal> {
    json_of(&decode_base64(value)?)
}

/// # Errors
/// `PayloadTooLarge` over the limit, `InvalidPayload` for what is no base64.
pub fn decode_base64(value: &str) -> Result<Vec<u8>, Refusal> {
    if value.len() > HEADER_BYTES_MAX {
        let limit = format_args!("at most {HEADER_BYTES_MAX} bytes").to_string();
        return Err(Refusal::mismatch(Reason::PayloadTooLarge, "header", limit, value.len()));
    }
    TOLERANT
        .decode(value.trim_matches([' ', '\t']))
        .map_err(|_| Refusal::new(Reason::InvalidPayload, "the header is not base64 of the standard alphabet"))
}

fn json_of(bytes: &[u8]) -> Result<Value, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| {
        let place = format!("the header's JSON is broken at line {} column {}", error.line(), error.column());
        Refusal::new(Reason::InvalidPayload, place)
    })
}

/// The value of a header, with padding.
///
/// # Errors
/// None for the types of this crate; serde's otherwise.
pub fn encode_base64_json(value: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_vec(value).map(|json| STANDARD.encode(json))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn reason(value: &str) -> Reason {
        PaymentHeader::decode(value).unwrap_err().reason
    }

    #[test]
    fn every_malformed_header_has_its_reason() {
        let encode = |json: &str| STANDARD.encode(json);
        assert_eq!(reason(""), Reason::InvalidPayload);
        assert_eq!(reason("***"), Reason::InvalidPayload);
        assert_eq!(reason(&"A".repeat(HEADER_BYTES_MAX + 1)), Reason::PayloadTooLarge);
        assert_eq!(reason(&encode("{")), Reason::InvalidPayload);
        assert_eq!(reason(&encode("[]")), Reason::InvalidPayload);
        assert_eq!(reason(&encode("\"text\"")), Reason::InvalidPayload);
        assert_eq!(reason(&encode("{}")), Reason::InvalidVersion);
        assert_eq!(reason(&encode("{\"x402Version\":3}")), Reason::InvalidVersion);
        assert_eq!(reason(&encode("{\"x402Version\":\"2\"}")), Reason::InvalidVersion);
        assert_eq!(reason(&encode("{\"x402Version\":2}")), Reason::InvalidPayload);
        assert_eq!(reason(&encode("{\"x402Version\":1,\"scheme\":7}")), Reason::InvalidPayload);
        assert_eq!(reason(&encode(&"[".repeat(10_000))), Reason::InvalidPayload, "nested too deep");
    }

    #[test]
    fn padding_may_be_missing() {
        let json = "{\"x402Version\":1,\"scheme\":\"exact\",\"network\":\"base\",\"payload\":{}}";
        let padded = STANDARD.encode(json);
        assert!(padded.ends_with('='));
        for value in [padded.as_str(), padded.trim_end_matches('=')] {
            assert_eq!(PaymentHeader::decode(value).unwrap().version(), 1);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_decoder_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            drop(PaymentHeader::decode(&STANDARD.encode(&bytes)));
            drop(PaymentHeader::decode(&String::from_utf8_lossy(&bytes)));
        }
    }
}

//! `payment-identifier`: the client names its payment, so that the same one twice gets the same answer.
//!
//! Clients sign anew for each try, so that whoever remembers an identifier binds it to the request, not to the nonce.

use serde_json::{Value, json};

use super::DIALECT;
use crate::wire::PaymentHeader;
use crate::{Reason, Refusal};

pub const KEY: &str = "payment-identifier";

/// 16 to 128 letters, digits, `-` and `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PaymentIdentifier(String);

impl PaymentIdentifier {
    const BYTES: std::ops::RangeInclusive<usize> = 16..=128;

    /// # Errors
    /// `IdentifierInvalid`.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let in_set = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if Self::BYTES.contains(&text.len()) && text.bytes().all(in_set) {
            return Ok(Self(text.to_owned()));
        }
        let rule = "payment-identifier: info.id must be 16 to 128 letters, digits, - and _";
        Err(Refusal::new(Reason::IdentifierInvalid, rule))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a challenge advertises.
pub fn extension(is_required: bool) -> Value {
    json!({
        "info": { "required": is_required },
        "schema": {
            "$schema": DIALECT,
            "type": "object",
            "properties": {
                "required": { "type": "boolean" },
                "id": { "type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[a-zA-Z0-9_-]+$" },
            },
            "required": ["required"],
        },
    })
}

/// The identifier that came with a payment.
///
/// # Errors
/// `IdentifierRequired` where there is none and one was asked for, `IdentifierInvalid` where it breaks the rule.
pub fn read(header: &PaymentHeader, is_required: bool) -> Result<Option<PaymentIdentifier>, Refusal> {
    let info = header.extensions().and_then(|extensions| extensions.get(KEY)).and_then(|own| own.get("info"));
    match info.and_then(|info| info.get("id")) {
        None | Some(Value::Null) if is_required => {
            Err(Refusal::new(Reason::IdentifierRequired, "payment-identifier: info.id is required"))
        }
        None | Some(Value::Null) => Ok(None),
        Some(id) => PaymentIdentifier::parse(id.as_str().unwrap_or_default()).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_of_identifiers_is_kept() {
        for good in ["pay_0123456789ab", "A-b_0123456789abcdef", &"x".repeat(128)] {
            assert_eq!(PaymentIdentifier::parse(good).unwrap().as_str(), good);
        }
        for bad in ["", "short", &"x".repeat(129), "has space in the text", "0123456789abcdé0", "0123456789abcdef\n"] {
            assert_eq!(PaymentIdentifier::parse(bad).unwrap_err().reason, Reason::IdentifierInvalid);
        }
    }
}

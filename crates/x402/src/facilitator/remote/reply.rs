//! Reading what another facilitator answers. Statuses differ between them, so that the body rules where it says anything.

use crate::facilitator::Settlement;
use crate::wire::{SettlementResponse, VerifyResponse};
use crate::{Reason, Refusal};
use http::StatusCode;
use serde_json::Value;

/// Words of theirs that are passed on are cut here.
const CHARS_MAX: usize = 200;

/// # Errors
/// The reason that it gives, or `UnexpectedVerifyError`.
pub(super) fn verified(status: StatusCode, body: &[u8]) -> Result<(), Refusal> {
    let Some(reply) = read::<VerifyResponse>(body, "isValid") else {
        return Err(Refusal::new(Reason::UnexpectedVerifyError, answered(status)));
    };
    if reply.is_valid {
        return Ok(());
    }
    Err(refusal(reply.invalid_reason, reply.invalid_message, Reason::UnexpectedVerifyError))
}

pub(super) fn settled(status: StatusCode, body: &[u8]) -> Settlement {
    let Some(reply) = read::<SettlementResponse>(body, "success") else {
        return if was_not_read(status) {
            Settlement::NotTaken(Refusal::new(Reason::UnexpectedSettleError, answered(status)))
        } else {
            Settlement::pending("")
        };
    };
    let transaction = cut(&reply.transaction);
    if reply.success {
        return Settlement::Settled { transaction };
    }
    let is_named_pending = reply.error_reason.as_deref() == Some(Reason::SettlementPending.code());
    let refusal = refusal(reply.error_reason, reply.error_message, Reason::UnexpectedSettleError);
    // A failure of its own after it has sent something is no word on what became of it.
    let is_lost = refusal.reason == Reason::UnexpectedSettleError && !transaction.is_empty();
    if is_named_pending || is_lost { Settlement::pending(transaction) } else { Settlement::NotTaken(refusal) }
}

/// The body, where it is an object that has the field which every reply has.
fn read<T: serde::de::DeserializeOwned>(body: &[u8], field: &str) -> Option<T> {
    let mut value: Value = serde_json::from_slice(body).ok()?;
    let object = value.as_object_mut()?;
    object.get(field)?.as_bool()?;
    // Some send null where the field should be absent.
    object.retain(|_, value| !value.is_null());
    serde_json::from_value(value).ok()
}

/// Statuses of servers that have not looked at what was asked.
fn was_not_read(status: StatusCode) -> bool {
    matches!(status.as_u16(), 300..=399 | 400..=407 | 410..=422 | 426..=431 | 501)
}

fn refusal(code: Option<String>, message: Option<String>, otherwise: Reason) -> Refusal {
    let code = code.unwrap_or_default();
    let reason = Reason::parse(&code).or_else(|| older(&code)).unwrap_or(otherwise);
    let message = message.map_or_else(|| cut(&code), |message| format!("{}: {}", cut(&code), cut(&message)));
    Refusal::new(reason, format!("the facilitator refuses: {message}"))
}

/// Codes of other versions and implementations.
fn older(code: &str) -> Option<Reason> {
    Some(match code {
        "invalid_exact_evm_payload_authorization_value" | "invalid_exact_evm_authorization_value" => {
            Reason::ExactValueMismatch
        }
        "invalid_exact_evm_signature" => Reason::ExactSignature,
        "invalid_exact_evm_recipient_mismatch" => Reason::ExactRecipientMismatch,
        "invalid_exact_evm_insufficient_balance" => Reason::InsufficientFunds,
        "payment_expired" | "invalid_payment_expired" => Reason::ExactValidBefore,
        "invalid_payment" => Reason::InvalidPayload,
        _ => return None,
    })
}

fn answered(status: StatusCode) -> String {
    format!("the facilitator answered {} and nothing that can be read", status.as_u16())
}

fn cut(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn not_taken(status: u16, body: &str) -> Option<Reason> {
        match settled(StatusCode::from_u16(status).unwrap(), body.as_bytes()) {
            Settlement::NotTaken(refusal) => Some(refusal.reason),
            Settlement::Pending { .. } | Settlement::Settled { .. } => None,
        }
    }

    #[test]
    fn the_body_rules_whatever_the_status() {
        let paid = r#"{"success":true,"transaction":"0x01","network":"base","payer":null,"errorReason":null}"#;
        let done = Settlement::Settled { transaction: "0x01".into() };
        assert_eq!(settled(StatusCode::OK, paid.as_bytes()), done);
        assert_eq!(settled(StatusCode::INTERNAL_SERVER_ERROR, paid.as_bytes()), done);
        let poor = r#"{"success":false,"transaction":"","network":"base","errorReason":"insufficient_funds"}"#;
        assert_eq!(not_taken(200, poor), Some(Reason::InsufficientFunds));
        assert_eq!(not_taken(400, poor), Some(Reason::InsufficientFunds));
        assert_eq!(not_taken(200, r#"{"success":false,"errorReason":"x"}"#), Some(Reason::UnexpectedSettleError));
        assert!(verified(StatusCode::OK, br#"{"isValid":true}"#).is_ok());
        let refused = verified(StatusCode::BAD_REQUEST, br#"{"isValid":false,"invalidReason":"invalid_network"}"#);
        assert_eq!(refused.unwrap_err().reason, Reason::InvalidNetwork);
        let refused = verified(StatusCode::OK, b"<html>");
        assert_eq!(refused.unwrap_err().reason, Reason::UnexpectedVerifyError);
    }

    #[test]
    fn what_may_have_been_settled_is_pending_and_what_was_not_read_is_not() {
        let pending = r#"{"success":false,"transaction":"0x01","network":"base","errorReason":"settlement_pending"}"#;
        let expected = Settlement::pending("0x01");
        assert_eq!(settled(StatusCode::OK, pending.as_bytes()), expected);
        let lost = r#"{"success":false,"transaction":"0x01","network":"base","errorReason":"unexpected_settle_error"}"#;
        assert_eq!(settled(StatusCode::OK, lost.as_bytes()), expected);
        for status in [200, 408, 409, 500, 502, 503, 504] {
            assert_eq!(not_taken(status, "{}"), None, "{status}");
        }
        for status in [301, 400, 401, 403, 404, 413, 429, 501] {
            assert_eq!(not_taken(status, "oops"), Some(Reason::UnexpectedSettleError), "{status}");
        }
    }
}

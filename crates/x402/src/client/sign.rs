//! Signing the chosen offer, and reading the receipt.

use alloy_primitives::{B256, U256};
use farebox_base::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::ClientError;
use super::choose::{Choice, Echo};
use crate::evm::{Authorization, Permit, Signature, SigningKey, Witness, contracts};
use crate::extension::identifier::{self, PaymentIdentifier};
use crate::network::Method;
use crate::offer::Terms;
use crate::payment::Payment;
use crate::wire::{Object, PaymentHeader, SettlementResponse, decode_base64_json, names, payload_of, v1, v2};
use crate::{Reason, Refusal};

/// The longest that anything is signed for, whatever the offer says: as long as it is good somebody may take it.
const GOOD_S_MAX: u64 = 600;
/// How far back an authorization of version 1 begins, for chains whose clock is behind.
const V1_BEGINS_BEFORE_S: u64 = 600;

/// What is sent with the request.
#[derive(Debug, Clone)]
pub struct SignedHeader {
    /// In small letters.
    pub name: &'static str,
    pub value: String,
    pub payment: Payment,
}

impl Choice {
    /// Signs an `exact` or `upto` payment. `nonce` is 32 random bytes that were never used.
    ///
    /// # Errors
    /// `NeedsChannel` for `batch-settlement`.
    pub fn sign(
        &self,
        key: &SigningKey,
        nonce: [u8; 32],
        now: Timestamp,
        identifier: Option<&PaymentIdentifier>,
    ) -> Result<SignedHeader, ClientError> {
        let now_s = u64::try_from(now.seconds()).unwrap_or_default();
        let payment = match &self.offer.terms {
            Terms::Exact(Method::Eip3009) => self.eip3009(key, nonce, now_s),
            Terms::Exact(Method::Permit2) => {
                let witness = Witness::Exact { to: self.offer.pay_to, valid_after: U256::ZERO };
                let (permit, signature) = self.permit(key, nonce, now_s, contracts::EXACT_PERMIT2_PROXY, witness);
                Payment::Permit2 { permit, signature }
            }
            Terms::Upto { facilitator } => {
                let (to, facilitator) = (self.offer.pay_to, *facilitator);
                let witness = Witness::Upto { to, facilitator, valid_after: U256::ZERO };
                let (permit, signature) = self.permit(key, nonce, now_s, contracts::UPTO_PERMIT2_PROXY, witness);
                Payment::Upto { permit, signature }
            }
            Terms::BatchSettlement(_) => return Err(ClientError::NeedsChannel),
        };
        self.header(payment, identifier)
    }

    fn eip3009(&self, key: &SigningKey, nonce: [u8; 32], now_s: u64) -> Payment {
        let valid_after = match self.echo {
            Echo::V1 { .. } => U256::from(now_s.saturating_sub(V1_BEGINS_BEFORE_S)),
            Echo::V2 { .. } => U256::ZERO,
        };
        let authorization = Authorization {
            from: key.address(),
            to: self.offer.pay_to,
            value: self.offer.amount,
            valid_after,
            valid_before: self.ends(now_s),
            nonce: B256::new(nonce),
        };
        let signature = key.sign_digest(authorization.digest(self.offer.token().domain()));
        Payment::Eip3009 { authorization, signature: Signature::Ecdsa(signature) }
    }

    fn permit(
        &self,
        key: &SigningKey,
        nonce: [u8; 32],
        now_s: u64,
        spender: alloy_primitives::Address,
        witness: Witness,
    ) -> (Permit, Signature) {
        let permit = Permit {
            from: key.address(),
            token: self.offer.token().address(),
            amount: self.offer.amount,
            spender,
            nonce: U256::from_be_bytes(nonce),
            deadline: self.ends(now_s),
            witness,
        };
        let signature = key.sign_digest(permit.digest(self.offer.network().permit2()));
        (permit, Signature::Ecdsa(signature))
    }

    /// When what is signed now stops being good, in Unix seconds.
    pub(super) fn ends(&self, now_s: u64) -> U256 {
        U256::from(now_s.saturating_add(GOOD_S_MAX.min(self.offer.timeout_s.into())))
    }

    pub(super) fn header(
        &self,
        payment: Payment,
        identifier: Option<&PaymentIdentifier>,
    ) -> Result<SignedHeader, ClientError> {
        let payload = payload_of(&payment);
        let (name, header) = match &self.echo {
            Echo::V1 { scheme, network } => {
                (names::X_PAYMENT, PaymentHeader::from(v1::Payload::new(scheme, network, payload)))
            }
            Echo::V2 { accepted, resource, extensions } => {
                let extensions = extensions.clone().map(|extensions| named(extensions, identifier));
                let payload = v2::Payload::new(accepted.clone(), resource.as_ref(), payload, extensions)?;
                (names::PAYMENT_SIGNATURE, PaymentHeader::from(payload))
            }
        };
        let value = crate::wire::encode_base64_json(header.json())
            .map_err(|error| ClientError::Unreadable(error.to_string()))?;
        Ok(SignedHeader { name, value, payment })
    }
}

/// Adds the identifier where the server has asked for one.
fn named(mut extensions: Object, identifier: Option<&PaymentIdentifier>) -> Object {
    let info = extensions.get_mut(identifier::KEY).and_then(|own| own.get_mut("info")).and_then(Value::as_object_mut);
    if let (Some(info), Some(identifier)) = (info, identifier) {
        info.insert("id".into(), json!(identifier.as_str()));
    }
    extensions
}

/// The receipt of a response, in either version; `None` where it has none.
///
/// # Errors
/// `InvalidPayload` for a receipt that can't be read.
pub fn read_receipt<'h>(header: impl Fn(&str) -> Option<&'h str>) -> Result<Option<SettlementResponse>, Refusal> {
    let value = header(names::PAYMENT_RESPONSE).or_else(|| header(names::X_PAYMENT_RESPONSE));
    let Some(value) = value else { return Ok(None) };
    let json = decode_base64_json(value)?;
    SettlementResponse::deserialize(&json).map(Some).map_err(|error| {
        let text: String = error.to_string().chars().take(200).collect();
        Refusal::new(Reason::InvalidPayload, format!("receipt: {text}"))
    })
}

//! Payments as a payer would send them, and what becomes of them when somebody bends them.

use super::stage::{Stage, now, payer};
use alloy_primitives::{B256, U256, hex, keccak256};
use farebox_testkit::app::Ask;
use farebox_x402::chain::abi::token;
use farebox_x402::client::{Choice, Preferences, Required};
use farebox_x402::evm::{Authorization, Digest, Signature, SigningKey};
use farebox_x402::network::Networks;
use farebox_x402::payment::Payment;
use farebox_x402::wire::{decode_base64_json, encode_base64_json, names};
use serde_json::{Value, json};

/// The order of the curve.
const ORDER: &str = "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141";

/// A payment before it is signed.
pub struct Draft {
    pub authorization: Authorization,
    choice: Choice,
    /// As a good payment would be sent.
    json: Value,
}

impl Draft {
    /// Asks what a path costs.
    pub async fn of(stage: &Stage, path: &str, version: u8) -> Self {
        let got = stage.app.expect(&Ask::get(path), 402).await;
        let header = |name: &str| got.headers.get(name).and_then(|value| value.to_str().ok());
        let required = Required::read(402, header, got.text.as_bytes()).unwrap();
        let usual = Preferences::up_to(farebox_base::Micros::new(1_000_000));
        let wanted = Preferences { prefers_v1: version == 1, ..usual };
        let choice = required.choose(&Networks::builtin().unwrap(), &wanted).unwrap();
        let signed = choice.sign(&stage.payer, stage.nonce(), now(), None).unwrap();
        let Payment::Eip3009 { authorization, .. } = signed.payment else { panic!("{:?}", signed.payment) };
        assert_eq!(signed.name == names::X_PAYMENT, version == 1);
        Self { authorization, choice, json: decode_base64_json(&signed.value).unwrap() }
    }

    /// Signed by whoever, after the terms were changed.
    pub fn signed_by(&self, key: &SigningKey) -> Value {
        let digest = self.authorization.digest(self.choice.offer.token().domain());
        self.with_signature(&hex::encode_prefixed(Signature::Ecdsa(key.sign_digest(digest)).to_bytes()))
    }

    /// Signed as it is, by the payer of every stage.
    pub fn signed(&self) -> Value {
        self.signed_by(&payer())
    }

    /// Changes the authorization and signs it: what is wrong is what was signed.
    pub fn authorizing(&mut self, change: impl FnOnce(&mut Authorization)) -> Value {
        change(&mut self.authorization);
        self.signed()
    }

    /// A good payment of which one value is another one.
    pub fn with(&self, pointer: &str, value: Value) -> Value {
        let mut json = self.signed();
        *json.pointer_mut(pointer).unwrap_or_else(|| panic!("no {pointer}")) = value;
        json
    }

    /// A good payment that lacks something.
    pub fn without(&self, parent: &str, field: &str) -> Value {
        let mut json = self.signed();
        json.pointer_mut(parent).and_then(Value::as_object_mut).unwrap().remove(field).unwrap();
        json
    }

    pub fn with_signature(&self, signature: &str) -> Value {
        let Authorization { from, to, value, valid_after, valid_before, nonce } = self.authorization;
        let mut json = self.json.clone();
        json["payload"] = json!({
            "signature": signature,
            "authorization": {
                "from": from, "to": to, "value": value.to_string(), "validAfter": valid_after.to_string(),
                "validBefore": valid_before.to_string(), "nonce": nonce,
            },
        });
        json
    }

    /// What anybody can send to the token to settle the payment.
    pub fn transfer(&self) -> Vec<u8> {
        let signature = payer().sign_digest(self.authorization.digest(self.choice.offer.token().domain()));
        let Authorization { from, to, value, valid_after, valid_before, nonce } = self.authorization;
        let on_chain = token::Authorization { from, to, value, valid_after, valid_before, nonce };
        token::transfer_with_parts(&on_chain, signature.to_bytes()[64], signature.r(), signature.s())
    }

    /// What the payer can send to the token to take the payment back.
    pub fn cancellation(&self, separator: B256) -> Vec<u8> {
        let Authorization { from, nonce, .. } = self.authorization;
        let kind = keccak256("CancelAuthorization(address authorizer,bytes32 nonce)");
        let inner = keccak256([kind, from.into_word(), nonce].concat());
        let digest = keccak256([&[0x19, 0x01], separator.as_slice(), inner.as_slice()].concat());
        let signature = payer().sign_digest(Digest::new(digest));
        let v = U256::from(signature.to_bytes()[64]).to_be_bytes::<32>();
        let selector = &keccak256("cancelAuthorization(address,bytes32,uint8,bytes32,bytes32)")[..4];
        [
            selector,
            from.into_word().as_slice(),
            nonce.as_slice(),
            &v,
            signature.r().as_slice(),
            signature.s().as_slice(),
        ]
        .concat()
    }

    /// The same signature with the other of the two numbers that fit.
    pub fn with_high_s(&self) -> Value {
        let signed = self.signed();
        let mut bytes = hex::decode(signed["payload"]["signature"].as_str().unwrap()).unwrap();
        let order: U256 = ORDER.parse().unwrap();
        let s = order - U256::from_be_slice(&bytes[32..64]);
        bytes[32..64].copy_from_slice(&s.to_be_bytes::<32>());
        bytes[64] = if bytes[64] == 27 { 28 } else { 27 };
        self.with_signature(&hex::encode_prefixed(bytes))
    }
}

/// A payment as the value of a header.
pub fn encoded(json: &Value) -> String {
    encode_base64_json(json).unwrap()
}

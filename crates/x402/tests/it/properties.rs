//! What holds for every payment: it is taken as signed, and not with one bit changed.

use alloy_primitives::{Address, B256, U256};
use farebox_x402::evm::{Authorization, Signature, SigningKey};
use farebox_x402::match_offer;
use farebox_x402::payment::Payment;
use farebox_x402::verify::{Limits, verify_local};
use farebox_x402::wire::{HEADER_BYTES_MAX, PaymentHeader};
use proptest::prelude::*;

use crate::given::{VECTORS, exact, now, offers, vector};

fn signed(secret: [u8; 32], nonce: [u8; 32]) -> Option<(Authorization, [u8; 65], Address)> {
    let key = SigningKey::from_bytes(secret).ok()?;
    let offer = exact();
    let authorization = Authorization {
        from: key.address(),
        to: offer.pay_to,
        value: offer.amount,
        valid_after: U256::ZERO,
        valid_before: U256::from(now().seconds() + 60),
        nonce: B256::new(nonce),
    };
    let signature = key.sign_digest(authorization.digest(offer.token().domain()));
    Some((authorization, signature.to_bytes(), key.address()))
}

fn is_taken(authorization: Authorization, signature: &[u8]) -> bool {
    let text = alloy_primitives::hex::encode_prefixed(signature);
    let Ok(signature) = Signature::parse(&text) else { return false };
    let payment = Payment::Eip3009 { authorization, signature };
    verify_local(&exact(), &payment, now(), &Limits::default()).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_signed_is_taken_and_no_other_bit_of_it(
        secret: [u8; 32], nonce: [u8; 32], at in 0_usize..(65 + 32 + 20), bit in 0_u8..8,
    ) {
        let Some((authorization, signature, payer)) = signed(secret, nonce) else { return Ok(()) };
        prop_assert!(is_taken(authorization, &signature));
        prop_assert_eq!(authorization.from, payer);
        let (mut bent, mut bent_signature) = (authorization, signature);
        match at {
            0..65 => bent_signature[at] ^= 1 << bit,
            65..97 => bent.nonce.0[at - 65] ^= 1 << bit,
            _ => bent.from.0.0[at - 97] ^= 1 << bit,
        }
        // 27 and 0 say the same parity.
        let is_same_parity = at == 64 && bent_signature[64] < 2 && bent_signature[64] + 27 == signature[64];
        prop_assert!(is_same_parity || !is_taken(bent, &bent_signature));
    }

    #[test]
    fn a_client_s_header_with_a_changed_byte_never_panics(
        which in 0_usize..9, at in 0_usize..2000, byte: u8,
    ) {
        let all = VECTORS["vectors"].as_array().unwrap();
        let mut value = vector(all[which]["name"].as_str().unwrap()).as_bytes().to_vec();
        let at = at % value.len();
        value[at] = byte;
        if let Ok(header) = PaymentHeader::decode(&String::from_utf8_lossy(&value)) {
            let offers = offers();
            if let Ok((offer, payment)) = match_offer(&offers, &header) {
                drop(verify_local(offer, &payment, now(), &Limits::default()));
            }
        }
    }
}

#[test]
fn headers_up_to_the_limit_are_read() {
    let value = vector("v2 exact eip3009");
    assert!(value.len() < HEADER_BYTES_MAX / 8, "room for extensions");
    assert!(PaymentHeader::decode(value).is_ok());
}

//! Proofs of wallets, offers and receipts of the npm packages are taken, ours are the same, and each rule has its reason.

use std::time::Duration;

use farebox_base::Timestamp;
use farebox_x402::Reason;
use farebox_x402::evm::{Digest, EcdsaSignature, Signature};
use farebox_x402::extension::offer_receipt::{OfferPayload, ReceiptPayload, Signed};
use farebox_x402::extension::sign_in::{Challenge, Expected, Proven, SignIn};
use farebox_x402::network::{Caip2, ChainId};
use url::Url;

use crate::given::{self, PAYER, exact, key, now, vector};

fn verify(sign_in: &SignIn, at: Timestamp) -> Result<Proven, Reason> {
    let origin = Url::parse("https://pay.example/").unwrap();
    let expected = Expected { origin: &origin, max_age: Duration::from_secs(300), skew: Duration::from_secs(5) };
    sign_in.verify(&expected, at).map_err(|refusal| refusal.reason)
}

#[test]
fn proofs_of_the_published_client_are_taken() {
    for (name, chain) in [("sign-in", 84532), ("sign-in with every field", 8453), ("sign-in with few fields", 1)] {
        let proven = verify(&SignIn::decode(vector(name)).unwrap(), now()).unwrap();
        assert_eq!((proven.address, proven.chain), (PAYER, ChainId::new(chain)), "{name}");
        assert_eq!(proven.nonce, "0123456789abcdef0123456789abcdef");
    }
}

#[test]
fn every_rule_of_a_proof_has_its_reason() {
    let reason = |change: fn(&mut SignIn)| {
        let mut sign_in = SignIn::decode(vector("sign-in with every field")).unwrap();
        change(&mut sign_in);
        verify(&sign_in, now()).unwrap_err()
    };
    assert_eq!(reason(|sign_in| sign_in.domain = "evil.example".into()), Reason::SignInDomain);
    assert_eq!(reason(|sign_in| sign_in.uri = "https://evil.example/".into()), Reason::SignInUri);
    assert_eq!(reason(|sign_in| sign_in.uri = "http://pay.example/".into()), Reason::SignInUri);
    assert_eq!(reason(|sign_in| sign_in.uri = "x".into()), Reason::SignInUri);
    assert_eq!(reason(|sign_in| sign_in.issued_at = "yesterday".into()), Reason::SignInIssuedAt);
    assert_eq!(reason(|sign_in| sign_in.issued_at = "2026-09-21T14:08:19Z".into()), Reason::SignInTooOld);
    assert_eq!(reason(|sign_in| sign_in.issued_at = "2026-09-21T14:14:00Z".into()), Reason::SignInInFuture);
    assert_eq!(reason(|sign_in| sign_in.expiration_time = Some("x".into())), Reason::SignInExpirationTime);
    let expired = Some("2026-09-21T14:13:00Z".to_owned());
    let mut sign_in = SignIn::decode(vector("sign-in")).unwrap();
    sign_in.expiration_time = expired;
    assert_eq!(verify(&sign_in, now()), Err(Reason::SignInExpired));
    assert_eq!(reason(|sign_in| sign_in.not_before = Some("x".into())), Reason::SignInNotBefore);
    assert_eq!(reason(|sign_in| sign_in.not_before = Some("2026-09-21T14:20:00Z".into())), Reason::SignInNotYetValid);
    assert_eq!(reason(|sign_in| sign_in.chain_id = "base".into()), Reason::SignInChain);
    assert_eq!(reason(|sign_in| sign_in.chain_id = "solana:abc".into()), Reason::SignInUnsupportedChain);
    assert_eq!(reason(|sign_in| sign_in.kind = "ed25519".into()), Reason::SignInUnsupportedChain);
    assert_eq!(reason(|sign_in| sign_in.signature = "0x12".into()), Reason::SignInMalformedSignature);
    assert_eq!(reason(|sign_in| sign_in.statement = None), Reason::SignInSignature);
    assert_eq!(reason(|sign_in| sign_in.nonce = "other".into()), Reason::SignInSignature);
    assert_eq!(reason(|sign_in| sign_in.nonce = "a\nb".into()), Reason::SignInPayload);
    assert_eq!(reason(|sign_in| sign_in.version = "2".into()), Reason::SignInPayload);
    assert_eq!(reason(|sign_in| sign_in.address = given::OTHER.to_string()), Reason::SignInSignature);
    assert_eq!(reason(|sign_in| sign_in.address = "me".into()), Reason::SignInPayload);
    assert_eq!(SignIn::decode("!!").unwrap_err().reason, Reason::SignInPayload);
    assert_eq!(SignIn::decode("e30=").unwrap_err().reason, Reason::SignInPayload);
}

#[test]
fn our_challenge_is_answered_and_the_answer_is_taken() {
    let challenge = Challenge {
        uri: Url::parse(given::URL).unwrap(),
        nonce: [0xab; 16],
        issued_at: now(),
        valid_for: Duration::from_secs(300),
        statement: Some("Sign in.".into()),
        chains: vec![Caip2::parse("solana:abc").unwrap(), Caip2::eip155(ChainId::new(8453))],
    };
    let extension = challenge.extension();
    assert_eq!(extension["info"]["issuedAt"], "2026-09-21T14:13:20.000Z");
    let header = SignIn::answer(&extension, &key()).unwrap().header().unwrap();
    let proven = verify(&SignIn::decode(&header).unwrap(), now()).unwrap();
    assert_eq!((proven.address, proven.chain.get(), proven.nonce), (PAYER, 8453, "ab".repeat(16)));
}

fn recovered(signature: &str, digest: Digest) -> alloy_primitives::Address {
    let Signature::Ecdsa(signature) = Signature::parse(signature).unwrap() else { panic!("{signature}") };
    EcdsaSignature::recover(&signature, digest).unwrap()
}

#[test]
fn offers_and_receipts_are_those_of_the_published_package() {
    let theirs: Signed<OfferPayload> = serde_json::from_str(vector("offer")).unwrap();
    assert_eq!(recovered(&theirs.signature, theirs.payload.digest()), PAYER);
    assert_eq!(OfferPayload::new(given::URL, &exact(), now()).sign(0, &key()), theirs);
    let hash = format!("0x{}", "ab".repeat(32));
    for (name, transaction) in [("receipt", Some(hash.as_str())), ("receipt without transaction", None)] {
        let theirs: Signed<ReceiptPayload> = serde_json::from_str(vector(name)).unwrap();
        let ours = ReceiptPayload::new(given::URL, "eip155:84532", PAYER, transaction, now()).sign(&key());
        assert_eq!(ours, theirs, "{name}");
    }
}

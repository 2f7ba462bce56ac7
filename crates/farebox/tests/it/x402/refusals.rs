//! Payments that are not taken: each has its status, its code in `PAYMENT-REQUIRED` and in the body of version 1, and the
//! fields of its door; the seller is not asked, and nothing happens on the chain or in the books.

use super::bent::{Draft, encoded};
use super::stage::{FORTUNE, PRICE, Stage, gas_wallet, now};
use alloy_primitives::{Address, U256};
use farebox_testkit::app::{Ask, Got};
use farebox_testkit::engines::TestDb;
use farebox_x402::Reason;
use farebox_x402::chain::rpc::CallAt;
use farebox_x402::evm::SigningKey;
use farebox_x402::wire::{decode_base64_json, names};
use serde_json::{Value, json};

const PATH: &str = "/publishers/things/ok";
const ANYONE: &str = "0x90F79bf6EB2c4f870365E785982E1f101E93b906";

/// What is done to a payment, and the reason that this gets.
type Case = (&'static str, fn(&mut Draft) -> Value, Reason);

/// Of version 2, whose payments repeat the terms.
const BENT_V2: &[Case] = &[
    ("no version", |draft| draft.without("", "x402Version"), Reason::InvalidVersion),
    ("version 3", |draft| draft.with("/x402Version", json!(3)), Reason::InvalidVersion),
    ("a version as text", |draft| draft.with("/x402Version", json!("2")), Reason::InvalidVersion),
    ("version 2 called 1", |draft| draft.with("/x402Version", json!(1)), Reason::InvalidPayload),
    ("no accepted terms", |draft| draft.without("", "accepted"), Reason::InvalidPayload),
    ("terms that are a list", |draft| draft.with("/accepted", json!([])), Reason::InvalidPayload),
    ("an amount that is none", |draft| draft.with("/accepted/amount", json!("1e4")), Reason::InvalidPayload),
    ("an amount below zero", |draft| draft.with("/accepted/amount", json!("-10000")), Reason::InvalidPayload),
    ("no payload", |draft| draft.without("", "payload"), Reason::InvalidPayload),
    ("a payload of text", |draft| draft.with("/payload", json!("0x00")), Reason::InvalidPayload),
    ("an empty payload", |draft| draft.with("/payload", json!({})), Reason::InvalidPayload),
    ("another scheme", |draft| draft.with("/accepted/scheme", json!("upto")), Reason::InvalidScheme),
    ("an unknown scheme", |draft| draft.with("/accepted/scheme", json!("gift")), Reason::UnsupportedScheme),
    ("a chain not taken", |draft| draft.with("/accepted/network", json!("eip155:8453")), Reason::InvalidNetwork),
    ("a name of version 1", |draft| draft.with("/accepted/network", json!("base-sepolia")), Reason::InvalidNetwork),
    ("another token", |draft| draft.with("/accepted/asset", json!(ANYONE)), Reason::InvalidRequirements),
    ("another payee", |draft| draft.with("/accepted/payTo", json!(ANYONE)), Reason::InvalidRequirements),
    ("less than asked", |draft| draft.with("/accepted/amount", json!("9999")), Reason::InvalidRequirements),
    ("more than asked", |draft| draft.with("/accepted/amount", json!("10001")), Reason::InvalidRequirements),
    ("more time", |draft| draft.with("/accepted/maxTimeoutSeconds", json!(86_400)), Reason::InvalidRequirements),
    ("a token's name", |draft| draft.with("/accepted/extra/name", json!("USD Coin")), Reason::InvalidRequirements),
    ("no name of a token", |draft| draft.without("/accepted", "extra"), Reason::InvalidRequirements),
    (
        "an extension echoed otherwise",
        |draft| draft.with("/extensions/payment-identifier/info/required", json!(true)),
        Reason::ExtensionEchoMismatch,
    ),
    (
        "an identifier that is too short",
        |draft| draft.with("/extensions/payment-identifier/info", json!({ "required": false, "id": "short" })),
        Reason::IdentifierInvalid,
    ),
    (
        "an identifier that is a number",
        |draft| draft.with("/extensions/payment-identifier/info", json!({ "required": false, "id": 7 })),
        Reason::IdentifierInvalid,
    ),
];

/// Of version 1, which names scheme and network only.
const BENT_V1: &[Case] = &[
    ("version 1 called 2", |draft| draft.with("/x402Version", json!(2)), Reason::InvalidPayload),
    ("an unknown scheme", |draft| draft.with("/scheme", json!("gift")), Reason::UnsupportedScheme),
    ("a chain not taken", |draft| draft.with("/network", json!("base")), Reason::InvalidNetwork),
    ("a name of version 2", |draft| draft.with("/network", json!("eip155:84532")), Reason::InvalidNetwork),
    ("no payload", |draft| draft.without("", "payload"), Reason::InvalidPayload),
];

/// Of both: what the authorization says, and who has signed it.
const BENT: &[Case] = &[
    ("a value that is none", |draft| draft.with("/payload/authorization/value", json!(true)), Reason::InvalidPayload),
    ("half an address", |draft| draft.with("/payload/authorization/from", json!("0x12")), Reason::InvalidPayload),
    ("half a nonce", |draft| draft.with("/payload/authorization/nonce", json!("0x12")), Reason::InvalidPayload),
    ("no signature", |draft| draft.without("/payload", "signature"), Reason::InvalidPayload),
    ("a text as signature", |draft| draft.with_signature("yours"), Reason::ExactSignature),
    ("an empty signature", |draft| draft.with_signature("0x"), Reason::ExactSignature),
    ("a signature of zeros", |draft| draft.with_signature(&format!("0x{}1b", "00".repeat(64))), Reason::ExactSignature),
    ("a contract's", |draft| draft.with_signature(&format!("0x{}", "11".repeat(100))), Reason::ExactSignature),
    (
        "a wallet's that is not deployed",
        |draft| draft.with_signature(&format!("0x{}{}", "11".repeat(100), "6492".repeat(16))),
        Reason::ExactUndeployedSmartWallet,
    ),
    ("the number s in the upper half", |draft| draft.with_high_s(), Reason::ExactSignature),
    ("another key", |draft| draft.signed_by(&SigningKey::from_bytes([0x78; 32]).unwrap()), Reason::ExactSignature),
    (
        "a payer who has not signed",
        |draft| draft.with("/payload/authorization/from", json!(ANYONE)),
        Reason::ExactSignature,
    ),
    (
        "a nonce that was not signed",
        |draft| draft.with("/payload/authorization/nonce", json!(format!("0x{}", "11".repeat(32)))),
        Reason::ExactSignature,
    ),
    ("another payee", |draft| draft.authorizing(|it| it.to = ANYONE.parse().unwrap()), Reason::ExactRecipientMismatch),
    ("the token as payee", |draft| draft.authorizing(|it| it.to = Address::ZERO), Reason::ExactRecipientMismatch),
    ("less", |draft| draft.authorizing(|it| it.value -= U256::ONE), Reason::ExactValueMismatch),
    ("more", |draft| draft.authorizing(|it| it.value += U256::ONE), Reason::ExactValueMismatch),
    ("all there is", |draft| draft.authorizing(|it| it.value = U256::MAX), Reason::ExactValueMismatch),
    ("expired", |draft| draft.authorizing(|it| it.valid_before = in_s(-1)), Reason::ExactValidBefore),
    ("too short", |draft| draft.authorizing(|it| it.valid_before = in_s(4)), Reason::ExactValidBefore),
    ("good for ever", |draft| draft.authorizing(|it| it.valid_before = U256::MAX), Reason::ExactValidBefore),
    ("not yet valid", |draft| draft.authorizing(|it| it.valid_after = in_s(30)), Reason::ExactValidAfter),
];

/// Values that are no payment at all.
const MALFORMED: &[(&str, &str, Reason)] = &[
    ("nothing", "", Reason::InvalidPayload),
    ("no base64", "$$$$", Reason::InvalidPayload),
    ("base64 of URLs", "eyJ4-_", Reason::InvalidPayload),
    ("not JSON", "bm90IGpzb24=", Reason::InvalidPayload),
    ("half of JSON", "eyJ4NDAyVmVyc2lvbiI6Mg==", Reason::InvalidPayload),
    ("null", "bnVsbA==", Reason::InvalidPayload),
    ("a number", "NQ==", Reason::InvalidPayload),
    ("a list", "W10=", Reason::InvalidPayload),
    ("an empty object", "e30=", Reason::InvalidVersion),
    ("bytes that are no text", "//79/A==", Reason::InvalidPayload),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_payment_that_is_bent_has_its_reason_in_both_versions_and_moves_nothing() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    for (version, cases) in [(2, BENT_V2), (2, BENT), (1, BENT_V1), (1, BENT)] {
        for (what, bend, reason) in cases {
            let mut draft = Draft::of(&stage, PATH, version).await;
            let got = stage.app.ask(&with_payment(PATH, version, encoded(&bend(&mut draft)))).await;
            assert_refused(&format!("version {version}, {what}"), &got, *reason);
        }
    }
    nothing_moved(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_header_that_is_no_payment_has_its_reason() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let deep = encoded(&json!({ "x402Version": 2, "accepted": nested(60), "payload": {} }));
    let huge = "A".repeat(33 << 10);
    for (what, value, reason) in MALFORMED
        .iter()
        .copied()
        .chain([("nested", deep.as_str(), Reason::InvalidPayload), ("huge", huge.as_str(), Reason::PayloadTooLarge)])
    {
        for version in [1, 2] {
            let got = stage.app.ask(&with_payment(PATH, version, value)).await;
            assert_refused(what, &got, reason);
        }
    }
    let good = encoded(&Draft::of(&stage, PATH, 2).await.signed());
    for names in [[2, 2], [1, 2]] {
        let twice = names.into_iter().fold(Ask::get(PATH), |ask, version| ask.with(header_of(version), good.clone()));
        assert_refused("two payments", &stage.app.ask(&twice).await, Reason::InvalidPayload);
    }
    nothing_moved(&stage).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_the_chain_knows_is_refused_before_the_seller_is_asked() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    for version in [2, 1] {
        let poor = SigningKey::from_bytes([0x79; 32]).unwrap();
        let mut draft = Draft::of(&stage, PATH, version).await;
        draft.authorization.from = poor.address();
        let got = stage.app.ask(&with_payment(PATH, version, encoded(&draft.signed_by(&poor)))).await;
        assert_refused("a balance too small", &got, Reason::InsufficientFunds);

        let draft = Draft::of(&stage, PATH, version).await;
        stage.send_to_token(draft.cancellation(stage.token.domain_separator)).await;
        let got = stage.app.ask(&with_payment(PATH, version, encoded(&draft.signed()))).await;
        assert_refused("a cancelled nonce", &got, Reason::ExactNonceUsed);
    }
    nothing_moved(&stage).await;
    let draft = Draft::of(&stage, PATH, 2).await;
    stage.send_to_token(draft.transfer()).await;
    let got = stage.app.ask(&with_payment(PATH, 2, encoded(&draft.signed()))).await;
    assert_refused("used by somebody else", &got, Reason::ExactNonceUsed);
    assert_eq!(stage.app.upstream.asked(), 0);
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_settled_payment_pays_for_nothing_more() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let value = encoded(&Draft::of(&stage, PATH, 2).await.signed());
        stage.app.expect(&with_payment(PATH, 2, value.clone()), 200).await;
        let other = "/publishers/things/echo?other=1".to_owned();
        let proxied = format!("/api/v1/proxy/{}/ok", stage.listing);
        for path in [PATH.to_owned(), other, proxied] {
            let got = stage.app.ask(&with_payment(&path, 2, value.clone())).await;
            assert_refused(&path, &got, Reason::ExactNonceUsed);
        }
        assert_eq!(stage.app.upstream.asked(), 1);
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_identifier_stands_for_one_request_however_often_it_is_signed() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let named = async |path: &str| {
            let draft = Draft::of(&stage, path, 2).await;
            let info = json!({ "required": false, "id": "pay_0123456789abcdef" });
            with_payment(path, 2, encoded(&draft.with("/extensions/payment-identifier/info", info)))
        };
        let first = stage.app.expect(&named(PATH).await, 200).await;
        let again = stage.app.expect(&named(PATH).await, 200).await;
        assert_eq!(first.text, again.text);
        let other = stage.app.expect(&named("/publishers/things/echo").await, 409).await;
        assert!(other.text.contains(Reason::IdentifierConflict.code()), "{}", other.text);
        assert_eq!(stage.app.upstream.asked(), 1);
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.assert_books_balance().await;
    }
}

/// The refusal as each reader finds it: in the header, in the body, and in the fields of the door.
fn assert_refused(what: &str, got: &Got, reason: Reason) {
    assert_eq!(got.status.as_u16(), 402, "{what}: {}", got.text);
    let header = decode_base64_json(got.header(names::PAYMENT_REQUIRED)).unwrap();
    assert_eq!((&header["x402Version"], &header["error"]), (&json!(2), &json!(reason.code())), "{what}: {}", got.text);
    assert!(header["accepts"][0]["payTo"].is_string() && header["resource"]["url"].is_string(), "{what}: {header}");
    let body: Value = serde_json::from_str(&got.text).unwrap();
    assert_eq!((&body["x402Version"], &body["errorReason"]), (&json!(1), &json!(reason.v1_code())), "{what}: {body}");
    assert_eq!(body["error"], reason.v1_code(), "{what}: {body}");
    assert!(body["accepts"][0]["maxAmountRequired"].is_string(), "{what}: {body}");
    let own = ["/message", "/detail", "/request_id"].map(|field| body.pointer(field).is_some());
    assert!(own.contains(&true), "{what}: none of the door's own fields: {body}");
    assert_eq!(got.header("cache-control"), "no-store", "{what}");
}

/// Neither money nor calls, and no transaction of ours.
async fn nothing_moved(stage: &Stage) {
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE);
    assert_eq!(stage.rpc.nonce(gas_wallet(), CallAt::Latest).await.unwrap(), 0);
    assert_eq!(stage.app.upstream.asked(), 0);
    let rows = stage.app.app.db.one("SELECT COUNT(*) FROM payment", &[]).await.unwrap();
    assert_eq!(rows.unwrap().get::<i64>(0).unwrap(), 0);
    stage.app.assert_books_balance().await;
}

fn with_payment(path: &str, version: u8, value: impl Into<String>) -> Ask {
    Ask::get(path).with(header_of(version), value)
}

const fn header_of(version: u8) -> &'static str {
    if version == 1 { names::X_PAYMENT } else { names::PAYMENT_SIGNATURE }
}

fn in_s(seconds: i64) -> U256 {
    U256::from(u64::try_from(now().seconds() + seconds).unwrap())
}

fn nested(depth: u32) -> Value {
    (0..depth).fold(json!(0), |inner, _| json!([inner]))
}

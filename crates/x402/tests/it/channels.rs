//! Each rule of channels, vouchers and deposits, broken alone, has its reason.

use alloy_primitives::{Address, B256, U256};
use farebox_x402::evm::{Signature, SigningKey};
use farebox_x402::network::Method;
use farebox_x402::payment::{Funding, Payment};
use farebox_x402::verify::{ChannelState, Limits, check_voucher_continues, verify_local};
use farebox_x402::wire::PaymentHeader;
use farebox_x402::{Reason, match_offer};
use serde_json::json;

use crate::given::{self, OTHER, batch, now, vector};
use crate::refusals::{ANYONE, bent, check};

#[test]
fn every_rule_of_channels_has_its_reason() {
    let cases = [
        ("/payload/type", json!("claim"), Reason::ChannelPayloadType),
        ("/payload/channelConfig/payer", json!(ANYONE), Reason::ChannelIdMismatch),
        ("/payload/channelConfig/withdrawDelay", json!(900), Reason::ChannelIdMismatch),
        ("/payload/channelConfig/withdrawDelay", json!(1_u64 << 40), Reason::ChannelWithdrawDelayRange),
        ("/payload/voucher/channelId", json!(format!("0x{}", "11".repeat(32))), Reason::ChannelIdMismatch),
        ("/payload/voucher/maxClaimableAmount", json!("9999"), Reason::VoucherCumulativeMismatch),
        ("/payload/voucher/maxClaimableAmount", json!("40001"), Reason::VoucherSignature),
        ("/payload/voucher/maxClaimableAmount", json!(U256::MAX.to_string()), Reason::InvalidPayload),
        (
            "/payload/voucher/signature",
            bent("v2 batch voucher", "/payload/voucher/signature"),
            Reason::VoucherSignature,
        ),
    ];
    check("v2 batch voucher", &[batch(Method::Eip3009)], &cases);
    let deposit = "/payload/deposit/authorization/erc3009Authorization";
    let at = |field: &str| Box::leak(format!("{deposit}/{field}").into_boxed_str()) as &str;
    check(
        "v2 batch deposit eip3009",
        &[batch(Method::Eip3009)],
        &[
            (at("validBefore"), json!("1790000005"), Reason::DepositValidBefore),
            (at("validAfter"), json!("1790000001"), Reason::DepositValidAfter),
            (at("salt"), json!(format!("0x{}", "11".repeat(32))), Reason::DepositSignature),
            ("/payload/deposit/amount", json!("50001"), Reason::DepositSignature),
            ("/payload/deposit/amount", json!("0"), Reason::DepositTooSmall),
        ],
    );
    let permit = "/payload/deposit/authorization/permit2Authorization";
    let at = |field: &str| Box::leak(format!("{permit}/{field}").into_boxed_str()) as &str;
    check(
        "v2 batch deposit permit2",
        &[batch(Method::Permit2)],
        &[
            (at("spender"), json!(ANYONE), Reason::DepositPermit2Spender),
            (at("permitted/amount"), json!("1"), Reason::DepositPermit2Amount),
            (at("permitted/token"), json!(ANYONE), Reason::ChannelTokenMismatch),
            (at("witness/channelId"), json!(format!("0x{}", "11".repeat(32))), Reason::ChannelIdMismatch),
            (at("deadline"), json!("1790000005"), Reason::DepositPermit2Deadline),
            (at("nonce"), json!("1"), Reason::DepositPermit2Signature),
        ],
    );
}

#[test]
fn a_channel_of_other_parties_or_terms_is_refused() {
    let networks = given::networks();
    let network = networks.by_name("base-sepolia").unwrap();
    let header = PaymentHeader::decode(vector("v2 batch voucher")).unwrap();
    let offers = [batch(Method::Eip3009)];
    let (_, payment) = match_offer(&offers, &header).unwrap();
    let farebox_x402::payment::Payment::Voucher(signed) = payment else { panic!("no voucher") };
    let reason = |change: fn(&mut farebox_x402::evm::ChannelConfig)| {
        let mut signed = signed.clone();
        change(&mut signed.channel);
        signed.voucher.channel = signed.channel.id(network.channels());
        let payment = farebox_x402::payment::Payment::Voucher(signed);
        verify_local(&offers[0], &payment, now(), &Limits::default()).unwrap_err().reason
    };
    assert_eq!(reason(|channel| channel.receiver = OTHER), Reason::ChannelReceiverMismatch);
    assert_eq!(
        reason(|channel| channel.receiver_authorizer = channel.payer),
        Reason::ChannelReceiverAuthorizerMismatch
    );
    assert_eq!(reason(|channel| channel.token = OTHER), Reason::ChannelTokenMismatch);
    assert_eq!(reason(|channel| channel.withdraw_delay_s = 900), Reason::ChannelWithdrawDelayMismatch);
    assert_eq!(reason(|channel| channel.withdraw_delay_s = 899), Reason::ChannelWithdrawDelayRange);
    assert_eq!(reason(|channel| channel.payer_authorizer = OTHER), Reason::VoucherSignature);
}

#[test]
fn a_channel_that_names_no_key_for_its_vouchers_pays_nothing_and_can_be_emptied() {
    let networks = given::networks();
    let network = networks.by_name("base-sepolia").unwrap();
    let key = SigningKey::from_bytes([9; 32]).unwrap();
    let offer = batch(Method::Eip3009);
    let header = PaymentHeader::decode(vector("v2 batch deposit eip3009")).unwrap();
    let (_, payment) = match_offer(std::slice::from_ref(&offer), &header).unwrap();
    let Payment::Deposit { mut voucher, amount, .. } = payment else { panic!("no deposit") };
    voucher.channel.payer = key.address();
    let mut signed_for = |authorizer| {
        voucher.channel.payer_authorizer = authorizer;
        voucher.voucher.channel = voucher.channel.id(network.channels());
        voucher.signature = Signature::Ecdsa(key.sign_digest(voucher.voucher.digest(network.channels())));
        let (begin, end, salt) =
            (U256::ZERO, U256::from(u64::try_from(now().seconds()).unwrap() + 60), B256::repeat_byte(3));
        let authorization = voucher.receive_authorization(amount, begin, end, salt);
        let signature = Signature::Ecdsa(key.sign_digest(authorization.digest(offer.token().domain())));
        let funding = Funding::Eip3009 { valid_after: begin, valid_before: end, salt, signature };
        [
            Payment::Deposit { voucher: voucher.clone(), amount, funding: Box::new(funding) },
            Payment::Voucher(voucher.clone()),
            Payment::Refund { voucher: voucher.clone(), amount: None },
        ]
    };
    let judged = |payments: [Payment; 3]| {
        payments.map(|payment| verify_local(&offer, &payment, now(), &Limits::default()).err().map(|it| it.to_string()))
    };
    assert_eq!(judged(signed_for(key.address())), [None, None, None]);
    let [deposit, voucher, refund] = judged(signed_for(Address::ZERO)).map(Option::unwrap_or_default);
    assert!(deposit.contains("payerAuthorizer") && voucher.contains("payerAuthorizer"), "{deposit}; {voucher}");
    assert_eq!(refund, "");
}

#[test]
fn a_voucher_that_does_not_continue_its_channel_is_refused() {
    let state = |balance: u64, claimed: u64, charged: u64| ChannelState {
        balance: U256::from(balance),
        total_claimed: U256::from(claimed),
        charged: U256::from(charged),
    };
    let reason = |state: ChannelState, signed: u128| {
        check_voucher_continues(&state, signed, U256::from(10)).err().map(|refusal| refusal.reason)
    };
    assert_eq!(reason(state(100, 0, 20), 30), None);
    assert_eq!(reason(state(100, 0, 20), 20), Some(Reason::VoucherCumulativeMismatch), "the last one again");
    assert_eq!(reason(state(100, 0, 20), 31), Some(Reason::VoucherCumulativeMismatch));
    assert_eq!(reason(state(29, 0, 20), 30), Some(Reason::VoucherExceedsBalance));
    assert_eq!(reason(state(100, 30, 20), 30), Some(Reason::VoucherBelowClaimed));
}

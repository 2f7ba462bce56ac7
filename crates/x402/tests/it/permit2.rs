//! Payments by Permit2 on a real node, through stand-ins for the proxies (`tests/contracts/proxies.sol`).

use crate::payments::{PRICE, Signed, exact, gas_wallet, local, payer, permit2};
use crate::settles::{check, not_taken, settled};
use crate::stage::{SELLER, Stage, each, purpose, until};
use alloy_primitives::{Address, Bytes, U256, hex};
use farebox_x402::Reason;
use farebox_x402::chain::abi::permit2::{self as abi, EXACT_PROXY, PERMIT2, UPTO_PROXY};
use farebox_x402::chain::abi::token::approve;
use farebox_x402::chain::dev::{AnvilOptions, DevRole, permit2_deploy};
use farebox_x402::chain::rpc::Call;
use farebox_x402::facilitator::{Facilitator as _, Settle};
use farebox_x402::network::Method;
use farebox_x402::offer::Terms;
use farebox_x402::payment::Payment;
use serde_json::json;

const EXACT: &str = include_str!("../contracts/exact_proxy.hex");
const UPTO: &str = include_str!("../contracts/upto_proxy.hex");

pub async fn deploy(stage: &Stage) {
    permit2_deploy(&stage.rpc).await.unwrap();
    for (at, code) in [(EXACT_PROXY, EXACT), (UPTO_PROXY, UPTO)] {
        let code = Bytes::from(hex::decode(code.replace('\n', "")).unwrap());
        stage.rpc.call_changing(Call::new("anvil_setCode", json!([at, code]))).await.unwrap();
    }
}

pub async fn approve_permit2(stage: &Stage, amount: u64) {
    let call = approve(PERMIT2, U256::from(amount));
    let hash = stage.rpc.dev_send(payer().address(), stage.token.address, &call).await.unwrap();
    until("it is approved", async || stage.rpc.receipt(hash).await.unwrap().is_some()).await;
}

/// Somebody else sends it.
pub async fn send_elsewhere(stage: &Stage, signed: &Signed) -> String {
    let Payment::Permit2 { permit, signature } = &signed.payment else { panic!("another scheme") };
    let call = abi::Permit {
        owner: permit.from,
        token: permit.token,
        amount: permit.amount,
        nonce: permit.nonce,
        deadline: permit.deadline,
        to: SELLER,
        valid_after: U256::ZERO,
    };
    let data = abi::settle_exact(&call, &signature.to_bytes());
    let somebody = DevRole::Minter.key().unwrap().address();
    let theirs = stage.rpc.dev_send(somebody, EXACT_PROXY, &data).await.unwrap();
    until("it is mined", async || stage.rpc.receipt(theirs).await.unwrap().is_some()).await;
    theirs.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_allowance_for_one_payment_is_promised_to_one_of_many() {
    each(AnvilOptions::default(), async |stage, db| {
        deploy(stage).await;
        approve_permit2(stage, PRICE).await;
        let facilitator = local(stage, db).await;
        let terms = Terms::Upto { facilitator: gas_wallet() };
        let signed: Vec<Signed> = (1..=8).map(|n| permit2(terms.clone(), PRICE, n)).collect();
        let mut taken = Vec::new();
        for one in &signed {
            match facilitator.check(&one.offer, &one.payment, &one.header).await {
                Ok(hold) => taken.push(hold),
                Err(refusal) => assert_eq!(refusal.reason, Reason::Permit2AllowanceRequired),
            }
        }
        assert_eq!(taken.len(), 1);
        let plain = exact(PRICE, 9);
        assert_eq!(check(&facilitator, &plain).await, Ok(()), "which needs no allowance");
        drop((taken, signed));
        approve_permit2(stage, 3 * PRICE).await;
        let facilitator = local(stage, db).await;
        let mut held = Vec::new();
        for n in 11..=14 {
            let one = permit2(terms.clone(), PRICE, n);
            held.push(facilitator.check(&one.offer, &one.payment, &one.header).await);
        }
        assert_eq!(held.iter().filter(|held| held.is_ok()).count(), 3, "{held:?}");
        let spent = permit2(terms.clone(), PRICE, 11);
        settled(facilitator.settle(spent.settle(purpose(11))).await);
        let next = permit2(terms.clone(), PRICE, 15);
        assert_eq!(check(&facilitator, &next).await, Err(Reason::Permit2AllowanceRequired), "what is used up is gone");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exact_by_permit2_needs_an_allowance_and_is_settled_once() {
    each(AnvilOptions::default(), async |stage, db| {
        deploy(stage).await;
        let facilitator = local(stage, db).await;
        let signed = permit2(Terms::Exact(Method::Permit2), PRICE, 0x1_02);
        assert_eq!(check(&facilitator, &signed).await, Err(Reason::Permit2AllowanceRequired));
        approve_permit2(stage, PRICE).await;
        assert_eq!(check(&facilitator, &signed).await, Ok(()));
        settled(facilitator.settle(signed.settle(purpose(1))).await);
        assert_eq!(stage.earned().await, PRICE);
        assert_eq!(check(&facilitator, &signed).await, Err(Reason::Permit2InvalidNonce));
        assert_eq!(not_taken(facilitator.settle(signed.settle(purpose(2))).await), Reason::Permit2InvalidNonce);
        let next = permit2(Terms::Exact(Method::Permit2), PRICE, 0x1_03);
        assert_eq!(check(&facilitator, &next).await, Err(Reason::Permit2AllowanceRequired));
        assert_eq!(not_taken(facilitator.settle(next.settle(purpose(3))).await), Reason::Permit2AllowanceRequired);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_that_somebody_else_has_sent_is_settled_by_their_transaction() {
    each(AnvilOptions::default(), async |stage, db| {
        deploy(stage).await;
        approve_permit2(stage, 2 * PRICE).await;
        let facilitator = local(stage, db).await;
        let signed = permit2(Terms::Exact(Method::Permit2), PRICE, 1);
        let theirs = send_elsewhere(stage, &signed).await;
        assert_eq!(settled(facilitator.settle(signed.settle(purpose(1))).await), theirs);
        assert_eq!(stage.earned().await, PRICE);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn upto_takes_what_was_used_and_nothing_costs_no_transaction() {
    each(AnvilOptions::default(), async |stage, db| {
        deploy(stage).await;
        approve_permit2(stage, 10 * PRICE).await;
        let facilitator = local(stage, db).await;
        let terms = Terms::Upto { facilitator: gas_wallet() };
        let signed = permit2(terms.clone(), PRICE, 1);
        assert_eq!(check(&facilitator, &signed).await, Ok(()));
        let part = Settle { amount: U256::from(2_350), ..signed.settle(purpose(1)) };
        assert_eq!(settled(facilitator.settle(part).await).len(), 66);
        assert_eq!(stage.earned().await, 2_350);
        let unused = permit2(terms.clone(), PRICE, 2);
        let nothing = Settle { amount: U256::ZERO, ..unused.settle(purpose(2)) };
        assert_eq!(settled(facilitator.settle(nothing).await), "");
        let too_much = Settle { amount: U256::from(PRICE + 1), ..unused.settle(purpose(3)) };
        assert_eq!(not_taken(facilitator.settle(too_much).await), Reason::UptoSettlementExceedsAmount);
        let elsewhere = permit2(Terms::Upto { facilitator: Address::repeat_byte(9) }, PRICE, 4);
        let refused = not_taken(facilitator.settle(elsewhere.settle(purpose(4))).await);
        assert_eq!(refused, Reason::UptoUnauthorizedFacilitator);
        let supported = serde_json::to_string(&facilitator.supported()).unwrap();
        assert!(supported.contains(&format!("\"facilitatorAddress\":\"{}\"", gas_wallet())), "{supported}");
    })
    .await;
}

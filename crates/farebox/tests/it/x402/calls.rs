//! Calls that a wallet pays for, and nothing else.

use super::stage::{FORTUNE, PRICE, Stage, gas_wallet, paying};
use farebox_testkit::app::Ask;
use farebox_testkit::engines::TestDb;
use farebox_x402::client::read_receipt;
use farebox_x402::extension::sign_in::SignIn;

const PATH: &str = "/publishers/things/ok";

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_without_an_account_is_served_and_the_gateway_is_paid_on_chain() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let signed = stage.signed(PATH).await;
        let got = stage.app.expect(&paying(PATH, &signed), 200).await;
        let header = |name: &str| got.headers.get(name).and_then(|value| value.to_str().ok());
        let receipt = read_receipt(header).unwrap().unwrap();
        assert!(receipt.success && receipt.transaction.starts_with("0x"), "{receipt:?}");
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        assert_eq!(stage.balance(gas_wallet()).await, PRICE);
        stage.app.settled().await;
        let earned = stage.app.app.wallets.balances(stage.seller.party).await.unwrap().earnings;
        assert!(earned.get() > 9_000 && earned.get() <= 10_000, "{earned}");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_payment_sent_fifty_times_at_once_is_served_once_and_settled_once() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let signed = stage.signed(PATH).await;
        let before = stage.app.upstream.asked();
        let asks = (0..50).map(|_| async { stage.app.ask(&paying(PATH, &signed)).await });
        let answers = futures_util::future::join_all(asks).await;
        let served = answers.iter().filter(|got| got.status.as_u16() == 200).count();
        for got in answers.iter().filter(|got| got.status.as_u16() != 200) {
            assert!([402, 409].contains(&got.status.as_u16()), "{} {}", got.status, got.text);
        }
        assert_eq!(served, 1);
        assert_eq!(stage.app.upstream.asked() - before, 1);
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_who_fails_takes_nothing_and_the_payment_can_be_used_again() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let signed = stage.signed("/publishers/things/status/500").await;
        stage.app.expect(&paying("/publishers/things/status/500", &signed), 500).await;
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE);
        stage.app.expect(&paying(PATH, &signed), 200).await;
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_with_a_balance_is_never_asked_to_sign() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let buyer = stage.app.agent("Buyer").await;
    let poor = stage.app.expect(&Ask::get(PATH).key(&buyer.key), 402).await;
    assert!(poor.headers.contains_key("payment-required"));
    assert_eq!(poor.at("/x402Version"), "1");
    assert_eq!(poor.at("/minimumRequired"), "0.01");
    stage.app.fund(buyer.party, 20_000).await;
    stage.app.expect(&Ask::get(PATH).key(&buyer.key), 200).await;
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_with_an_address_of_his_own_is_paid_there_and_owes_the_fee() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[("x402.receiver", "seller")]).await else { return };
        let signed = stage.signed(PATH).await;
        stage.app.expect(&paying(PATH, &signed), 200).await;
        let seller = "0x742d35cC6634c0532925A3b844bc9E7595F0beB1".parse().unwrap();
        assert_eq!(stage.balance(seller).await, PRICE);
        assert_eq!(stage.app.app.wallets.balances(stage.seller.party).await.unwrap().earnings.get(), 0);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settled_before_the_work_a_failure_leaves_the_money_as_a_balance() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[("x402.settle", "before")]).await else { return };
        let signed = stage.signed(PATH).await;
        stage.app.expect(&paying(PATH, &signed), 200).await;
        // The chain shows the signature to everybody, and whoever rebuilds the payment from it is not told the reply.
        stage.app.expect(&paying(PATH, &signed), 402).await;
        let own = stage.signed(PATH).await;
        let named = paying(PATH, &own).with("idempotency-key", "mine");
        stage.app.expect(&named, 200).await;
        assert_eq!(stage.app.expect(&named, 200).await.headers["x-farebox-replayed"], "true");
        stage.app.expect(&paying("/publishers/things/echo", &signed), 402).await;
        assert_eq!(stage.app.upstream.asked(), 2);
        let lost = stage.signed("/publishers/things/status/500").await;
        let failed = stage.app.expect(&paying("/publishers/things/status/500", &lost), 500).await;
        let header = |name: &str| failed.headers.get(name).and_then(|value| value.to_str().ok());
        let receipt = read_receipt(header).unwrap().unwrap();
        assert!(receipt.success && receipt.extensions.is_none(), "no proof of what was not served: {receipt:?}");
        // A signature that the chain shows everybody spends no balance, whatever key comes with it.
        let again = paying("/publishers/things/status/500", &lost);
        stage.app.expect(&again, 402).await;
        stage.app.expect(&again.with("idempotency-key", "another"), 402).await;
        stage.app.expect(&paying(PATH, &signed).with("idempotency-key", "another"), 402).await;
        assert_eq!(stage.app.upstream.asked(), 3);
        assert_eq!(stage.balance(gas_wallet()).await, 3 * PRICE);
        let wallet = stage.app.app.accounts.wallet_party(&stage.payer.address().to_string()).await.unwrap().unwrap();
        assert_eq!(stage.app.balance(wallet.party_id).await, 10_000);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_for_is_no_caches_to_keep_whatever_its_seller_says() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let path = "/publishers/things/public";
    let got = stage.app.expect(&paying(path, &stage.signed(path).await), 200).await;
    assert_eq!(got.headers["cache-control"], "private");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wallet_spends_what_it_has_deposited_once_it_proves_itself() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[("x402.settle", "before")]).await else { return };
        let lost = stage.signed("/publishers/things/status/500").await;
        stage.app.expect(&paying("/publishers/things/status/500", &lost), 500).await;
        let unpaid = stage.app.expect(&Ask::get(PATH), 402).await;
        let challenge = farebox_x402::wire::decode_base64_json(unpaid.headers["payment-required"].to_str().unwrap());
        let signed = SignIn::answer(&challenge.unwrap()["extensions"]["sign-in-with-x"], &stage.payer);
        let proof = signed.unwrap().header().unwrap();
        stage.app.expect(&Ask::get(PATH).with("sign-in-with-x", proof.clone()), 200).await;
        stage.app.expect(&Ask::get(PATH).with("sign-in-with-x", proof), 401).await;
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_that_leaves_during_the_work_costs_no_gas() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let path = "/publishers/things/slow/2500";
    let signed = stage.signed(path).await;
    let ask = paying(path, &signed);
    let gas = stage.rpc.balance(gas_wallet()).await.unwrap();
    let flight = async {
        while stage.app.upstream.asked() == 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        stage.empty_payer().await;
    };
    let (got, ()) = tokio::join!(stage.app.ask(&ask), flight);
    assert_eq!((got.status.as_u16(), got.at("/error").as_str()), (402, "insufficient_funds"));
    assert_eq!(stage.rpc.balance(gas_wallet()).await.unwrap(), gas, "a transaction was sent to fail");
    stage.app.settled().await;
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_code_is_told_to_pay_otherwise() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = Stage::set(&place, &[]).await else { return };
    let signed = stage.signed(PATH).await;
    // As EIP-7702 writes where an account's code is.
    let delegated = [&[0xef, 0x01, 0x00][..], stage.token.address.as_slice()].concat();
    stage.rpc.dev_set_code(stage.payer.address(), &delegated).await.unwrap();
    let got = stage.app.expect(&paying(PATH, &signed), 402).await;
    assert!(got.at("/message").contains("account with code"), "{}", got.text);
    assert_eq!(stage.app.upstream.asked(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_was_lost_is_had_again_for_the_same_payment_and_request_only() {
    for place in TestDb::all().await {
        let Some(stage) = Stage::set(&place, &[]).await else { return };
        let path = "/publishers/things/slow/300";
        let signed = stage.signed(path).await;
        // The client gives up while the seller is at work.
        stage.leaves(&paying(path, &signed)).await;
        stage.app.settled().await;
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.expect(&paying(PATH, &signed), 402).await;
        let got = stage.app.expect(&paying(path, &signed), 200).await;
        assert_eq!(got.headers["x-farebox-replayed"], "true");
        stage.app.expect(&paying(path, &signed), 402).await;
        assert_eq!(stage.app.upstream.asked(), 1);
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settled_later_the_answer_comes_first_and_the_money_follows() {
    for place in TestDb::all().await {
        let settings = [("x402.settle", "later"), ("x402.later_max_usdc", "0.01")];
        let Some(stage) = Stage::set(&place, &settings).await else { return };
        let signed = stage.signed(PATH).await;
        stage.app.expect(&paying(PATH, &signed), 200).await;
        stage.app.settled().await;
        assert_eq!(stage.balance(gas_wallet()).await, PRICE);
        stage.app.expect(&paying(PATH, &signed), 402).await;
        stage.app.assert_books_balance().await;
    }
}

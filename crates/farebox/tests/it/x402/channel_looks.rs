//! Channels that change on their chain without the server: what a look finds is spent once, and never more than is there.

use super::channels::{AT_ONCE, DEPOSIT, PATH, Payer, complaint, finalize_withdraw, initiate_withdraw, stage};
use super::stage::{PRICE, Stage, now, paying};
use alloy_primitives::{U256, hex};
use farebox_db::{Isolation, sql, tx};
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::abi::channels::{BATCH_SETTLEMENT, ERC3009_COLLECTOR, deposit, erc3009_deposit};
use farebox_x402::chain::dev::DevRole;
use farebox_x402::chain::rpc::Call;
use farebox_x402::client::SignedHeader;
use farebox_x402::payment::{Funding, Payment};
use serde_json::json;

pub(super) const EXCEEDS: &str = "invalid_batch_settlement_evm_cumulative_exceeds_balance";
pub(super) const BUSY: &str = "invalid_batch_settlement_evm_channel_busy";

/// The payer's deposit, sent to the contract by himself.
async fn deposited_elsewhere(stage: &Stage, payer: &mut Payer, amount: u64) {
    let signed = payer.deposit(stage, amount);
    stage.as_payer(BATCH_SETTLEMENT, deposit_data(stage, payer, &signed, amount)).await;
    payer.book.balance += U256::from(amount);
}

/// What anybody may send who has the payer's signature.
pub(super) fn deposit_data(stage: &Stage, payer: &Payer, signed: &SignedHeader, amount: u64) -> Vec<u8> {
    let Payment::Deposit { funding, .. } = &signed.payment else { panic!("no deposit") };
    let Funding::Eip3009 { valid_after, valid_before, salt, signature } = &**funding else { panic!("not by EIP-3009") };
    let collected = erc3009_deposit(*valid_after, *valid_before, (*salt).into(), &signature.to_bytes());
    let (config, _) = payer.choice.channel(&stage.payer, &payer.book).unwrap();
    deposit(&(&config).into(), u128::from(amount), ERC3009_COLLECTOR, &collected)
}

async fn withdrawal_begun(stage: &Stage, payer: &Payer) {
    let (config, _) = payer.choice.channel(&stage.payer, &payer.book).unwrap();
    stage.as_payer(BATCH_SETTLEMENT, initiate_withdraw(&(&config).into(), u128::from(DEPOSIT))).await;
    stage.rpc.call_changing(Call::new("evm_increaseTime", json!([3_700]))).await.unwrap();
    stage.rpc.dev_mine(1).await.unwrap();
}

async fn withdrawn(stage: &Stage, payer: &Payer) {
    let (config, _) = payer.choice.channel(&stage.payer, &payer.book).unwrap();
    stage.as_payer(BATCH_SETTLEMENT, finalize_withdraw(&(&config).into())).await;
}

/// Balance, charged, claimed and lost, of the only channel.
pub(super) async fn row(stage: &Stage) -> [i64; 4] {
    let row = stage.app.app.db.one("SELECT balance, charged, claimed, lost FROM channel", &[]).await.unwrap().unwrap();
    [0, 1, 2, 3].map(|at| row.get::<i64>(at).unwrap())
}

/// As if nobody had looked for as long as a withdrawal takes.
pub(super) async fn forgotten(stage: &Stage) {
    let db = &stage.app.app.db;
    tx!(db, Isolation::ReadCommitted, tx => { Ok(tx.execute(sql!("UPDATE channel SET seen_at = 0"), &[]).await?) })
        .unwrap();
}

pub(super) async fn claimed(stage: &Stage) -> u64 {
    stage.app.app.calls.channels_claim().await.unwrap()
}

/// Asks for the rest of what is under way, until nothing is.
async fn resumed(stage: &Stage) {
    for _ in 0..500 {
        stage.app.app.calls.payments_resume_alone(now()).await.unwrap();
        let under_way = "SELECT COUNT(*) FROM payment WHERE state = 'earned'";
        if stage.app.app.db.one(under_way, &[]).await.unwrap().unwrap().get::<i64>(0).unwrap() == 0 {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("a payment is still under way");
}

pub(super) async fn refused(stage: &Stage, signed: &SignedHeader, reason: &str) {
    assert_eq!(complaint(&stage.app.expect(&paying(PATH, signed), 402).await), reason);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_that_was_begun_before_the_first_look_leaves_nothing_to_spend() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, AT_ONCE).await else { return };
        let mut payer = Payer::of(&stage).await;
        deposited_elsewhere(&stage, &mut payer, DEPOSIT).await;
        withdrawal_begun(&stage, &payer).await;
        refused(&stage, &payer.voucher(&stage), EXCEEDS).await;
        refused(&stage, &payer.voucher(&stage), EXCEEDS).await;
        assert_eq!(stage.app.upstream.asked(), 0);
        withdrawn(&stage, &payer).await;
        refused(&stage, &payer.voucher(&stage), EXCEEDS).await;
        assert_eq!(claimed(&stage).await, 0);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_gone_from_a_channel_is_never_written_down_as_claimed() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, AT_ONCE).await else { return };
        let mut payer = Payer::filled(&stage).await;
        payer.pays(&stage, PATH).await;
        stage.app.settled().await;
        withdrawal_begun(&stage, &payer).await;
        withdrawn(&stage, &payer).await;
        let (all, spent) = (DEPOSIT as i64, 2 * PRICE as i64);
        assert_eq!(claimed(&stage).await, 0, "nothing was there to claim");
        assert_eq!(row(&stage).await, [all, spent, 0, 0], "a node that is behind may show less than there is");
        stage.app.assert_books_balance().await;
        forgotten(&stage).await;
        assert_eq!(claimed(&stage).await, 0);
        assert_eq!(row(&stage).await, [0, spent, 0, spent], "what can't be claimed any more is lost");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deposits_under_way_belong_to_their_channel_whoever_asks() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = stage(&place, &[]).await else { return };
    let buyer = stage.app.agent("Buyer").await;
    let mut payer = Payer::of(&stage).await;
    let (first, second) = (payer.deposit(&stage, DEPOSIT), payer.deposit(&stage, DEPOSIT));
    let keyed = |signed: &SignedHeader| paying(PATH, signed).key(&buyer.key);
    stage.rpc.call_changing(Call::new("evm_setAutomine", json!([false]))).await.unwrap();
    for ask in [keyed(&first), paying(PATH, &second)] {
        assert_eq!(stage.app.expect(&ask, 503).await.at("/error"), "settlement_pending");
    }
    stage.rpc.dev_mine(1).await.unwrap();
    stage.rpc.call_changing(Call::new("evm_setAutomine", json!([true]))).await.unwrap();
    payer.book.balance = U256::from(2 * DEPOSIT);
    refused(&stage, &payer.voucher(&stage), BUSY).await;
    claimed(&stage).await;
    resumed(&stage).await;
    assert_eq!(row(&stage).await, [2 * DEPOSIT as i64, 0, 0, 0]);
    stage.app.assert_books_balance().await;
    payer.pays(&stage, PATH).await;
    stage.app.settled().await;
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_and_a_deposit_made_elsewhere_leave_no_channel_stuck() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let mut payer = Payer::filled(&stage).await;
        stage.app.settled().await;
        deposited_elsewhere(&stage, &mut payer, 3 * PRICE).await;
        let refund = payer.choice.sign_refund(&stage.payer, &payer.book, Some(U256::from(PRICE))).unwrap();
        stage.app.expect(&paying(PATH, &refund), 200).await;
        payer.book.balance -= U256::from(PRICE);
        assert_eq!(row(&stage).await[0], (DEPOSIT + 2 * PRICE) as i64);
        payer.pays(&stage, PATH).await;
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_a_stranger_sends_first_is_credited_once() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let mut payer = Payer::filled(&stage).await;
        let signed = payer.deposit(&stage, DEPOSIT);
        stage.rpc.call_changing(Call::new("evm_setAutomine", json!([false]))).await.unwrap();
        let stranger = DevRole::Payer.key().unwrap().address();
        let data = hex::encode_prefixed(deposit_data(&stage, &payer, &signed, DEPOSIT));
        let (gas, price) = ("0x7a120", "0x174876e800");
        let sent = json!({ "from": stranger, "to": BATCH_SETTLEMENT, "data": data, "gas": gas, "maxFeePerGas": price, "maxPriorityFeePerGas": price });
        stage.rpc.call_changing(Call::new("eth_sendTransaction", json!([sent]))).await.unwrap();
        let ask = paying(PATH, &signed);
        let both_wait = async {
            while stage.rpc.call(Call::new("txpool_status", json!([]))).await.unwrap()["pending"] != "0x2" {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
            stage.rpc.dev_mine(1).await.unwrap();
            stage.rpc.call_changing(Call::new("evm_setAutomine", json!([true]))).await.unwrap();
        };
        tokio::join!(stage.app.ask(&ask), both_wait);
        stage.app.settled().await;
        payer.book.balance = U256::from(2 * DEPOSIT);
        payer.book.charged = U256::from(u64::try_from(row(&stage).await[1]).unwrap());
        payer.pays(&stage, PATH).await;
        stage.app.settled().await;
        forgotten(&stage).await;
        claimed(&stage).await;
        assert_eq!(row(&stage).await[0], 2 * DEPOSIT as i64);
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_made_elsewhere_is_spent_once_it_is_as_deep_as_payments_have_to_be() {
    let place = TestDb::all().await.remove(0);
    let deep = [("x402.network.base-sepolia.confirmations", "4")];
    let Some(stage) = stage(&place, &deep).await else { return };
    let mut payer = Payer::of(&stage).await;
    deposited_elsewhere(&stage, &mut payer, DEPOSIT).await;
    refused(&stage, &payer.voucher(&stage), "invalid_batch_settlement_evm_channel_not_found").await;
    stage.rpc.dev_mine(2).await.unwrap();
    refused(&stage, &payer.voucher(&stage), "invalid_batch_settlement_evm_channel_not_found").await;
    stage.rpc.dev_mine(1).await.unwrap();
    payer.pays(&stage, PATH).await;
    stage.app.settled().await;
    stage.app.assert_books_balance().await;
}

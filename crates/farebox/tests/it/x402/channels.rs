//! Calls by voucher: a deposit once, then signatures only, and claims on chain beside.

use super::stage::{Chain, FORTUNE, PRICE, Stage, gas_wallet, now, paying};
use alloy_primitives::{Address, B256, U256, keccak256};
use farebox_db::{Isolation, sql, tx};
use farebox_testkit::app::{Ask, Got, TestApp};
use farebox_testkit::engines::TestDb;
use farebox_testkit::proxy::Fault;
use farebox_x402::chain::abi::channels::{
    BATCH_SETTLEMENT, ChannelConfig as AbiChannel, ERC3009_COLLECTOR, deposit, erc3009_deposit,
};
use farebox_x402::chain::dev::channels_deploy;
use farebox_x402::chain::rpc::Call;
use farebox_x402::client::{ChannelBook, Choice, DepositChoice, Preferences, Required, SignedHeader, read_receipt};
use farebox_x402::network::Networks;
use farebox_x402::offer::Scheme;
use farebox_x402::payment::{Funding, Payment};
use farebox_x402::wire::{SettlementResponse, decode_base64_json, encode_base64_json, payload_of};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(super) const PATH: &str = "/publishers/things/ok";
pub(super) const DEPOSIT: u64 = 20 * PRICE;

/// What the payer knows of his channel.
pub(super) struct Payer {
    pub book: ChannelBook,
    pub choice: Choice,
}

impl Payer {
    pub async fn of(stage: &Stage) -> Self {
        let choice = choice(&stage.app.expect(&Ask::get(PATH), 402).await);
        Self { book: ChannelBook { salt: B256::repeat_byte(7), ..ChannelBook::default() }, choice }
    }

    pub fn deposit(&self, stage: &Stage, amount: u64) -> SignedHeader {
        let deposit = DepositChoice { amount: U256::from(amount), nonce: stage.nonce() };
        self.choice.sign_deposit(&stage.payer, &self.book, deposit, now()).unwrap()
    }

    pub fn voucher(&self, stage: &Stage) -> SignedHeader {
        self.choice.sign_voucher(&stage.payer, &self.book).unwrap()
    }

    /// Takes note of a receipt as clients do.
    pub fn learn(&mut self, receipt: &SettlementResponse, deposited: u64) {
        assert!(receipt.success, "{receipt:?}");
        let extra = receipt.extra.as_ref().unwrap();
        let charged: U256 = extra["chargedAmount"].as_str().unwrap().parse().unwrap();
        self.book.balance += U256::from(deposited);
        self.book.charged += charged;
        assert_eq!(extra["channelState"]["chargedCumulativeAmount"], self.book.charged.to_string());
        assert_eq!(extra["channelState"]["balance"], self.book.balance.to_string());
    }

    /// Fills the channel with the first call.
    pub async fn filled(stage: &Stage) -> Self {
        let mut payer = Self::of(stage).await;
        let got = stage.app.expect(&paying(PATH, &payer.deposit(stage, DEPOSIT)), 200).await;
        payer.learn(&receipt(&got), DEPOSIT);
        payer
    }

    pub async fn pays(&mut self, stage: &Stage, path: &str) -> Got {
        let got = stage.app.expect(&paying(path, &self.voucher(stage)), 200).await;
        self.learn(&receipt(&got), 0);
        got
    }
}

fn choice(challenge: &Got) -> Choice {
    let header = |name: &str| challenge.headers.get(name).and_then(|value| value.to_str().ok());
    let required = Required::read(challenge.status.as_u16(), header, challenge.text.as_bytes()).unwrap();
    let wanted = Preferences {
        schemes: vec![Scheme::BatchSettlement],
        ..Preferences::up_to(farebox_base::Micros::new(1_000_000))
    };
    required.choose(&Networks::builtin().unwrap(), &wanted).unwrap()
}

fn receipt(got: &Got) -> SettlementResponse {
    read_receipt(|name: &str| got.headers.get(name).and_then(|value| value.to_str().ok())).unwrap().unwrap()
}

/// What a 402 says is wrong.
pub(super) fn complaint(got: &Got) -> String {
    let challenge = decode_base64_json(got.headers["payment-required"].to_str().unwrap()).unwrap();
    challenge["error"].as_str().unwrap().to_owned()
}

/// The offer of channels in a 402, with what it says of a channel.
fn correction(got: &Got) -> Value {
    let header = got.headers["payment-required"].to_str().unwrap();
    let text = decode_base64_json(header).unwrap();
    let offers = text["accepts"].as_array().unwrap();
    offers.iter().find(|offer| offer["scheme"] == "batch-settlement").unwrap()["extra"].clone()
}

pub(super) async fn stage(place: &TestDb, settings: &[(&str, &str)]) -> Option<Stage> {
    let chain = Chain::start().await?;
    channels_deploy(&chain.rpc).await.unwrap();
    Some(offering(Stage::on(chain, place, settings).await).await)
}

/// Waits until channels are offered.
async fn offering(stage: Stage) -> Stage {
    for _ in 0..1_000 {
        let got = stage.app.expect(&Ask::get(PATH), 402).await;
        let header = got.headers["payment-required"].to_str().unwrap();
        let text = decode_base64_json(header).unwrap();
        if text["accepts"].as_array().unwrap().iter().any(|offer| offer["scheme"] == "batch-settlement") {
            return stage;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("channels are not offered");
}

pub(super) const AT_ONCE: &[(&str, &str)] = &[("x402.channel_claim_after_s", "0")];

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_and_vouchers_pay_calls_and_are_claimed_on_chain_together() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, AT_ONCE).await else { return };
        let mut payer = Payer::filled(&stage).await;
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - DEPOSIT);
        for _ in 0..5 {
            payer.pays(&stage, PATH).await;
        }
        assert_eq!(stage.balance(gas_wallet()).await, 0, "no call waits for a chain");
        stage.app.settled().await;
        assert_eq!(stage.app.app.calls.channels_claim().await.unwrap(), 1);
        assert_eq!(stage.app.app.calls.channels_claim().await.unwrap(), 0, "claimed twice");
        assert_eq!(stage.balance(gas_wallet()).await, 6 * PRICE);
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - DEPOSIT);
        payer.pays(&stage, PATH).await;
        let earned = stage.app.app.wallets.balances(stage.seller.party).await.unwrap().earnings;
        assert!(earned.get() > 60_000 && earned.get() <= 70_000, "{earned}");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_voucher_sent_fifty_times_at_once_is_served_once() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let payer = Payer::filled(&stage).await;
        let voucher = payer.voucher(&stage);
        let before = stage.app.upstream.asked();
        let asks = (0..50).map(|_| async { stage.app.ask(&paying(PATH, &voucher)).await });
        let answers = futures_util::future::join_all(asks).await;
        let served = answers.iter().filter(|got| got.status.as_u16() == 200).count();
        assert_eq!((served, stage.app.upstream.asked() - before), (1, 1));
        let reasons =
            ["invalid_batch_settlement_evm_channel_busy", "invalid_batch_settlement_evm_cumulative_amount_mismatch"];
        for got in answers.iter().filter(|got| got.status.as_u16() != 200) {
            assert_eq!(got.status.as_u16(), 402);
            assert!(reasons.contains(&complaint(got).as_str()), "{}", complaint(got));
        }
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_has_lost_count_is_told_where_its_channel_stands() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = stage(&place, &[]).await else { return };
    let mut payer = Payer::filled(&stage).await;
    payer.pays(&stage, PATH).await;
    let last = payer.voucher(&stage);
    payer.pays(&stage, PATH).await;
    let got = stage.app.expect(&paying(PATH, &last), 402).await;
    let extra = correction(&got);
    assert_eq!(extra["channelState"]["chargedCumulativeAmount"], (3 * PRICE).to_string());
    assert_eq!(extra["voucherState"]["signedMaxClaimable"], (3 * PRICE).to_string());
    assert!(extra["voucherState"]["signature"].as_str().unwrap().starts_with("0x"));
    assert!(correction(&stage.app.expect(&Ask::get(PATH), 402).await).get("channelState").is_none());
    payer.pays(&stage, PATH).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_what_anybody_reads_on_the_chain_is_not_told_the_newest_signature() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = stage(&place, AT_ONCE).await else { return };
    let mut payer = Payer::filled(&stage).await;
    let claimed = payer.voucher(&stage);
    payer.pays(&stage, PATH).await;
    stage.app.settled().await;
    while stage.balance(gas_wallet()).await < 2 * PRICE {
        stage.app.app.calls.channels_claim().await.unwrap();
    }
    payer.pays(&stage, PATH).await;
    let extra = correction(&stage.app.expect(&paying(PATH, &claimed), 402).await);
    assert_eq!(extra["channelState"]["chargedCumulativeAmount"], (3 * PRICE).to_string());
    assert!(extra.get("voucherState").is_none(), "{extra}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seller_who_fails_charges_no_channel_and_the_deposit_stays_the_payers() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let mut payer = Payer::of(&stage).await;
        let broken = "/publishers/things/status/500";
        let got = stage.app.expect(&paying(broken, &payer.deposit(&stage, DEPOSIT)), 500).await;
        payer.learn(&receipt(&got), DEPOSIT);
        assert_eq!(payer.book.charged, U256::ZERO);
        let got = stage.app.expect(&paying("/publishers/things/status/404", &payer.voucher(&stage)), 404).await;
        assert!(!receipt(&got).success);
        payer.pays(&stage, PATH).await;
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_never_spent_beyond_what_is_in_it() {
    let place = TestDb::all().await.remove(0);
    let Some(stage) = stage(&place, &[]).await else { return };
    let mut payer = Payer::of(&stage).await;
    let got = stage.app.expect(&paying(PATH, &payer.deposit(&stage, 2 * PRICE)), 200).await;
    payer.learn(&receipt(&got), 2 * PRICE);
    payer.pays(&stage, PATH).await;
    payer.book.balance += U256::from(PRICE);
    let got = stage.app.expect(&paying(PATH, &payer.voucher(&stage)), 402).await;
    assert_eq!(complaint(&got), "invalid_batch_settlement_evm_cumulative_exceeds_balance");
    payer.book.balance -= U256::from(PRICE);
    let got = stage.app.expect(&paying(PATH, &payer.deposit(&stage, PRICE)), 200).await;
    payer.learn(&receipt(&got), PRICE);
    stage.app.settled().await;
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_servers_of_one_database_never_serve_one_voucher_twice() {
    let key = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(key.path(), "5a".repeat(32)).unwrap();
    let shared = ("secrets.key_file", key.path().to_str().unwrap());
    for place in TestDb::all().await {
        if place.url().is_none() {
            continue;
        }
        let Some(stage) = stage(&place, &[shared]).await else { return };
        let own = stage.settings.iter().map(|(key, value)| (*key, value.as_str()));
        let settings: Vec<(&str, &str)> = own.chain([shared]).collect();
        let other = TestApp::start(&place, &settings).await;
        let mut payer = Payer::filled(&stage).await;
        payer.pays(&stage, PATH).await;
        for round in 0..15 {
            let voucher = payer.voucher(&stage);
            let ask = paying(PATH, &voucher);
            let (here, there) = tokio::join!(stage.app.ask(&ask), other.ask(&ask));
            let served: Vec<&Got> = [&here, &there].into_iter().filter(|got| got.status.as_u16() == 200).collect();
            assert!(served.len() <= 1, "round {round}: both have served");
            if let Some(got) = served.first() {
                payer.learn(&receipt(got), 0);
            }
        }
        assert!(payer.book.charged > U256::from(2 * PRICE), "nobody has served anything");
        stage.app.settled().await;
        other.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_goes_back_when_its_payer_asks() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let mut payer = Payer::filled(&stage).await;
        payer.pays(&stage, PATH).await;
        stage.app.settled().await;
        let before = stage.app.upstream.asked();
        let crumb = payer.choice.sign_refund(&stage.payer, &payer.book, Some(U256::from(1))).unwrap();
        let got = stage.app.expect(&paying(PATH, &crumb), 402).await;
        assert_eq!(complaint(&got), "invalid_batch_settlement_evm_refund_amount_invalid");
        let refund = payer.choice.sign_refund(&stage.payer, &payer.book, None).unwrap();
        let got = stage.app.expect(&paying(PATH, &refund), 200).await;
        assert!(receipt(&got).success && receipt(&got).transaction.starts_with("0x"));
        assert_eq!(stage.app.upstream.asked(), before, "a refund is no call");
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - 2 * PRICE);
        let again = payer.choice.sign_refund(&stage.payer, &payer.book, None).unwrap();
        let got = stage.app.expect(&paying(PATH, &again), 402).await;
        assert_eq!(complaint(&got), "invalid_batch_settlement_evm_refund_no_balance");
        let got = stage.app.expect(&paying(PATH, &payer.voucher(&stage)), 402).await;
        assert_eq!(complaint(&got), "invalid_batch_settlement_evm_cumulative_exceeds_balance");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_client_pays_from_a_channel_and_has_the_rest_back() {
    if super::scripts::SCRIPTS.folder().is_none() {
        return;
    }
    let place = TestDb::all().await.remove(0);
    let Some(stage) = stage(&place, &[]).await else { return };
    let said = super::scripts::paid("v2-channel.mjs", &format!("{}{PATH}", stage.app.base)).await.unwrap();
    for (n, call) in said["calls"].as_array().unwrap().iter().enumerate() {
        assert_eq!(call["status"], 200, "call {n}: {said}");
        assert_eq!(call["receipt"]["extra"]["chargedAmount"], PRICE.to_string(), "call {n}: {said}");
        let hash = call["receipt"]["transaction"].as_str().unwrap();
        assert_eq!(hash.len(), if n == 0 { 66 } else { 0 }, "call {n}: {said}");
    }
    assert_eq!(said["refund"]["success"], true, "{said}");
    assert_eq!(stage.app.upstream.asked(), 4);
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - 4 * PRICE);
    stage.app.settled().await;
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payer_who_withdraws_is_claimed_from_at_once_and_spends_no_more_than_stays() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let mut payer = Payer::filled(&stage).await;
        payer.pays(&stage, PATH).await;
        stage.app.settled().await;
        assert_eq!(stage.app.app.calls.channels_claim().await.unwrap(), 0, "nothing is due yet");
        let (config, _) = payer.choice.channel(&stage.payer, &payer.book).unwrap();
        stage.as_payer(BATCH_SETTLEMENT, initiate_withdraw(&(&config).into(), u128::from(DEPOSIT))).await;
        assert_eq!(stage.app.app.calls.channels_claim().await.unwrap(), 1);
        assert_eq!(stage.balance(gas_wallet()).await, 2 * PRICE);
        let got = stage.app.expect(&paying(PATH, &payer.voucher(&stage)), 402).await;
        assert_eq!(complaint(&got), "invalid_batch_settlement_evm_cumulative_exceeds_balance");
        stage.app.assert_books_balance().await;
    }
}

/// `initiateWithdraw` of the contract.
pub(super) fn initiate_withdraw(channel: &AbiChannel, amount: u128) -> Vec<u8> {
    let signature = b"initiateWithdraw((address,address,address,address,address,uint40,bytes32),uint128)";
    // A deposit begins with the same two arguments.
    let arguments = deposit(channel, amount, Address::ZERO, &[]);
    [&keccak256(signature)[..4], &arguments[4..4 + 8 * 32]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_a_silent_chain_left_pending_is_credited_once_and_pays_its_call() {
    let place = TestDb::all().await.remove(0);
    let Some(chain) = Chain::behind_proxy().await else { return };
    channels_deploy(&chain.rpc).await.unwrap();
    let stage = offering(Stage::on(chain, &place, &[]).await).await;
    let mut payer = Payer::of(&stage).await;
    let deposit = payer.deposit(&stage, DEPOSIT);
    stage.proxy.as_ref().unwrap().set(Fault::HangAfterBroadcast);
    let pending = stage.app.expect(&paying(PATH, &deposit), 503).await;
    assert_eq!(pending.at("/error"), "settlement_pending");
    assert_eq!(stage.app.upstream.asked(), 0, "nothing is served on a deposit that is not final");
    stage.proxy.as_ref().unwrap().set(Fault::None);
    let got = loop {
        stage.app.app.calls.payments_resume_alone(now()).await.unwrap();
        let got = stage.app.ask(&paying(PATH, &deposit)).await;
        if got.status.as_u16() == 200 {
            break got;
        }
        assert_eq!(got.at("/error"), "settlement_pending", "{}", got.text);
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    };
    payer.learn(&receipt(&got), DEPOSIT);
    let spent = stage.app.expect(&paying(PATH, &deposit), 402).await;
    assert_eq!(complaint(&spent), "invalid_batch_settlement_evm_cumulative_amount_mismatch");
    payer.pays(&stage, PATH).await;
    assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - DEPOSIT);
    stage.app.settled().await;
    stage.app.assert_books_balance().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_deposit_under_a_new_voucher_brings_no_second_balance() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let mut payer = Payer::of(&stage).await;
        let deposit = payer.deposit(&stage, 2 * PRICE);
        let got = stage.app.expect(&paying(PATH, &deposit), 200).await;
        payer.learn(&receipt(&got), 2 * PRICE);
        payer.pays(&stage, PATH).await;
        // The same authorization again, with a voucher for one call more.
        let Payment::Deposit { amount, funding, .. } = &deposit.payment else { panic!("no deposit") };
        payer.book.balance += *amount;
        let Payment::Voucher(voucher) = payer.voucher(&stage).payment else { panic!("no voucher") };
        let forged = Payment::Deposit { voucher, amount: *amount, funding: funding.clone() };
        let mut header = decode_base64_json(&deposit.value).unwrap();
        header["payload"] = Value::Object(payload_of(&forged));
        let forged = Ask::get(PATH).with(deposit.name, encode_base64_json(&header).unwrap());
        let got = stage.app.expect(&forged, 402).await;
        assert_eq!(complaint(&got), "invalid_batch_settlement_evm_cumulative_exceeds_balance");
        assert_eq!(stage.app.upstream.asked(), 2);
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

/// A request whose payment is verified and whose body is held back.
async fn held_back(stage: &Stage, signed: &SignedHeader) -> TcpStream {
    let host = stage.app.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let head = format!(
        "GET {PATH} HTTP/1.1\r\nhost: {host}\r\nidempotency-key: held-back\r\ncontent-length: 4\r\n\
         expect: 100-continue\r\n{}: {}\r\n\r\n",
        signed.name, signed.value
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // Said when the body is asked for, which is after the payment was verified.
    assert_eq!(line(&mut stream).await, "HTTP/1.1 100 Continue");
    assert_eq!(line(&mut stream).await, "");
    stream
}

async fn line(stream: &mut TcpStream) -> String {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(line).unwrap().trim_end().to_owned()
}

/// The call that makes a deposit.
fn deposit_call(signed: &SignedHeader) -> Vec<u8> {
    let Payment::Deposit { voucher, amount, funding } = &signed.payment else { panic!("no deposit") };
    let Funding::Eip3009 { valid_after, valid_before, salt, signature } = &**funding else { panic!("another way") };
    let salt = U256::from_be_bytes(salt.0);
    let data = erc3009_deposit(*valid_after, *valid_before, salt, &signature.to_bytes());
    deposit(&AbiChannel::from(&voucher.channel), amount.to(), ERC3009_COLLECTOR, &data)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_somebody_else_has_sent_meanwhile_is_credited_once() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let mut payer = Payer::of(&stage).await;
        let deposit = payer.deposit(&stage, 3 * PRICE);
        let mut held = held_back(&stage, &deposit).await;
        stage.as_payer(BATCH_SETTLEMENT, deposit_call(&deposit)).await;
        held.write_all(b"body").await.unwrap();
        let answer = line(&mut held).await;
        let mut served = u64::from(answer.starts_with("HTTP/1.1 200"));
        // As if there were more in it.
        payer.book.balance = U256::from(10 * PRICE);
        payer.book.charged = U256::from(served * PRICE);
        loop {
            let got = stage.app.ask(&paying(PATH, &payer.voucher(&stage))).await;
            if got.status.as_u16() != 200 {
                assert_eq!(complaint(&got), "invalid_batch_settlement_evm_cumulative_exceeds_balance");
                break;
            }
            payer.book.charged += U256::from(PRICE);
            served += 1;
        }
        assert_eq!((served, answer.as_str()), (3, "HTTP/1.1 402 Payment Required"), "three were deposited");
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - 3 * PRICE);
        stage.app.settled().await;
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_withdrawn_before_it_is_claimed_is_the_platforms_loss_and_not_the_sellers() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let mut payer = Payer::filled(&stage).await;
        payer.pays(&stage, PATH).await;
        stage.app.settled().await;
        let earned = stage.app.app.wallets.balances(stage.seller.party).await.unwrap().earnings;
        let (config, _) = payer.choice.channel(&stage.payer, &payer.book).unwrap();
        stage.as_payer(BATCH_SETTLEMENT, initiate_withdraw(&(&config).into(), u128::from(DEPOSIT))).await;
        stage.rpc.call_changing(Call::new("evm_increaseTime", json!([3_700]))).await.unwrap();
        stage.rpc.dev_mine(1).await.unwrap();
        stage.as_payer(BATCH_SETTLEMENT, finalize_withdraw(&(&config).into())).await;
        assert_eq!(
            stage.balance(stage.payer.address()).await,
            FORTUNE,
            "the contract gives back what nobody has claimed"
        );
        // As if nobody had looked for as long as a withdrawal takes.
        let db = &stage.app.app.db;
        tx!(db, Isolation::ReadCommitted, tx => { Ok(tx.execute(sql!("UPDATE channel SET seen_at = 0"), &[]).await?) })
            .unwrap();
        stage.app.app.calls.channels_claim().await.unwrap();
        assert_eq!(stage.app.app.wallets.balances(stage.seller.party).await.unwrap().earnings, earned);
        assert_eq!(stage.balance(gas_wallet()).await, 0);
        let got = stage.app.expect(&paying(PATH, &payer.voucher(&stage)), 402).await;
        assert_eq!(complaint(&got), "invalid_batch_settlement_evm_cumulative_exceeds_balance");
        assert_eq!(stage.app.app.calls.channels_claim().await.unwrap(), 0, "nothing is left to claim");
        stage.app.assert_books_balance().await;
    }
}

/// `finalizeWithdraw` of the contract.
pub(super) fn finalize_withdraw(channel: &AbiChannel) -> Vec<u8> {
    let signature = b"finalizeWithdraw((address,address,address,address,address,uint40,bytes32))";
    let arguments = deposit(channel, 0, Address::ZERO, &[]);
    [&keccak256(signature)[..4], &arguments[4..4 + 7 * 32]].concat()
}

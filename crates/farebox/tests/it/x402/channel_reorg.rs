//! Channels whose deposit a reorganisation takes away: what was served before is the platform's loss, and no more.

use super::channel_looks::{BUSY, EXCEEDS, claimed, deposit_data, forgotten, refused, row};
use super::channels::{DEPOSIT, PATH, Payer, stage};
use super::stage::{FORTUNE, PRICE, Stage, now, paying};
use alloy_primitives::U256;
use farebox_testkit::engines::TestDb;
use farebox_x402::chain::abi::channels::BATCH_SETTLEMENT;
use farebox_x402::chain::dev::DevRole;
use farebox_x402::client::SignedHeader;
use std::time::Duration;

/// Fills a channel, pays two calls from it, and takes its deposit back from the chain.
async fn filled_and_gone(stage: &Stage) -> (Payer, SignedHeader) {
    let before = stage.rpc.dev_snapshot().await.unwrap();
    let mut payer = Payer::of(stage).await;
    let deposit = payer.deposit(stage, DEPOSIT);
    stage.app.expect(&paying(PATH, &deposit), 200).await;
    payer.book.balance = U256::from(DEPOSIT);
    payer.book.charged = U256::from(PRICE);
    payer.pays(stage, PATH).await;
    stage.app.settled().await;
    stage.rpc.dev_revert(before).await.unwrap();
    (payer, deposit)
}

/// The deposit is mined once more, whoever sends it; nothing where it is there already.
async fn comes_back(stage: &Stage, payer: &Payer, deposit: &SignedHeader) {
    let data = deposit_data(stage, payer, deposit, DEPOSIT);
    stage.rpc.dev_send(DevRole::Payer.key().unwrap().address(), BATCH_SETTLEMENT, &data).await.unwrap();
}

async fn looked_soon(stage: &Stage) -> bool {
    let row = stage.app.app.db.one("SELECT seen_at FROM channel", &[]).await.unwrap().unwrap();
    let seen_at: farebox_base::Timestamp = row.get(0).unwrap();
    seen_at.plus(Duration::from_secs(300)) <= now().plus(Duration::from_secs(20))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channel_is_looked_at_again_soon_after_a_deposit_from_here() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        Payer::filled(&stage).await;
        stage.app.settled().await;
        assert!(looked_soon(&stage).await, "a reorganisation right after the deposit goes unseen for minutes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reorganisation_takes_is_no_longer_spent_and_is_booked_as_lost_once_it_stays_away() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[("x402.channel_gone_after_s", "1")]).await else { return };
        let (mut payer, deposit) = filled_and_gone(&stage).await;
        // Nobody can send the deposit once more.
        stage.empty_payer().await;
        let earned = stage.app.app.wallets.balances(stage.seller.party).await.unwrap().earnings;
        claimed(&stage).await;
        let asked = stage.app.upstream.asked();
        let got = stage.app.ask(&paying(PATH, &payer.voucher(&stage))).await;
        assert_eq!((got.status.as_u16(), stage.app.upstream.asked()), (402, asked), "{}", got.text);
        let spent = 2 * PRICE as i64;
        for _ in 0..1_000 {
            claimed(&stage).await;
            if row(&stage).await[3] != 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(row(&stage).await, [0, spent, 0, spent], "balance, charged, claimed, lost");
        let losses = "SELECT COUNT(*) FROM transfer WHERE kind = 'channel_loss'";
        assert_eq!(stage.app.app.db.one(losses, &[]).await.unwrap().unwrap().get::<i64>(0).unwrap(), 1);
        assert_eq!(stage.app.app.wallets.balances(stage.seller.party).await.unwrap().earnings, earned);
        refused(&stage, &payer.voucher(&stage), EXCEEDS).await;
        stage.app.assert_books_balance().await;

        stage.token.mint(&stage.rpc, stage.payer.address(), U256::from(FORTUNE)).await.unwrap();
        comes_back(&stage, &payer, &deposit).await;
        forgotten(&stage).await;
        payer.pays(&stage, PATH).await;
        stage.app.settled().await;
        assert_eq!(row(&stage).await, [DEPOSIT as i64, spent + PRICE as i64, 0, 0], "vouchers are good again");
        stage.app.assert_books_balance().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deposit_that_a_node_does_not_show_for_a_moment_is_not_written_off() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let (mut payer, deposit) = filled_and_gone(&stage).await;
        let (all, spent) = (DEPOSIT as i64, 2 * PRICE as i64);
        for _ in 0..3 {
            claimed(&stage).await;
            refused(&stage, &payer.voucher(&stage), BUSY).await;
            assert_eq!(row(&stage).await, [all, spent, 0, 0]);
        }
        stage.app.assert_books_balance().await;
        comes_back(&stage, &payer, &deposit).await;
        payer.pays(&stage, PATH).await;
        stage.app.settled().await;
        assert_eq!(row(&stage).await, [all, spent + PRICE as i64, 0, 0]);
        stage.app.assert_books_balance().await;
    }
}

//! Refunds of a channel while another process is at work on it.

use super::channels::{DEPOSIT, PATH, Payer, complaint, stage};
use super::stage::{FORTUNE, PRICE, now, paying};
use farebox_base::Micros;
use farebox_ledger::{AccountId, Hold, hold};
use farebox_testkit::engines::TestDb;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_refund_waits_for_a_call_that_another_process_has_begun() {
    for place in TestDb::all().await {
        let Some(stage) = stage(&place, &[]).await else { return };
        let payer = Payer::filled(&stage).await;
        stage.app.settled().await;
        let db = &stage.app.app.db;
        let account = "SELECT account_id FROM balance WHERE account_id LIKE 'channel:%'";
        let account: String = db.one(account, &[]).await.unwrap().unwrap().get(0).unwrap();
        let begun = Hold {
            id: "elsewhere".to_owned(),
            sources: vec![AccountId::parse(&account).unwrap()],
            amount: Micros::new(10_000),
            expires_at: now().plus(Duration::from_secs(600)),
        };
        hold::hold(db, &begun, now()).await.unwrap();
        let refund = payer.choice.sign_refund(&stage.payer, &payer.book, None).unwrap();
        let got = stage.app.expect(&paying(PATH, &refund), 402).await;
        assert_eq!(complaint(&got), "invalid_batch_settlement_evm_channel_busy");
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - DEPOSIT, "nothing was refunded");
        assert!(hold::void(db, "elsewhere", now()).await.unwrap());
        stage.app.expect(&paying(PATH, &refund), 200).await;
        assert_eq!(stage.balance(stage.payer.address()).await, FORTUNE - PRICE);
        stage.app.assert_books_balance().await;
    }
}

//! Challenges that wallets answer.

use crate::{WALLET, process};
use farebox_testkit::engines;
use std::time::Duration;

const OTHER: &str = "0x00000000000000000000000000000000000000Aa";

fn text(nonce: [u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(nonce))
}

#[tokio::test]
async fn a_challenge_is_used_once_for_a_wallet_by_whichever_process() {
    engines::each(async |db| {
        let (here, there) = (process(&db), process(&db));
        let nonce = text(here.accounts.wallet_challenge().nonce);
        let tasks: Vec<_> = (0..8)
            .map(|n| {
                let accounts = if n % 2 == 0 { here.accounts.clone() } else { there.accounts.clone() };
                let nonce = if n < 4 { nonce.clone() } else { nonce.to_uppercase() };
                tokio::spawn(async move { accounts.wallet_challenge_use(WALLET, &nonce).await.unwrap() })
            })
            .collect();
        let mut used = 0;
        for task in tasks {
            used += u32::from(task.await.unwrap());
        }
        assert_eq!(used, 1);
        assert!(there.accounts.wallet_challenge_use(OTHER, &nonce).await.unwrap(), "another wallet's use is its own");
    })
    .await;
}

#[tokio::test]
async fn a_nonce_of_somebody_elses_making_or_of_the_past_is_refused() {
    engines::each(async |db| {
        let here = process(&db);
        let nonce = text(here.accounts.wallet_challenge().nonce);
        let mut forged = nonce.clone();
        let last = if nonce.ends_with('0') { "1" } else { "0" };
        forged.replace_range(31.., last);
        for wrong in [forged.as_str(), "", "00", &"é".repeat(16), &"+".repeat(32), &"f".repeat(33)] {
            assert!(!here.accounts.wallet_challenge_use(WALLET, wrong).await.unwrap(), "{wrong}");
        }
        here.clock.advance(Duration::from_secs(301));
        assert!(!here.accounts.wallet_challenge_use(WALLET, &nonce).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn what_is_over_is_forgotten_and_nothing_before() {
    engines::each(async |db| {
        let here = process(&db);
        let nonce = text(here.accounts.wallet_challenge().nonce);
        assert!(here.accounts.wallet_challenge_use(WALLET, &nonce).await.unwrap());
        here.clock.advance(Duration::from_secs(300));
        assert_eq!(here.accounts.wallet_proofs_forget().await.unwrap(), 0);
        assert!(!here.accounts.wallet_challenge_use(WALLET, &nonce).await.unwrap());
        here.clock.advance(Duration::from_secs(2));
        assert_eq!(here.accounts.wallet_proofs_forget().await.unwrap(), 1);
    })
    .await;
}

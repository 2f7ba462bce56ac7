//! The limits of attempts that one network and one account alone do not reach.

use crate::process;
use crate::sign_in::{ADA, PASSWORD, from};
use farebox_accounts::Visitor;
use farebox_base::Kind;
use farebox_testkit::engines::each;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

fn kind<T>(outcome: farebox_base::Result<T>) -> Option<Kind> {
    outcome.err().map(|error| error.kind)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_guessed_at_from_many_networks_a_hundred_times_an_hour() {
    each(async |db| {
        let one = process(&db);
        one.signed_up(ADA).await;
        for host in 10..30 {
            for _ in 0..5 {
                assert_eq!(
                    kind(one.accounts.login(ADA, "a wrong password", &from(host)).await),
                    Some(Kind::Unauthenticated)
                );
            }
        }
        assert_eq!(kind(one.accounts.login(ADA, PASSWORD, &from(99)).await), Some(Kind::TooManyRequests));
        one.clock.advance(Duration::from_secs(3_601));
        assert_eq!(kind(one.accounts.login(ADA, PASSWORD, &from(99)).await), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_network_guesses_at_many_accounts_a_hundred_times_in_a_quarter_of_an_hour() {
    each(async |db| {
        let one = process(&db);
        let inside = |host: u16| {
            let address = Ipv6Addr::new(0x2001, 0xdb8, 7, 7, host, 0, 0, 1);
            Visitor::new(IpAddr::V6(address), None)
        };
        for n in 0..100 {
            let guess = one.accounts.login(&format!("nr-{n}@example.com"), "a wrong password", &inside(n)).await;
            assert_eq!(kind(guess), Some(Kind::Unauthenticated));
        }
        let next = one.accounts.login("another@example.com", "a wrong password", &inside(500)).await;
        assert_eq!(kind(next), Some(Kind::TooManyRequests), "whatever its address in the same network");
        let elsewhere = Visitor::new(IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7)), None);
        let next = one.accounts.login("another@example.com", "a wrong password", &elsewhere).await;
        assert_eq!(kind(next), Some(Kind::Unauthenticated));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_network_asks_for_sixty_mails_an_hour_to_whatever_addresses() {
    each(async |db| {
        let one = process(&db);
        for n in 0..60 {
            one.accounts.password_forgotten(&format!("nr-{n}@example.com"), &from(1)).await.unwrap();
        }
        assert_eq!(kind(one.accounts.password_forgotten(ADA, &from(1)).await), Some(Kind::TooManyRequests));
        assert_eq!(kind(one.accounts.verification_resend(ADA, &from(1)).await), Some(Kind::TooManyRequests));
        assert_eq!(kind(one.accounts.password_forgotten(ADA, &from(2)).await), None);
    })
    .await;
}

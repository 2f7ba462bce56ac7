//! Promises of a purse, by a clock that is moved by hand.

use super::*;
use alloy_primitives::B256;
use farebox_base::{ManualClock, Timestamp};

const ACCOUNT: Account = (Address::repeat_byte(1), Address::repeat_byte(2));

fn nonce(n: u64) -> ChainNonce {
    ChainNonce::Eip3009 { token: ACCOUNT.0, payer: ACCOUNT.1, nonce: B256::from(U256::from(n)) }
}

fn permit(n: u64) -> ChainNonce {
    ChainNonce::Permit2 { payer: ACCOUNT.1, nonce: U256::from(n) }
}

fn purse() -> (Purse, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::at(Timestamp::from_micros(1_000_000)));
    (Purse::new(clock.clone()), clock)
}

fn check(purse: &Purse, n: u64, amount: u64) -> Verdict {
    purse.check(ACCOUNT, nonce(n), U256::from(amount))
}

#[test]
fn a_balance_is_promised_once_and_again_when_the_promise_is_over() {
    let (purse, clock) = purse();
    assert_eq!(check(&purse, 1, 60), Verdict::Unknown);
    purse.learn(ACCOUNT, U256::from(100), None, &[]);
    assert_eq!(check(&purse, 1, 60), Verdict::Promised);
    assert_eq!(check(&purse, 1, 60), Verdict::Promised);
    assert_eq!(check(&purse, 2, 60), Verdict::TooLittle { left: U256::from(40) });
    clock.advance(FRESH);
    assert_eq!(check(&purse, 2, 60), Verdict::Unknown);
    clock.advance(CHECKED_FOR);
    purse.learn(ACCOUNT, U256::from(100), None, &[]);
    assert_eq!(check(&purse, 2, 60), Verdict::Promised);
}

#[test]
fn a_promise_lasts_while_its_call_is_worked_on_and_no_longer() {
    let (purse, clock) = purse();
    purse.learn(ACCOUNT, U256::from(100), None, &[]);
    assert_eq!(check(&purse, 1, 100), Verdict::Promised);
    let (first, second) = (purse.hold(ACCOUNT, &nonce(1)), purse.hold(ACCOUNT, &nonce(1)));
    let now_and_then = |n| {
        clock.advance(10 * CHECKED_FOR);
        purse.learn(ACCOUNT, U256::from(100), None, &[]);
        check(&purse, n, 1)
    };
    let none = Verdict::TooLittle { left: U256::ZERO };
    assert_eq!(now_and_then(2), none);
    drop(first);
    purse.withdraw(ACCOUNT, &nonce(1));
    assert_eq!(now_and_then(2), none, "the other request with the payment is still served");
    drop(second);
    assert_eq!(now_and_then(2), Verdict::Promised);
    assert_eq!(purse.hold(ACCOUNT, &nonce(9)), Hold::default(), "nothing is kept that was not promised");
}

#[test]
fn a_settlement_that_has_ended_leaves_nothing_held() {
    let (purse, _) = purse();
    purse.learn(ACCOUNT, U256::from(100), None, &[]);
    assert_eq!(check(&purse, 1, 60), Verdict::Promised);
    let held = purse.hold(ACCOUNT, &nonce(1));
    purse.settling(ACCOUNT, nonce(1), U256::from(60));
    purse.end(ACCOUNT, &nonce(1), false);
    assert_eq!(check(&purse, 2, 100), Verdict::Promised);
    drop(held);
    assert_eq!(check(&purse, 2, 100), Verdict::Promised);
}

#[test]
fn what_was_settled_is_neither_left_nor_subtracted_twice() {
    let (purse, clock) = purse();
    purse.learn(ACCOUNT, U256::from(100), None, &[]);
    purse.settling(ACCOUNT, nonce(1), U256::from(60));
    assert_eq!(check(&purse, 2, 50), Verdict::TooLittle { left: U256::from(40) });
    assert_eq!(purse.promised(ACCOUNT, &nonce(2)), [nonce(1)]);
    clock.advance(FRESH);
    purse.learn(ACCOUNT, U256::from(40), None, &[nonce(1)]);
    assert_eq!(check(&purse, 2, 40), Verdict::Promised);
    purse.end(ACCOUNT, &nonce(1), true);
    assert_eq!(check(&purse, 2, 40), Verdict::Promised);
    purse.end(ACCOUNT, &nonce(2), true);
    assert_eq!(check(&purse, 3, 1), Verdict::TooLittle { left: U256::ZERO });
}

#[test]
fn a_settlement_that_took_nothing_gives_its_promise_back() {
    let (purse, _) = purse();
    purse.learn(ACCOUNT, U256::from(100), None, &[]);
    purse.settling(ACCOUNT, nonce(1), U256::from(60));
    purse.end(ACCOUNT, &nonce(1), false);
    assert_eq!(check(&purse, 2, 100), Verdict::Promised);
}

#[test]
fn an_allowance_is_promised_once_and_only_to_payments_by_permit2() {
    let (purse, clock) = purse();
    let check = |nonce, amount: u64| purse.check(ACCOUNT, nonce, U256::from(amount));
    purse.learn(ACCOUNT, U256::from(100), Some(U256::from(50)), &[]);
    assert_eq!(check(permit(1), 50), Verdict::Promised);
    assert_eq!(check(permit(2), 50), Verdict::NotAllowed { left: U256::ZERO });
    assert_eq!(check(nonce(3), 40), Verdict::Promised);
    assert_eq!(check(nonce(4), 20), Verdict::TooLittle { left: U256::from(10) });
    purse.settling(ACCOUNT, permit(1), U256::from(50));
    purse.end(ACCOUNT, &permit(1), true);
    assert_eq!(check(permit(2), 1), Verdict::NotAllowed { left: U256::ZERO }, "it is used up");
    purse.learn(ACCOUNT, U256::from(50), None, &[]);
    assert_eq!(check(permit(2), 1), Verdict::Unknown, "the allowance was not read");
    clock.advance(FRESH);
    purse.learn(ACCOUNT, U256::from(50), Some(U256::from(10)), &[]);
    assert_eq!(check(permit(2), 10), Verdict::Promised);
}

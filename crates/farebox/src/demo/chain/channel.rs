//! The part of the story that a payment channel plays: one deposit, calls that only cost a signature, and their claim.

use super::super::Stage;
use super::super::telling::{Telling, Told};
use super::story::{PATH, PRICE, balances, came, request, show};
use super::{Balances, Chain};
use crate::pay::{Answer, Asked, Payer};
use alloy_primitives::{B256, U256};
use farebox_base::{Clock as _, Micros, Rng as _, SystemClock, SystemRng};
use farebox_x402::client::{ChannelBook, Choice, DepositChoice, Preferences, Required};
use farebox_x402::network::Networks;
use farebox_x402::offer::Scheme;
use http::StatusCode;
use std::time::Duration;

/// Four calls.
const DEPOSIT: Micros = Micros::new(200_000);
const CLAIM_TRIES: usize = 80;
const CLAIM_PAUSE: Duration = Duration::from_millis(250);

/// The buyer's side of the channel.
struct Channel<'a> {
    chain: &'a Chain,
    choice: Choice,
    book: ChannelBook,
}

/// Plays it.
pub(super) async fn by_voucher(stage: &Stage, chain: &Chain, telling: &mut Telling, payer: &Payer) -> Told {
    telling.step("7. A deposit once, and then calls that only cost a signature: no call waits for the chain");
    let before = balances(chain, telling).await?;
    let asked = payer.ask(&request(stage, telling, PATH)?).await;
    let choice = match asked.map_err(|error| telling.failed(&error.to_string()))? {
        Asked::ToPay(bill) => chosen(telling, bill.answer())?,
        Asked::Served(answer) => return Err(telling.failed(&format!("served unpaid: status {}", answer.status))),
    };
    let book = ChannelBook { salt: random(), ..ChannelBook::default() };
    let mut channel = Channel { chain, choice, book };
    telling.note(format!("the buyer signs a deposit of {DEPOSIT} USDC and, with it, the first call"));
    channel.pays(stage, telling, payer, DEPOSIT).await?;
    let deposited = balances(chain, telling).await?;
    show(telling, "on chain", &deposited);
    telling.must_be("what the deposit took", less(before.buyer, deposited.buyer), DEPOSIT)?;
    for number in 1..=3 {
        telling.note(format!("call {number} by voucher: the same channel, {} USDC signed in all", channel.next()));
        channel.pays(stage, telling, payer, Micros::ZERO).await?;
    }
    let after = claimed(stage, chain, telling, before).await?;
    show(telling, "after the claim", &after);
    telling.must_be("what the buyer has paid", less(before.buyer, after.buyer), DEPOSIT)
}

impl Channel<'_> {
    /// A call, with a deposit where there is one.
    async fn pays(&mut self, stage: &Stage, telling: &Telling, payer: &Payer, deposit: Micros) -> Told {
        let (key, units) = (&self.chain.buyer, units(deposit));
        let signed = if deposit.is_zero() {
            self.choice.sign_voucher(key, &self.book)
        } else {
            let deposit = DepositChoice { amount: units, nonce: random().0 };
            self.choice.sign_deposit(key, &self.book, deposit, SystemClock::default().now())
        };
        let signed = signed.map_err(|error| telling.failed(&error.to_string()))?;
        let paid = payer.pay(&request(stage, telling, PATH)?, &signed).await;
        let answer = paid.map_err(|error| telling.failed(&error.to_string()))?;
        came(telling, &answer, StatusCode::OK)?;
        let receipt = answer.receipt().filter(|receipt| receipt.success);
        let extra = receipt.and_then(|receipt| receipt.extra).ok_or_else(|| telling.failed("no receipt"))?;
        let charged = extra.get("chargedAmount").and_then(|units| units.as_str()?.parse::<U256>().ok());
        telling.must(charged == Some(units_of_price()), "the receipt says what the call cost")?;
        self.book.balance += units;
        self.book.charged += units_of_price();
        Ok(())
    }

    /// What the next voucher promises in all, as the token counts it.
    fn next(&self) -> Micros {
        let next = self.book.charged + units_of_price();
        Micros::new(next.try_into().unwrap_or_default())
    }
}

fn chosen(telling: &Telling, answer: &Answer) -> Told<Choice> {
    let failed = |why: String| telling.failed(&why);
    let required = Required::read(answer.status.as_u16(), |name| answer.header(name), &answer.body);
    let wanted = Preferences { schemes: vec![Scheme::BatchSettlement], ..Preferences::up_to(PRICE) };
    let networks = Networks::builtin().map_err(|error| failed(error.to_string()))?;
    required.and_then(|required| required.choose(&networks, &wanted)).map_err(|error| failed(error.to_string()))
}

/// Claims until the gateway has all of it.
async fn claimed(stage: &Stage, chain: &Chain, telling: &Telling, before: Balances) -> Told<Balances> {
    for _ in 0..CLAIM_TRIES {
        stage.app.calls.channels_claim().await.map_err(|error| telling.failed(&error.message))?;
        let now = balances(chain, telling).await?;
        if less(now.gateway, before.gateway) == DEPOSIT {
            return Ok(now);
        }
        tokio::time::sleep(CLAIM_PAUSE).await;
    }
    Err(telling.failed("the gateway did not get what the vouchers promised"))
}

fn less(before: Micros, after: Micros) -> Micros {
    Micros::new(before.get() - after.get())
}

/// The token has as many digits as the ledger.
fn units(amount: Micros) -> U256 {
    U256::from(amount.get().unsigned_abs())
}

fn units_of_price() -> U256 {
    units(PRICE)
}

fn random() -> B256 {
    let mut bytes = [0; 32];
    SystemRng.fill(&mut bytes);
    B256::new(bytes)
}

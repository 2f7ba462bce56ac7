//! What only the chain can tell of a payment, in one JSON-RPC batch.

use super::Shared;
use super::channels::{Drawn, check_fit, no_channels};
use super::purse::{Account, Verdict};
use crate::chain::RpcError;
use crate::chain::abi::channels::{BATCH_SETTLEMENT, channel_state, channels};
use crate::chain::abi::permit2::PERMIT2;
use crate::chain::abi::token::{allowance, balance_of};
use crate::chain::abi::word;
use crate::chain::rpc::Call;
use crate::facilitator::nonce::ChainNonce;
use crate::facilitator::plan::{Plan, Way};
use crate::network::Method;
use crate::offer::{Offer, Scheme};
use crate::payment::Payment;
use crate::verify::Hold;
use crate::{Reason, Refusal};
use alloy_primitives::{Bytes, U256};
use serde_json::Value;
use std::sync::atomic::Ordering;

type Answer = Result<Value, RpcError>;

/// Answers in the order of their questions.
struct Answers(std::vec::IntoIter<Answer>);

impl Shared {
    /// What it promises is kept as long as the answer is held.
    pub(super) async fn check(&self, offer: &Offer, payment: &Payment) -> Result<Hold, Refusal> {
        self.check_network(offer)?;
        match payment {
            Payment::Voucher(voucher) => {
                return self.check_voucher(voucher, Drawn::Paying).await.map(|()| Hold::default());
            }
            Payment::Refund { voucher, .. } => {
                return self.check_voucher(voucher, Drawn::Refunding).await.map(|()| Hold::default());
            }
            _ => {}
        }
        let plan = Plan::of(offer, payment, offer.amount)?;
        let Some(sender) = self.sender() else { return Err(unreachable(self)) };
        self.check_contracts(plan.way)?;
        if sender.gas().paused {
            let message = "nothing can be settled now, the gas wallet is empty; try again later";
            return Err(Refusal::new(Reason::UnexpectedVerifyError, message));
        }
        if self.failures.are_too_many(plan.transfer.from) {
            let message = "payments of this wallet have failed on chain several times; try again in some minutes";
            return Err(Refusal::new(plan.way.too_little_money(), message));
        }
        let account = (plan.transfer.token, plan.transfer.from);
        let verdict = self.purse.check(account, plan.nonce, plan.transfer.value);
        let needs_balance = verdict != Verdict::Promised;
        // The chain may take its time.
        let meanwhile = self.purse.hold(account, &plan.nonce);
        let others = if needs_balance { self.purse.promised(account, &plan.nonce) } else { Vec::new() };
        let mut calls = vec![plan.nonce.question(), Call::code(plan.transfer.from)];
        if plan.way.needs_allowance() {
            calls.push(Call::read(account.0, &allowance(account.1, PERMIT2)));
        }
        if needs_balance {
            calls.push(Call::read(account.0, &balance_of(account.1)));
            calls.extend(others.iter().map(ChainNonce::question));
        }
        if let Payment::Deposit { voucher, .. } = payment {
            calls.push(Call::read(BATCH_SETTLEMENT, &channels(voucher.voucher.channel.get())));
        }
        let answers = sender.rpc().batch(&calls).await;
        let judged = match answers {
            Ok(answers) => {
                self.is_reachable.store(true, Ordering::Relaxed);
                let mut answers = Answers(answers.into_iter());
                self.judge(&plan, account, needs_balance, &others, &mut answers)
                    .and_then(|()| check_deposit(payment, &mut answers))
            }
            Err(error) => {
                self.note(&error);
                Err(unreachable(self))
            }
        };
        let hold = judged.map(|()| self.purse.hold(account, &plan.nonce));
        drop(meanwhile);
        if hold.is_err() && !needs_balance {
            self.purse.withdraw(account, &plan.nonce);
        }
        hold
    }

    fn judge(
        &self,
        plan: &Plan,
        account: Account,
        needs_balance: bool,
        others: &[ChainNonce],
        answers: &mut Answers,
    ) -> Result<(), Refusal> {
        let amount = plan.transfer.value;
        let no_method = match plan.way {
            Way::Eip3009 => Reason::ExactEip3009Unsupported,
            Way::ExactPermit2 | Way::UptoPermit2 => Reason::Permit2ProxyNotDeployed,
            Way::DepositEip3009 | Way::DepositPermit2 => Reason::DepositSimulationFailed,
        };
        let state = answers.next(no_method)?;
        let is_spent = plan.nonce.is_spent(&state).ok_or_else(|| Refusal::new(no_method, "it keeps no nonces"))?;
        if is_spent {
            self.note_spent(plan.nonce);
            return Err(Refusal::new(plan.way.nonce_spent(), "the nonce is spent or cancelled"));
        }
        // Tokens and Permit2 ask an account's code, where it has some, and not its key.
        if !answers.next(Reason::UnexpectedVerifyError)?.is_empty() {
            let message =
                "from: is an account with code, whose signatures only its code can judge; pay from a plain one";
            return Err(Refusal::new(plan.way.of_a_contract(), message));
        }
        let mut allowance = None;
        if plan.way.needs_allowance() {
            let allowed = number(&answers.next(Reason::AssetNotContract)?)?;
            if allowed < amount {
                return Err(not_allowed(plan, "the payer's allowance for Permit2", allowed));
            }
            allowance = Some(allowed);
        }
        if !needs_balance {
            return Ok(());
        }
        let balance = number(&answers.next(Reason::AssetNotContract)?)?;
        let spent = others.iter().filter(|nonce| {
            let answer = answers.next(Reason::UnexpectedVerifyError);
            answer.is_ok_and(|state| nonce.is_spent(&state) == Some(true))
        });
        let spent: Vec<ChainNonce> = spent.copied().collect();
        self.purse.learn(account, balance, allowance, &spent);
        match self.purse.check(account, plan.nonce, amount) {
            Verdict::Promised | Verdict::Unknown => Ok(()),
            Verdict::TooLittle { left } => {
                let what = "the payer's balance beside payments under way";
                Err(Refusal::mismatch(plan.way.too_little_money(), what, format!("at least {amount}"), left))
            }
            Verdict::NotAllowed { left } => {
                Err(not_allowed(plan, "the payer's allowance for Permit2 beside payments under way", left))
            }
        }
    }

    fn check_contracts(&self, way: Way) -> Result<(), Refusal> {
        let is_there = match way {
            Way::Eip3009 => true,
            Way::ExactPermit2 => self.has(Scheme::Exact, Method::Permit2),
            Way::UptoPermit2 => self.has(Scheme::Upto, Method::Permit2),
            Way::DepositEip3009 => self.has(Scheme::BatchSettlement, Method::Eip3009),
            Way::DepositPermit2 => self.has(Scheme::BatchSettlement, Method::Permit2),
        };
        let missing = || match way {
            Way::DepositEip3009 | Way::DepositPermit2 => no_channels(),
            Way::Eip3009 | Way::ExactPermit2 | Way::UptoPermit2 => {
                Refusal::new(Reason::Permit2ProxyNotDeployed, "Permit2 or its proxy is not seen on the network")
            }
        };
        is_there.then_some(()).ok_or_else(missing)
    }
}

impl Answers {
    /// The bytes of the next one; where the contract refused, `reason`.
    fn next(&mut self, reason: Reason) -> Result<Bytes, Refusal> {
        let unreadable = || Refusal::new(Reason::UnexpectedVerifyError, "the chain's answer can't be read; try again");
        match self.0.next() {
            Some(Ok(value)) => serde_json::from_value(value).map_err(|_| unreadable()),
            Some(Err(RpcError::Refused { data: Some(_), .. })) => {
                Err(Refusal::new(reason, "the contract does not answer"))
            }
            Some(Err(_)) | None => Err(unreadable()),
        }
    }
}

/// The voucher that comes with a deposit has to fit the channel as it will be.
fn check_deposit(payment: &Payment, answers: &mut Answers) -> Result<(), Refusal> {
    let Payment::Deposit { voucher, amount, .. } = payment else { return Ok(()) };
    let state = channel_state(&answers.next(Reason::DepositSimulationFailed)?).ok_or_else(no_channels)?;
    let balance = U256::from(state.balance).saturating_add(*amount);
    check_fit(voucher.voucher.max_claimable, balance, state.total_claimed, Drawn::Paying)
}

fn not_allowed(plan: &Plan, what: &'static str, left: U256) -> Refusal {
    Refusal::mismatch(plan.way.no_allowance(), what, format!("at least {}", plan.transfer.value), left)
}

fn number(answer: &Bytes) -> Result<U256, Refusal> {
    word(answer, 0).ok_or_else(|| Refusal::new(Reason::AssetNotContract, "the asset is no token on the network"))
}

pub(super) fn unreachable(shared: &Shared) -> Refusal {
    let network = shared.network().caip2();
    Refusal::new(Reason::UnexpectedVerifyError, format!("{network} is not reachable now; try again"))
}

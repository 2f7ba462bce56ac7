//! Looking for a payment that somebody else has put on chain: whoever sees an authorization may send it, and the money
//! still goes where its payer said.
//!
//! Invariants: only that one payment counts, never another transfer of the same amount; only a transaction of somebody
//! else counts, because our own one serves the purpose that it was sent for.

use super::plan::{Plan, Way};
use crate::chain::abi::{AuthorizationUsed, Deposited, Transfer};
use crate::chain::rpc::{Log, Receipt, Rpc, RpcError};
use alloy_primitives::{Address, B256, Bytes};

/// Endpoints refuse wider searches.
const BLOCKS_MAX: u64 = 2_000;
/// Searches are not narrowed below this.
const BLOCKS_AT_LEAST: u64 = 8;
/// Transfers of the payer to the payee in that time that are looked at, the newest first.
const CANDIDATES_MAX: usize = 8;

/// What the chain shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trace {
    /// The nonce is not spent.
    Unspent,
    /// Spent without the payment, or too long ago to be this one.
    Spent,
    /// Paid by this transaction, which has so many blocks, its own included.
    Paid { transaction: B256, depth: u64 },
}

/// Looks at the last `blocks`. `own` is the wallet whose transactions do not count.
///
/// # Errors
/// Those of the node; nothing is known then.
pub(super) async fn trace(rpc: &Rpc, plan: &Plan, own: Option<Address>, blocks: u64) -> Result<Trace, RpcError> {
    let answer: Bytes = rpc.call(plan.nonce.question()).await.and_then(|value| {
        serde_json::from_value(value).map_err(|_| RpcError::Unknown("the answer is no byte string".to_owned()))
    })?;
    match plan.nonce.is_spent(&answer) {
        Some(true) => {}
        Some(false) => return Ok(Trace::Unspent),
        None => return Err(RpcError::Unknown("the nonce's state can't be read".to_owned())),
    }
    let head = rpc.block_number().await?;
    let from = head.saturating_sub(blocks.min(BLOCKS_MAX));
    let paid = match plan.way {
        Way::Eip3009 | Way::DepositEip3009 => authorization_used(rpc, plan, own, from, head).await?,
        Way::ExactPermit2 | Way::DepositPermit2 => same_call(rpc, plan, own, from, head).await?,
        // Nobody but the facilitator can send it.
        Way::UptoPermit2 => None,
    };
    Ok(paid.map_or(Trace::Spent, |receipt| Trace::Paid {
        transaction: receipt.hash,
        depth: head.saturating_sub(receipt.block) + 1,
    }))
}

async fn authorization_used(
    rpc: &Rpc,
    plan: &Plan,
    own: Option<Address>,
    from: u64,
    to: u64,
) -> Result<Option<Receipt>, RpcError> {
    let super::nonce::ChainNonce::Eip3009 { token, payer, nonce } = plan.nonce else { return Ok(None) };
    let topics = [AuthorizationUsed::TOPIC, payer.into_word(), nonce];
    let logs = newest_logs(rpc, token, &topics, from, to).await?;
    let Some(transaction) = logs.iter().find_map(|log| log.transaction) else { return Ok(None) };
    let receipt = rpc.receipt(transaction).await?.filter(|receipt| is_foreign(receipt, own));
    Ok(receipt.filter(|receipt| shows_payment(receipt, plan, &AuthorizationUsed { token, authorizer: payer, nonce })))
}

/// The token writes the transfer right after the use of its authorization; another transfer of the same amount in the
/// same transaction belongs to another payment. So does a deposit behind the next authorization: one deposit shows one
/// payment.
fn shows_payment(receipt: &Receipt, plan: &Plan, used: &AuthorizationUsed) -> bool {
    let moved = receipt.logs.windows(2).position(|pair| match pair {
        [first, second] => {
            AuthorizationUsed::read(first).as_ref() == Some(used) && Transfer::read(second) == Some(plan.transfer)
        }
        _ => false,
    });
    let (Some(at), Some(deposited)) = (moved, plan.deposited) else { return moved.is_some() };
    let behind = receipt.logs.iter().skip(at + 2);
    let mut own = behind.take_while(|log| AuthorizationUsed::read(log).is_none());
    own.find_map(Deposited::read) == Some(deposited)
}

/// Permit2 writes no event, so that only a call with our very bytes is known to be the payment.
async fn same_call(
    rpc: &Rpc,
    plan: &Plan,
    own: Option<Address>,
    from: u64,
    to: u64,
) -> Result<Option<Receipt>, RpcError> {
    let Transfer { token, from: payer, to: payee, .. } = plan.transfer;
    let topics = [Transfer::TOPIC, payer.into_word(), payee.into_word()];
    let logs = newest_logs(rpc, token, &topics, from, to).await?;
    let matching = logs.iter().rev().filter(|log| Transfer::read(log) == Some(plan.transfer));
    for transaction in matching.filter_map(|log| log.transaction).take(CANDIDATES_MAX) {
        let Some(found) = rpc.transaction(transaction).await? else { continue };
        let field = |name: &str| found.get(name).and_then(serde_json::Value::as_str);
        let is_to_contract = field("to").and_then(|to| to.parse().ok()) == Some(plan.to);
        let input = field("input").and_then(|input| input.parse::<Bytes>().ok());
        if is_to_contract && input.as_ref() == Some(&plan.data) {
            return Ok(rpc.receipt(transaction).await?.filter(|receipt| is_foreign(receipt, own)));
        }
    }
    Ok(None)
}

/// Some endpoints refuse all but short searches; the newest blocks are the likeliest.
async fn newest_logs(rpc: &Rpc, of: Address, topics: &[B256], from: u64, to: u64) -> Result<Vec<Log>, RpcError> {
    let mut from = from;
    loop {
        match rpc.logs_with(of, topics, from, to).await {
            Err(RpcError::Refused { .. }) if to.saturating_sub(from) > BLOCKS_AT_LEAST => from += (to - from) * 3 / 4,
            other => return other,
        }
    }
}

fn is_foreign(receipt: &Receipt, own: Option<Address>) -> bool {
    receipt.succeeded && Some(receipt.from) != own
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::abi::channels::{BATCH_SETTLEMENT, ERC3009_COLLECTOR};
    use crate::facilitator::nonce::ChainNonce;
    use alloy_primitives::{U256, keccak256};

    const TOKEN: Address = Address::repeat_byte(1);
    const PAYER: Address = Address::repeat_byte(2);
    const PAYEE: Address = Address::repeat_byte(3);

    fn log(topics: Vec<B256>, data: Vec<u8>) -> Log {
        Log { address: TOKEN, topics, data: data.into(), transaction: None }
    }

    fn used(nonce: u8) -> Log {
        log(vec![AuthorizationUsed::TOPIC, PAYER.into_word(), B256::repeat_byte(nonce)], Vec::new())
    }

    fn moved(to: Address) -> Log {
        log(vec![Transfer::TOPIC, PAYER.into_word(), to.into_word()], U256::from(9).to_be_bytes_vec())
    }

    fn deposited(channel: u8, amount: u64) -> Log {
        let topic = keccak256("Deposited(bytes32,address,uint128,uint128)");
        let data = [amount, amount].map(|number| U256::from(number).to_be_bytes::<32>()).concat();
        let topics = vec![topic, B256::repeat_byte(channel), PAYER.into_word()];
        Log { address: BATCH_SETTLEMENT, topics, data: data.into(), transaction: None }
    }

    fn shown(logs: Vec<Log>) -> bool {
        shown_as(logs, PAYEE, None)
    }

    /// As a deposit of 9 into channel 1.
    fn shown_deposit(logs: Vec<Log>) -> bool {
        shown_as(logs, ERC3009_COLLECTOR, Some(Deposited { channel: B256::repeat_byte(1), amount: 9 }))
    }

    fn shown_as(logs: Vec<Log>, to: Address, deposited: Option<Deposited>) -> bool {
        let nonce = B256::repeat_byte(7);
        let plan = Plan {
            way: Way::Eip3009,
            to: TOKEN,
            data: Bytes::new(),
            gas_limit: 1,
            nonce: ChainNonce::Eip3009 { token: TOKEN, payer: PAYER, nonce },
            transfer: Transfer { token: TOKEN, from: PAYER, to, value: U256::from(9) },
            deposited,
        };
        let receipt = Receipt {
            hash: B256::ZERO,
            block: 1,
            block_hash: B256::ZERO,
            from: PAYER,
            succeeded: true,
            gas_used: 1,
            gas_price: 1,
            logs,
        };
        shows_payment(&receipt, &plan, &AuthorizationUsed { token: TOKEN, authorizer: PAYER, nonce })
    }

    #[test]
    fn a_transfer_counts_only_for_the_authorization_right_before_it() {
        assert!(shown(vec![used(7), moved(PAYEE)]));
        assert!(!shown(vec![used(7), moved(PAYER)]));
        assert!(!shown(vec![used(7), moved(PAYER), used(8), moved(PAYEE)]));
        assert!(!shown(vec![used(8), moved(PAYEE), used(7)]));
        assert!(!shown(vec![moved(PAYEE)]));
    }

    #[test]
    fn a_deposit_counts_only_for_the_authorization_that_its_collector_used_for_it() {
        let collected = |nonce| [used(nonce), moved(ERC3009_COLLECTOR)];
        let logs = |parts: &[&[Log]]| parts.concat();
        assert!(shown_deposit(logs(&[&collected(7), &[deposited(1, 9)]])));
        let passed_on = log(
            vec![Transfer::TOPIC, ERC3009_COLLECTOR.into_word(), BATCH_SETTLEMENT.into_word()],
            U256::from(9).to_be_bytes_vec(),
        );
        assert!(shown_deposit(logs(&[&collected(7), &[passed_on, deposited(1, 9)]])));
        // Used for something else, before the one deposit of another authorization.
        assert!(!shown_deposit(logs(&[&[used(7), moved(PAYEE)], &collected(8), &[deposited(1, 9)]])));
        assert!(!shown_deposit(logs(&[&[used(7), moved(PAYEE)], &[deposited(1, 9)]])));
        assert!(!shown_deposit(logs(&[&collected(7), &collected(8), &[deposited(1, 9)]])));
        assert!(shown_deposit(logs(&[&collected(8), &collected(7), &[deposited(1, 9)]])));
        assert!(!shown_deposit(logs(&[&collected(7), &[deposited(2, 9), deposited(1, 9)]])));
        assert!(!shown_deposit(logs(&[&collected(7), &[deposited(1, 8), deposited(1, 9)]])));
        assert!(!shown_deposit(logs(&[&[deposited(1, 9)], &collected(7)])));
    }
}

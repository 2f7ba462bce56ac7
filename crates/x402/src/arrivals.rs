//! Money that a wallet has sent to our address by a transaction of its own, as its chain shows it.
//!
//! Owns which transfers are an arrival; does not own who gets the money, nor whether it was credited before.
//! Invariants: a transfer is an arrival only when it is as deep as the network asks; one that may settle a signed payment
//! never is, because it may have paid for something already. See `facilitator::trace` for what may settle one.

use crate::chain::abi::channels::BATCH_SETTLEMENT;
use crate::chain::abi::permit2::{EXACT_PROXY, UPTO_PROXY};
use crate::chain::abi::{AuthorizationUsed, Transfer};
use crate::chain::{Receipt, Rpc, RpcError};
use crate::network::{Network, Token};
use alloy_primitives::{Address, B256, U256};
use std::sync::Arc;

/// Transfers of one transaction beyond this are refused.
const ARRIVALS_MAX: usize = 16;

/// Where money arrives on one network.
pub struct Arrivals {
    rpc: Rpc,
    network: Arc<Network>,
    pay_to: Address,
    /// Blocks, that of the transaction included. At least 1.
    confirmations: u64,
}

/// One transfer of a configured token to our address.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// Its place among the events of its transaction, from 0; it stays the same in whatever block that is.
    pub index: usize,
    pub token: Arc<Token>,
    /// In the token's smallest unit.
    pub value: U256,
}

/// What the chain shows of a transaction.
#[derive(Debug, Clone)]
pub enum Seen {
    /// It is in no block.
    Nothing,
    /// It is good, and has only so many blocks yet.
    Early {
        depth: u64,
        needed: u64,
    },
    Arrived {
        /// At least one.
        transfers: Vec<Arrival>,
        /// Who has sent the transaction, which may be another account than the money's.
        sent_by: Address,
    },
    Not(NotArrived),
}

/// Why a transaction brings nothing in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotArrived {
    /// It was reverted.
    Failed,
    /// It moves no configured token.
    Token,
    /// It moves nothing to our address.
    Recipient,
    /// What it moves there is of others than the wallet.
    Sender,
    /// It carries a payment that the wallet has signed.
    Signed,
    TooMany,
}

impl Arrivals {
    /// Nothing is asked until somebody looks.
    pub fn new(rpc: Rpc, network: Arc<Network>, pay_to: Address, confirmations: u64) -> Self {
        Self { rpc, network, pay_to, confirmations: confirmations.max(1) }
    }

    pub const fn network(&self) -> &Arc<Network> {
        &self.network
    }

    pub const fn pay_to(&self) -> Address {
        self.pay_to
    }

    /// Looks for what `sender` has sent by a transaction.
    ///
    /// # Errors
    /// Those of the node; nothing is known then.
    pub async fn look(&self, transaction: B256, sender: Address) -> Result<Seen, RpcError> {
        // Asked first, so that the depth is never counted too high.
        let head = self.rpc.block_number().await?;
        let receipt = self.rpc.receipt(transaction).await?.filter(|receipt| receipt.hash == transaction);
        let Some(receipt) = receipt else { return Ok(Seen::Nothing) };
        let transfers = match self.judge(&receipt, sender) {
            Ok(transfers) => transfers,
            Err(reason) => return Ok(Seen::Not(reason)),
        };
        let Some(called) = self.rpc.transaction(transaction).await? else { return Ok(Seen::Nothing) };
        let called = called.get("to").and_then(|to| to.as_str()?.parse::<Address>().ok());
        if called.is_some_and(|called| [EXACT_PROXY, UPTO_PROXY].contains(&called)) {
            return Ok(Seen::Not(NotArrived::Signed));
        }
        let depth = head.saturating_add(1).saturating_sub(receipt.block);
        if depth < self.confirmations {
            return Ok(Seen::Early { depth, needed: self.confirmations });
        }
        Ok(Seen::Arrived { transfers, sent_by: receipt.from })
    }

    fn judge(&self, receipt: &Receipt, sender: Address) -> Result<Vec<Arrival>, NotArrived> {
        if !receipt.succeeded {
            return Err(NotArrived::Failed);
        }
        let read = |(index, log)| {
            let transfer = Transfer::read(log)?;
            let token = self.network.token(transfer.token)?.clone();
            Some((transfer, Arrival { index, token, value: transfer.value }))
        };
        let mut moved: Vec<(Transfer, Arrival)> = receipt.logs.iter().enumerate().filter_map(read).collect();
        let mut keep = |reason, is_ours: &dyn Fn(&Transfer) -> bool| {
            moved.retain(|(transfer, _)| is_ours(transfer));
            if moved.is_empty() { Err(reason) } else { Ok(()) }
        };
        keep(NotArrived::Token, &|_| true)?;
        keep(NotArrived::Recipient, &|transfer| transfer.to == self.pay_to)?;
        // What our own address sends to itself is no new money, and what channels pay out was earned through them.
        let is_new = |transfer: &Transfer| transfer.from != transfer.to && transfer.from != BATCH_SETTLEMENT;
        keep(NotArrived::Sender, &|transfer| transfer.from == sender && is_new(transfer))?;
        let is_signed = receipt.logs.iter().filter_map(AuthorizationUsed::read).any(|used| used.authorizer == sender);
        if is_signed {
            return Err(NotArrived::Signed);
        }
        if moved.len() > ARRIVALS_MAX {
            return Err(NotArrived::TooMany);
        }
        Ok(moved.into_iter().map(|(_, arrival)| arrival).collect())
    }
}

impl NotArrived {
    /// A stable word for programs.
    pub const fn code(self) -> &'static str {
        match self {
            NotArrived::Failed => "transaction_failed",
            NotArrived::Token => "wrong_token",
            NotArrived::Recipient => "wrong_recipient",
            NotArrived::Sender => "wrong_sender",
            NotArrived::Signed => "signed_payment",
            NotArrived::TooMany => "too_many_transfers",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::{ChainSettings, Log};
    use crate::network::Networks;
    use alloy_primitives::Bytes;
    use farebox_base::SystemClock;

    const OURS: Address = Address::repeat_byte(9);
    const WALLET: Address = Address::repeat_byte(2);
    const OTHER: Address = Address::repeat_byte(3);

    fn arrivals() -> Arrivals {
        let network = Networks::builtin().unwrap().by_name("base").unwrap().clone();
        let client = crate::chain::dev::loopback_client().unwrap();
        let rpc = Rpc::new(client, Arc::new(SystemClock::default()), &ChainSettings::of(8453, Vec::new()));
        Arrivals::new(rpc, network, OURS, 1)
    }

    fn usdc() -> Address {
        arrivals().network().tokens()[0].address()
    }

    fn moved(token: Address, from: Address, to: Address) -> Log {
        let topics = vec![Transfer::TOPIC, from.into_word(), to.into_word()];
        Log { address: token, topics, data: U256::from(5).to_be_bytes_vec().into(), transaction: None }
    }

    fn judged(succeeded: bool, logs: Vec<Log>) -> Result<Vec<usize>, NotArrived> {
        judged_of(WALLET, succeeded, logs)
    }

    fn judged_of(sender: Address, succeeded: bool, logs: Vec<Log>) -> Result<Vec<usize>, NotArrived> {
        let receipt = Receipt {
            hash: B256::ZERO,
            block: 1,
            block_hash: B256::ZERO,
            from: WALLET,
            succeeded,
            gas_used: 1,
            gas_price: 1,
            logs,
        };
        arrivals().judge(&receipt, sender).map(|arrived| arrived.iter().map(|one| one.index).collect())
    }

    #[test]
    fn each_transfer_of_the_wallet_to_our_address_arrives_by_its_place() {
        let usdc = usdc();
        let logs = vec![moved(usdc, WALLET, OTHER), moved(usdc, WALLET, OURS), moved(usdc, WALLET, OURS)];
        assert_eq!(judged(true, logs), Ok(vec![1, 2]));
    }

    #[test]
    fn every_other_transaction_is_refused_for_its_reason() {
        let usdc = usdc();
        let good = || moved(usdc, WALLET, OURS);
        assert_eq!(judged(false, vec![good()]), Err(NotArrived::Failed));
        assert_eq!(judged(true, Vec::new()), Err(NotArrived::Token));
        assert_eq!(judged(true, vec![moved(OTHER, WALLET, OURS)]), Err(NotArrived::Token));
        assert_eq!(judged(true, vec![moved(usdc, WALLET, OTHER)]), Err(NotArrived::Recipient));
        assert_eq!(judged(true, vec![moved(usdc, OTHER, OURS)]), Err(NotArrived::Sender));
        let paid_out = moved(usdc, BATCH_SETTLEMENT, OURS);
        assert_eq!(judged_of(BATCH_SETTLEMENT, true, vec![paid_out]), Err(NotArrived::Sender));
        assert_eq!(judged(true, vec![good(); ARRIVALS_MAX + 1]), Err(NotArrived::TooMany));
        let topics = vec![AuthorizationUsed::TOPIC, WALLET.into_word(), B256::repeat_byte(7)];
        let used = Log { address: usdc, topics, data: Bytes::new(), transaction: None };
        assert_eq!(judged(true, vec![used, good()]), Err(NotArrived::Signed));
    }
}

//! What a chain shows of a payment that somebody else's facilitator was asked to settle, where nobody knows its answer.
//!
//! Sends nothing. Invariants: paid is said only of the payment itself, as deep as the network asks; never is said only
//! where no block can bring it any more, after every block was looked at that could have.

use super::Settle;
use super::nonce::ChainNonce;
use crate::chain::abi::{AuthorizationUsed, Transfer};
use crate::chain::rpc::{CallAt, Head, Log, Receipt};
use crate::chain::{ChainSettings, Rpc, RpcError};
use crate::evm::Signature;
use crate::payment::Payment;
use alloy_primitives::{Address, B256, Bytes};
use farebox_base::Clock;
use farebox_net::Client;
use std::sync::Arc;
use std::time::Duration;

/// Endpoints refuse wider searches.
const BLOCKS_MAX: u64 = 2_000;
/// Searches are not narrowed below this.
const BLOCKS_AT_LEAST: u64 = 8;
/// How far back is searched at most.
const BLOCKS_IN_ALL: u64 = 4_000_000;
/// Where the first block is looked for that is old enough.
const BLOCKS_FIRST: u64 = 256;
/// Beyond blocks that may be replaced, how long a chain is waited for after a signature's end.
const GRACE_S: u64 = 60;
/// Before a payment was known, how far back it may have been sent: clocks differ.
const EARLIER_S: u64 = 600;
/// The longest that signatures are good, where nothing says since when a payment is known.
const LONGEST_S: u64 = 25 * 3_600;

/// Endpoints that are only asked.
pub(super) struct Witness {
    rpc: Rpc,
    confirmations: u64,
    block_time: Duration,
}

/// What the chain says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Testimony {
    /// By this transaction, which is final.
    Paid(B256),
    /// And never will be, for this reason.
    Never(&'static str),
    /// It may still come, or is not final.
    Open,
}

/// A payment as chains show it.
struct Sought<'a> {
    nonce: ChainNonce,
    transfer: Transfer,
    signature: &'a Signature,
    until_s: u64,
    since_s: u64,
}

/// A search from the newest block back.
struct Back {
    from: u64,
    /// The next block, `None` once all were searched.
    to: Option<u64>,
    width: u64,
}

impl<'a> Sought<'a> {
    fn of(settle: &Settle<'a>) -> Option<Self> {
        let until_s = u64::try_from(settle.payment.ends_s()?).unwrap_or_default();
        let payer = settle.payment.payer();
        let token = settle.offer.token().address();
        let (nonce, signature) = match settle.payment {
            Payment::Eip3009 { authorization, signature } => {
                (ChainNonce::Eip3009 { token, payer, nonce: authorization.nonce }, signature)
            }
            Payment::Permit2 { permit, signature } | Payment::Upto { permit, signature } => {
                (ChainNonce::Permit2 { payer, nonce: permit.nonce }, signature)
            }
            Payment::Voucher(_) | Payment::Deposit { .. } | Payment::Refund { .. } => return None,
        };
        let known_s = settle.id.get_timestamp().map(|at| at.to_unix().0);
        let since_s = known_s.map_or_else(|| until_s.saturating_sub(LONGEST_S), |at| at.saturating_sub(EARLIER_S));
        let transfer = Transfer { token, from: payer, to: settle.offer.pay_to, value: settle.amount };
        Some(Self { nonce, transfer, signature, until_s, since_s })
    }

    /// The token writes the transfer right after the use of its authorization; another transfer of the same amount in the
    /// same transaction belongs to another payment.
    fn is_shown_by(&self, receipt: &Receipt, used: &AuthorizationUsed) -> bool {
        receipt.logs.windows(2).any(|pair| match pair {
            [first, second] => {
                AuthorizationUsed::read(first).as_ref() == Some(used) && Transfer::read(second) == Some(self.transfer)
            }
            _ => false,
        })
    }

    /// Permit2 writes no event, but whoever calls it has to bring what was signed.
    fn is_brought_by(&self, input: &[u8]) -> bool {
        let signed = match (self.signature, self.nonce) {
            (Signature::Ecdsa(signature), _) => signature.to_bytes().get(..64).map(<[u8]>::to_vec),
            // A contract's signature may be wrapped on its way.
            (Signature::SmartWallet(_), ChainNonce::Permit2 { nonce, .. }) => Some(nonce.to_be_bytes_vec()),
            (Signature::SmartWallet(_), ChainNonce::Eip3009 { .. }) => None,
        };
        signed.is_some_and(|signed| input.windows(signed.len()).any(|part| part == signed))
    }
}

impl Witness {
    pub(super) fn new(client: Client, clock: Arc<dyn Clock>, settings: &ChainSettings) -> Self {
        let (confirmations, block_time) = (settings.confirmations.max(1), settings.block_time_hint);
        Self { rpc: Rpc::new(client, clock, settings), confirmations, block_time }
    }

    /// # Errors
    /// Those of the node; nothing is known then.
    pub(super) async fn ask(&self, settle: &Settle<'_>) -> Result<Testimony, RpcError> {
        let Some(sought) = Sought::of(settle) else { return Ok(Testimony::Open) };
        let head = self.rpc.head().await?;
        if !self.is_spent(&sought, head.number).await? {
            let replaceable = self.block_time.as_secs().saturating_mul(self.confirmations);
            let end = sought.until_s.saturating_add(GRACE_S).saturating_add(replaceable);
            let is_over = head.timestamp > end;
            return Ok(if is_over { Testimony::Never("it was not used in its time") } else { Testimony::Open });
        }
        let Some(from) = self.first_block(&head, sought.since_s).await? else {
            tracing::error!(id = %settle.id, "a payment is so old that it can't be searched for; look for it on its chain");
            return Ok(Testimony::Open);
        };
        let back = Back { from, to: Some(head.number), width: BLOCKS_MAX };
        let found = match sought.nonce {
            ChainNonce::Eip3009 { payer, nonce, .. } => self.used(&sought, payer, nonce, back).await?,
            ChainNonce::Permit2 { .. } => self.brought(&sought, back).await?,
        };
        let final_block = head.number.saturating_sub(self.confirmations - 1);
        match found {
            Some(receipt) if receipt.block <= final_block => Ok(Testimony::Paid(receipt.hash)),
            Some(_) => Ok(Testimony::Open),
            None if self.is_spent(&sought, final_block).await? => {
                Ok(Testimony::Never("its nonce was cancelled or spent for something else"))
            }
            None => Ok(Testimony::Open),
        }
    }

    /// Of a transaction that the node has told of.
    async fn receipt(&self, of: B256) -> Result<Receipt, RpcError> {
        let receipt = self.rpc.receipt(of).await?;
        receipt.ok_or_else(|| RpcError::Unknown("the receipt of a known transaction is missing".to_owned()))
    }

    async fn is_spent(&self, sought: &Sought<'_>, block: u64) -> Result<bool, RpcError> {
        let answer = self.rpc.call(sought.nonce.question_at(CallAt::Block(block))).await?;
        let answer: Option<Bytes> = serde_json::from_value(answer).ok();
        let is_spent = answer.and_then(|answer| sought.nonce.is_spent(&answer));
        is_spent.ok_or_else(|| RpcError::Unknown("the nonce's state can't be read".to_owned()))
    }

    /// A block before that time; `None`: too far back.
    async fn first_block(&self, head: &Head, since_s: u64) -> Result<Option<u64>, RpcError> {
        let mut back = BLOCKS_FIRST;
        loop {
            let from = head.number.saturating_sub(back);
            if from == 0 || self.rpc.block(from).await?.timestamp <= since_s {
                return Ok(Some(from));
            }
            back *= 2;
            if back > BLOCKS_IN_ALL {
                return Ok(None);
            }
        }
    }

    async fn used(
        &self,
        sought: &Sought<'_>,
        authorizer: Address,
        nonce: B256,
        mut back: Back,
    ) -> Result<Option<Receipt>, RpcError> {
        let token = sought.transfer.token;
        let topics = [AuthorizationUsed::TOPIC, authorizer.into_word(), nonce];
        let used = AuthorizationUsed { token, authorizer, nonce };
        while let Some(logs) = back.logs(&self.rpc, token, &topics).await? {
            if let Some(transaction) = logs.iter().find_map(|log| log.transaction) {
                let receipt = self.receipt(transaction).await?;
                return Ok(Some(receipt).filter(|it| it.succeeded && sought.is_shown_by(it, &used)));
            }
        }
        Ok(None)
    }

    async fn brought(&self, sought: &Sought<'_>, mut back: Back) -> Result<Option<Receipt>, RpcError> {
        let Transfer { token, from, to, .. } = sought.transfer;
        let topics = [Transfer::TOPIC, from.into_word(), to.into_word()];
        while let Some(logs) = back.logs(&self.rpc, token, &topics).await? {
            let matching = logs.iter().rev().filter(|log| Transfer::read(log) == Some(sought.transfer));
            for transaction in matching.filter_map(|log| log.transaction) {
                let found = self.rpc.transaction(transaction).await?;
                let input = found.as_ref().and_then(|found| found.get("input")?.as_str()?.parse::<Bytes>().ok());
                let input = input.ok_or_else(|| RpcError::Unknown("a transaction's input can't be read".to_owned()))?;
                if sought.is_brought_by(&input) {
                    return self.receipt(transaction).await.map(Some);
                }
            }
        }
        Ok(None)
    }
}

impl Back {
    /// Those of the next blocks back; `None` once all were searched. Where an endpoint refuses, fewer blocks at a time.
    async fn logs(&mut self, rpc: &Rpc, of: Address, topics: &[B256]) -> Result<Option<Vec<Log>>, RpcError> {
        let Some(to) = self.to else { return Ok(None) };
        loop {
            let from = to.saturating_sub(self.width - 1).max(self.from);
            match rpc.logs_with(of, topics, from, to).await {
                Err(RpcError::Refused { .. }) if self.width > BLOCKS_AT_LEAST => self.width /= 4,
                Err(error) => return Err(error),
                Ok(logs) => {
                    self.to = from.checked_sub(1).filter(|to| *to >= self.from);
                    return Ok(Some(logs));
                }
            }
        }
    }
}

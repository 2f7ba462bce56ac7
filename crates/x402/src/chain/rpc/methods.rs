//! The methods that Farebox calls (Ethereum's execution API), with typed arguments and answers.

use super::receipt::{Log, Receipt, field, logs};
use super::wire::{address, bytes, hash, number, quantity, wide, word};
use super::{Call, Rpc, RpcError};
use alloy_primitives::{Address, B256, Bytes, U256};
use serde_json::{Value, json};

/// Blocks whose priority fees are looked at.
const FEE_BLOCKS: u64 = 5;

/// A block, the newest one where nothing else is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub number: u64,
    pub hash: B256,
    /// Seconds since 1970, as the chain counts them.
    pub timestamp: u64,
}

/// The state in which a call is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallAt {
    Latest,
    /// With what waits in the node's pool.
    Pending,
    /// After this block.
    Block(u64),
}

impl Head {
    fn read(block: &Value) -> Result<Self, RpcError> {
        Ok(Self {
            number: number(field(block, "number")?)?,
            hash: hash(field(block, "hash")?)?,
            timestamp: number(field(block, "timestamp")?)?,
        })
    }
}

impl CallAt {
    fn text(self) -> String {
        match self {
            CallAt::Latest => "latest".to_owned(),
            CallAt::Pending => "pending".to_owned(),
            CallAt::Block(number) => quantity(number),
        }
    }
}

impl Call {
    /// `eth_call` of a contract in the newest state.
    pub fn read(to: Address, data: &[u8]) -> Self {
        Self::read_at(to, data, CallAt::Latest)
    }

    /// `eth_call` of a contract.
    pub fn read_at(to: Address, data: &[u8], at: CallAt) -> Self {
        Self::new("eth_call", json!([{"to": to, "data": Bytes::copy_from_slice(data)}, at.text()]))
    }

    fn head() -> Self {
        Self::new("eth_getBlockByNumber", json!(["latest", false]))
    }

    /// `eth_getCode` in the newest state.
    pub fn code(of: Address) -> Self {
        Self::new("eth_getCode", json!([of, "latest"]))
    }

    /// `eth_getTransactionReceipt`.
    pub fn receipt(hash: B256) -> Self {
        Self::new("eth_getTransactionReceipt", json!([hash]))
    }

    /// `eth_sendRawTransaction`.
    pub fn send_raw(raw: &Bytes) -> Self {
        Self::new("eth_sendRawTransaction", json!([raw]))
    }

    /// `eth_getTransactionCount`: the next nonce.
    pub fn nonce(of: Address, at: CallAt) -> Self {
        Self::new("eth_getTransactionCount", json!([of, at.text()]))
    }
}

impl Rpc {
    pub async fn chain_id(&self) -> Result<u64, RpcError> {
        number(&self.call(Call::new("eth_chainId", json!([]))).await?)
    }

    pub async fn block_number(&self) -> Result<u64, RpcError> {
        number(&self.call(Call::new("eth_blockNumber", json!([]))).await?)
    }

    pub async fn head(&self) -> Result<Head, RpcError> {
        Head::read(&self.call(Call::head()).await?)
    }

    /// The block with this number, which has to be there.
    pub async fn block(&self, number: u64) -> Result<Head, RpcError> {
        Head::read(&self.call(Call::new("eth_getBlockByNumber", json!([quantity(number), false]))).await?)
    }

    /// The newest block and an account's next nonce after it, in one request.
    pub async fn head_and_nonce(&self, of: Address) -> Result<(Head, u64), RpcError> {
        let mut answers = self.batch(&[Call::head(), Call::nonce(of, CallAt::Latest)]).await?.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(RpcError::Unknown("an answer is missing".to_owned())));
        Ok((Head::read(&next()?)?, number(&next()?)?))
    }

    /// The newest block's number, and the hash of this block; `None` where the chain is not so long.
    pub async fn head_and_hash_of(&self, block: u64) -> Result<(u64, Option<B256>), RpcError> {
        let this = Call::new("eth_getBlockByNumber", json!([quantity(block), false]));
        let mut answers = self.batch(&[Call::new("eth_blockNumber", json!([])), this]).await?.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(RpcError::Unknown("an answer is missing".to_owned())));
        let (head, this) = (number(&next()?)?, next()?);
        Ok((head, if this.is_null() { None } else { Some(hash(field(&this, "hash")?)?) }))
    }

    /// The native balance, in wei.
    pub async fn balance(&self, of: Address) -> Result<U256, RpcError> {
        word(&self.call(Call::new("eth_getBalance", json!([of, "latest"]))).await?)
    }

    /// The next nonce.
    pub async fn nonce(&self, of: Address, at: CallAt) -> Result<u64, RpcError> {
        number(&self.call(Call::nonce(of, at)).await?)
    }

    /// Asks several things at once, each of which has a number for an answer.
    pub async fn numbers<const N: usize>(&self, calls: [Call; N]) -> Result<[u64; N], RpcError> {
        let mut numbers = [0; N];
        for (slot, answer) in numbers.iter_mut().zip(self.batch(&calls).await?) {
            *slot = number(&answer?)?;
        }
        Ok(numbers)
    }

    /// Calls a contract without a transaction. A revert is `Refused`, with its data where the node tells it.
    pub async fn eth_call(
        &self,
        from: Option<Address>,
        to: Address,
        data: &[u8],
        at: CallAt,
    ) -> Result<Bytes, RpcError> {
        let mut call = json!({"to": to, "data": Bytes::copy_from_slice(data)});
        if let (Some(from), Some(fields)) = (from, call.as_object_mut()) {
            fields.insert("from".to_owned(), json!(from));
        }
        bytes(&self.call(Call::new("eth_call", json!([call, at.text()]))).await?)
    }

    pub async fn estimate_gas(&self, from: Address, to: Address, data: &[u8]) -> Result<u64, RpcError> {
        let call = json!({"from": from, "to": to, "data": Bytes::copy_from_slice(data)});
        number(&self.call(Call::new("eth_estimateGas", json!([call]))).await?)
    }

    /// Broadcasts a signed transaction and answers its hash. The same bytes may be sent again without harm.
    pub async fn send_raw_transaction(&self, raw: &Bytes) -> Result<B256, RpcError> {
        hash(&self.call_changing(Call::send_raw(raw)).await?)
    }

    pub async fn receipt(&self, of: B256) -> Result<Option<Receipt>, RpcError> {
        Receipt::read(&self.call(Call::receipt(of)).await?)
    }

    /// The receipts of many transactions, in their order.
    pub async fn receipts(&self, of: &[B256]) -> Result<Vec<Result<Option<Receipt>, RpcError>>, RpcError> {
        let calls: Vec<Call> = of.iter().map(|hash| Call::receipt(*hash)).collect();
        let answers = self.batch(&calls).await?;
        Ok(answers.into_iter().map(|answer| answer.and_then(|value| Receipt::read(&value))).collect())
    }

    /// The transaction as the node shows it, waiting or mined; `None` where it knows none.
    pub async fn transaction(&self, of: B256) -> Result<Option<Value>, RpcError> {
        let found = self.call(Call::new("eth_getTransactionByHash", json!([of]))).await?;
        Ok(Some(found).filter(|value| !value.is_null()))
    }

    /// A contract's code; empty where there is none.
    pub async fn code(&self, of: Address) -> Result<Bytes, RpcError> {
        bytes(&self.call(Call::code(of)).await?)
    }

    /// Logs of one contract between two blocks, both included, with this first topic.
    pub async fn logs(&self, of: Address, topic: B256, from: u64, to: u64) -> Result<Vec<Log>, RpcError> {
        self.logs_with(of, &[topic], from, to).await
    }

    /// The same where all of these topics have to be there, in this order.
    pub async fn logs_with(&self, of: Address, topics: &[B256], from: u64, to: u64) -> Result<Vec<Log>, RpcError> {
        let filter = json!({"address": of, "topics": topics, "fromBlock": quantity(from), "toBlock": quantity(to)});
        logs(&self.call(Call::new("eth_getLogs", json!([filter]))).await?)
    }

    /// The next block's base fee and the middle of what the last blocks' transactions paid on top, in wei per unit of gas.
    pub async fn fee_history(&self) -> Result<(u128, u128), RpcError> {
        let history = self.call(Call::new("eth_feeHistory", json!([quantity(FEE_BLOCKS), "latest", [50]]))).await?;
        let bases = field(&history, "baseFeePerGas")?.as_array().and_then(|list| list.last());
        let base = wide(bases.ok_or_else(|| RpcError::Unknown("the fee history is empty".to_owned()))?)?;
        let rewards = history.get("reward").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut paid: Vec<u128> =
            rewards.iter().filter_map(|block| wide(block.get(0)?).ok()).filter(|fee| *fee > 0).collect();
        paid.sort_unstable();
        Ok((base, paid.get(paid.len() / 2).copied().unwrap_or(0)))
    }

    /// The sender of a waiting or mined transaction.
    ///
    /// # Errors
    /// Those of [`Rpc::call`].
    pub async fn transaction_sender(&self, of: B256) -> Result<Option<Address>, RpcError> {
        self.transaction(of).await?.map(|found| address(field(&found, "from")?)).transpose()
    }
}

//! Money that a wallet has sent on a chain by itself, credited once its transaction is named.
//!
//! Owns the table `chain_deposit`. Invariants: one transfer on a chain is credited once for ever, row and credit in one
//! transaction; what settled a signed payment, here or for another server, and whatever a gas wallet of ours has sent, is
//! never credited, because it was spent when it came.

use crate::Calls;
use farebox_base::{Error, Kind, Micros, Result, Timestamp};
use farebox_db::{Isolation, Tx, sql, tx};
use farebox_ledger::transfer::transfer_in;
use farebox_ledger::{AccountId, Leg, Outcome, Transfer, TransferKind};
use farebox_x402::arrivals::{Arrivals, NotArrived, Seen};
use farebox_x402::evm::address::{parse, parse_word};

/// What a transaction has brought in, before it is credited.
#[derive(Clone, Debug)]
pub struct Arrived {
    /// CAIP-2.
    network: String,
    /// As `chain_deposit` holds them.
    hash: String,
    sender: String,
    sent_by: String,
    pay_to: String,
    transfers: Vec<One>,
    /// Of all transfers.
    pub amount: Micros,
}

#[derive(Clone, Debug)]
struct One {
    index: i64,
    token: String,
    amount: Micros,
}

impl Calls {
    /// Whether deposits by transaction can be looked for.
    pub fn sees_arrivals(&self) -> bool {
        !self.parts.payments.arrivals.is_empty()
    }

    /// Looks for what a wallet has sent to us, on every network that is configured. `hash` and `sender` are hex text.
    ///
    /// # Errors
    /// `Invalid`, with a code that says what is wrong with the transaction; `PaymentRequired`, to be tried again, where it
    /// is not on a chain or not deep enough; `Conflict` where it was credited; `Unavailable` where a chain can't be asked.
    pub async fn find_arrived(&self, hash: &str, sender: &str) -> Result<Arrived> {
        let transaction =
            parse_word(hash).ok_or_else(|| Error::invalid("txHash", "must be 0x followed by 64 hex digits"))?;
        let wallet =
            parse(sender).ok_or_else(|| Error::invalid("agentWallet", "must be 0x followed by 40 hex digits"))?;
        let hash = format!("{transaction:#x}");
        const KNOWN: &str = sql!("SELECT network FROM chain_deposit WHERE tx_hash = $1 LIMIT 1");
        if self.parts.db.one(KNOWN, &[(&hash).into()]).await?.is_some() {
            return Err(credited());
        }
        let mut failure = None;
        for place in self.parts.payments.arrivals.iter() {
            match place.look(transaction, wallet).await {
                Ok(Seen::Nothing) => {}
                Ok(Seen::Early { depth, needed }) => return Err(early(depth, needed)),
                Ok(Seen::Not(reason)) => return Err(not_arrived(reason, place)),
                Ok(Seen::Arrived { transfers, sent_by }) => {
                    let transfers = transfers.iter().map(read).collect::<Result<Vec<_>>>()?;
                    return Arrived::new(place, hash, [wallet, sent_by].map(|one| format!("{one:#x}")), transfers);
                }
                Err(error) => failure = Some(error),
            }
        }
        Err(match failure {
            Some(error) => {
                let message = "Blockchain verification failed: a chain does not answer now; send the request again";
                Error::unavailable(message).with_retry_after(5).with_internal(error.to_string())
            }
            None => {
                let message = "Transaction not found: it is in no block of a network that is taken here; where it was \
                               sent just now, ask again in a moment";
                Error::new(Kind::PaymentRequired, "transaction_not_found", message).with_retry_after(5)
            }
        })
    }

    /// Credits what has arrived to the account.
    ///
    /// # Errors
    /// `Conflict` where it was credited before; `Invalid` (`signed_payment`) where it has paid for something here.
    pub async fn credit_arrived(&self, arrived: &Arrived, account: &AccountId, memo: &str) -> Result<()> {
        let now = self.parts.clock.now();
        tx!(self.parts.db, Isolation::ReadCommitted, tx => { credit_in(tx, arrived, account, memo, now).await })
    }
}

impl Arrived {
    fn new(place: &Arrivals, hash: String, [sender, sent_by]: [String; 2], transfers: Vec<One>) -> Result<Self> {
        let sum = transfers.iter().try_fold(Micros::ZERO, |sum, one| sum.checked_add(one.amount));
        let amount = sum.map_err(|error| Error::money("amount", error))?;
        if amount.is_zero() {
            return Err(Error::new(Kind::PaymentRequired, "insufficient_amount", "The transaction moves no money"));
        }
        let network = place.network().caip2().as_str().to_owned();
        Ok(Self { network, hash, sender, sent_by, pay_to: format!("{:#x}", place.pay_to()), transfers, amount })
    }

    /// In lower case.
    pub fn hash(&self) -> &str {
        &self.hash
    }
}

/// The start of the ids of these transfers in the ledger; the network, the hash and the place follow.
const TRANSFER_ID: &str = "chain:";

/// The hash on the chain, of a transfer in the ledger that credits one.
pub fn arrived_hash(transfer_id: &str) -> Option<&str> {
    transfer_id.strip_prefix(TRANSFER_ID)?.rsplit(':').nth(1)
}

fn read(arrival: &farebox_x402::arrivals::Arrival) -> Result<One> {
    let amount = arrival.token.decimals().to_micros(arrival.value);
    Ok(One {
        index: i64::try_from(arrival.index).unwrap_or(i64::MAX),
        token: format!("{:#x}", arrival.token.address()),
        amount: amount.map_err(|error| Error::invalid("amount", error.to_string()))?,
    })
}

async fn credit_in(tx: &mut Tx, arrived: &Arrived, account: &AccountId, memo: &str, now: Timestamp) -> Result<()> {
    const SPENT: &str = sql!(
        "SELECT tx_hash FROM payment WHERE tx_hash = $1
         UNION ALL SELECT tx_hash FROM x402_settlement WHERE tx_hash = $1
         UNION ALL SELECT address FROM gas_wallet WHERE network = $2 AND address = $3"
    );
    let (hash, network) = (arrived.hash.as_str(), arrived.network.as_str());
    if tx.one(SPENT, &[hash.into(), network.into(), arrived.sent_by.as_str().into()]).await?.is_some() {
        return Err(signed());
    }
    const INSERT: &str = sql!(
        "INSERT INTO chain_deposit (network, tx_hash, log_index, token, sender, pay_to, amount, deposit_to, transfer_id,
           created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (network, tx_hash, log_index) DO NOTHING"
    );
    for one in arrived.transfers.iter().filter(|one| !one.amount.is_zero()) {
        let id = format!("{TRANSFER_ID}{network}:{hash}:{}", one.index);
        let params = [
            network.into(),
            hash.into(),
            one.index.into(),
            one.token.as_str().into(),
            arrived.sender.as_str().into(),
            arrived.pay_to.as_str().into(),
            one.amount.into(),
            account.text().into(),
            (&id).into(),
            now.into(),
        ];
        if tx.execute(INSERT, &params).await? == 0 {
            return Err(credited());
        }
        let legs = vec![
            Leg {
                account: AccountId::outside(&format!("x402:{network}")),
                amount: Micros::ZERO.checked_sub(one.amount)?,
            },
            Leg { account: account.clone(), amount: one.amount },
        ];
        let movement = Transfer { id, kind: TransferKind::CryptoDeposit, legs, listing: None, memo: memo.to_owned() };
        match transfer_in(tx, &movement, now).await? {
            Outcome::Created => {}
            other => return Err(Error::internal(format!("{} can't be credited: {other:?}", movement.id))),
        }
    }
    Ok(())
}

fn credited() -> Error {
    Error::conflict("transaction_credited", "Transaction already processed: it was credited, and is credited only once")
}

fn early(depth: u64, needed: u64) -> Error {
    let message = format!("Transaction not confirmed: it has {depth} of {needed} blocks; ask again in a moment");
    Error::new(Kind::PaymentRequired, "transaction_not_confirmed", message).with_retry_after(2)
}

fn signed() -> Error {
    Error::new(
        Kind::Invalid,
        NotArrived::Signed.code(),
        "The transaction carries a signed payment, which is no deposit",
    )
}

fn not_arrived(reason: NotArrived, place: &Arrivals) -> Error {
    let (network, pay_to) = (place.network(), place.pay_to());
    let message = match reason {
        NotArrived::Failed => "The transaction failed on its chain; nothing was moved".to_owned(),
        NotArrived::Token => {
            let tokens: Vec<&str> = network.tokens().iter().map(|token| token.checksummed()).collect();
            format!("The transaction moves no token that is taken on {}: {}", network.name(), tokens.join(", "))
        }
        NotArrived::Recipient => format!("The transaction moves nothing to {pay_to}, which receives deposits"),
        NotArrived::Sender => "The transaction's money does not come from agentWallet".to_owned(),
        NotArrived::Signed => return signed(),
        NotArrived::TooMany => "The transaction makes more transfers than are credited at once".to_owned(),
    };
    Error::new(Kind::Invalid, reason.code(), message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_read_back_from_the_ledgers_id() {
        assert_eq!(arrived_hash("chain:eip155:8453:0xab:3"), Some("0xab"));
        for other in ["deposit:0190", "chain:", "0190"] {
            assert_eq!(arrived_hash(other), None, "{other}");
        }
    }
}

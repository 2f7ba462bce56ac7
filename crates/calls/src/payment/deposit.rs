//! Money that comes in by a signed payment and stays on an account.

use super::handover::{Bringer, Holder};
use super::row::{insert_in, resolve_in, state};
use super::{Fate, Paid, Reserved, SignedPayment, Spent, refused, units_taken};
use crate::Calls;
use crate::channel::NewChannel;
use farebox_base::{CallId, Error, Kind, Micros, Result, Timestamp};
use farebox_db::{Isolation, Tx, tx};
use farebox_ledger::transfer::transfer_in;
use farebox_ledger::{AccountId, Leg, Outcome, Transfer, TransferKind};
use farebox_x402::facilitator::Settlement;
use farebox_x402::offer::Offer;
use farebox_x402::payment::Payment;
use farebox_x402::wire::SettlementResponse;
use farebox_x402::{Reason, Refusal};

/// A deposit that a buyer has signed.
pub struct Deposit<'a> {
    pub signed: &'a SignedPayment,
    /// What is credited.
    pub account: AccountId,
    /// One line for the statement.
    pub memo: String,
    /// Of the request that it is for, where there is one; `None`: it is for the account.
    pub fingerprint: Option<[u8; 32]>,
}

/// What became of a deposit.
#[derive(Debug)]
pub enum Deposited {
    /// The account has it, from now or from an earlier request with the same payment.
    Credited {
        amount: Micros,
        receipt: SettlementResponse,
        /// By this request.
        now: bool,
    },
    /// Why it has not, and the receipt that says so.
    Not { error: Error, receipt: Option<SettlementResponse> },
}

/// Of what a deposit's row becomes a transfer.
pub(super) struct Credit {
    pub id: CallId,
    pub from: AccountId,
    pub to: AccountId,
    pub amount: Micros,
    pub memo: String,
    /// The channel that it goes into.
    pub channel: Option<NewChannel>,
}

impl Calls {
    /// Settles a payment and credits it to the account. The same payment again credits nothing more.
    ///
    /// # Errors
    /// Those of the database. Whatever concerns the payment itself is a `Deposited::Not`.
    pub async fn deposit(&self, deposit: Deposit<'_>) -> Result<Deposited> {
        self.deposit_into(deposit, None, None).await
    }

    /// As [`Calls::deposit`], also for deposits into a channel, which is made where there is none, and for those whose
    /// request is to have what it pays for.
    pub(crate) async fn deposit_into(
        &self,
        deposit: Deposit<'_>,
        channel: Option<NewChannel>,
        bringer: Option<&Bringer>,
    ) -> Result<Deposited> {
        let Deposit { signed, account, memo, fingerprint } = deposit;
        let amount = match signed
            .offer
            .token()
            .decimals()
            .to_micros(units_taken(&signed.offer, &signed.payment, Micros::ZERO)?.0)
        {
            Ok(amount) => amount,
            Err(error) => {
                let message = format!("deposit.amount: {error}");
                let refusal = Refusal::new(Reason::DepositTooSmall, message);
                return Ok(Deposited::Not { error: refused(&refusal), receipt: None });
            }
        };
        let of_account = || *blake3::hash(account.text().as_bytes()).as_bytes();
        let mut paid = Paid::new(signed, fingerprint.unwrap_or_else(of_account))?;
        paid.deposit_to = Some(account.clone());
        let id = CallId::generate(&*self.parts.clock, &*self.parts.rng);
        if let Reserved::Spent(spent) = self.begin_deposit(id, &paid, amount).await? {
            return Ok(known(*spent, signed, amount, channel.is_some()));
        }
        let settlement = self.parts.payments.facilitators.settle(signed.settle(id, amount)?).await;
        let receipt = signed.receipt(&settlement, amount);
        let credit = Credit { id, from: paid.outside(), to: account, amount, memo, channel };
        match self.end_deposit(&credit, settlement, bringer.and_then(Bringer::holder)).await? {
            Ok(()) => Ok(Deposited::Credited { amount, receipt, now: true }),
            Err(error) => Ok(Deposited::Not { error, receipt: Some(receipt) }),
        }
    }

    async fn begin_deposit(&self, id: CallId, paid: &Paid, amount: Micros) -> Result<Reserved> {
        let (id, now) = (id.to_string(), self.parts.clock.now());
        tx!(self.parts.db, Isolation::ReadCommitted, tx => {
            insert_in(tx, &id, paid, state::EARNED, amount, 0, now).await
        })
    }

    /// Credits what was settled, or gives the payment up; the error says why there is no credit.
    pub(super) async fn end_deposit(
        &self,
        credit: &Credit,
        settlement: Settlement,
        holder: Option<Holder>,
    ) -> Result<Result<(), Error>> {
        let (fate, error) = match settlement {
            Settlement::Settled { transaction } => (Fate::Settled { transaction, holder }, None),
            Settlement::Pending { .. } => return Ok(Err(under_way())),
            Settlement::NotTaken(refusal) => (Fate::Refused { reason: refusal.reason.code() }, Some(refused(&refusal))),
        };
        tx!(self.parts.db, Isolation::ReadCommitted, tx => { credit_in(tx, credit, &fate, self.parts.clock.now()).await })?;
        // The request that brought it has the channel in hand, and reads it again by itself.
        if let Some(seated) = credit.channel.as_ref().and_then(|channel| self.channels.take_for_job(channel.id)) {
            seated.note(None);
        }
        Ok(error.map_or(Ok(()), Err))
    }
}

/// The channel that a payment fills, for the account that it was begun for.
pub(super) fn channel_of(offer: &Offer, payment: &Payment, to: &AccountId) -> Option<NewChannel> {
    let (Payment::Deposit { voucher, .. }, Some(party)) = (payment, to.party()) else { return None };
    let network = offer.network().caip2().to_string();
    Some(NewChannel { id: voucher.voucher.channel, network, config: voucher.channel, party })
}

async fn credit_in(tx: &mut Tx, credit: &Credit, fate: &Fate, now: Timestamp) -> Result<()> {
    let id = credit.id.to_string();
    if let Fate::Settled { .. } = fate {
        let legs = vec![
            Leg { account: credit.from.clone(), amount: Micros::ZERO.checked_sub(credit.amount)? },
            Leg { account: credit.to.clone(), amount: credit.amount },
        ];
        let (kind, memo) = (TransferKind::CryptoDeposit, credit.memo.clone());
        let movement = Transfer { id: format!("deposit:{id}"), kind, legs, listing: None, memo };
        match transfer_in(tx, &movement, now).await? {
            Outcome::Created => {
                if let Some(channel) = &credit.channel {
                    fill_in(tx, credit, channel, now).await?;
                }
            }
            Outcome::Exists => {}
            other => return Err(Error::internal(format!("deposit {id} can't be credited: {other:?}"))),
        }
    }
    if let (Fate::Refused { .. }, Some(channel)) = (fate, &credit.channel) {
        // Somebody else may have sent it, and then it is in the channel all the same.
        channel.look_again_in(tx, now).await?;
    }
    resolve_in(tx, &id, fate, now).await
}

/// Adds the deposit to its channel, whose money is on one account: that of who spends it.
async fn fill_in(tx: &mut Tx, credit: &Credit, channel: &NewChannel, now: Timestamp) -> Result<()> {
    let spender = channel.deposit_in(tx, credit.amount, begun_at(credit.id, now), now).await?;
    if spender == channel.party {
        return Ok(());
    }
    let to = NewChannel { party: spender, ..channel.clone() }.account();
    let legs = vec![
        Leg { account: credit.to.clone(), amount: Micros::ZERO.checked_sub(credit.amount)? },
        Leg { account: to, amount: credit.amount },
    ];
    let (id, kind, memo) = (format!("deposit:{}:spender", credit.id), TransferKind::CryptoDeposit, credit.memo.clone());
    match transfer_in(tx, &Transfer { id: id.clone(), kind, legs, listing: None, memo }, now).await? {
        Outcome::Created | Outcome::Exists => Ok(()),
        other => Err(Error::internal(format!("{id} can't be made: {other:?}"))),
    }
}

/// When a deposit was begun, as its id says.
fn begun_at(id: CallId, now: Timestamp) -> Timestamp {
    let Some((seconds, nanos)) = id.uuid().get_timestamp().map(|begun| begun.to_unix()) else { return now };
    let micros = i64::try_from(seconds).unwrap_or(0).saturating_mul(1_000_000);
    Timestamp::from_micros(micros.saturating_add(i64::from(nanos / 1_000)))
}

/// A deposit that came before. What goes into a channel is told to whoever has its voucher, which no chain shows.
fn known(spent: Spent, signed: &SignedPayment, amount: Micros, is_for_channel: bool) -> Deposited {
    let same = if is_for_channel { spent.is_same() } else { spent.is_of(signed) };
    match spent.transaction_if_settled() {
        Some(transaction) if same => Deposited::Credited { amount, receipt: signed.settled(&transaction), now: false },
        Some(_) => Deposited::Not { error: refused(&super::spent::used(signed)), receipt: None },
        None => Deposited::Not { error: under_way(), receipt: None },
    }
}

fn under_way() -> Error {
    let message = "This payment is under way; send it again in a moment, and do not sign another one";
    Error::new(Kind::Unavailable, Reason::SettlementPending.code(), message).with_retry_after(2)
}

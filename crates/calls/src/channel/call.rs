//! A call that a voucher pays for, phase by phase: the channel is taken, filled where a deposit came along, checked, and
//! then spent as any account is, with the voucher kept beside the charge.

use super::charge::Charge;
use super::row::NewChannel;
use super::seat::Seated;
use super::{Channel, Kept, busy, id_text, receipt_extra};
use crate::admit::{Admitted, StartInput, replayed};
use crate::held_back::{Reading, held_back};
use crate::http_call::http_input;
use crate::idempotency::{self, Claim, Claimed, SavedReply};
use crate::payment::{Deposit, Deposited, refused};
use crate::ticket::Ticket;
use crate::unattended::to_its_end;
use crate::{Answer, Calls, HttpCall, Payer, SignedPayment};
use alloy_primitives::U256;
use farebox_base::{Error, Kind, Micros, PartyId, Result};
use farebox_net::Body;
use farebox_upstream::UpstreamError;
use farebox_x402::evm::Signature;
use farebox_x402::payment::Payment;
use farebox_x402::verify::check_voucher_continues;
use farebox_x402::wire::SettlementResponse;
use farebox_x402::{Reason, Refusal};
use http::{Method, Response};

/// What a call by voucher carries along.
struct Spending {
    seated: Seated,
    channel: Channel,
    kept: Kept,
    signed: Box<SignedPayment>,
    /// The transaction of the deposit that came with the voucher.
    deposited: Option<String>,
}

impl Calls {
    pub(crate) async fn call_by_voucher(&self, call: HttpCall, signed: Box<SignedPayment>) -> Result<Answer> {
        if call.idempotency_key.is_none() && matches!(signed.payment, Payment::Voucher(_)) {
            // Its voucher is as good for the next call, where a client leaves before this one is served.
            return self.call_from_channel(call, signed).await;
        }
        // Money is on its way, or an answer is kept for who comes back: that goes on without the client.
        let calls = self.clone();
        to_its_end(async move { calls.call_from_channel(call, signed).await }).await
    }

    async fn call_from_channel(&self, mut call: HttpCall, signed: Box<SignedPayment>) -> Result<Answer> {
        let Some(voucher) = signed.voucher() else { return Err(Error::internal("a call without a voucher")) };
        let (id, max) = (voucher.voucher.channel, voucher.voucher.max_claimable);
        let Signature::Ecdsa(signature) = voucher.signature.clone() else {
            return Err(refused(&Refusal::new(Reason::VoucherSignature, "signature: expected that of a key")));
        };
        let claim = match call.idempotency_key.take() {
            Some(key) => Some(self.claim(&mut call, &key).await?),
            None => None,
        };
        if let Some(claim) = &claim
            && let Some(answer) = self.answered_before(claim).await?
        {
            return answer;
        }
        let Some(seated) = self.channels.take(id).await else { return Err(refused(&busy())) };
        let (channel, deposited) = self.ready(&seated, &signed, call.payer.party_id, max).await?;
        // Whose channel it is may have been settled since the request came.
        if call.payer.party_id != channel.party {
            call.payer = Payer { party_id: channel.party, key_id: None };
        }
        let (kept, is_keyed) = (Kept { signed: max, signature }, claim.is_some());
        let ticket = match self.open(self.input(&call, claim, &channel, &kept, &signed)?).await? {
            Admitted::Open(ticket) => *ticket,
            Admitted::Replay(answer) => return Ok(answer),
            Admitted::Spent(_) => return Err(Error::internal("a voucher was told that it is spent")),
        };
        let spending = Spending { seated, channel, kept, signed, deposited };
        self.forward_by_voucher(call, ticket, spending, is_keyed).await
    }

    /// The answer to an earlier request with the same key.
    pub(crate) async fn answered_before(&self, claim: &Claim) -> Result<Option<Result<Answer>>> {
        let Some(claimed) = idempotency::find(&self.parts.db, claim).await? else { return Ok(None) };
        Ok(Some(match (idempotency::refusal(&claimed), claimed) {
            (Some(refusal), _) => Err(refusal),
            (None, Claimed::Answered { call_id, free_tier, latency_ms, reply }) => {
                let receipt = idempotency::replay_receipt(call_id, free_tier, latency_ms);
                Ok(Answer::new(Ok(replayed(reply)), receipt))
            }
            (None, _) => return Ok(None),
        }))
    }

    fn input<'a>(
        &self,
        call: &'a HttpCall,
        claim: Option<Claim>,
        channel: &Channel,
        kept: &Kept,
        signed: &SignedPayment,
    ) -> Result<StartInput<'a>> {
        let quoted = signed.offer.micros().map_err(|e| Error::internal(format!("an offer's amount {e}")))?;
        let charge = Charge {
            channel: id_text(channel.id),
            charged: channel.charged,
            signed: kept.signed.to_string(),
            signature: kept.signature.to_hex(),
        };
        Ok(StartInput { quoted, charge: Some((channel.account(), Box::new(charge))), ..http_input(call, claim) })
    }

    /// The channel with enough in it for the voucher, and the transaction of the deposit that came along.
    async fn ready(
        &self,
        seated: &Seated,
        signed: &SignedPayment,
        party: PartyId,
        max: u128,
    ) -> Result<(Channel, Option<String>)> {
        let Some(voucher) = signed.voucher() else { return Err(Error::internal("a channel without a voucher")) };
        let mut known = self.channel_now(seated, signed, party).await?;
        let deposit = match &signed.payment {
            Payment::Deposit { amount, .. } => Some(*amount),
            _ => None,
        };
        if known.is_some() && goes_on(known.as_ref(), signed, deposit, max)?.is_err() {
            // Another process may have gone on with the channel.
            seated.note(None);
            known = self.channel_now(seated, signed, party).await?;
        }
        goes_on(known.as_ref(), signed, deposit, max)?.map_err(|refusal| refused(&refusal))?;
        let deposited = match deposit {
            Some(_) => {
                let owner = match &known {
                    Some(channel) => channel.party,
                    None => self.filler(voucher.voucher.channel).await?.unwrap_or(party),
                };
                Some(self.fill(seated, signed, owner).await?)
            }
            None => None,
        };
        if deposited.is_some() {
            known = self.channel_now(seated, signed, party).await?;
            // A deposit that came before is in the balance already.
            goes_on(known.as_ref(), signed, None, max)?.map_err(|refusal| refused(&refusal))?;
        }
        match known {
            Some(channel) => Ok((channel, deposited)),
            None => {
                Err(refused(&Refusal::new(Reason::ChannelNotFound, "the channel has nothing in it; deposit first")))
            }
        }
    }

    /// Settles the deposit into the channel; what is in it stays the payer's until it is spent.
    async fn fill(&self, seated: &Seated, signed: &SignedPayment, party: PartyId) -> Result<String> {
        let Some(voucher) = signed.voucher() else { return Err(Error::internal("a deposit without a voucher")) };
        let id = voucher.voucher.channel;
        let account = farebox_ledger::AccountId::channel(party, &id_text(id));
        let network = signed.offer.network().caip2().to_string();
        let new = NewChannel { id, network, config: voucher.channel, party };
        let deposit = Deposit { signed, account, memo: "Into a payment channel".to_owned(), fingerprint: None };
        // Whatever comes of it, the channel is read again; of money that came in another way only its chain tells.
        seated.note(None);
        let deposited = self.deposit_into(deposit, Some(new), None).await?;
        match deposited {
            Deposited::Credited { receipt, .. } => Ok(receipt.transaction),
            Deposited::Not { error, .. } => Err(error),
        }
    }

    async fn forward_by_voucher(
        &self,
        call: HttpCall,
        mut ticket: Ticket,
        spending: Spending,
        is_keyed: bool,
    ) -> Result<Answer> {
        let target = self.target(&call.entry)?;
        let head = call.method == Method::HEAD;
        let response = match self.forwarded(&target, call).await {
            Ok(response) => response,
            Err(error) => return self.failed_by_voucher(ticket, &spending, &error).await,
        };
        ticket.answered(response.status().as_u16());
        if response.status().is_client_error() || response.status().is_server_error() {
            let receipt = ticket.receipt(Micros::ZERO);
            ticket.fail().await?;
            return Ok(Answer { payment: Some(Box::new(spending.untouched()?)), ..Answer::new(Ok(response), receipt) });
        }
        let reading = Reading { patience: self.patience(is_keyed), head, keep: is_keyed };
        let (response, saved) = match held_back(response, reading).await {
            Ok(read) => read,
            Err(error) => return self.failed_by_voucher(ticket, &spending, &error).await,
        };
        self.charged(ticket, spending, saved, response).await
    }

    async fn charged(
        &self,
        ticket: Ticket,
        spending: Spending,
        saved: Option<SavedReply>,
        response: Response<Body>,
    ) -> Result<Answer> {
        let amount = ticket.quoted();
        let receipt = ticket.receipt(amount);
        spending.seated.note(None);
        match ticket.serve(amount, saved).await {
            Ok(()) => {
                let payment = spending.spent(amount)?;
                Ok(Answer { reply: Ok(response), receipt, payment: Some(Box::new(payment)) })
            }
            // Another process has gone on with the channel meanwhile: nothing was charged, and nothing is answered.
            Err(error) if error.kind == Kind::PaymentRequired => Err(refused(&busy())),
            Err(error) => Err(error),
        }
    }

    async fn failed_by_voucher(&self, ticket: Ticket, spending: &Spending, error: &UpstreamError) -> Result<Answer> {
        let answer = self.failed(ticket, error).await?;
        Ok(Answer { payment: Some(Box::new(spending.untouched()?)), ..answer })
    }
}

impl Spending {
    /// The channel after its charge, remembered for the next request.
    fn spent(&self, amount: Micros) -> Result<SettlementResponse> {
        let charged = self.channel.charged.checked_add(amount)?;
        let channel = Channel { charged, last: Some(self.kept.clone()), ..self.channel.clone() };
        let receipt = self.receipt(&channel, amount)?;
        self.seated.note(Some(channel));
        Ok(receipt)
    }

    /// The voucher was not needed. A deposit that came with it was made all the same.
    fn untouched(&self) -> Result<SettlementResponse> {
        match &self.deposited {
            Some(_) => self.receipt(&self.channel, Micros::ZERO),
            None => Ok(self.signed.not_needed()),
        }
    }

    fn receipt(&self, channel: &Channel, amount: Micros) -> Result<SettlementResponse> {
        let extra = Some(receipt_extra(channel, amount)?);
        let transaction = self.deposited.as_deref().unwrap_or_default();
        Ok(SettlementResponse { extra, ..self.signed.settled(transaction) })
    }
}

/// Whether the voucher goes on where its channel stands, its deposit counted.
fn goes_on(
    channel: Option<&Channel>,
    signed: &SignedPayment,
    deposit: Option<U256>,
    max: u128,
) -> Result<std::result::Result<(), Refusal>> {
    let none = U256::ZERO;
    let nothing = farebox_x402::verify::ChannelState { balance: none, total_claimed: none, charged: none };
    let mut state = match channel {
        Some(channel) => channel.state()?,
        None if deposit.is_none() => {
            let message = "the channel has nothing in it; deposit first";
            return Ok(Err(Refusal::new(Reason::ChannelNotFound, message)));
        }
        None => nothing,
    };
    state.balance = state.balance.saturating_add(deposit.unwrap_or_default());
    Ok(check_voucher_continues(&state, max, signed.offer.amount))
}

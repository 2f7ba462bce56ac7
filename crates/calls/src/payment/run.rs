//! A call that a signed payment pays for: forwarded once the payment is reserved, settled once the seller has served.

use super::handover::Bringer;
use super::risk::AtRisk;
use super::row::earned_in;
use super::{Deposit, Deposited, Fate, Paid, SignedPayment, Spent, refused, settle_taken};
use crate::admit::{Admitted, StartInput};
use crate::held_back::{Reading, held_back};
use crate::http_call::http_input;
use crate::idempotency::{Claim, IdempotencyKey, KEY_REUSED, SavedReply};
use crate::metered::Metered;
use crate::ticket::Ticket;
use crate::{Answer, Calls, HttpCall};
use farebox_base::{CallId, Error, Kind, Micros, Result};
use farebox_db::{Isolation, tx};
use farebox_ledger::AccountId;
use farebox_net::Body;
use farebox_upstream::UpstreamError;
use farebox_x402::facilitator::Settlement;
use farebox_x402::offer::Flow;
use farebox_x402::payment::Payment;
use farebox_x402::wire::SettlementResponse;
use farebox_x402::{Reason, Refusal};
use http::{Method, Response};
use std::sync::Arc;

/// Seconds until a payment that is under way on its chain is worth asking for again.
const PENDING_RETRY_S: u64 = 2;

/// What was served now, and whether its reply is already this request's alone.
pub(super) struct ServedNow {
    pub answer: Answer,
    pub is_held: bool,
}

/// What became of a call's payment.
enum Served {
    Now(Box<ServedNow>),
    /// The call's key is known: its first answer.
    Again(Box<Answer>),
    /// An earlier request with the payment was served.
    Before(Box<Spent>),
}

impl Calls {
    pub(crate) async fn call_signed(&self, call: HttpCall, signed: Box<SignedPayment>) -> Result<Answer> {
        match (&signed.payment, signed.offer.flow) {
            (Payment::Voucher(_) | Payment::Deposit { .. }, _) => Box::pin(self.call_by_voucher(call, signed)).await,
            (Payment::Refund { .. }, _) => Box::pin(self.refund_channel(call.payer.party_id, &signed)).await,
            (_, Flow::Authorization) => self.call_and_settle(call, signed).await,
            (_, Flow::Upfront) => {
                // A client that leaves has still sent a payment, and what it was for is finished without it.
                let of_task = signed.clone();
                let work = async move |calls: Calls, bringer: Arc<Bringer>| {
                    calls.settle_and_call(call, &of_task, &bringer).await
                };
                match self.attended(work).await? {
                    (answer, None) => Ok(answer),
                    // What the payment alone stands for is told once: its chain shows the signature to everybody.
                    (answer, Some(request)) => self.deposits_reply_handed_over(answer, &signed, request).await,
                }
            }
        }
    }

    /// The payment becomes the buyer's money, of which the call is then paid like any other: where the seller fails, the
    /// buyer has it as a balance.
    /// The call has a key, its own or one that stands for the payment: whoever comes again with its own has the same answer.
    /// Answers also the fingerprint of a request that has no key of its own and is yet to have the reply.
    async fn settle_and_call(
        &self,
        mut call: HttpCall,
        signed: &SignedPayment,
        bringer: &Bringer,
    ) -> Result<(Answer, Option<[u8; 32]>)> {
        let (own, name) = (call.idempotency_key.take(), format!("payment:{}", signed.verified.nonce));
        let is_own = own.is_some();
        let key = own.map_or_else(|| IdempotencyKey::parse(&name), Ok)?;
        let claim = self.claim(&mut call, &key).await?;
        let fingerprint = bound(&claim);
        let unnamed = (!is_own).then_some(fingerprint);
        match self.answered_before(&claim).await? {
            Some(Err(error)) if !is_own && error.code == KEY_REUSED => {
                return Err(refused(&super::spent::used(signed)));
            }
            Some(answer) => {
                return Ok((self.with_deposits_receipt(answer?, signed, fingerprint).await?, unnamed));
            }
            None => {}
        }
        let deposit = Deposit {
            signed,
            account: AccountId::funded(call.payer.party_id),
            memo: format!("Payment for a call of {}", call.entry.listing.name),
            fingerprint: Some(fingerprint),
        };
        match self.deposit_into(deposit, None, unnamed.map(|_| bringer)).await? {
            Deposited::Credited { receipt, now: true, .. } => {
                let is_held = !is_own && bringer.holds(signed).await?;
                call.idempotency_key = Some(key);
                let answer = self.call_from_balance(Box::new(call)).await?;
                Ok((Answer { payment: Some(Box::new(receipt)), ..answer }, unnamed.filter(|_| !is_held)))
            }
            // What it brought may be spent, and a signature that everybody can read on its chain is no leave to spend the rest.
            Deposited::Credited { .. } => Err(refused(&super::spent::used(signed))),
            Deposited::Not { error, .. } => Err(error),
        }
    }

    async fn call_and_settle(&self, mut call: HttpCall, signed: Box<SignedPayment>) -> Result<Answer> {
        let body = self.read_whole(std::mem::replace(&mut call.body, farebox_net::empty())).await?;
        let key = call.idempotency_key.take();
        let (paid, claim) = reserved(&call, &signed, key.as_ref(), &body)?;
        call.body = farebox_net::full(body);
        // A client that leaves has still sent a payment, and what it was for is finished without it.
        let of_task = signed.clone();
        let work = async move |calls: Calls, bringer: Arc<Bringer>| {
            calls.open_and_forward_signed(call, paid, claim, &of_task, &bringer).await
        };
        let ServedNow { answer, is_held } = match self.attended(work).await? {
            Served::Now(now) => *now,
            Served::Again(answer) => return self.with_first_receipt(*answer, &signed).await,
            Served::Before(spent) => return self.handed_over(spent.answer(&signed)?, &signed).await,
        };
        let is_taken = answer.payment.as_ref().is_some_and(|payment| payment.success);
        let is_served = is_taken || !answer.receipt.amount.is_zero();
        if answer.payment.is_some() && is_served && answer.reply.is_ok() && !is_held {
            return self.handed_over(answer, &signed).await;
        }
        Ok(answer)
    }

    async fn open_and_forward_signed(
        &self,
        call: HttpCall,
        paid: Paid,
        claim: Option<Claim>,
        signed: &SignedPayment,
        bringer: &Bringer,
    ) -> Result<Served> {
        let quoted = signed.offer.micros().map_err(|e| Error::internal(format!("an offer's amount {e}")))?;
        let input = StartInput { paid: Some(Box::new(paid)), quoted, ..http_input(&call, claim) };
        match self.open(input).await? {
            Admitted::Open(ticket) => {
                Ok(Served::Now(Box::new(self.forward_signed(call, *ticket, signed, bringer).await?)))
            }
            Admitted::Replay(answer) => Ok(Served::Again(Box::new(answer))),
            Admitted::Spent(spent) => Ok(Served::Before(spent)),
        }
    }

    async fn forward_signed(
        &self,
        call: HttpCall,
        mut ticket: Ticket,
        signed: &SignedPayment,
        bringer: &Bringer,
    ) -> Result<ServedNow> {
        let target = self.target(&call.entry)?;
        let metered = Metered::of(&call);
        let head = call.method == Method::HEAD;
        let response = match self.forwarded(&target, call).await {
            Ok(response) => response,
            Err(error) => return self.failed_signed(ticket, signed, &error).await,
        };
        ticket.answered(response.status().as_u16());
        if response.status().is_client_error() || response.status().is_server_error() {
            let receipt = ticket.receipt(Micros::ZERO);
            ticket.fail().await?;
            let answer = Answer { payment: Some(Box::new(signed.not_needed())), ..Answer::new(Ok(response), receipt) };
            return Ok(ServedNow { answer, is_held: false });
        }
        let used = metered.charge(&response, ticket.quoted());
        let cost = signed.cost(ticket.quoted(), used);
        self.served_signed(response, ticket, signed, cost, head, bringer).await
    }

    async fn failed_signed(&self, ticket: Ticket, signed: &SignedPayment, error: &UpstreamError) -> Result<ServedNow> {
        let answer = self.failed(ticket, error).await?;
        let answer = Answer { payment: Some(Box::new(signed.not_needed())), ..answer };
        Ok(ServedNow { answer, is_held: false })
    }

    /// Keeps the reply, settles, and answers.
    pub(super) async fn served_signed(
        &self,
        response: Response<Body>,
        ticket: Ticket,
        signed: &SignedPayment,
        cost: Micros,
        head: bool,
        bringer: &Bringer,
    ) -> Result<ServedNow> {
        let reading = Reading { patience: self.patience(true), head, keep: true };
        let (response, saved) = match held_back(response, reading).await {
            Ok(read) => read,
            Err(error) => return self.failed_signed(ticket, signed, &error).await,
        };
        let later = self.parts.payments.later.as_ref().filter(|_| signed.later && !cost.is_zero());
        if let Some(risk) = later.and_then(|later| later.take(cost)) {
            let (receipt, payment) = self.settle_later(ticket, signed, cost, saved, risk).await?;
            let answer = Answer { reply: Ok(response), receipt, payment: Some(Box::new(payment)) };
            return Ok(ServedNow { answer, is_held: false });
        }
        let ticket = self.earned(ticket, cost, saved.as_ref()).await?;
        let (settled, payment) = self.settled(ticket, signed, cost, saved, Some(bringer)).await?;
        let (reply, receipt, is_held) = match settled {
            Ok(receipt) => (Ok(response), receipt, bringer.holds(signed).await?),
            Err((error, receipt)) => (Err(error), receipt, false),
        };
        Ok(ServedNow { answer: Answer { reply, receipt, payment: Some(Box::new(payment)) }, is_held })
    }

    /// Answers now and settles afterwards; whatever becomes of this process, the payment is taken up.
    async fn settle_later(
        &self,
        ticket: Ticket,
        signed: &SignedPayment,
        cost: Micros,
        saved: Option<SavedReply>,
        risk: AtRisk,
    ) -> Result<(crate::Receipt, SettlementResponse)> {
        let charged = ticket.cost().unwrap_or(cost);
        let Some(id) = ticket.call_id() else { return Err(Error::internal("a ticket without a call")) };
        let ticket = self.earned(ticket, cost, saved.as_ref()).await?;
        let receipt = ticket.receipt(charged);
        let (calls, signed) = (self.clone(), signed.clone());
        let pending =
            signed.refused(&Refusal::new(Reason::SettlementPending, "the payment is settled after this answer"));
        tokio::spawn(async move {
            if let Err(error) = calls.settled(ticket, &signed, cost, saved, None).await {
                tracing::error!(internal = ?error.internal, "a payment that was served can't be closed yet; it will be taken up");
            }
            calls.keep_until_ended(vec![(id, risk)]);
        });
        Ok((receipt, pending))
    }

    /// From here on the payment is settled, whatever happens to this process.
    async fn earned(&self, mut ticket: Ticket, cost: Micros, saved: Option<&SavedReply>) -> Result<Ticket> {
        let Some(id) = ticket.call_id() else { return Err(Error::internal("a ticket without a call")) };
        self.earn(id, cost, ticket.cost(), saved).await?;
        ticket.leave_to_payment();
        Ok(ticket)
    }

    /// Settles the payment of a served call and closes the call as that ends.
    async fn settled(
        &self,
        mut ticket: Ticket,
        signed: &SignedPayment,
        cost: Micros,
        saved: Option<SavedReply>,
        bringer: Option<&Bringer>,
    ) -> Result<(Result<crate::Receipt, (Error, crate::Receipt)>, SettlementResponse)> {
        let Some(id) = ticket.call_id() else { return Err(Error::internal("a ticket without a call")) };
        let charged = ticket.cost().unwrap_or(cost);
        let settlement = settle_taken(&self.parts.payments.facilitators, signed.settle(id, cost)?).await;
        let payment = signed.receipt(&settlement, cost);
        match settlement {
            Settlement::Settled { transaction } => {
                let receipt = ticket.receipt(charged);
                ticket.payment_ended(Fate::Settled { transaction, holder: bringer.and_then(Bringer::holder) });
                let keyed = saved.filter(|_| ticket.is_keyed());
                ticket.serve(charged, keyed).await?;
                Ok((Ok(receipt), payment))
            }
            Settlement::Pending { .. } => Ok((Err((pending(), ticket.receipt(Micros::ZERO))), payment)),
            Settlement::NotTaken(refusal) => {
                let receipt = ticket.receipt(Micros::ZERO);
                ticket.payment_ended(Fate::Refused { reason: refusal.reason.code() });
                ticket.fail().await?;
                Ok((Err((refused(&refusal), receipt)), payment))
            }
        }
    }

    async fn earn(&self, id: CallId, cost: Micros, charged: Option<Micros>, saved: Option<&SavedReply>) -> Result<()> {
        let earned = tx!(self.parts.db, Isolation::ReadCommitted, tx => {
            if let Some(charged) = charged {
                super::change::note_in(tx, id, charged).await?;
            }
            earned_in(tx, id, cost, saved, self.parts.clock.now()).await
        })?;
        if earned {
            Ok(())
        } else {
            Err(Error::unavailable("The call took longer than a call may take and was not charged"))
        }
    }
}

/// What is reserved for the request.
fn reserved(
    call: &HttpCall,
    signed: &SignedPayment,
    key: Option<&IdempotencyKey>,
    body: &[u8],
) -> Result<(Paid, Option<Claim>)> {
    let claim = |key| call.claim(key, body);
    let of_all = IdempotencyKey::parse("payment")?;
    Ok((Paid::new(signed, bound(&claim(&of_all)))?, key.map(claim)))
}

/// The fingerprint of a request, whatever its key.
fn bound(claim: &Claim) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    hash.update(claim.scope.as_bytes());
    hash.update(&claim.digest);
    *hash.finalize().as_bytes()
}

fn pending() -> Error {
    let message = "The payment was sent to its chain and is not final yet. Send the same request with the same payment \
                   again in a moment; do not sign another one.";
    Error::new(Kind::Unavailable, Reason::SettlementPending.code(), message).with_retry_after(PENDING_RETRY_S)
}

//! A query that a signed payment pays for: reserved before it runs, settled once its rows are there and cost no more than
//! was signed.
//!
//! The payer signs at least what the query is expected to cost and at most what the most rows cost. It is taken whole, and
//! what the rows leave of it is the payer's balance at the seller. Rows that cost more are not handed over, and the payment
//! is given back; so it is where there are no rows to pay for.

use super::costs;
use super::handover::Bringer;
use super::run::ServedNow;
use super::{Deposit, Deposited, Paid, Receiver, SignedPayment, Spent, refused, spent};
use crate::admit::{Admitted, StartInput};
use crate::sql_call::{failed, sql_input};
use crate::ticket::Ticket;
use crate::{Answer, Calls, SqlAnswer, SqlCall};
use farebox_base::{Error, Micros, PaymentNeed, Result};
use farebox_ledger::AccountId;
use farebox_market::{ListingEntry, quote_rows};
use farebox_upstream::sql::{QueryResult, SqlQuery};
use farebox_x402::offer::Flow;
use farebox_x402::{Reason, Refusal};
use http::Response;
use http_body_util::BodyExt as _;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;
use std::time::Duration;

/// A result as it is kept until its request has come for it.
#[derive(Deserialize, Serialize)]
struct Kept {
    rows: Vec<Map<String, Value>>,
    row_count: u64,
    truncated: bool,
    took_us: u64,
    /// Micros.
    charged: i64,
}

/// A query that was run: what is answered, and the rows where they are at hand.
struct Run {
    answer: Answer,
    result: Option<QueryResult>,
    took: Duration,
    /// Whether the rows are already this request's alone.
    is_held: bool,
}

/// What became of a query's payment.
enum Served {
    Now(Box<Run>),
    /// An earlier request with it was served.
    Before(Box<Spent>),
}

impl Calls {
    /// What has to be signed for a query at least: what it is expected to cost, or what its rows cost a moment ago, and
    /// the price of one row in any case. Zero: it costs nothing.
    ///
    /// # Errors
    /// Those of the query: refused, malformed, unreachable.
    pub async fn sql_to_sign(&self, entry: &ListingEntry, sql: &str, params: &[Value]) -> Result<Micros> {
        let expected = self.estimate_sql(entry, sql, params).await?.cost;
        let seen = self.costs.find(&costs::key(entry, sql, params)).unwrap_or(Micros::ZERO);
        Ok(expected.max(seen).max(quote_rows(&entry.listing, 1)).min(self.sql_cost_max(entry)))
    }

    /// What the most rows cost that a query may return.
    pub fn sql_cost_max(&self, entry: &ListingEntry) -> Micros {
        quote_rows(&entry.listing, self.parts.settings.sql_limits.max_rows)
    }

    pub(crate) async fn query_signed(&self, call: SqlCall, signed: Box<SignedPayment>) -> Result<SqlAnswer> {
        let amount = signed.offer.micros().map_err(|e| Error::internal(format!("an offer's amount {e}")))?;
        if !self.payment_is_known(&signed.verified.nonce).await? {
            let expected = self.sql_to_sign(&call.entry, &call.sql, &call.params).await?;
            if expected > amount {
                return Err(too_little(expected, amount));
            }
        }
        match signed.offer.flow {
            Flow::Authorization => self.query_and_settle(call, signed, amount).await,
            Flow::Upfront => Box::pin(self.settle_and_query(call, &signed)).await,
        }
    }

    /// The payment becomes the buyer's money, of which the query is then paid like any other.
    async fn settle_and_query(&self, call: SqlCall, signed: &SignedPayment) -> Result<SqlAnswer> {
        let account = AccountId::funded(call.payer.party_id);
        let memo = format!("Payment for a query of {}", call.entry.listing.name);
        match self.deposit(Deposit { signed, account, memo, fingerprint: None }).await? {
            Deposited::Credited { receipt, now: true, .. } => {
                let answer = self.call_sql(call).await?;
                Ok(SqlAnswer { payment: Some(Box::new(receipt)), ..answer })
            }
            Deposited::Credited { .. } => Err(refused(&spent::used(signed))),
            Deposited::Not { error, .. } => Err(error),
        }
    }

    async fn query_and_settle(&self, call: SqlCall, signed: Box<SignedPayment>, amount: Micros) -> Result<SqlAnswer> {
        let paid = Paid::new(&signed, fingerprint(&call))?;
        // A client that leaves has still sent a payment, and what it was for is finished without it.
        let of_task = signed.clone();
        let work = async move |calls: Calls, bringer: Arc<Bringer>| {
            calls.open_and_run(call, paid, amount, &of_task, &bringer).await
        };
        let Run { answer, result, took, is_held } = match self.attended(work).await? {
            Served::Now(run) => *run,
            Served::Before(spent) => {
                let answer = self.handed_over(spent.answer(&signed)?, &signed).await?;
                return read(answer).await;
            }
        };
        let is_paid = answer.payment.is_some() && answer.reply.is_ok();
        let answer = if is_paid && !is_held { self.handed_over(answer, &signed).await? } else { answer };
        let reply = match (answer.reply, result) {
            (Ok(_), Some(result)) => Ok(result),
            (Ok(_), None) => Err(Error::internal("a query was answered without its rows")),
            (Err(error), _) => Err(error),
        };
        Ok(SqlAnswer { reply, receipt: answer.receipt, took, payment: answer.payment })
    }

    async fn open_and_run(
        &self,
        call: SqlCall,
        paid: Paid,
        amount: Micros,
        signed: &SignedPayment,
        bringer: &Bringer,
    ) -> Result<Served> {
        let input = StartInput { paid: Some(Box::new(paid)), ..sql_input(&call, amount) };
        match self.open(input).await? {
            Admitted::Open(ticket) => Ok(Served::Now(Box::new(self.run_signed(call, *ticket, signed, bringer).await?))),
            Admitted::Replay(_) => Err(Error::internal("a query without a key was replayed")),
            Admitted::Spent(spent) => Ok(Served::Before(spent)),
        }
    }

    async fn run_signed(
        &self,
        call: SqlCall,
        mut ticket: Ticket,
        signed: &SignedPayment,
        bringer: &Bringer,
    ) -> Result<Run> {
        let before = self.parts.clock.ticks();
        let result = self.rows(&call).await;
        let took = self.parts.clock.ticks().since(before);
        let amount = ticket.quoted();
        let result = match result {
            Ok(result) => result,
            Err(error) => return given_back(ticket, signed, error, took).await,
        };
        let cost = quote_rows(&call.entry.listing, result.row_count);
        if cost > amount {
            self.costs.note(costs::key(&call.entry, &call.sql, &call.params), cost);
            return given_back(ticket, signed, too_little(cost, amount), took).await;
        }
        ticket.answered(200);
        if cost.is_zero() {
            let receipt = ticket.receipt(cost);
            ticket.serve(cost, None).await?;
            let answer = Answer::new(Ok(Response::new(farebox_net::empty())), receipt);
            return Ok(Run { answer, result: Some(result), took, is_held: false });
        }
        if signed.receiver == Receiver::Gateway {
            ticket.costs(cost);
        }
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let QueryResult { rows, row_count, truncated } = result;
        let kept = Kept { rows, row_count, truncated, took_us, charged: ticket.due().get() };
        let text = serde_json::to_vec(&kept).map_err(|e| Error::internal(e.to_string()))?;
        let response = Response::new(farebox_net::full(text));
        let ServedNow { answer, is_held } =
            self.served_signed(response, ticket, signed, amount, false, bringer).await?;
        let result = QueryResult { rows: kept.rows, row_count, truncated };
        Ok(Run { answer, result: Some(result), took, is_held })
    }

    async fn rows(&self, call: &SqlCall) -> Result<QueryResult> {
        let query = SqlQuery { sql: &call.sql, params: &call.params, allow_writes: false };
        self.connector(&call.entry)?.query(query).await.map_err(|error| error.to_error())
    }
}

async fn given_back(ticket: Ticket, signed: &SignedPayment, error: Error, took: Duration) -> Result<Run> {
    let SqlAnswer { reply, receipt, .. } = failed(ticket, error, took).await?;
    let reply = reply.map(|_| Response::new(farebox_net::empty()));
    let payment = Some(Box::new(signed.not_needed()));
    Ok(Run { answer: Answer { reply, receipt, payment }, result: None, took, is_held: false })
}

/// The rows that an earlier request with the payment has paid for.
async fn read(answer: Answer) -> Result<SqlAnswer> {
    let unreadable = |why: String| Error::internal(format!("a result that was kept: {why}"));
    let body = answer.reply?.into_body().collect().await.map_err(|e| unreadable(e.to_string()))?.to_bytes();
    let kept: Kept = serde_json::from_slice(&body).map_err(|e| unreadable(e.to_string()))?;
    // Who had no answer has had no bill either.
    let receipt = crate::Receipt { amount: Micros::new(kept.charged), ..answer.receipt };
    let result = QueryResult { rows: kept.rows, row_count: kept.row_count, truncated: kept.truncated };
    Ok(SqlAnswer { reply: Ok(result), receipt, took: Duration::from_micros(kept.took_us), payment: answer.payment })
}

fn too_little(needed: Micros, signed: Micros) -> Error {
    let message = format!(
        "amount: the rows cost {needed} USDC and {signed} USDC was signed for; nothing was taken, sign for {needed} USDC"
    );
    let need = PaymentNeed { required: needed, available: signed };
    Error { payment: Some(need), ..refused(&Refusal::new(Reason::InvalidRequirements, message)) }
}

/// Of buyer, listing, statement and parameters.
fn fingerprint(call: &SqlCall) -> [u8; 32] {
    let mut hash = blake3::Hasher::new();
    hash.update(call.payer.party_id.to_string().as_bytes());
    hash.update(&costs::key(&call.entry, &call.sql, &call.params));
    *hash.finalize().as_bytes()
}

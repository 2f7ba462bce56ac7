//! Queries, paid by the row: from a balance, or by a signed payment that came with the query.

use super::Cx;
use super::bill::Bill;
use super::wallets::{check_address, queried, spender};
use crate::Core;
use crate::doors::calling::{can_sign, no_idempotency_key, request_id};
use crate::doors::querying::{Query, Signed};
use crate::doors::wallet_proof::{self as proof, REQUIRED, proven};
use crate::payments::show_proven;
use farebox_api_kit::{Body, Headers, Json, Ok200, OrReply, Output as _, operations};
use farebox_api_types::sql_gateway::{PaymentSettlement, SqlQueryRequest, SqlQueryResponse};
use farebox_base::{Error, Micros, Permission, Result};
use farebox_calls::{Payer, SignedPayment, SqlAnswer, SqlCall, SqlEstimate};
use farebox_x402::evm::address::parse;
use farebox_x402::wire::SettlementResponse;
use http::{HeaderMap, HeaderName, HeaderValue, Response};
use uuid::Uuid;

operations! {
    core Core, door SqlGateway, tag "Agents";
    POST "/api/query" execute_query(Optional) errors(401, 402, 403, 404, 409, 412, 502, 503, 504) rate(Query)
        "Run a query and pay for the rows that it returns, from a balance or by a signed x402 payment";
}

const PATH: &str = "/api/query";
const CALL_ID: HeaderName = HeaderName::from_static("x-farebox-call-id");

async fn execute_query(
    cx: Cx,
    headers: Headers,
    body: Json<SqlQueryRequest>,
) -> Result<OrReply<Ok200<SqlQueryResponse>>> {
    let SqlQueryRequest { sql, agent_wallet, provider_id } = body.0;
    no_idempotency_key(&headers.0)?;
    check_address(&agent_wallet)?;
    if sql.trim().is_empty() {
        return Err(Error::invalid("sql", "must not be empty"));
    }
    let entry = queried(&cx, &provider_id.to_string()).await?;
    let query = Query { entry, sql, params: Vec::new(), path: PATH.to_owned() };
    let request = Request { query, wallet: agent_wallet, headers: headers.0 };
    let response = match request.paid_and_run(&cx).await {
        Ok(response) => response,
        Err(error) => request.refused(&cx, error).await?,
    };
    Ok(OrReply::Built(response))
}

struct Request {
    query: Query,
    wallet: String,
    headers: HeaderMap,
}

/// Who pays for a query.
struct Paying {
    payer: Payer,
    payment: Option<Box<SignedPayment>>,
    estimate: Option<SqlEstimate>,
    /// What is held for it, or was signed.
    most: Micros,
}

impl Request {
    async fn paid_and_run(&self, cx: &Cx) -> Result<Response<Body>> {
        let Paying { payer, payment, estimate, most } = match self.query.signed(cx, &self.headers).await? {
            Some(signed) => self.by_signature(cx, signed?)?,
            None => self.by_balance(cx).await?,
        };
        let call = SqlCall {
            payer,
            entry: self.query.entry.clone(),
            door: cx.door.name(),
            sql: self.query.sql.clone(),
            params: Vec::new(),
            estimate,
            payment,
            request_id: request_id(&cx.request_id),
            received: cx.received,
        };
        let answer = cx.core.calls.call_sql(call).await?;
        let SqlAnswer { reply, receipt, took, payment } = answer;
        let payment = payment.map(|payment| *payment);
        let mut response = match reply {
            Ok(result) => {
                let reply = SqlQueryResponse {
                    row_count: i64::try_from(result.row_count).unwrap_or(i64::MAX),
                    rows: result.rows.into_iter().map(serde_json::Value::Object).collect(),
                    estimated_cost: most.into(),
                    actual_cost: receipt.amount.into(),
                    execution_time: SqlQueryResponse::execution_time_text(took),
                    payment_request_id: payment.as_ref().map(|_| self.bill_id()),
                    settlement: payment.as_ref().and_then(settlement),
                };
                Ok200(reply).write()?
            }
            Err(error) if payment.is_none() => return Err(error),
            Err(error) if can_sign(&error) => self.refused(cx, error).await?,
            Err(error) => cx.error_response(&error),
        };
        if let Ok(id) = HeaderValue::try_from(receipt.call_id.to_string()) {
            response.headers_mut().insert(CALL_ID, id);
        }
        if let Some(payment) = payment {
            show_proven(cx, payment, &self.query.url(cx), &mut response);
        }
        Ok(response)
    }

    /// # Errors
    /// `Invalid` where another wallet has signed than the request names; `Forbidden` for a key that may make no calls.
    fn by_signature(&self, cx: &Cx, Signed { payer, payment }: Signed) -> Result<Paying> {
        match &cx.caller {
            Some(caller) => caller.require(Permission::CallsMake)?,
            None if parse(&self.wallet) != Some(payment.verified.payer) => {
                return Err(Error::invalid("agentWallet", "must be the wallet that has signed the payment"));
            }
            None => {}
        }
        let most = payment.offer.micros().map_err(|e| Error::internal(format!("an offer's amount {e}")))?;
        Ok(Paying { payer, payment: Some(payment), estimate: None, most })
    }

    async fn by_balance(&self, cx: &Cx) -> Result<Paying> {
        let entry = &self.query.entry;
        let least = farebox_market::quote_rows(&entry.listing, 1);
        let payer = match proven(cx, &self.headers, &self.wallet).await? {
            Some(payer) => payer,
            None => spender(cx, &self.wallet, entry, least).await?,
        };
        let estimate = cx.core.calls.estimate_sql(entry, &self.query.sql, &[]).await?;
        Ok(Paying { payer, payment: None, estimate: Some(estimate), most: estimate.cost })
    }

    /// The error as the door shows it, with what to sign where that would help: a proof of the wallet, or a payment.
    async fn refused(&self, cx: &Cx, error: Error) -> Result<Response<Body>> {
        let is_unproven = error.code == REQUIRED && !self.headers.contains_key(proof::HEADER);
        let asked = if can_sign(&error) || is_unproven {
            self.query.asked(cx, error.payment.map_or(Micros::ZERO, |need| need.required)).await?
        } else {
            None
        };
        match &asked {
            Some(asked) => {
                let proof_helps = proof::helps(cx, &error);
                Bill { asked, id: self.bill_id(), path: PATH, proof_helps }.response(cx, error).await
            }
            None => proof::refused(cx, PATH, error).await,
        }
    }

    /// Names what is to be paid: the same for the same wallet, provider and statement.
    fn bill_id(&self) -> Uuid {
        let text = format!("query {} {}", self.wallet.to_ascii_lowercase(), self.query.sql);
        Uuid::new_v5(&self.query.entry.listing.id.uuid(), text.as_bytes())
    }
}

/// `None` for what was not taken.
fn settlement(payment: &SettlementResponse) -> Option<PaymentSettlement> {
    payment.success.then(|| PaymentSettlement {
        payer: payment.payer.clone().unwrap_or_default(),
        transaction: payment.transaction.clone(),
        network: payment.network.clone(),
    })
}

//! The paid query of a database listing: hold what its rows may cost, run it, charge the rows that came.
//!
//! A buyer who can pay for the most rows that a query may give has that much held. One who can't has everything
//! held, provided it covers the estimate; rows beyond it are not handed over, and then nothing is charged.

use crate::admit::{Admitted, StartInput};
use crate::ticket::Ticket;
use crate::{Calls, Payer, Receipt, SignedPayment};
use farebox_base::{Error, Kind, Micros, PaymentNeed, Result, Ticks};
use farebox_market::{ListingEntry, ListingKind, quote_rows};
use farebox_upstream::sql::{QueryResult, SqlConnector, SqlQuery, SqlTarget};
use farebox_x402::wire::SettlementResponse;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

/// A query of a database listing, as a door hands it over.
pub struct SqlCall {
    pub payer: Payer,
    pub entry: Arc<ListingEntry>,
    /// `platform`, `marketplace` or `sql-gateway`.
    pub door: &'static str,
    pub sql: String,
    pub params: Vec<Value>,
    /// Where the door has asked for it already.
    pub estimate: Option<SqlEstimate>,
    /// Pays for the query; without one the payer's balance does.
    pub payment: Option<Box<SignedPayment>>,
    pub request_id: String,
    pub received: Ticks,
}

/// What a query is expected to return and cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SqlEstimate {
    pub rows: u64,
    pub cost: Micros,
}

/// A query that was run: its rows, or why there are none. A failure costs nothing.
pub struct SqlAnswer {
    pub reply: Result<QueryResult, Error>,
    pub receipt: Receipt,
    /// How long the database took.
    pub took: Duration,
    /// What became of the payment that came with the query, where one did and there is something to say of it.
    pub payment: Option<Box<SettlementResponse>>,
}

/// How a call's row names a query; its text may hold the buyer's data.
const METHOD: &str = "QUERY";

impl Calls {
    /// What a query would cost, without running it.
    ///
    /// # Errors
    /// Those of the query: refused, malformed, unreachable.
    pub async fn estimate_sql(&self, entry: &ListingEntry, sql: &str, params: &[Value]) -> Result<SqlEstimate> {
        let connector = self.connector(entry)?;
        let query = SqlQuery { sql, params, allow_writes: false };
        let rows = connector.estimate(query).await.map_err(|error| error.to_error())?;
        Ok(SqlEstimate { rows, cost: quote_rows(&entry.listing, rows) })
    }

    /// Queries a database listing and pays for the rows.
    ///
    /// # Errors
    /// What is refused before the query runs; a query that ran answers `Ok`, also where the database failed.
    pub async fn call_sql(&self, mut call: SqlCall) -> Result<SqlAnswer> {
        if let Some(signed) = call.payment.take() {
            return self.query_signed(call, signed).await;
        }
        let connector = self.connector(&call.entry)?;
        let ticket = self.open_sql(&call).await?;
        let before = self.parts.clock.ticks();
        let query = SqlQuery { sql: &call.sql, params: &call.params, allow_writes: false };
        let result = connector.query(query).await;
        let took = self.parts.clock.ticks().since(before);
        match result {
            Ok(result) => charged(ticket, &call, result, took).await,
            Err(error) => failed(ticket, error.to_error(), took).await,
        }
    }

    /// Holds the most that the query can cost, or all that there is where that covers the estimate.
    async fn open_sql(&self, call: &SqlCall) -> Result<Ticket> {
        let most = self.sql_cost_max(&call.entry);
        let available = match self.open_held(call, most).await {
            Err(Error { payment: Some(need), .. }) => need.available,
            other => return other,
        };
        let estimate = match call.estimate {
            Some(estimate) => estimate,
            None => self.estimate_sql(&call.entry, &call.sql, &call.params).await?,
        };
        if available < estimate.cost || available.is_zero() {
            return Err(Error::insufficient_balance(PaymentNeed { required: estimate.cost, available }));
        }
        self.open_held(call, available).await
    }

    async fn open_held(&self, call: &SqlCall, quoted: Micros) -> Result<Ticket> {
        match self.open(sql_input(call, quoted)).await? {
            Admitted::Open(ticket) => Ok(*ticket),
            Admitted::Replay(_) | Admitted::Spent(_) => Err(Error::internal("a query without a key was replayed")),
        }
    }

    pub(crate) fn connector(&self, entry: &ListingEntry) -> Result<Arc<SqlConnector>> {
        let text = entry.secret()?.connection_string.clone().unwrap_or_default();
        let target = match (entry.listing.kind, &self.parts.settings.sqlite_folder) {
            (ListingKind::Postgres, _) => SqlTarget::Postgres(text),
            (ListingKind::Sqlite, Some(folder)) => SqlTarget::Sqlite(folder.join(text.trim_start_matches("sqlite:"))),
            (ListingKind::Sqlite, None) => {
                return Err(Error::unavailable("This server has no folder of SQLite files"));
            }
            (ListingKind::Http, _) => return Err(Error::not_found("Database")),
        };
        self.connectors.get(&target).map_err(|error| error.to_error())
    }
}

/// The call's row.
pub(crate) fn sql_input(call: &SqlCall, quoted: Micros) -> StartInput<'_> {
    StartInput {
        payer: call.payer,
        entry: &call.entry,
        door: call.door,
        method: METHOD,
        path: "",
        quoted,
        request_id: &call.request_id,
        claim: None,
        paid: None,
        charge: None,
        received: call.received,
        fixed_cost: false,
    }
}

async fn charged(mut ticket: Ticket, call: &SqlCall, result: QueryResult, took: Duration) -> Result<SqlAnswer> {
    let cost = quote_rows(&call.entry.listing, result.row_count);
    let (held, amount) = (ticket.held(), if ticket.is_free_tier() { Micros::ZERO } else { cost });
    if amount > held {
        let need = PaymentNeed { required: amount, available: held };
        return failed(ticket, Error::insufficient_balance(need), took).await;
    }
    ticket.answered(200);
    let receipt = ticket.receipt(amount);
    ticket.serve(amount, None).await?;
    Ok(SqlAnswer { reply: Ok(result), receipt, took, payment: None })
}

pub(crate) async fn failed(mut ticket: Ticket, error: Error, took: Duration) -> Result<SqlAnswer> {
    ticket.answered(error.kind.status());
    let receipt = ticket.receipt(Micros::ZERO);
    ticket.fail().await?;
    if error.kind == Kind::Internal {
        return Err(error);
    }
    Ok(SqlAnswer { reply: Err(error), receipt, took, payment: None })
}

//! What the caller has used.

use super::Cx;
use crate::Core;
use farebox_api_kit::{Ok200, operations};
use farebox_api_types::marketplace::BuyerUsage;
use farebox_base::Result;

operations! {
    core Core, door Marketplace, tag "Payment Proxy";
    GET "/api/v1/usage/me" get_my_usage(Needs(UsageRead)) "Show the caller's calls, spending and average latency";
}

async fn get_my_usage(cx: Cx) -> Result<Ok200<BuyerUsage>> {
    let caller = cx.caller()?;
    let totals = farebox_calls::usage_totals(&cx.core.db, caller.party_id).await?;
    Ok(Ok200(BuyerUsage {
        buyer_id: caller.owner_id.clone(),
        total_calls: totals.calls,
        total_spent_usd: totals.spent.into(),
        avg_latency_ms: average(totals.latency_ms_sum, totals.calls),
    }))
}

/// The average with one digit after the point; zero of nothing.
fn average(sum: i64, count: i64) -> f64 {
    let tenths = if count == 0 { 0 } else { (sum * 10 + count / 2) / count };
    i32::try_from(tenths).map_or(f64::MAX, |tenths| f64::from(tenths) / 10.0)
}

//! The auditor's last word: what the store may say of each request when all is over, and to the micro what everybody has.

use crate::sim::auditor::{Auditor, Request, Saw};
use crate::sim::plan::{Leaves, Seller};
use crate::sim::stage::{BEGINNINGS, Stage, bazaar};
use farebox_base::{Micros, PartyId};
use farebox_db::{Db, sql};
use farebox_ledger::AccountId;
use farebox_ledger::balance::balance_get;
use std::collections::BTreeMap;

/// A call as the store has it.
#[derive(Clone, Debug)]
pub struct Stored {
    pub id: String,
    pub state: String,
    pub charged: i64,
    pub free_tier: bool,
}

impl Stored {
    fn is_served(&self) -> bool {
        self.state == "charged" || self.state == "free"
    }
}

/// What the seed did to calls beside asking for them.
pub struct Circumstances {
    /// How often the process died.
    pub lives: u64,
    /// Clocks were moved so far that holds may have expired.
    pub holds_expired: bool,
    pub is_relaxed: bool,
}

/// # Errors
/// The first request that ended as it may not.
pub async fn judge(db: &Db, stage: &Stage, auditor: &Auditor, around: &Circumstances) -> Result<Vec<String>, String> {
    let mut rows: BTreeMap<usize, Stored> = BTreeMap::new();
    let calls = sql!("SELECT request_id, id, state, charged, free_tier FROM call ORDER BY request_id");
    for row in db.query(calls, &[]).await.map_err(|e| e.to_string())? {
        let n: String = row.get(0).map_err(|e| e.to_string())?;
        let stored = || {
            Ok::<_, farebox_db::DbError>(Stored {
                id: row.get(1)?,
                state: row.get(2)?,
                charged: row.get(3)?,
                free_tier: row.get(4)?,
            })
        };
        let before = rows.insert(n.parse().unwrap_or(usize::MAX), stored().map_err(|e| e.to_string())?);
        if before.is_some() {
            return Err(format!("request {n} became two calls"));
        }
    }
    for request in &auditor.requests {
        let row = rows.get(&request.plan.n);
        let told = |problem| format!("{problem}\n  {:?} saw {:?} and is {row:?}", request.plan, request.saw);
        one(auditor, request, row, around).map_err(told)?;
        keys(auditor, request, &rows).map_err(told)?;
        if row.is_some_and(|row| row.state == "charged") {
            let free = stage.listings[request.plan.listing].listing.free_tier_calls;
            if auditor.rivals_for_slots(request) < usize::try_from(free).unwrap_or(0) {
                return Err(told("it was charged, though there were free calls left".to_owned()));
            }
        }
    }
    balances(db, stage, auditor, &rows).await?;
    Ok(rows.iter().map(|(n, row)| format!("{n} is {row:?}")).collect())
}

fn one(auditor: &Auditor, request: &Request, row: Option<&Stored>, around: &Circumstances) -> Result<(), String> {
    let may_be_lost = auditor.is_faulty || request.life < around.lives;
    let Some(row) = row else {
        return match &request.saw {
            Some(Saw::Refused { .. } | Saw::Left | Saw::Whole { replayed: true, .. }) => Ok(()),
            Some(Saw::LeftWithin { replayed: true, .. }) => Ok(()),
            // What nobody waited to be written, or could not be secured.
            Some(Saw::Failed { code: "insufficient_balance" | "internal", .. } | Saw::Broken { .. }) if may_be_lost => {
                Ok(())
            }
            Some(Saw::LeftWithin { .. }) if may_be_lost => Ok(()),
            Some(_) if around.is_relaxed && may_be_lost => Ok(()),
            None => Ok(()),
            Some(_) => Err("there is no such call".to_owned()),
        };
    };
    let cost = if row.state == "charged" { request.price } else { 0 };
    if row.charged != cost || (row.free_tier && row.charged != 0) {
        return Err(format!("it should have cost {cost}"));
    }
    let may = match row.state.as_str() {
        "charged" | "free" => may_be_served(auditor, request, row),
        "failed" => may_be_failed(auditor, request, around),
        "canceled" => {
            matches!(request.plan.leaves, Leaves::After { .. }) && matches!(request.saw, Some(Saw::Left) | None)
        }
        "expired" => {
            let is_late = matches!(request.plan.seller, Seller::Whole { after_ms, .. } if after_ms > 60_000);
            (may_be_lost || around.holds_expired || is_late)
                && (!matches!(request.saw, Some(Saw::Whole { replayed: false, status, .. }) if status < 500))
        }
        _ => false,
    };
    if may {
        Ok(())
    } else {
        Err(format!(
            "a call may not be {} after {}",
            row.state,
            request.saw.as_ref().map_or_else(String::new, Saw::name)
        ))
    }
}

fn may_be_served(auditor: &Auditor, request: &Request, row: &Stored) -> bool {
    let is_free = row.free_tier || request.price == 0;
    if !request.answered || is_free != (row.state == "free") {
        return false;
    }
    let is_good = request.plan.seller.is_good();
    // Who leaves a reply that would break later has used what came.
    // A reply that is too long to be kept for a buyer who is gone counts as used, too.
    let is_read = request.began || request.plan.key.is_some();
    let used = is_read && matches!(request.plan.seller, Seller::Frames { .. });
    match &request.saw {
        Some(Saw::Whole { status, replayed, call_id, free_tier, .. }) => {
            *status < 500 && !replayed && *call_id == row.id && *free_tier == row.free_tier
        }
        Some(Saw::LeftWithin { replayed, .. }) => !replayed && (is_good || used),
        Some(Saw::Left) | None => is_good || used,
        Some(Saw::Broken { .. }) => is_good && auditor.is_faulty,
        Some(Saw::Refused { code, .. }) => is_good && auditor.is_faulty && *code != "insufficient_balance",
        Some(Saw::Failed { .. }) => false,
    }
}

fn may_be_failed(auditor: &Auditor, request: &Request, around: &Circumstances) -> bool {
    let is_good = request.plan.seller.is_good();
    match &request.saw {
        Some(Saw::Failed { .. }) => true,
        Some(Saw::Whole { status, .. }) if *status >= 500 => true,
        Some(Saw::LeftWithin { .. }) if !is_good && matches!(request.plan.seller, Seller::Whole { .. }) => true,
        Some(Saw::Refused { code: "insufficient_balance", .. }) => request.forwarded,
        Some(Saw::Whole { .. } | Saw::LeftWithin { .. }) => around.is_relaxed && auditor.may_be_refused_late(request),
        // Only of a call that was too late, which is expired then.
        Some(Saw::Refused { code: "unavailable", .. }) if request.answered => !is_good,
        Some(Saw::Refused { .. }) => !is_good || auditor.is_faulty,
        Some(Saw::Broken { .. }) => !is_good,
        Some(Saw::Left) | None => !is_good || auditor.may_be_refused_late(request),
    }
}

/// A key stands for one served call at most, and a repeated answer names it.
fn keys(auditor: &Auditor, request: &Request, rows: &BTreeMap<usize, Stored>) -> Result<(), String> {
    let served = |n: usize| rows.get(&n).filter(|row| row.is_served());
    let others: Vec<&Stored> = auditor.namesakes(request).filter_map(|other| served(other.plan.n)).collect();
    if served(request.plan.n).is_some() && !others.is_empty() {
        return Err(format!("its key was served as {others:?} too"));
    }
    match &request.saw {
        Some(Saw::Whole { replayed: true, call_id, .. }) if others.iter().all(|other| other.id != *call_id) => {
            Err("it repeats the answer of another call".to_owned())
        }
        _ => Ok(()),
    }
}

async fn balances(db: &Db, stage: &Stage, auditor: &Auditor, rows: &BTreeMap<usize, Stored>) -> Result<(), String> {
    let mut earned: BTreeMap<PartyId, i64> = BTreeMap::new();
    let mut paid = vec![0; stage.buyers.len()];
    for request in &auditor.requests {
        let charged = rows.get(&request.plan.n).map_or(0, |row| row.charged);
        let fee = charged * stage.listings[request.plan.listing].listing.fee_basis_points / 10_000;
        *earned.entry(stage.seller(request.plan.listing)).or_default() += charged - fee;
        paid[request.plan.buyer] += charged;
    }
    for (buyer, beginning) in BEGINNINGS.iter().enumerate() {
        let mut has = 0;
        for kind in 0..3 {
            let balance = balance_get(db, &stage.account(buyer, kind)).await.map_err(|e| format!("{e:?}"))?;
            if !balance.held.is_zero() {
                return Err(format!("buyer {buyer} has {balance:?} when all is over"));
            }
            has += balance.posted.get();
        }
        let spent = auditor.spent_by(buyer);
        *earned.entry(bazaar()).or_default() += spent;
        let expected = beginning.iter().sum::<i64>() - spent - paid[buyer];
        if has != expected {
            return Err(format!("buyer {buyer} has {has}, and should have {expected}"));
        }
    }
    for (seller, expected) in earned {
        let found = balance_get(db, &AccountId::earnings(seller)).await.map_err(|e| format!("{e:?}"))?.posted;
        if found != Micros::new(expected) {
            return Err(format!("seller {seller} has earned {found}, and should have earned {expected} micros"));
        }
    }
    Ok(())
}

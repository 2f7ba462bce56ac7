//! A group of openings and closings, written set by set in one transaction.

use crate::channel::{Charge, charge_in};
use crate::close::{self, Closed, UNPAID};
use crate::open::{self, Found, Opened, Ready};
use crate::reserve::Reservations;
use crate::rows::{self, NewRow};
use crate::running::{End, Ending, Running};
use crate::writer::Work;
use farebox_base::planted::{Bug, is_planted};
use farebox_base::{CallId, Error, Micros, PaymentNeed, Result, Timestamp};
use farebox_db::Tx;
use farebox_ledger::batch::{self, Batch};
use farebox_ledger::{AccountId, ChainId, Done, HoldOutcome, Operation};
use std::collections::{HashMap, HashSet};

/// What became of one piece of work.
#[derive(Debug)]
pub(crate) enum Outcome {
    Opened(Opened),
    Closed(Closed),
}

/// Where a piece of work stands between the phases.
enum Stage<'a> {
    Over(Outcome),
    Opening { call: &'a Running, held: Micros, free_tier: bool, operation: Option<usize> },
    Closing { end: &'a End, ending: Ending, operation: Option<usize> },
}

pub(crate) struct Group<'a> {
    pub chain: ChainId,
    pub reservations: &'a Reservations,
    pub now: Timestamp,
    /// Some of the work may be in the store from an attempt before.
    pub again: bool,
}

/// Writes all of the work; also answers what the touched accounts have now.
pub(crate) async fn apply_in(
    tx: &mut Tx,
    group: &Group<'_>,
    work: &[Work],
) -> Result<(Vec<Outcome>, Vec<(AccountId, Micros)>)> {
    let found = found_in(tx, group, work).await?;
    let mut operations = Vec::with_capacity(work.len());
    let mut stages = stages_in(tx, work, &found, group.now, &mut operations).await?;
    let (operations, ids_are_new) = (&operations, !group.again);
    let applied = batch::apply_in(
        tx,
        Batch { operations, chain: group.chain, now: group.now, ids_are_new, set_aside: group.reservations },
    )
    .await?;
    let (mut new, mut used) = (Vec::new(), Vec::new());
    for stage in &mut stages {
        let outcome = match stage {
            Stage::Over(_) => continue,
            Stage::Opening { call, held, free_tier, operation } => {
                let outcome = operation.map(|index| hold_outcome(&applied.done[index])).transpose()?;
                let opened = open::held_in(tx, call, *held, *free_tier, outcome).await?;
                if matches!(opened, Opened::Open { .. }) {
                    new.push(NewRow { call, held: *held, free_tier: *free_tier, end: None });
                }
                Outcome::Opened(opened)
            }
            Stage::Closing { end, ending, operation } => {
                let mut closed = closed(end, *ending, operation.map(|index| &applied.done[index]))?;
                let ending = if let Closed::Refused(_) = closed { UNPAID } else { *ending };
                if end.call.stored {
                    close::tidy_in(tx, end, ending).await?;
                } else {
                    new.push(NewRow {
                        call: &end.call,
                        held: end.call.held,
                        free_tier: false,
                        end: Some((end, ending)),
                    });
                }
                used.push((*end, ending));
                if is_planted(Bug::RefusalIgnored) {
                    closed = Closed::Done;
                }
                Outcome::Closed(closed)
            }
        };
        *stage = Stage::Over(outcome);
    }
    rows::calls_in(tx, &new).await?;
    rows::use_in(tx, &used).await?;
    let outcomes = stages.into_iter().map(|stage| match stage {
        Stage::Over(outcome) => Ok(outcome),
        Stage::Opening { .. } | Stage::Closing { .. } => Err(Error::internal("work was left half done")),
    });
    Ok((outcomes.collect::<Result<_>>()?, applied.available))
}

/// What earlier attempts have left.
async fn found_in(tx: &mut Tx, group: &Group<'_>, work: &[Work]) -> Result<HashMap<CallId, Found>> {
    if !group.again || is_planted(Bug::RetryForgetful) {
        return Ok(HashMap::new());
    }
    let ids: Vec<String> = work.iter().map(|work| work.call().call_id.text()).collect();
    open::found_in(tx, ids.iter()).await
}

/// Everything before the book: keys and slots of openings, rows of stored calls that close.
async fn stages_in<'a>(
    tx: &mut Tx,
    work: &'a [Work],
    found: &HashMap<CallId, Found>,
    now: Timestamp,
    operations: &mut Vec<Operation>,
) -> Result<Vec<Stage<'a>>> {
    let vouchers = charged_in(tx, work, found, now).await?;
    let ending_of = |end: &End| ending_of(end, &vouchers);
    let stored = stored_ends(work, ending_of);
    let closing = close::rows_in(tx, &stored).await?;
    for (end, ending, id) in &stored {
        // Undone with the group, which is then tried piece by piece.
        if end.call.charge.is_some() && !ending.charged().is_zero() && !closing.contains(&end.call.call_id) {
            return Err(Error::internal(format!("call {id} was closed before its voucher was charged")));
        }
    }
    let late = stored.iter().filter(|(end, ..)| !closing.contains(&end.call.call_id)).map(|(.., id)| id);
    let closed = open::found_in(tx, late).await?;
    let mut stages = Vec::with_capacity(work.len());
    for work in work {
        let before = found.get(&work.call().call_id);
        stages.push(match work {
            Work::Open { call, .. } => {
                match open::ready_in(tx, call, before.map(|found| (found.held, found.free_tier))).await? {
                    Ready::Over(opened) => Stage::Over(Outcome::Opened(opened)),
                    Ready::Hold { held, free_tier } => {
                        let operation =
                            (!held.is_zero() && call.paid.is_none()).then(|| push(operations, open::hold(call, held)));
                        Stage::Opening { call, held, free_tier, operation }
                    }
                }
            }
            Work::Close { end, .. } if end.call.stored && !closing.contains(&end.call.call_id) => {
                Stage::Over(Outcome::Closed(as_before(end.ending, closed.get(&end.call.call_id))))
            }
            Work::Close { end, .. } => match before.filter(|_| !end.call.stored) {
                Some(found) => Stage::Over(Outcome::Closed(written_before(end.ending, found))),
                None => {
                    let ending = ending_of(end);
                    let operation = close::movement(&end.call, ending)?.map(|operation| push(operations, operation));
                    operations.extend(close::paid_out(&end.call, ending)?);
                    operations.extend(crate::payment::change(&end.call, ending)?);
                    Stage::Closing { end, ending, operation }
                }
            },
        });
    }
    Ok(stages)
}

fn push(operations: &mut Vec<Operation>, operation: Operation) -> usize {
    operations.push(operation);
    operations.len() - 1
}

/// Charges the channels of the work's vouchers; answers those that were where their vouchers go on from.
async fn charged_in<'a>(
    tx: &mut Tx,
    work: &'a [Work],
    found: &HashMap<CallId, Found>,
    now: Timestamp,
) -> Result<HashSet<String>> {
    let spends = |work: &'a Work| match work {
        Work::Close { end, .. } if end.call.charge.is_some() && !end.ending.charged().is_zero() => Some(&**end),
        Work::Close { .. } | Work::Open { .. } => None,
    };
    let ids: Vec<String> =
        work.iter().filter_map(spends).filter(|end| end.call.stored).map(|end| end.call.call_id.text()).collect();
    let stored = open::found_in(tx, ids.iter()).await?;
    let charges = work.iter().filter_map(spends).filter_map(|end| {
        let row = stored.get(&end.call.call_id).or_else(|| found.get(&end.call.call_id));
        let was_closed = row.is_some_and(|row| row.state != "open");
        end.call.charge.as_deref().filter(|_| !was_closed).map(|charge| (charge, end.ending.charged()))
    });
    let charges: Vec<(&Charge, Micros)> = charges.collect();
    charge_in(tx, &charges, now).await
}

/// How a call ends: unpaid where its voucher was not taken.
fn ending_of(end: &End, vouchers: &HashSet<String>) -> Ending {
    match &end.call.charge {
        Some(charge) if !end.ending.charged().is_zero() && !vouchers.contains(&charge.channel) => UNPAID,
        _ => end.ending,
    }
}

fn closed(end: &End, ending: Ending, done: Option<&Done>) -> Result<Closed> {
    let closed = close::closed(end, done)?;
    match &end.call.charge {
        // The voucher's charge is undone with the group, which is then tried piece by piece.
        Some(charge) if matches!(closed, Closed::Refused(_)) => {
            Err(Error::internal(format!("channel {} has less than its vouchers may spend", charge.channel)))
        }
        Some(_) if ending != end.ending => {
            Ok(Closed::Refused(PaymentNeed { required: end.ending.charged(), available: Micros::ZERO }))
        }
        _ => Ok(closed),
    }
}

fn stored_ends(work: &[Work], ending_of: impl Fn(&End) -> Ending) -> Vec<(&End, Ending, String)> {
    let ends = work.iter().filter_map(|work| match work {
        Work::Close { end, .. } if end.call.stored => Some((&**end, ending_of(end), end.call.call_id.text())),
        Work::Close { .. } | Work::Open { .. } => None,
    });
    ends.collect()
}

/// A call that was closed before: by an attempt whose answer was lost, or otherwise.
fn as_before(ending: Ending, found: Option<&Found>) -> Closed {
    if found.is_some_and(|found| found.state == ending.state()) { Closed::Done } else { Closed::TooLate }
}

/// A call that is written once, at its end, and was: nothing but a refused charge makes a served call a failed one.
fn written_before(ending: Ending, found: &Found) -> Closed {
    if ending.is_served() && found.state == UNPAID.state() {
        return Closed::Refused(PaymentNeed { required: ending.charged(), available: Micros::ZERO });
    }
    as_before(ending, Some(found))
}

fn hold_outcome(done: &Done) -> Result<&HoldOutcome> {
    match done {
        Done::Hold(outcome) => Ok(outcome),
        other => Err(Error::internal(format!("a hold was answered {other:?}"))),
    }
}

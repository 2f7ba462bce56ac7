//! A group of openings and closings, written set by set in one transaction.

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
use std::collections::HashMap;

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
    Closing { end: &'a End, operation: Option<usize> },
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
    let mut stages = stages_in(tx, work, &found, &mut operations).await?;
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
            Stage::Closing { end, operation } => {
                let mut closed = close::closed(end, operation.map(|index| &applied.done[index]))?;
                let ending = if let Closed::Refused(_) = closed { UNPAID } else { end.ending };
                if end.call.stored {
                    close::tidy_in(tx, end).await?;
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
    let ids: Vec<String> = work.iter().map(|work| work.call().call_id.to_string()).collect();
    open::found_in(tx, ids.iter()).await
}

/// Everything before the book: keys and slots of openings, rows of stored calls that close.
async fn stages_in<'a>(
    tx: &mut Tx,
    work: &'a [Work],
    found: &HashMap<CallId, Found>,
    operations: &mut Vec<Operation>,
) -> Result<Vec<Stage<'a>>> {
    let stored = stored_ends(work);
    let closing = close::rows_in(tx, &stored).await?;
    let late = stored.iter().filter(|(end, _)| !closing.contains(&end.call.call_id)).map(|(_, id)| id);
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
                    let operation = close::movement(end)?.map(|operation| push(operations, operation));
                    operations.extend(close::paid_out(end)?);
                    operations.extend(crate::payment::change(end)?);
                    Stage::Closing { end, operation }
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

fn stored_ends(work: &[Work]) -> Vec<(&End, String)> {
    let ends = work.iter().filter_map(|work| match work {
        Work::Close { end, .. } if end.call.stored => Some((&**end, end.call.call_id.to_string())),
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

//! Appending lines in one transaction: numbered, chained, and entered in their lists.
//!
//! Invariant: whoever appends has changed the head first, so of several processes one appends at a time, and reads what
//! the others have written.

use crate::line::Line;
use crate::{marks, rows, seal};
use farebox_base::{Error, Result, Timestamp};
use farebox_db::{Rows, Tx, sql};
use std::collections::{HashMap, HashSet};

/// A line at its place in the chain.
struct Linked {
    seq: i64,
    line: Line,
    hash: [u8; 32],
}

/// Appends lines in their order. `again`: some of them may be there already, and are left as they are.
pub(crate) async fn append_in(tx: &mut Tx, lines: &[&Line], again: bool) -> Result<()> {
    let lock = sql!("UPDATE audit_head SET lines = lines WHERE id = 0 RETURNING lines, last_at, hash");
    let head = tx.one(lock, &[]).await?.ok_or_else(|| Error::internal("the audit log has no head"))?;
    let (last, last_at, before): (i64, Timestamp, Vec<u8>) = (head.get(0)?, head.get(1)?, head.get(2)?);
    let there = if again { there(tx, lines).await? } else { HashSet::new() };
    let fresh = lines.iter().filter(|line| !there.contains(&line.id)).map(|line| (*line).clone());
    let linked = linked(last, last_at, before, fresh);
    let Some(newest) = linked.last() else { return Ok(()) };
    let marks = numbered(tx, &linked).await?;

    let mut lines = Rows::with_capacity(linked.len(), 17);
    linked.iter().for_each(|one| lines.push(rows::row(one.seq, &one.line, &one.hash)));
    let mut places = Rows::with_capacity(marks.len(), 3);
    marks.iter().for_each(|mark| places.push(mark.map(Into::into)));
    let mut head = Rows::with_capacity(1, 3);
    head.push([newest.seq.into(), newest.line.at.into(), (&newest.hash).into()]);
    tx.execute_all(&[
        (rows::WRITE, &lines),
        (sql!("INSERT INTO audit_mark (list, seq, no) VALUES ($1, $2, $3)"), &places),
        (sql!("UPDATE audit_head SET lines = $1, last_at = $2, hash = $3 WHERE id = 0"), &head),
    ])
    .await?;
    Ok(())
}

/// Which of the lines an earlier try has written.
async fn there(tx: &mut Tx, lines: &[&Line]) -> Result<HashSet<String>> {
    let mut ids = Rows::with_capacity(lines.len(), 1);
    lines.iter().for_each(|line| ids.push([(&line.id).into()]));
    let found = tx.query_many(sql!("SELECT id FROM audit_line WHERE id = $1"), &ids).await?;
    Ok(found.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
}

fn linked(last: i64, last_at: Timestamp, before: Vec<u8>, lines: impl Iterator<Item = Line>) -> Vec<Linked> {
    let (mut seq, mut at, mut before) = (last, last_at, before);
    let link = |mut line: Line| {
        seq += 1;
        at = at.max(line.at);
        line.at = at;
        let hash = seal::hash(seq, &before, &line);
        before = hash.to_vec();
        Linked { seq, line, hash }
    };
    lines.map(link).collect()
}

/// List, line and number in the list of everything that is to be entered.
async fn numbered(tx: &mut Tx, linked: &[Linked]) -> Result<Vec<[i64; 3]>> {
    let entered: Vec<(i64, i64)> =
        linked.iter().flat_map(|one| marks::of_line(&one.line).into_iter().map(|list| (list, one.seq))).collect();
    let mut lists = Rows::with_capacity(entered.len(), 1);
    let distinct: HashSet<i64> = entered.iter().map(|(list, _)| *list).collect();
    distinct.iter().for_each(|list| lists.push([(*list).into()]));
    let longest = sql!(
        "SELECT CAST($1 AS BIGINT), (SELECT no FROM audit_mark WHERE list = $1 ORDER BY seq DESC LIMIT 1)
         FROM audit_head WHERE id = 0"
    );
    let mut lengths: HashMap<i64, i64> = HashMap::with_capacity(distinct.len());
    for row in tx.query_many(longest, &lists).await? {
        lengths.insert(row.get(0)?, row.get::<Option<i64>>(1)?.unwrap_or(0));
    }
    let number = |(list, seq)| {
        let length = lengths.entry(list).or_default();
        *length += 1;
        [list, seq, *length]
    };
    Ok(entered.into_iter().map(number).collect())
}

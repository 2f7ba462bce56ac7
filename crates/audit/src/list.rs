//! Reading: a page of an organisation's lines, and one of them.
//!
//! A list numbers its lines, so how many there are up to some line is one look at an index, and the line at some depth is
//! found by halving: as many looks as the log's length has binary digits.

use crate::filter::Filter;
use crate::line::Line;
use crate::{marks, rows};
use farebox_base::{PartyId, Result, Timestamp};
use farebox_db::{Db, Param, Where, sql};
use uuid::Uuid;

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    pub limit: i64,
    /// How many newer ones to leave out.
    pub offset: i64,
}

/// Part of a list, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub lines: Vec<Line>,
    /// How many there are without the cut.
    pub total: i64,
}

/// The lists that are read as one: as many as there are statuses, or fewer.
struct Lists<'a> {
    db: &'a Db,
    names: [Option<i64>; 3],
}

pub(crate) async fn list(db: &Db, party: PartyId, filter: &Filter, page: Page) -> Result<Listed> {
    let party = party.to_string();
    let lists = Lists { db, names: marks::of_filter(&party, filter) };
    let before = match filter.from {
        Some(from) => newest_before(db, from).await?,
        None => 0,
    };
    let until = match filter.until {
        Some(until) => newest_before(db, until).await?,
        None => i64::MAX,
    };
    let (up_to_end, newest) = lists.up_to(until).await?;
    let total = up_to_end - lists.up_to(before).await?.0;
    let Some(newest) = newest.filter(|newest| *newest > before) else { return Ok(Listed::empty(0)) };
    if filter.names_twice() && !lines(db, &party, &[newest]).await?.iter().all(|line| filter.names(line)) {
        return Ok(Listed::empty(0));
    }
    if page.offset >= total || page.limit <= 0 {
        return Ok(Listed::empty(total));
    }
    let first = lists.at(up_to_end - page.offset.max(0), before, newest).await?;
    let numbers = lists.page(before, first, page.limit).await?;
    Ok(Listed { lines: lines(db, &party, &numbers).await?, total })
}

pub(crate) async fn line(db: &Db, party: PartyId, id: Uuid) -> Result<Option<Line>> {
    let (party, id) = (party.to_string(), id.to_string());
    let statement = sql!(
        "SELECT seq, id, at, party_id, actor_type, actor_id, action, category, resource_type, resource_id, status, error,
           address, user_agent, request_id, metadata FROM audit_line WHERE party_id = $1 AND id = $2"
    );
    db.one(statement, &[(&party).into(), (&id).into()]).await?.map(|row| rows::read(&row)).transpose()
}

impl Listed {
    fn empty(total: i64) -> Self {
        Self { lines: Vec::new(), total }
    }
}

impl Lists<'_> {
    fn params(&self, more: &[i64]) -> Vec<Param<'static>> {
        self.names.iter().map(|name| (*name).into()).chain(more.iter().map(|number| (*number).into())).collect()
    }

    /// How many lines there are up to a number, and the newest of them.
    async fn up_to(&self, seq: i64) -> Result<(i64, Option<i64>)> {
        let statement = sql!(
            "SELECT CAST(COALESCE(SUM(no), 0) AS BIGINT), MAX(seq) FROM (
               SELECT no, seq FROM (SELECT no, seq FROM audit_mark WHERE list = $1 AND seq <= $4
                 ORDER BY seq DESC LIMIT 1) a
               UNION ALL SELECT no, seq FROM (SELECT no, seq FROM audit_mark WHERE list = $2 AND seq <= $4
                 ORDER BY seq DESC LIMIT 1) b
               UNION ALL SELECT no, seq FROM (SELECT no, seq FROM audit_mark WHERE list = $3 AND seq <= $4
                 ORDER BY seq DESC LIMIT 1) c) newest"
        );
        let row = self.db.one(statement, &self.params(&[seq])).await?;
        row.map_or(Ok((0, None)), |row| Ok((row.get(0)?, row.get(1)?)))
    }

    /// The number of the line up to which there are `wanted`; it lies behind `low` and not behind `high`.
    async fn at(&self, wanted: i64, low: i64, high: i64) -> Result<i64> {
        let (mut low, mut high) = (low, high);
        if self.up_to(high - 1).await?.0 < wanted {
            return Ok(high);
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if self.up_to(middle).await?.0 < wanted { low = middle } else { high = middle }
        }
        Ok(high)
    }

    /// The numbers of at most `limit` lines, from `first` down to the one behind `before`.
    async fn page(&self, before: i64, first: i64, limit: i64) -> Result<Vec<i64>> {
        let statement = sql!(
            "SELECT seq FROM (
               SELECT seq FROM (SELECT seq FROM audit_mark WHERE list = $1 AND seq > $4 AND seq <= $5
                 ORDER BY seq DESC LIMIT $6) a
               UNION ALL SELECT seq FROM (SELECT seq FROM audit_mark WHERE list = $2 AND seq > $4 AND seq <= $5
                 ORDER BY seq DESC LIMIT $6) b
               UNION ALL SELECT seq FROM (SELECT seq FROM audit_mark WHERE list = $3 AND seq > $4 AND seq <= $5
                 ORDER BY seq DESC LIMIT $6) c) page
             ORDER BY seq DESC LIMIT $6"
        );
        let rows = self.db.query(statement, &self.params(&[before, first, limit])).await?;
        Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
    }
}

/// The number of the newest line before a moment; 0 where there is none.
async fn newest_before(db: &Db, at: Timestamp) -> Result<i64> {
    let statement = sql!("SELECT seq FROM audit_line WHERE at < $1 ORDER BY at DESC, seq DESC LIMIT 1");
    db.one(statement, &[at.into()]).await?.map_or(Ok(0), |row| Ok(row.get(0)?))
}

async fn lines(db: &Db, party: &str, numbers: &[i64]) -> Result<Vec<Line>> {
    let beginning = sql!(
        "SELECT seq, id, at, party_id, actor_type, actor_id, action, category, resource_type, resource_id, status, error,
           address, user_agent, request_id, metadata FROM audit_line WHERE party_id = $1"
    );
    let mut wanted = Where::continuing(beginning, &[party.into()]);
    let numbers: Vec<Param<'_>> = numbers.iter().map(|number| (*number).into()).collect();
    wanted.and_in("seq", &numbers);
    let (statement, params) = wanted.finish("ORDER BY seq DESC", &[]);
    db.query_built(&statement, &params).await?.iter().map(rows::read).collect()
}

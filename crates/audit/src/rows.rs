//! Lines in the database: the columns, in one order.

use crate::line::Line;
use farebox_base::Result;
use farebox_db::{Param, Row, sql};

/// Writes a line; its number and its hash around the fields.
pub(crate) const WRITE: &str = sql!(
    "INSERT INTO audit_line (seq, id, at, party_id, actor_type, actor_id, action, category, resource_type, resource_id,
       status, error, address, user_agent, request_id, metadata, hash)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
);

pub(crate) fn row<'l>(seq: i64, line: &'l Line, hash: &'l [u8; 32]) -> [Param<'l>; 17] {
    [
        seq.into(),
        (&line.id).into(),
        line.at.into(),
        line.party_id.as_deref().into(),
        (&line.actor_type).into(),
        line.actor_id.as_deref().into(),
        (&line.action).into(),
        (&line.category).into(),
        (&line.resource_type).into(),
        line.resource_id.as_deref().into(),
        (&line.status).into(),
        line.error.as_deref().into(),
        line.address.as_deref().into(),
        line.user_agent.as_deref().into(),
        line.request_id.as_deref().into(),
        (&line.metadata).into(),
        hash.into(),
    ]
}

/// Reads the fields from the second column on, in the order of [`WRITE`].
pub(crate) fn read(row: &Row) -> Result<Line> {
    Ok(Line {
        id: row.get(1)?,
        at: row.get(2)?,
        party_id: row.get(3)?,
        actor_type: row.get(4)?,
        actor_id: row.get(5)?,
        action: row.get(6)?,
        category: row.get(7)?,
        resource_type: row.get(8)?,
        resource_id: row.get(9)?,
        status: row.get(10)?,
        error: row.get(11)?,
        address: row.get(12)?,
        user_agent: row.get(13)?,
        request_id: row.get(14)?,
        metadata: row.get(15)?,
    })
}

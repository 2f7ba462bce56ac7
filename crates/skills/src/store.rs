//! The room of a party: contents by their hash, each kept once, and how much of them there may be.
//!
//! Whoever writes takes the row of the skill first and the party's row here second, always in this order.

use crate::{Package, SkillLimits};
use farebox_base::{Error, PartyId, Result};
use farebox_db::{Param, Rows, Tx, Where, sql};
use std::collections::{BTreeMap, HashSet};

/// Counts one more skill of the party.
///
/// # Errors
/// `Conflict` (`too_many_skills`).
pub(crate) async fn skill_count_in(tx: &mut Tx, party: PartyId, limits: &SkillLimits) -> Result<()> {
    let party = party.to_string();
    tx.execute(
        sql!("INSERT INTO skill_store (party_id, skills, bytes) VALUES ($1, 0, 0) ON CONFLICT (party_id) DO NOTHING"),
        &[(&party).into()],
    )
    .await?;
    let counted = tx
        .execute(
            sql!("UPDATE skill_store SET skills = skills + 1 WHERE party_id = $1 AND skills < $2"),
            &[(&party).into(), limits.skills.into()],
        )
        .await?;
    if counted == 1 {
        return Ok(());
    }
    let message = format!("An organization can have {} skills, archived ones included", limits.skills);
    Err(Error::conflict("too_many_skills", message))
}

/// Keeps the contents that the party does not have yet.
///
/// # Errors
/// `Conflict` (`skill_storage_full`).
pub(crate) async fn blobs_put_in(tx: &mut Tx, party: PartyId, package: &Package, limits: &SkillLimits) -> Result<()> {
    let party = party.to_string();
    let mut blobs = package.blobs();
    let known = known_in(tx, &party, &blobs).await?;
    blobs.retain(|hash, _| !known.contains(*hash));
    let bytes = blobs.values().map(|content| content.len()).sum::<usize>();
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    let room = limits.stored_bytes.saturating_sub(bytes);
    let taken = tx
        .execute(
            sql!("UPDATE skill_store SET bytes = bytes + $2 WHERE party_id = $1 AND bytes <= $3"),
            &[(&party).into(), bytes.into(), room.into()],
        )
        .await?;
    if taken == 0 {
        let message = format!("The skills of an organization can hold {} bytes together", limits.stored_bytes);
        return Err(Error::conflict("skill_storage_full", message));
    }
    let mut rows = Rows::with_capacity(blobs.len(), 3);
    for (hash, content) in &blobs {
        rows.push([(&party).into(), (*hash).into(), (*content).into()]);
    }
    tx.execute_each(sql!("INSERT INTO skill_blob (party_id, sha256, content) VALUES ($1, $2, $3)"), &rows).await?;
    Ok(())
}

async fn known_in(tx: &mut Tx, party: &str, blobs: &BTreeMap<&str, &[u8]>) -> Result<HashSet<String>> {
    let hashes: Vec<Param<'_>> = blobs.keys().map(|hash| (*hash).into()).collect();
    let beginning = sql!("SELECT sha256 FROM skill_blob WHERE party_id = $1");
    let mut wanted = Where::continuing(beginning, &[party.into()]);
    wanted.and_in("sha256", &hashes);
    let (statement, params) = wanted.finish("", &[]);
    let rows = tx.query_built(&statement, &params).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>()?)
}

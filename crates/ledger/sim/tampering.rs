//! Tampering with what was written, which the deep check must notice by the hash of the batch.

use farebox_base::{Rng, SeededRng};
use farebox_db::{Db, Isolation, Param, sql};
use farebox_ledger::check::check_deep;

const ENTRIES: &str = sql!("SELECT no, transfer_id FROM entry ORDER BY no");
const AMOUNT: &str = sql!("UPDATE entry SET amount = amount + amount WHERE no = $1");
const TIME: &str = sql!("UPDATE entry SET created_at = created_at + 1 WHERE no = $1");
const MEMO: &str = sql!("UPDATE transfer SET memo = 'another' WHERE id = $1");

/// Changes one thing in the book, and checks it.
///
/// # Errors
/// Where the check passes.
pub async fn is_noticed(db: &Db, rng: &SeededRng) -> Result<(), String> {
    let entries = db.query(ENTRIES, &[]).await.map_err(|e| e.to_string())?;
    if entries.is_empty() {
        return Ok(());
    }
    let row = &entries[usize::try_from(rng.below(entries.len() as u64)).unwrap_or(0)];
    let no: i64 = row.get(0).map_err(|e| e.to_string())?;
    let transfer: String = row.get(1).map_err(|e| e.to_string())?;
    let (statement, param) = match rng.below(3) {
        0 => (AMOUNT, Param::from(no)),
        1 => (TIME, Param::from(no)),
        _ => (MEMO, Param::from(&transfer)),
    };
    let mut tx = db.begin(Isolation::Serializable).await.map_err(|e| e.to_string())?;
    tx.execute_one(statement, &[param]).await.map_err(|e| e.to_string())?;
    tx.commit().await.map_err(|e| e.to_string())?;
    let deep = check_deep(db, |_| ()).await.map_err(|e| format!("{e:?}"))?;
    let noticed = deep.findings.iter().any(|finding| finding.invariant.contains("hash") && finding.broken > 0);
    if noticed { Ok(()) } else { Err(format!("`{statement}` on entry {no} changed no hash")) }
}

//! Facts about a database that every process on it must agree with. Owns the table `setting`.

use farebox_base::{Error, Result};
use farebox_db::{Db, Tx, sql, tx};

/// Writes the fact unless it is there, and answers what is there.
///
/// # Errors
/// Those of the database.
pub async fn setting_agree(db: &Db, name: &str, value: &str) -> Result<String> {
    tx!(db, tx => { setting_agree_in(tx, name, value).await })
}

async fn setting_agree_in(tx: &mut Tx, name: &str, value: &str) -> Result<String> {
    tx.execute(
        sql!("INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING"),
        &[name.into(), value.into()],
    )
    .await?;
    let row = tx.one(sql!("SELECT value FROM setting WHERE name = $1"), &[name.into()]).await?;
    row.map_or_else(|| Err(Error::internal("a setting vanished")), |row| Ok(row.get(0)?))
}

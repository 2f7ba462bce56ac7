//! Whether a key that began something is still good when that comes to its end.

use farebox_base::{ApiKeyId, Result, Timestamp};
use farebox_db::{Tx, sql};

/// Whether the key is neither revoked nor expired, asked of the database and of no cache.
///
/// # Errors
/// Those of the database.
pub async fn key_lives_in(tx: &mut Tx, id: ApiKeyId, now: Timestamp) -> Result<bool> {
    let row = tx
        .one(
            sql!(
                "SELECT id FROM api_key
                 WHERE id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $2)"
            ),
            &[(&id.to_string()).into(), now.into()],
        )
        .await?;
    Ok(row.is_some())
}

//! Replies of settled payments: kept until their request has come for them, and a while longer.
//!
//! Invariant: a reply goes to one request, and once more to the same request where the process died while it may have
//! been on its way.

use super::{SignedPayment, refused, spent};
use crate::{Answer, Calls};
use farebox_base::{Result, Timestamp};
use farebox_db::{Db, Isolation, Tx, sql, tx};
use std::time::Duration;

/// How long a reply that was handed over is kept, in case that it gets lost with the process.
const LINGER: Duration = Duration::from_secs(60);

impl Calls {
    /// Hands the reply of a settled payment to one request, whichever of its copies asks first.
    ///
    /// # Errors
    /// That of a spent payment, for the others.
    pub(super) async fn handed_over(&self, answer: Answer, signed: &SignedPayment) -> Result<Answer> {
        const DELIVERED: &str =
            sql!("UPDATE payment SET delivered = 1 WHERE id = $1 AND state IN ('earned', 'settled') AND delivered = 0");
        let id = answer.receipt.call_id.to_string();
        let changed =
            tx!(self.parts.db, Isolation::ReadCommitted, tx => { Ok(tx.execute(DELIVERED, &[(&id).into()]).await?) })?;
        if changed == 1 { Ok(answer) } else { Err(refused(&spent::used(signed))) }
    }
}

/// Lets requests come again for the replies that may have got lost with an earlier process, at the start of one that is
/// alone on its database.
///
/// # Errors
/// Those of the database.
pub async fn replies_offer_again(db: &Db) -> Result<u64> {
    const AGAIN: &str =
        sql!("UPDATE payment SET delivered = 0 WHERE state = 'settled' AND reply_status IS NOT NULL AND delivered = 1");
    tx!(db, Isolation::ReadCommitted, tx => { Ok(tx.execute(AGAIN, &[]).await?) })
}

/// Forgets replies that were handed over, and those that nobody came for within `patience`.
pub(crate) async fn replies_forget_in(tx: &mut Tx, now: Timestamp, patience: Duration) -> Result<u64> {
    const FORGET: &str = sql!(
        "UPDATE payment SET reply_status = NULL, reply_headers = NULL, reply_body = NULL
         WHERE state = 'settled' AND reply_status IS NOT NULL
           AND ((delivered = 1 AND ended_at <= $1) OR (delivered = 0 AND ended_at <= $2))"
    );
    Ok(tx.execute(FORGET, &[now.minus(LINGER).into(), now.minus(patience).into()]).await?)
}

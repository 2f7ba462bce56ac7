//! What a served call does to its channel, in the transaction that closes it.

use farebox_base::{Micros, Result, Timestamp};
use farebox_db::{Rows, Tx, sql};
use std::collections::HashSet;

/// A voucher that a call spends once it is served.
#[derive(Clone, Debug)]
pub(crate) struct Charge {
    pub channel: String,
    /// What the channel was charged when the voucher was taken.
    pub charged: Micros,
    /// What the voucher comes to, in the token's smallest unit.
    pub signed: String,
    pub signature: String,
}

/// Charges channels that are where their vouchers go on from; answers the ids of those. The others were charged by
/// another process meanwhile, and their calls must not be.
pub(crate) async fn charge_in(tx: &mut Tx, charges: &[(&Charge, Micros)], now: Timestamp) -> Result<HashSet<String>> {
    if charges.is_empty() {
        return Ok(HashSet::new());
    }
    const CHARGE: &str = sql!(
        "UPDATE channel SET charged = charged + $3, signed = $4, signature = $5, used_at = $6,
           owed_since = COALESCE(owed_since, $6)
         WHERE id = $1 AND charged = $2 AND refund_id IS NULL RETURNING id"
    );
    let mut rows = Rows::with_capacity(charges.len(), 6);
    for (charge, amount) in charges {
        rows.push([
            (&charge.channel).into(),
            charge.charged.into(),
            (*amount).into(),
            (&charge.signed).into(),
            (&charge.signature).into(),
            now.into(),
        ]);
    }
    let charged = tx.query_many(CHARGE, &rows).await?;
    charged.iter().map(|row| Ok(row.get(0)?)).collect()
}

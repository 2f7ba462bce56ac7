//! What only the operator says about a listing.

use crate::{LISTINGS_SCOPE, Listing, Market};
use farebox_base::{Error, ListingId, Result};
use farebox_db::{Tx, sql, tx};
use std::sync::Arc;

/// What to change; what is not named stays.
#[derive(Clone, Copy, Debug, Default)]
pub struct OperatorPatch {
    pub is_verified: Option<bool>,
    /// 0 to 10,000.
    pub fee_basis_points: Option<i64>,
}

impl Market {
    /// Changes what a seller may not. The caller has checked that it is the operator who asks.
    ///
    /// # Errors
    /// `Invalid` for `fee_basis_points`; `NotFound`.
    pub async fn listing_operate(&self, id: ListingId, patch: OperatorPatch) -> Result<Arc<Listing>> {
        if patch.fee_basis_points.is_some_and(|fee| !(0..=10_000).contains(&fee)) {
            return Err(Error::invalid("fee_basis_points", "must be from 0 to 10000"));
        }
        tx!(self.db(), tx => { self.listing_operate_in(tx, id, patch).await })?;
        self.changes().local(LISTINGS_SCOPE);
        self.listing_written(id).await
    }

    async fn listing_operate_in(&self, tx: &mut Tx, id: ListingId, patch: OperatorPatch) -> Result<()> {
        let changed = tx
            .execute(
                sql!(
                    "UPDATE listing SET is_verified = COALESCE($2, is_verified),
                       fee_basis_points = COALESCE($3, fee_basis_points), updated_at = $4
                     WHERE id = $1"
                ),
                &[(&id.to_string()).into(), patch.is_verified.into(), patch.fee_basis_points.into(), self.now().into()],
            )
            .await?;
        if changed == 0 {
            return Err(Error::not_found("Listing"));
        }
        self.changes().bump_in(tx, LISTINGS_SCOPE).await
    }
}

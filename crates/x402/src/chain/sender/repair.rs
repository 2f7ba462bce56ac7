//! Another signed form for a flight that can't go on as it is: higher fees, another nonce, or nothing but its nonce used.
//!
//! Invariants: the new form is journalled before it is broadcast, and only where nobody replaced the old one meanwhile;
//! another nonce is given only when something else is deep in the chain with the old one.

use super::flight::{Flight, Stage};
use super::journal::{self, Found};
use super::{Core, SendError, SendOutcome};
use crate::chain::fees::{FeeError, GasFees};
use crate::chain::transaction::Transaction;
use alloy_primitives::{Bytes, U256};
use farebox_base::Error;
use farebox_db::{Isolation, tx};
use uuid::Uuid;

/// Enough for a transfer of nothing, also on chains that count its bytes; what is not used costs nothing.
const FILLER_GAS: u64 = 60_000;

/// Code of the error that ends a repair because another process was first.
const ALREADY_REPLACED: &str = "already_replaced";

/// How a flight is helped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Repair {
    /// The same with higher fees.
    Bump,
    /// Its nonce is used by something that is not ours: the same with a nonce of its own, no lower than this.
    Renumber { at_least: u64 },
    /// It can never be sent, for this reason: an empty transaction takes its nonce.
    Fill(String),
}

impl Core {
    /// Signs, journals and broadcasts another form of a flight.
    ///
    /// # Errors
    /// Those of fees and journal; the flight goes on as it was.
    pub(super) async fn repair(&self, id: Uuid, repair: Repair) -> Result<(), SendError> {
        let read = |flight: &mut Flight| {
            let transaction = flight.transaction()?;
            Some((flight.newest.clone(), transaction, flight.owes_filler().is_some()))
        };
        let Some(Some((old, transaction, owes_filler))) = self.board.change(id, read) else { return Ok(()) };
        let fees = self.fees_for(&transaction, &repair).await?;
        if let Repair::Renumber { at_least } = repair {
            journal::wallet_ensure(&self.db, &self.owner, at_least).await?;
        }
        let refusal = if let Repair::Fill(reason) = &repair { Some(reason.clone()) } else { None };
        let renewed = tx!(self.db, Isolation::ReadCommitted, tx => {
            let nonce = match repair {
                Repair::Renumber { .. } => journal::nonces_take_in(tx, &self.owner, 1).await?,
                Repair::Bump | Repair::Fill(_) => transaction.nonce,
            };
            let is_empty = owes_filler || refusal.is_some();
            let form = self.form(&next(&transaction, nonce, fees, is_empty.then(|| self.key.address())));
            if journal::renew_in(tx, id, &old, (nonce, &form), refusal.as_deref()).await? {
                return Ok((nonce, form));
            }
            // As an error, so that the nonce goes back as well.
            Err(Error::conflict(ALREADY_REPLACED, "Another process replaced the transaction"))
        });
        match renewed {
            Ok((nonce, form)) => {
                tracing::info!(%id, nonce, ?repair, hash = %form.hash, "a transaction was replaced");
                self.board.change(id, |flight| flight.renew(nonce, form, refusal));
                self.broadcaster.push(id);
                Ok(())
            }
            Err(error) if error.code == ALREADY_REPLACED => self.reread(id).await,
            Err(error) => Err(error.into()),
        }
    }

    /// Uses up a nonce that no row has.
    ///
    /// # Errors
    /// Those of fees and journal.
    pub(super) async fn fill_gap(&self, nonce: u64) -> Result<(), SendError> {
        let fees = self.fees.now().await?;
        let empty = Transaction {
            chain_id: self.settings.chain_id,
            nonce,
            max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
            max_fee_per_gas: fees.max_fee_per_gas,
            gas_limit: FILLER_GAS,
            to: self.key.address(),
            value: U256::ZERO,
            data: Bytes::new(),
        };
        let form = self.form(&empty);
        // The id is the same for all processes that see the gap, and another one for another transaction.
        let id = Uuid::new_v5(&Uuid::NAMESPACE_OID, form.hash.as_slice());
        let row = [(id.to_string(), nonce, form.clone())];
        tx!(self.db, Isolation::ReadCommitted, tx => { journal::insert_in(tx, &self.owner, &row).await })?;
        tracing::warn!(nonce, "a nonce that no transaction has is filled");
        self.adopt(Flight::new(id, nonce, Stage::New, form));
        Ok(())
    }

    async fn fees_for(&self, old: &Transaction, repair: &Repair) -> Result<GasFees, FeeError> {
        let paid =
            GasFees { max_fee_per_gas: old.max_fee_per_gas, max_priority_fee_per_gas: old.max_priority_fee_per_gas };
        match repair {
            Repair::Renumber { .. } => self.fees.now().await,
            Repair::Bump | Repair::Fill(_) => self.fees.replacing(paid).await,
        }
    }

    /// Takes a flight as the journal has it now; another process may have ended it.
    async fn reread(&self, id: Uuid) -> Result<(), SendError> {
        match journal::find(&self.db, &self.owner, id).await? {
            Some(Found::Unfinished(found)) => {
                self.board.change(id, |flight| {
                    let waiters = std::mem::take(&mut flight.waiters);
                    *flight = Flight { waiters, ..*found };
                });
                self.broadcaster.push(id);
            }
            Some(Found::Failed { hash, reason }) => self.board.finish(id, &SendOutcome::Failed { hash, reason }),
            Some(Found::Mined { hash }) => {
                if let Some(receipt) = self.rpc.receipt(hash).await? {
                    self.board.finish(id, &SendOutcome::Mined(receipt));
                }
            }
            None => {}
        }
        Ok(())
    }
}

/// The transaction with other fees and another nonce; an empty one to `empty_to` where that is given.
fn next(old: &Transaction, nonce: u64, fees: GasFees, empty_to: Option<alloy_primitives::Address>) -> Transaction {
    let mut next = Transaction {
        nonce,
        max_fee_per_gas: fees.max_fee_per_gas,
        max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
        ..old.clone()
    };
    if let Some(to) = empty_to {
        (next.to, next.data, next.gas_limit) = (to, Bytes::new(), FILLER_GAS);
    }
    next
}

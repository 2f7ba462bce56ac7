//! Transfers: immutable, at most once per id, all legs or none.

use crate::account::AccountId;
use crate::batch::{Done, Operation, apply_one, apply_one_in};
use farebox_base::{Error, ListingId, Micros, Result, Timestamp};
use farebox_db::{Db, Tx};

/// Why money moved; shown in statements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransferKind {
    /// A buyer paid for a call.
    Call,
    /// The operator credited an account by hand.
    AdminGrant,
    /// The platform's gift to a new party.
    SignupBonus,
    /// A buyer brought money in on a chain.
    CryptoDeposit,
    /// A seller was paid by the buyer's own transfer on a chain.
    PaidOnChain,
    /// What was left in a payment channel went back to its payer.
    ChannelRefund,
    /// Money was gone from a payment channel before it was claimed: the platform's loss.
    ChannelLoss,
}

impl TransferKind {
    pub const fn text(self) -> &'static str {
        match self {
            TransferKind::Call => "call",
            TransferKind::AdminGrant => "admin_grant",
            TransferKind::SignupBonus => "signup_bonus",
            TransferKind::CryptoDeposit => "crypto_deposit",
            TransferKind::PaidOnChain => "paid_on_chain",
            TransferKind::ChannelRefund => "channel_refund",
            TransferKind::ChannelLoss => "channel_loss",
        }
    }
}

/// One account's part of a transfer; a positive amount goes into the account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    pub account: AccountId,
    pub amount: Micros,
}

/// A movement of money. Its id is its idempotency key.
#[derive(Clone, Debug)]
pub struct Transfer {
    pub id: String,
    pub kind: TransferKind,
    /// Non-zero amounts that sum to zero, each account once.
    pub legs: Vec<Leg>,
    pub listing: Option<ListingId>,
    /// One line for statements.
    pub memo: String,
}

/// What became of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Created,
    /// The same transfer was made before; nothing was done now.
    Exists,
    /// Another transfer has this id; nothing was done.
    Mismatch,
    /// The account's floor refused the debit; nothing was done.
    Insufficient {
        account: AccountId,
    },
}

/// Moves the money in a transaction of its own. Every outcome but `Created` leaves no trace.
pub async fn transfer(db: &Db, transfer: &Transfer, now: Timestamp) -> Result<Outcome> {
    outcome(apply_one(db, Operation::Transfer(transfer.clone()), now).await?)
}

/// Moves the money inside a transaction that does more. Every outcome but `Created` leaves no trace.
pub async fn transfer_in(tx: &mut Tx, transfer: &Transfer, now: Timestamp) -> Result<Outcome> {
    outcome(apply_one_in(tx, &Operation::Transfer(transfer.clone()), now).await?)
}

fn outcome(done: Done) -> Result<Outcome> {
    match done {
        Done::Transfer(outcome) => Ok(outcome),
        other => Err(Error::internal(format!("a transfer was answered {other:?}"))),
    }
}

/// The most accounts that a transfer may move money on; its entries are numbered one after the other.
pub const LEGS_MAX: usize = 16;

/// # Errors
/// `Internal` where the legs are no transfer.
pub(crate) fn checked_legs(transfer: &Transfer) -> Result<()> {
    if transfer.legs.len() > LEGS_MAX {
        return Err(Error::internal(format!("transfer {} has more than {LEGS_MAX} legs", transfer.id)));
    }
    let mut sum = Micros::ZERO;
    for (index, leg) in transfer.legs.iter().enumerate() {
        if leg.amount.is_zero() {
            return Err(Error::internal(format!("transfer {} has an empty leg", transfer.id)));
        }
        if transfer.legs[..index].iter().any(|other| other.account == leg.account) {
            return Err(Error::internal(format!("transfer {} names {} twice", transfer.id, leg.account)));
        }
        sum = sum.checked_add(leg.amount)?;
    }
    if transfer.legs.len() < 2 || !sum.is_zero() {
        return Err(Error::internal(format!("transfer {} does not balance", transfer.id)));
    }
    Ok(())
}

/// A digest of everything the transfer does, in an unambiguous encoding; the order of its legs is not part of it.
/// `listing` is the text of its listing.
pub(crate) fn digest(transfer: &Transfer, hold_id: Option<&str>, listing: Option<&str>) -> [u8; 32] {
    digest_of(transfer.kind.text(), hold_id, listing, legs_of(transfer))
}

/// As [`digest`], of what is stored.
pub(crate) fn digest_of(
    kind: &str,
    hold_id: Option<&str>,
    listing: Option<&str>,
    mut legs: Vec<(&str, i64)>,
) -> [u8; 32] {
    legs.sort_unstable();
    hashed(kind, hold_id, listing, &legs)
}

/// The digest that transfers got before the order of legs was left out of it.
pub(crate) fn digest_in_order(transfer: &Transfer, hold_id: Option<&str>, listing: Option<&str>) -> [u8; 32] {
    hashed(transfer.kind.text(), hold_id, listing, &legs_of(transfer))
}

fn legs_of(transfer: &Transfer) -> Vec<(&str, i64)> {
    transfer.legs.iter().map(|leg| (leg.account.text(), leg.amount.get())).collect()
}

/// Gathered and hashed at once: short pieces one by one would cost the hash more than their bytes.
fn hashed(kind: &str, hold_id: Option<&str>, listing: Option<&str>, legs: &[(&str, i64)]) -> [u8; 32] {
    let mut bytes = Vec::with_capacity(128 + 96 * legs.len());
    let mut field = |field: &[u8]| {
        bytes.extend_from_slice(&u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
        bytes.extend_from_slice(field);
    };
    field(kind.as_bytes());
    field(hold_id.unwrap_or_default().as_bytes());
    field(listing.unwrap_or_default().as_bytes());
    for (account, amount) in legs {
        field(account.as_bytes());
        field(&amount.to_le_bytes());
    }
    *blake3::hash(&bytes).as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_what_it_always_was() {
        let digest = digest_of("call", Some("hold"), None, vec![("funded:a", -100), ("fees", 100)]);
        let text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(text, "60211d580f698605b0689e51c0c999f0d924e23a18cb3599372e329e187f540d");
    }
}

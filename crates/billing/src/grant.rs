//! Money that the operator gives: credits by hand and the one-time signup bonus.

use crate::Wallets;
use farebox_base::{Error, Micros, PartyId, Result};
use farebox_ledger::transfer::transfer;
use farebox_ledger::{AccountId, Leg, Outcome, Transfer, TransferKind};

/// A credit by hand, once per `id`.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The idempotency key: the same id credits once.
    pub id: String,
    pub party: PartyId,
    /// Spendable at this seller only.
    pub seller: Option<PartyId>,
    /// Greater than zero.
    pub amount: Micros,
    pub memo: String,
}

/// A bonus that was claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BonusClaim {
    pub amount: Micros,
}

impl Wallets {
    /// Credits the party from the operator's outside account. `false`: this id was credited before.
    ///
    /// # Errors
    /// `Invalid` on an amount that is not positive; `Conflict` where the id was used for another credit.
    pub async fn grant(&self, grant: &Grant) -> Result<bool> {
        if grant.amount <= Micros::ZERO {
            return Err(Error::invalid("amount", "must be greater than zero"));
        }
        let account = grant
            .seller
            .map_or_else(|| AccountId::funded(grant.party), |seller| AccountId::prepaid(grant.party, seller));
        let kind = TransferKind::AdminGrant;
        let movement = pair(&grant.id, kind, AccountId::outside("operator"), account, grant.amount, &grant.memo)?;
        match transfer(&self.db, &movement, self.clock.now()).await? {
            Outcome::Created => Ok(true),
            Outcome::Exists => Ok(false),
            Outcome::Mismatch => Err(Error::conflict("id_used", "This id was used for another credit")),
            Outcome::Insufficient { account } => Err(Error::internal(format!("a grant was refused by {account}"))),
        }
    }

    /// Gives the party its signup bonus, once.
    ///
    /// # Errors
    /// `Conflict` where it was claimed before; `Forbidden` where the operator gives none.
    pub async fn claim_signup_bonus(&self, party: PartyId, amount: Micros) -> Result<BonusClaim> {
        if amount <= Micros::ZERO {
            return Err(Error::forbidden("This gateway gives no signup bonus"));
        }
        let id = format!("signup-bonus:{party}");
        let kind = TransferKind::SignupBonus;
        let to = AccountId::promotional(party);
        let movement = pair(&id, kind, AccountId::promotions(), to, amount, "Signup bonus")?;
        match transfer(&self.db, &movement, self.clock.now()).await? {
            Outcome::Created => Ok(BonusClaim { amount }),
            Outcome::Exists | Outcome::Mismatch => {
                Err(Error::conflict("bonus_already_claimed", "The signup bonus was already claimed"))
            }
            Outcome::Insufficient { account } => Err(Error::internal(format!("a bonus was refused by {account}"))),
        }
    }
}

fn pair(id: &str, kind: TransferKind, from: AccountId, to: AccountId, amount: Micros, memo: &str) -> Result<Transfer> {
    let legs = vec![Leg { account: from, amount: Micros::ZERO.checked_sub(amount)? }, Leg { account: to, amount }];
    Ok(Transfer { id: id.to_owned(), kind, legs, listing: None, memo: memo.to_owned() })
}

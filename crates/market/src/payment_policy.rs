//! When payments for calls of a listing are settled on a chain, and who receives them, as far as its seller has decided.
//!
//! Owns the words, what the operator leaves to sellers, and the rules for a seller's choice. Settles nothing and knows no
//! offer. Invariants: a choice that the operator does not allow is not made, and one that he no longer allows counts for
//! nothing; what is settled before the work is the buyer's money until then, so that no seller receives it directly.

use crate::{Change, JsonObject};
use farebox_base::{Error, Result};

/// When a payment is settled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PaymentOrder {
    /// After the work, whose result is not passed on before.
    #[default]
    After,
    /// Before the work.
    Before,
    /// After the answer, at the operator's risk.
    Later,
}

/// Whose address is paid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum PaymentReceiver {
    /// The gateway's, which owes the seller its part.
    #[default]
    Gateway,
    /// The seller's own; the seller owes the fee.
    Seller,
}

/// What a seller has chosen for a listing; `None`: whatever the operator has set for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaymentPolicy {
    pub order: Option<PaymentOrder>,
    pub receiver: Option<PaymentReceiver>,
}

/// Changes of a policy. Clearing goes back to what the operator has set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PaymentPolicyChanges {
    pub order: Change<PaymentOrder>,
    pub receiver: Change<PaymentReceiver>,
}

/// What the operator leaves to sellers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentBounds {
    pub orders: Vec<PaymentOrder>,
    pub receivers: Vec<PaymentReceiver>,
}

/// Everything but what is the operator's risk.
impl Default for PaymentBounds {
    fn default() -> Self {
        Self {
            orders: vec![PaymentOrder::After, PaymentOrder::Before],
            receivers: vec![PaymentReceiver::Gateway, PaymentReceiver::Seller],
        }
    }
}

impl PaymentOrder {
    const ALL: [Self; 3] = [Self::After, Self::Before, Self::Later];

    pub const fn text(self) -> &'static str {
        match self {
            Self::After => "after",
            Self::Before => "before",
            Self::Later => "later",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|order| order.text() == text)
    }
}

impl PaymentReceiver {
    const ALL: [Self; 2] = [Self::Gateway, Self::Seller];

    pub const fn text(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Seller => "seller",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|receiver| receiver.text() == text)
    }
}

impl PaymentPolicy {
    /// What of the policy the operator still allows.
    pub fn within(self, bounds: &PaymentBounds) -> Self {
        Self {
            order: self.order.filter(|order| bounds.orders.contains(order)),
            receiver: self.receiver.filter(|receiver| bounds.receivers.contains(receiver)),
        }
    }

    /// # Errors
    /// `Invalid` for `payment_order` or `payment_receiver`.
    pub(crate) fn apply(&mut self, changes: PaymentPolicyChanges, bounds: &PaymentBounds) -> Result<()> {
        let orders: Vec<&str> = bounds.orders.iter().map(|order| order.text()).collect();
        if let Change::Set(order) = changes.order {
            check_allowed("payment_order", order.text(), &orders)?;
        }
        let receivers: Vec<&str> = bounds.receivers.iter().map(|receiver| receiver.text()).collect();
        if let Change::Set(receiver) = changes.receiver {
            check_allowed("payment_receiver", receiver.text(), &receivers)?;
        }
        changes.order.apply(&mut self.order);
        changes.receiver.apply(&mut self.receiver);
        Ok(())
    }

    /// Whether the policy fits the rest of its listing.
    ///
    /// # Errors
    /// `Invalid` for `payment_order` or `payment_receiver`.
    pub(crate) fn check(self, is_database: bool, profile: &JsonObject) -> Result<()> {
        if is_database {
            let rule = "must be left out: queries of a database are paid from a balance";
            return match (self.order, self.receiver) {
                (Some(_), _) => Err(Error::invalid("payment_order", rule)),
                (None, Some(_)) => Err(Error::invalid("payment_receiver", rule)),
                (None, None) => Ok(()),
            };
        }
        if self.receiver != Some(PaymentReceiver::Seller) {
            return Ok(());
        }
        if self.order == Some(PaymentOrder::Before) {
            let rule = "must be gateway where payment_order is before: until the work is done the money is the buyer's";
            return Err(Error::invalid("payment_receiver", rule));
        }
        let wallet = profile.get("wallet_address").and_then(serde_json::Value::as_str).unwrap_or_default();
        if is_address(wallet) {
            return Ok(());
        }
        Err(Error::invalid("payment_receiver", "must be gateway: the listing has no wallet_address of an EVM chain"))
    }
}

fn check_allowed(field: &str, asked: &str, allowed: &[&str]) -> Result<()> {
    if allowed.contains(&asked) {
        return Ok(());
    }
    let rule = match allowed {
        [] => "must be left out: it is set by the operator".to_owned(),
        some => format!("must be {}: the operator allows no other", some.join(" or ")),
    };
    Err(Error::invalid(field, rule))
}

/// Whether money can be sent there.
fn is_address(text: &str) -> bool {
    let digits = text.strip_prefix("0x").unwrap_or_default();
    digits.len() == 40 && digits.bytes().all(|b| b.is_ascii_hexdigit()) && digits.bytes().any(|b| b != b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(wallet: &str) -> JsonObject {
        let mut profile = JsonObject::new();
        profile.insert("wallet_address".to_owned(), wallet.into());
        profile
    }

    #[test]
    fn words_are_read_back() {
        for order in PaymentOrder::ALL {
            assert_eq!(PaymentOrder::parse(order.text()), Some(order));
        }
        for receiver in PaymentReceiver::ALL {
            assert_eq!(PaymentReceiver::parse(receiver.text()), Some(receiver));
        }
        assert_eq!((PaymentOrder::parse("now"), PaymentReceiver::parse("")), (None, None));
    }

    #[test]
    fn a_seller_chooses_among_what_the_operator_allows() {
        let bounds = PaymentBounds::default();
        let mut policy = PaymentPolicy::default();
        let later = PaymentPolicyChanges { order: Change::Set(PaymentOrder::Later), ..Default::default() };
        let error = policy.apply(later, &bounds).unwrap_err();
        assert_eq!(error.field.as_deref(), Some("payment_order"));
        assert!(error.message.contains("after or before"), "{}", error.message);
        let nothing = PaymentBounds { orders: vec![], receivers: vec![] };
        let gateway = PaymentPolicyChanges { receiver: Change::Set(PaymentReceiver::Gateway), ..Default::default() };
        assert_eq!(policy.apply(gateway, &nothing).unwrap_err().field.as_deref(), Some("payment_receiver"));
        assert_eq!(policy, PaymentPolicy::default());
        let chosen = PaymentPolicyChanges { order: Change::Set(PaymentOrder::Before), ..gateway };
        policy.apply(chosen, &bounds).unwrap();
        assert_eq!(policy.within(&bounds), policy);
        assert_eq!(policy.within(&nothing), PaymentPolicy::default());
        policy.apply(PaymentPolicyChanges { order: Change::Clear, ..Default::default() }, &nothing).unwrap();
        assert_eq!(policy, PaymentPolicy { order: None, receiver: Some(PaymentReceiver::Gateway) });
    }

    #[test]
    fn a_seller_receives_at_an_address_of_his_own_and_not_before_the_work() {
        let seller = |order| PaymentPolicy { order, receiver: Some(PaymentReceiver::Seller) };
        let field = |policy: PaymentPolicy, is_database, wallet: &str| {
            policy.check(is_database, &profile(wallet)).err().and_then(|error| error.field)
        };
        let address = format!("0x{}", "7A".repeat(20));
        assert_eq!(field(seller(None), false, &address), None);
        for wallet in ["", "0x12", &"7a".repeat(20), &format!("0x{}", "00".repeat(20)), "9xQeWvG816bUx9EPjHmaT2"] {
            assert_eq!(field(seller(None), false, wallet).as_deref(), Some("payment_receiver"), "{wallet}");
        }
        assert_eq!(field(seller(Some(PaymentOrder::Before)), false, &address).as_deref(), Some("payment_receiver"));
        assert_eq!(field(seller(None), true, &address).as_deref(), Some("payment_receiver"));
        assert_eq!(field(PaymentPolicy::default(), true, ""), None);
    }
}

//! What a resource asks for, in terms of neither version: `Offer`, and the `Resource` that it is asked for.
//!
//! Invariant: an offer's token belongs to its network, and takes the method of the offer.

use std::sync::Arc;

use alloy_primitives::{Address, U256};
use farebox_base::Micros;

use crate::amount::AmountError;
use crate::network::{Method, Network, Token};

/// How a payment is authorized and settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Exactly the amount, once.
    Exact,
    /// At most the amount, once; what was used is settled.
    Upto,
    /// A cumulative voucher on a channel; claimed on chain later.
    BatchSettlement,
}

/// When a payment is settled; the value of `paymentFlow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Flow {
    /// Verified, served, settled.
    #[default]
    Authorization,
    /// Settled, then served.
    Upfront,
}

/// The terms of a scheme, beyond amount and recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Terms {
    Exact(Method),
    /// By Permit2. `facilitator` is the wallet that will send it.
    Upto {
        facilitator: Address,
    },
    BatchSettlement(ChannelTerms),
}

/// The terms of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelTerms {
    /// How deposits come in.
    pub deposit: Method,
    /// Who may claim and refund for the receiver.
    pub receiver_authorizer: Address,
    /// 900 to 2,592,000 seconds.
    pub withdraw_delay_s: u64,
    /// A hint for clients, in the token's smallest unit.
    pub min_deposit: Option<U256>,
    /// What the client should correct its books to; with the reasons that ask for it.
    pub correction: Option<Box<Correction>>,
}

/// The state of a channel, for a client whose voucher did not continue it. Amounts in the token's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Correction {
    pub channel: crate::evm::ChannelId,
    pub balance: U256,
    pub total_claimed: U256,
    pub charged: U256,
    /// The last voucher that was taken, as proof: what it came to and its signature.
    pub voucher: Option<(U256, crate::evm::EcdsaSignature)>,
}

/// One way to pay.
#[derive(Clone, Debug)]
pub struct Offer {
    network: Arc<Network>,
    token: Arc<Token>,
    /// In the token's smallest unit; the most that `Upto` may take.
    pub amount: U256,
    pub pay_to: Address,
    /// How long the payer's signature should be valid. More than zero.
    pub timeout_s: u32,
    pub terms: Terms,
    pub flow: Flow,
}

/// Why terms can't be offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    #[error("token is not one of the network's")]
    Token,
    #[error("token does not move by eip3009")]
    Method,
    #[error("recipient must not be zero")]
    PayTo,
    #[error("timeout must be 1 to 604,800 seconds")]
    Timeout,
    #[error("the withdraw delay must be 900 to 2,592,000 seconds")]
    WithdrawDelay,
    #[error("the receiver's authorizer or the facilitator must not be zero")]
    Authorizer,
}

/// What is paid for. `url` is absolute; the service fields are those of the discovery extension.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resource {
    pub url: String,
    pub description: String,
    pub mime_type: String,
    /// 1 to 32 printable ASCII characters.
    pub service_name: Option<String>,
    /// At most five, each as a service name is.
    pub tags: Vec<String>,
    /// At most 2048 characters.
    pub icon_url: Option<String>,
}

impl Scheme {
    pub const ALL: [Self; 3] = [Self::Exact, Self::Upto, Self::BatchSettlement];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Upto => "upto",
            Self::BatchSettlement => "batch-settlement",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.as_str() == text)
    }
}

impl Flow {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authorization => "authorization",
            Self::Upfront => "upfront",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Authorization, Self::Upfront].into_iter().find(|flow| flow.as_str() == text)
    }
}

impl Terms {
    pub const fn scheme(&self) -> Scheme {
        match self {
            Self::Exact(_) => Scheme::Exact,
            Self::Upto { .. } => Scheme::Upto,
            Self::BatchSettlement(_) => Scheme::BatchSettlement,
        }
    }

    pub const fn method(&self) -> Method {
        match self {
            Self::Exact(method) => *method,
            Self::Upto { .. } => Method::Permit2,
            Self::BatchSettlement(terms) => terms.deposit,
        }
    }

    fn check(&self) -> Result<(), OfferError> {
        match self {
            Self::Exact(_) => Ok(()),
            Self::Upto { facilitator } if facilitator.is_zero() => Err(OfferError::Authorizer),
            Self::Upto { .. } => Ok(()),
            Self::BatchSettlement(terms) if terms.receiver_authorizer.is_zero() => Err(OfferError::Authorizer),
            Self::BatchSettlement(terms) if !ChannelTerms::WITHDRAW_DELAY_S.contains(&terms.withdraw_delay_s) => {
                Err(OfferError::WithdrawDelay)
            }
            Self::BatchSettlement(_) => Ok(()),
        }
    }
}

impl ChannelTerms {
    /// What the contract takes.
    pub const WITHDRAW_DELAY_S: std::ops::RangeInclusive<u64> = 900..=2_592_000;
}

impl Offer {
    /// A week.
    pub const TIMEOUT_S_MAX: u32 = 604_800;

    /// `amount` in the token's smallest unit; see `units` for amounts of money.
    ///
    /// # Errors
    /// Says which rule the terms break.
    pub fn new(
        network: Arc<Network>,
        token: Arc<Token>,
        amount: U256,
        pay_to: Address,
        timeout_s: u32,
        terms: Terms,
    ) -> Result<Self, OfferError> {
        if !network.token(token.address()).is_some_and(|own| own.domain() == token.domain()) {
            return Err(OfferError::Token);
        }
        if !token.takes(terms.method()) {
            return Err(OfferError::Method);
        }
        if pay_to.is_zero() {
            return Err(OfferError::PayTo);
        }
        if !(1..=Self::TIMEOUT_S_MAX).contains(&timeout_s) {
            return Err(OfferError::Timeout);
        }
        terms.check()?;
        Ok(Self { network, token, amount, pay_to, timeout_s, terms, flow: Flow::Authorization })
    }

    /// The same offer, settled before the work.
    #[must_use]
    pub fn upfront(self) -> Self {
        Self { flow: Flow::Upfront, ..self }
    }

    pub const fn network(&self) -> &Arc<Network> {
        &self.network
    }

    pub const fn token(&self) -> &Arc<Token> {
        &self.token
    }

    pub const fn scheme(&self) -> Scheme {
        self.terms.scheme()
    }

    pub const fn method(&self) -> Method {
        self.terms.method()
    }

    /// The amount as money.
    ///
    /// # Errors
    /// Where it has no exact counterpart.
    pub fn micros(&self) -> Result<Micros, AmountError> {
        self.token.decimals().to_micros(self.amount)
    }

    /// The least of a channel that is worth a transaction of its own, in the token's smallest unit.
    pub fn least_moved(&self) -> U256 {
        match &self.terms {
            Terms::BatchSettlement(terms) => terms.min_deposit.unwrap_or_default(),
            Terms::Exact(_) | Terms::Upto { .. } => U256::ZERO,
        }
    }

    /// Whether clients of version 1 can pay it.
    pub fn is_for_v1(&self) -> bool {
        self.terms == Terms::Exact(Method::Eip3009) && self.network.v1_name().is_some()
    }
}

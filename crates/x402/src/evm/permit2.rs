//! Permit2: `PermitWitnessTransferFrom` with the witnesses of `exact`, `upto` and of deposits into channels.

use alloy_primitives::{Address, B256, U256};

use super::channel::ChannelId;
use super::typed_data::{Digest, Domain, TypeHash, Word, address, hash, type_word, uint};

const PERMIT: &str =
    "PermitWitnessTransferFrom(TokenPermissions permitted,address spender,uint256 nonce,uint256 deadline,";
const PERMISSIONS: &str = "TokenPermissions(address token,uint256 amount)";
const EXACT_WITNESS: &str = "Witness(address to,uint256 validAfter)";
const UPTO_WITNESS: &str = "Witness(address to,address facilitator,uint256 validAfter)";
const DEPOSIT_WITNESS: &str = "DepositWitness(bytes32 channelId)";

static PERMISSIONS_TYPE: TypeHash = TypeHash::new(|| type_word(PERMISSIONS));
static EXACT_TYPE: TypeHash = TypeHash::new(|| type_word(EXACT_WITNESS));
static UPTO_TYPE: TypeHash = TypeHash::new(|| type_word(UPTO_WITNESS));
static DEPOSIT_TYPE: TypeHash = TypeHash::new(|| type_word(DEPOSIT_WITNESS));
static EXACT_PERMIT: TypeHash =
    TypeHash::new(|| type_word(&format!("{PERMIT}Witness witness){PERMISSIONS}{EXACT_WITNESS}")));
static UPTO_PERMIT: TypeHash =
    TypeHash::new(|| type_word(&format!("{PERMIT}Witness witness){PERMISSIONS}{UPTO_WITNESS}")));
static DEPOSIT_PERMIT: TypeHash =
    TypeHash::new(|| type_word(&format!("{PERMIT}DepositWitness witness){DEPOSIT_WITNESS}{PERMISSIONS}")));

/// What the payer binds the permit to, beyond token, amount and spender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Witness {
    /// Scheme `exact`.
    Exact { to: Address, valid_after: U256 },
    /// Scheme `upto`: only `facilitator` may send it.
    Upto { to: Address, facilitator: Address, valid_after: U256 },
    /// A deposit into a channel.
    Deposit { channel: ChannelId },
}

/// A permit with its witness. The owner is whoever signed; the domain has no token, so a nonce is spent per owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permit {
    pub from: Address,
    pub token: Address,
    /// In the token's smallest unit.
    pub amount: U256,
    pub spender: Address,
    pub nonce: U256,
    /// Seconds since the epoch.
    pub deadline: U256,
    pub witness: Witness,
}

impl Permit {
    /// What the payer signs; `domain` is that of Permit2 on the network.
    pub fn digest(&self, domain: Domain) -> Digest {
        let permitted = hash(&[PERMISSIONS_TYPE.word(), address(self.token), uint(self.amount)]);
        let words = [
            self.witness.permit_type(),
            permitted.0,
            address(self.spender),
            uint(self.nonce),
            uint(self.deadline),
            self.witness.hash().0,
        ];
        domain.digest(hash(&words))
    }
}

impl Witness {
    fn permit_type(&self) -> Word {
        match self {
            Self::Exact { .. } => EXACT_PERMIT.word(),
            Self::Upto { .. } => UPTO_PERMIT.word(),
            Self::Deposit { .. } => DEPOSIT_PERMIT.word(),
        }
    }

    fn hash(&self) -> B256 {
        match *self {
            Self::Exact { to, valid_after } => hash(&[EXACT_TYPE.word(), address(to), uint(valid_after)]),
            Self::Upto { to, facilitator, valid_after } => {
                hash(&[UPTO_TYPE.word(), address(to), address(facilitator), uint(valid_after)])
            }
            Self::Deposit { channel } => hash(&[DEPOSIT_TYPE.word(), channel.get().0]),
        }
    }
}

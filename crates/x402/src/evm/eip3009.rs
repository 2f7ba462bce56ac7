//! EIP-3009: a transfer that the payer signs and anybody may send.

use alloy_primitives::{Address, B256, U256};

use super::typed_data::{Digest, Domain, TypeHash, address, hash, type_word, uint};

static TRANSFER: TypeHash = TypeHash::new(|| {
    type_word(
        "TransferWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)",
    )
});
static RECEIVE: TypeHash = TypeHash::new(|| {
    type_word(
        "ReceiveWithAuthorization(address from,address to,uint256 value,uint256 validAfter,uint256 validBefore,bytes32 nonce)",
    )
});

/// `TransferWithAuthorization`. Amount in the token's smallest unit, times in seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Authorization {
    pub from: Address,
    pub to: Address,
    pub value: U256,
    pub valid_after: U256,
    pub valid_before: U256,
    pub nonce: B256,
}

/// `ReceiveWithAuthorization`: the same fields, but only the recipient may send it. Deposits into channels use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiveAuthorization(pub Authorization);

impl Authorization {
    /// What the payer signs; `domain` is the token's.
    pub fn digest(&self, domain: Domain) -> Digest {
        domain.digest(self.struct_hash(TRANSFER.word()))
    }

    fn struct_hash(&self, type_hash: [u8; 32]) -> B256 {
        hash(&[
            type_hash,
            address(self.from),
            address(self.to),
            uint(self.value),
            uint(self.valid_after),
            uint(self.valid_before),
            self.nonce.0,
        ])
    }
}

impl ReceiveAuthorization {
    /// What the payer signs; `domain` is the token's.
    pub fn digest(&self, domain: Domain) -> Digest {
        domain.digest(self.0.struct_hash(RECEIVE.word()))
    }
}

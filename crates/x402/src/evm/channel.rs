//! Channels of the scheme `batch-settlement`: their identity and the vouchers drawn on them.

use alloy_primitives::{Address, B256, U256, keccak256};

use super::typed_data::{Digest, Domain, TypeHash, address, hash, number, type_word, uint};

static CONFIG: TypeHash = TypeHash::new(|| {
    type_word(
        "ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)",
    )
});
static VOUCHER: TypeHash = TypeHash::new(|| type_word("Voucher(bytes32 channelId,uint128 maxClaimableAmount)"));

/// What a channel is; its hash is its id. Two channels of the same parties differ in the salt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelConfig {
    pub payer: Address,
    /// Who signs vouchers; zero leaves it to the payer, whose account may have code, or get it later. Such a channel pays
    /// nothing here.
    pub payer_authorizer: Address,
    pub receiver: Address,
    /// Who may claim and refund for the receiver.
    pub receiver_authorizer: Address,
    pub token: Address,
    /// Seconds between asking for a withdrawal and having it; 40 bits.
    pub withdraw_delay_s: u64,
    pub salt: B256,
}

/// The hash of a channel's configuration on its chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ChannelId(B256);

/// A promise that up to `max_claimable` of the channel is the receiver's, counted from its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voucher {
    pub channel: ChannelId,
    /// Cumulative, in the token's smallest unit.
    pub max_claimable: u128,
}

impl ChannelConfig {
    /// `domain` is that of the batch-settlement contract on the network.
    pub fn id(&self, domain: Domain) -> ChannelId {
        let words = [
            CONFIG.word(),
            address(self.payer),
            address(self.payer_authorizer),
            address(self.receiver),
            address(self.receiver_authorizer),
            address(self.token),
            number(self.withdraw_delay_s),
            self.salt.0,
        ];
        ChannelId(domain.digest(hash(&words)).get())
    }

    /// Whose signature a voucher needs.
    pub fn voucher_signer(&self) -> Address {
        if self.payer_authorizer.is_zero() { self.payer } else { self.payer_authorizer }
    }
}

impl ChannelId {
    pub const fn new(id: B256) -> Self {
        Self(id)
    }

    pub const fn get(self) -> B256 {
        self.0
    }
}

impl Voucher {
    /// What the payer's authorizer signs; `domain` is that of the batch-settlement contract on the network.
    pub fn digest(&self, domain: Domain) -> Digest {
        domain.digest(hash(&[VOUCHER.word(), self.channel.get().0, uint(U256::from(self.max_claimable))]))
    }
}

/// The nonce of the EIP-3009 authorization that pays a deposit: it binds the deposit to its channel.
pub fn deposit_nonce(channel: ChannelId, salt: B256) -> B256 {
    keccak256([channel.get().0, salt.0].as_flattened())
}

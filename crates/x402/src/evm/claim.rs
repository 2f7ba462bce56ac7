//! What the receiver's authorizer of channels signs: claims of many vouchers at once, and refunds.

use alloy_primitives::{Keccak256, U256};

use super::ChannelId;
use super::typed_data::{Digest, Domain, TypeHash, hash, type_word, uint};

static BATCH: TypeHash = TypeHash::new(|| {
    type_word(
        "ClaimBatch(ClaimEntry[] claims)ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)",
    )
});
static ENTRY: TypeHash =
    TypeHash::new(|| type_word("ClaimEntry(bytes32 channelId,uint128 maxClaimableAmount,uint128 totalClaimed)"));
static REFUND: TypeHash = TypeHash::new(|| type_word("Refund(bytes32 channelId,uint256 nonce,uint128 amount)"));

/// One voucher of a batch. Amounts are cumulative, in the token's smallest unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimEntry {
    pub channel: ChannelId,
    pub max_claimable: u128,
    pub total_claimed: u128,
}

/// A refund of what was not claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefundOrder {
    pub channel: ChannelId,
    /// The channel's next number of a refund.
    pub nonce: U256,
    /// In the token's smallest unit.
    pub amount: u128,
}

impl ClaimEntry {
    /// What is signed for a whole batch; `domain` is that of the batch-settlement contract on the network.
    pub fn digest_of_all(entries: impl IntoIterator<Item = Self>, domain: Domain) -> Digest {
        let mut all = Keccak256::new();
        for entry in entries {
            let amounts = [entry.max_claimable, entry.total_claimed].map(|amount| uint(U256::from(amount)));
            let [max_claimable, total_claimed] = amounts;
            all.update(hash(&[ENTRY.word(), entry.channel.get().0, max_claimable, total_claimed]));
        }
        domain.digest(hash(&[BATCH.word(), all.finalize().0]))
    }
}

impl RefundOrder {
    /// What is signed; `domain` is that of the batch-settlement contract on the network.
    pub fn digest(&self, domain: Domain) -> Digest {
        let amount = uint(U256::from(self.amount));
        domain.digest(hash(&[REFUND.word(), self.channel.get().0, uint(self.nonce), amount]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evm::contracts::BATCH_SETTLEMENT;
    use crate::network::ChainId;
    use alloy_primitives::{B256, b256};

    /// The hashes are those that viem computes of the same typed data.
    #[test]
    fn orders_are_hashed_as_viem_does() {
        let domain = Domain::new("x402 Batch Settlement", "1", ChainId::new(84532), BATCH_SETTLEMENT);
        let channel = |byte| ChannelId::new(B256::repeat_byte(byte));
        let entry =
            |byte, max_claimable, total_claimed| ClaimEntry { channel: channel(byte), max_claimable, total_claimed };
        let batch = ClaimEntry::digest_of_all([entry(1, 50, 40), entry(2, 60, 41)], domain);
        assert_eq!(batch.get(), b256!("734fc96929300d3c58baefef8ebe4de0151d8339c20b9725d6519d09f3a7f20e"));
        let refund = RefundOrder { channel: channel(1), nonce: U256::from(3), amount: 77 };
        assert_eq!(
            refund.digest(domain).get(),
            b256!("dd6623d53f3c7918a7f6845f5e016e4dfe77863b7412bbba7328f4cc3c271fe9")
        );
    }
}

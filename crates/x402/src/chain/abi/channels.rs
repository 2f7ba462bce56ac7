//! The batch-settlement contract: deposits into a payer's channel, claims of vouchers, payment of what was claimed.

use super::encode::Args;
use super::{Selector, SignatureBytes, word};
use alloy_primitives::{Address, B256, U256, address};

/// The contract, the same on all chains that have it.
pub const BATCH_SETTLEMENT: Address = address!("4020074e9dF2ce1deE5A9C1b5c3f541D02a10003");
/// Takes deposits by `ReceiveWithAuthorization` (EIP-3009).
pub const ERC3009_COLLECTOR: Address = address!("4020806089470a89826cB9fB1f4059150b550004");
/// Takes deposits by Permit2.
pub const PERMIT2_COLLECTOR: Address = address!("4020425FAf3B746C082C2f942b4E5159887B0005");

pub(super) const DEPOSIT: Selector = [0x14, 0x0f, 0x1e, 0x75];
const CLAIM: Selector = [0x29, 0x23, 0x7b, 0x0c];
const CLAIM_WITH_SIGNATURE: Selector = [0xe4, 0x3c, 0xe1, 0xf2];
const SETTLE: Selector = [0x9d, 0xb3, 0x2a, 0x8f];
const REFUND_WITH_SIGNATURE: Selector = [0xb7, 0x74, 0x33, 0xe9];
const CHANNELS: Selector = [0x7a, 0x7e, 0xbd, 0x7b];
const PENDING_WITHDRAWALS: Selector = [0xb7, 0xf0, 0x6e, 0xbe];
const RECEIVERS: Selector = [0x21, 0xff, 0x63, 0x89];
const MULTICALL: Selector = [0xac, 0x96, 0x50, 0xd8];
const REFUND_NONCE: Selector = [0xf0, 0xdc, 0x79, 0x2e];

/// What makes a channel; it never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelConfig {
    pub payer: Address,
    pub payer_authorizer: Address,
    pub receiver: Address,
    pub receiver_authorizer: Address,
    pub token: Address,
    /// Seconds; 40 bits on chain.
    pub withdraw_delay: u64,
    pub salt: B256,
}

/// A voucher and how much of it is claimed in all, this claim included; amounts in the token's smallest unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoucherClaim {
    pub channel: ChannelConfig,
    pub max_claimable: u128,
    pub signature: SignatureBytes,
    pub total_claimed: u128,
}

/// What the contract knows of a channel, in the token's smallest unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelState {
    pub balance: u128,
    pub total_claimed: u128,
}

/// The collector's part of a deposit by EIP-3009. Its nonce is the hash of the channel's id and `salt`.
pub fn erc3009_deposit(valid_after: U256, valid_before: U256, salt: U256, signature: &SignatureBytes) -> Vec<u8> {
    Args::new(4).word(valid_after).word(valid_before).word(salt).bytes(signature).encoded()
}

/// The same by Permit2, with no approval beside it.
pub fn permit2_deposit(nonce: U256, deadline: U256, signature: &SignatureBytes) -> Vec<u8> {
    Args::new(4).word(nonce).word(deadline).bytes(signature).bytes(&[]).encoded()
}

/// `deposit` of an amount that `collector` takes from the payer.
pub fn deposit(channel: &ChannelConfig, amount: u128, collector: Address, collector_data: &[u8]) -> Vec<u8> {
    let args = Args::new(10).fixed(&channel.encoded()).number(amount).address(collector);
    args.bytes(collector_data).call(DEPOSIT)
}

/// `claim`, sent by the receiver's authorizer itself.
pub fn claim(claims: &[VoucherClaim]) -> Vec<u8> {
    Args::new(1).tuples(tuples(claims)).call(CLAIM)
}

/// `claimWithSignature`, sent by anybody with the authorizer's signature over the claims.
pub fn claim_with_signature(claims: &[VoucherClaim], authorizer: &SignatureBytes) -> Vec<u8> {
    Args::new(2).tuples(tuples(claims)).bytes(authorizer).call(CLAIM_WITH_SIGNATURE)
}

/// `settle`: pays the receiver what was claimed and is not yet paid.
pub fn settle(receiver: Address, token: Address) -> Vec<u8> {
    Args::new(2).address(receiver).address(token).call(SETTLE)
}

/// `refundWithSignature`: gives the payer back an amount that was not claimed.
pub fn refund_with_signature(
    channel: &ChannelConfig,
    amount: u128,
    nonce: U256,
    authorizer: &SignatureBytes,
) -> Vec<u8> {
    let args = Args::new(10).fixed(&channel.encoded()).number(amount).word(nonce);
    args.bytes(authorizer).call(REFUND_WITH_SIGNATURE)
}

/// `multicall`: these calls in one transaction, all of them or none.
pub fn multicall(calls: &[Vec<u8>]) -> Vec<u8> {
    Args::new(1).many_bytes(calls).call(MULTICALL)
}

/// `channels`; read the answer by [`channel_state`].
pub fn channels(channel_id: B256) -> Vec<u8> {
    Args::new(1).hash(channel_id).call(CHANNELS)
}

/// `pendingWithdrawals`; answers the amount and when the payer began it.
pub fn pending_withdrawals(channel_id: B256) -> Vec<u8> {
    Args::new(1).hash(channel_id).call(PENDING_WITHDRAWALS)
}

/// `receivers`; answers what was claimed and what was paid, in all.
pub fn receivers(receiver: Address, token: Address) -> Vec<u8> {
    Args::new(2).address(receiver).address(token).call(RECEIVERS)
}

/// `refundNonce`; answers one word.
pub fn refund_nonce(channel_id: B256) -> Vec<u8> {
    Args::new(1).hash(channel_id).call(REFUND_NONCE)
}

/// Reads the answer of [`channels`]; `None` where it is none.
pub fn channel_state(answer: &[u8]) -> Option<ChannelState> {
    let amount = |index| u128::try_from(word(answer, index)?).ok();
    Some(ChannelState { balance: amount(0)?, total_claimed: amount(1)? })
}

/// Reads the answer of [`pending_withdrawals`]: the amount and when it began; `None` where it is none.
pub fn withdrawal(answer: &[u8]) -> Option<(u128, u64)> {
    Some((u128::try_from(word(answer, 0)?).ok()?, u64::try_from(word(answer, 1)?).ok()?))
}

fn tuples(claims: &[VoucherClaim]) -> Vec<Vec<u8>> {
    let one = |claim: &VoucherClaim| {
        let args = Args::new(10).fixed(&claim.channel.encoded()).number(claim.max_claimable);
        args.bytes(&claim.signature).number(claim.total_claimed).encoded()
    };
    claims.iter().map(one).collect()
}

impl From<&crate::evm::ChannelConfig> for ChannelConfig {
    fn from(channel: &crate::evm::ChannelConfig) -> Self {
        Self {
            payer: channel.payer,
            payer_authorizer: channel.payer_authorizer,
            receiver: channel.receiver,
            receiver_authorizer: channel.receiver_authorizer,
            token: channel.token,
            withdraw_delay: channel.withdraw_delay_s,
            salt: channel.salt,
        }
    }
}

impl ChannelConfig {
    fn encoded(&self) -> Vec<u8> {
        let args = Args::new(7).address(self.payer).address(self.payer_authorizer).address(self.receiver);
        let args = args.address(self.receiver_authorizer).address(self.token);
        args.number(self.withdraw_delay.into()).hash(self.salt).encoded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{Bytes, b256, keccak256};

    fn channel(salt: u8) -> ChannelConfig {
        ChannelConfig {
            payer: Address::repeat_byte(1),
            payer_authorizer: Address::repeat_byte(2),
            receiver: Address::repeat_byte(3),
            receiver_authorizer: Address::repeat_byte(4),
            token: Address::repeat_byte(5),
            withdraw_delay: 900,
            salt: B256::repeat_byte(salt),
        }
    }

    fn signature(rest: &[u8]) -> Bytes {
        let mut signature = vec![0xaa; 64];
        signature.extend_from_slice(rest);
        signature.into()
    }

    /// The hashes are of what viem encodes from the same arguments and the contract's published interface.
    #[test]
    fn calls_are_encoded_as_viem_does() {
        let plain = signature(&[0x1b]);
        let collected = erc3009_deposit(U256::ONE, U256::from(2), U256::from(3), &plain);
        let claims = [
            VoucherClaim { channel: channel(6), max_claimable: 50, signature: plain.clone(), total_claimed: 40 },
            VoucherClaim {
                channel: channel(7),
                max_claimable: 60,
                signature: signature(&[0x1b, 0]),
                total_claimed: 41,
            },
        ];
        for (call, hash) in [
            (collected.clone(), b256!("14e06d6e084d1c548dbe82a9e3c2b6ac14bdea0063449e824254756fd924f62a")),
            (
                deposit(&channel(6), 77, Address::repeat_byte(9), &collected),
                b256!("7562082e29f8141d7b73178246e6fb36cce5501d616d2d957cc056eb0a12d3af"),
            ),
            (claim(&claims), b256!("b4380e5ef257a3cd504ee8721f5667bf5428fd4ff9972d52223ad0c5bd81a2f7")),
            (
                claim_with_signature(&claims, &plain),
                b256!("ba29aff5d559869279f638857035f301ddd95f61da87004f4f5cc9a9f6e47196"),
            ),
            (
                refund_with_signature(&channel(6), 5, U256::from(6), &plain),
                b256!("3198a2f3bab32fa29d65c3316407117434c37ad9c0d84225fed2650bfd459e79"),
            ),
            (
                permit2_deposit(U256::ONE, U256::from(2), &plain),
                b256!("5523ab7808bfd038a1410da6bb2198dbb20eb21b081f9873252b1007f02f073e"),
            ),
            (
                multicall(&[vec![1, 2, 3], vec![4; 33]]),
                b256!("18d6b806181acea4132d6da9a875054f7486f2701f0d95871f863b9a568ac29a"),
            ),
            (
                settle(Address::repeat_byte(1), Address::repeat_byte(2)),
                b256!("2267db98849a961688e94e7b4ba379bf8f35b5a529168aa345802f559770c877"),
            ),
        ] {
            assert_eq!(keccak256(&call), hash);
        }
    }

    #[test]
    fn selectors_of_reads_are_those_of_the_signatures() {
        for (selector, signature) in [
            (CHANNELS, "channels(bytes32)"),
            (PENDING_WITHDRAWALS, "pendingWithdrawals(bytes32)"),
            (RECEIVERS, "receivers(address,address)"),
            (REFUND_NONCE, "refundNonce(bytes32)"),
            (MULTICALL, "multicall(bytes[])"),
        ] {
            assert_eq!(keccak256(signature)[..4], selector, "{signature}");
        }
    }

    #[test]
    fn a_channels_state_that_does_not_fit_is_none() {
        assert_eq!(channel_state(&[0; 63]), None);
        assert_eq!(channel_state(&[0xff; 64]), None);
        assert_eq!(channel_state(&[0; 64]), Some(ChannelState { balance: 0, total_claimed: 0 }));
    }
}

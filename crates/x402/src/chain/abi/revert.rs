//! Why a call reverted, in words: Solidity's `Error` and `Panic`, and the errors of the contracts that are called.

use super::{Selector, dynamic, word};
use alloy_primitives::hex;

const ERROR: Selector = [0x08, 0xc3, 0x79, 0xa0];
const PANIC: Selector = [0x4e, 0x48, 0x7b, 0x71];
/// Longer texts of contracts are cut.
const REASON_CHARS_MAX: usize = 200;

/// Errors of Permit2, of the x402 proxies and of payment channels.
const KNOWN: &[(Selector, &str)] = &[
    ([0x2c, 0x52, 0x11, 0xc6], "InvalidAmount()"),
    ([0x37, 0x28, 0xb8, 0x3d], "InvalidAmount(uint256)"),
    ([0xac, 0x6b, 0x05, 0xf5], "InvalidDestination()"),
    ([0x49, 0xe2, 0x7c, 0xff], "InvalidOwner()"),
    ([0x59, 0x10, 0x6c, 0x89], "InvalidPermit2Address()"),
    ([0xa6, 0x55, 0x39, 0xfa], "PaymentTooEarly()"),
    ([0x05, 0x0c, 0xda, 0x49], "Permit2612AmountMismatch()"),
    ([0x3e, 0xe5, 0xae, 0xb5], "ReentrancyGuardReentrantCall()"),
    ([0xfe, 0x64, 0xb4, 0xc7], "AmountExceedsPermitted()"),
    ([0x0f, 0x6f, 0xae, 0x87], "UnauthorizedFacilitator()"),
    ([0x75, 0x66, 0x88, 0xfe], "InvalidNonce()"),
    ([0x81, 0x5e, 0x1d, 0x64], "InvalidSigner()"),
    ([0x8b, 0xaa, 0x57, 0x9f], "InvalidSignature()"),
    ([0x4b, 0xe6, 0x32, 0x1b], "InvalidSignatureLength()"),
    ([0xb0, 0x66, 0x9c, 0xbc], "InvalidContractSignature()"),
    ([0xcd, 0x21, 0xdb, 0x4f], "SignatureExpired(uint256)"),
    ([0xf9, 0x6f, 0xb0, 0x71], "InsufficientAllowance(uint256)"),
    ([0xea, 0x3a, 0x9a, 0x39], "InvalidChannel()"),
    ([0x56, 0x31, 0x6e, 0x87], "ZeroDeposit()"),
    ([0x11, 0x32, 0x98, 0x1b], "DepositOverflow()"),
    ([0xf5, 0xe2, 0x23, 0x7d], "NotReceiverAuthorizer()"),
    ([0xf1, 0x78, 0x97, 0x75], "ClaimExceedsCeiling()"),
    ([0x7d, 0x82, 0x42, 0xb6], "ClaimExceedsBalance()"),
    ([0x45, 0x74, 0xfa, 0xb6], "WithdrawDelayOutOfRange()"),
    ([0xc2, 0xe5, 0x34, 0x7d], "EmptyBatch()"),
    ([0xeb, 0x43, 0x59, 0x2c], "DepositCollectionFailed()"),
    ([0x18, 0xb1, 0xaf, 0xd4], "InvalidCollector()"),
    ([0x16, 0x4f, 0x1a, 0xfe], "InvalidRefundNonce()"),
    ([0xd7, 0x58, 0x52, 0x5c], "ZeroRefund()"),
    ([0x97, 0x94, 0xbe, 0xb9], "OnlyX402BatchSettlement()"),
    ([0xf6, 0x45, 0xee, 0xdf], "ECDSAInvalidSignature()"),
    ([0xfc, 0xe6, 0x98, 0xf7], "ECDSAInvalidSignatureLength(uint256)"),
    ([0xd7, 0x8b, 0xce, 0x0c], "ECDSAInvalidSignatureS(bytes32)"),
    ([0x52, 0x74, 0xaf, 0xe7], "SafeERC20FailedOperation(address)"),
];

/// What a reverted call returned, as a text of bounded length: the contract's own words, the name of an error, or the
/// first bytes of an error that is not known.
pub fn revert_reason(data: &[u8]) -> String {
    let Some((selector, rest)) = data.split_first_chunk::<4>() else { return "no reason given".to_owned() };
    match *selector {
        ERROR => match dynamic(rest).map(String::from_utf8_lossy) {
            Some(text) => text.chars().filter(|c| !c.is_control()).take(REASON_CHARS_MAX).collect(),
            None => "a reason that can't be read".to_owned(),
        },
        PANIC => word(rest, 0).map_or_else(|| "panic".to_owned(), |code| format!("panic {code:#x}")),
        other => match KNOWN.iter().find(|(selector, _)| *selector == other) {
            Some((_, name)) => (*name).to_owned(),
            None => format!("error 0x{}", hex::encode(other)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::keccak256;

    #[test]
    fn known_errors_have_the_selectors_of_their_names() {
        for (selector, name) in KNOWN.iter().chain(&[(ERROR, "Error(string)"), (PANIC, "Panic(uint256)")]) {
            assert_eq!(keccak256(name)[..4], *selector, "{name}");
        }
    }

    #[test]
    fn every_kind_of_revert_becomes_a_text() {
        let text = hex::decode(concat!(
            "08c379a0",
            "0000000000000000000000000000000000000000000000000000000000000020",
            "0000000000000000000000000000000000000000000000000000000000000003",
            "6261640000000000000000000000000000000000000000000000000000000000"
        ));
        assert_eq!(revert_reason(&text.unwrap()), "bad");
        assert_eq!(revert_reason(&[0x08, 0xc3, 0x79, 0xa0, 1]), "a reason that can't be read");
        let mut overflow = PANIC.to_vec();
        overflow.extend([0; 31]);
        overflow.push(0x11);
        assert_eq!(revert_reason(&overflow), "panic 0x11");
        assert_eq!(revert_reason(&[0x75, 0x66, 0x88, 0xfe]), "InvalidNonce()");
        assert_eq!(revert_reason(&[1, 2, 3, 4]), "error 0x01020304");
        assert_eq!(revert_reason(&[1]), "no reason given");
    }
}

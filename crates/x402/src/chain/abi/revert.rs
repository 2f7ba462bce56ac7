//! Why a call reverted, in words: Solidity's `Error` and `Panic`, and the errors of the contracts that are called.

use super::{Selector, dynamic, word};
use alloy_primitives::hex;

const ERROR: Selector = [0x08, 0xc3, 0x79, 0xa0];
const PANIC: Selector = [0x4e, 0x48, 0x7b, 0x71];
/// Longer texts of contracts are cut.
const REASON_CHARS_MAX: usize = 200;

/// Errors of Permit2 and of the x402 proxies.
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

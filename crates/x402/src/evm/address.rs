//! Addresses and other fixed-length hex as clients write them, read strictly and quickly.

use alloy_primitives::{Address, B256, hex};

/// An address of 40 hex digits after `0x`, in any case; the checksum is not required. `None` for anything else.
pub fn parse(text: &str) -> Option<Address> {
    fixed(text).map(Address::new)
}

/// 32 bytes, as 64 hex digits after `0x`. `None` for anything else.
pub fn parse_word(text: &str) -> Option<B256> {
    fixed(text).map(B256::new)
}

/// The address as published clients compare it: with the checksum of EIP-55.
pub fn checksummed(address: Address) -> String {
    address.to_checksum(None)
}

fn fixed<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.strip_prefix("0x")?;
    let mut bytes = [0; N];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    // The decoder skips a prefix of its own, so that `0x0x…` would pass.
    (digits.len() == 2 * N).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_forty_digits_after_the_prefix_are_an_address() {
        let good = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
        assert_eq!(parse(good).map(checksummed).as_deref(), Some(good));
        assert_eq!(parse(&good.to_lowercase()), parse(good));
        let longer = format!("{good}00");
        for bad in
            ["", "0x", &good[2..], &good[..41], &longer, "0x0x6CbD53842c5426634e7929541eC2318f3dCF7e", "vitalik.eth"]
        {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}

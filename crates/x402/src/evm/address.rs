//! Addresses and other fixed-length hex as clients write them, read strictly and quickly.

use alloy_primitives::{Address, B256, hex};

/// An address of 40 hex digits after `0x`, in any case; the checksum is not required. `None` for anything else.
pub fn parse(text: &str) -> Option<Address> {
    fixed(text).map(Address::new)
}

/// An address that somebody has written down: one in letters of both cases has to have the checksum of EIP-55.
///
/// # Errors
/// Says what is wrong, as a rule that the address must follow.
pub fn parse_checked(text: &str) -> Result<Address, AddressError> {
    let address = parse(text).ok_or(AddressError::Shape)?;
    if address.is_zero() {
        return Err(AddressError::Shape);
    }
    let has = |is: fn(&u8) -> bool| text.bytes().skip("0x".len()).any(|byte| is(&byte));
    let is_mixed = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
    if is_mixed && checksummed(address) != text {
        return Err(AddressError::Checksum);
    }
    Ok(address)
}

/// Why a text is not an address to be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("must be an address: 40 hex digits after 0x, and not zero")]
    Shape,
    #[error(
        "must have the checksum that its capital letters stand for (EIP-55): there is a typing error in it, or its letters \
         must all be small"
    )]
    Checksum,
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
    fn an_address_of_mixed_letters_needs_its_checksum() {
        let good = "0x036CbD53842c5426634e7929541eC2318f3dCF7e";
        let upper = format!("0x{}", good[2..].to_uppercase());
        for right in [good, &good.to_lowercase(), &upper] {
            assert_eq!(parse_checked(right), Ok(parse(good).unwrap()), "{right}");
        }
        assert_eq!(parse_checked(&good.replace('C', "c")), Err(AddressError::Checksum));
        assert_eq!(parse_checked(&good.replace("7e", "8e")), Err(AddressError::Checksum));
        assert_eq!(parse_checked("0x12"), Err(AddressError::Shape));
        assert_eq!(parse_checked(&format!("0x{}", "0".repeat(40))), Err(AddressError::Shape));
    }

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

//! Vouchers that follow one another: a client's payments through a channel differ in what the voucher comes to and in its
//! signature, and in nothing else.
//!
//! Invariant: what is read here is what the whole payment would have been read as, because every byte around the two
//! values is the same as in a payment that was.

use super::header::HEADER_BYTES_MAX;
use crate::evm::{ChannelId, Signature, Voucher};
use crate::payment::SignedVoucher;
use alloy_primitives::{B256, hex};

const AMOUNT: &str = "\"maxClaimableAmount\":\"";
const SIGNATURE: &str = "\"signature\":\"";
const CHANNEL: &str = "\"channelId\":\"0x";

/// A payment by voucher, remembered for those that follow it.
#[derive(Clone, Debug)]
pub struct Again {
    /// What stands before, between and behind the two values.
    around: [String; 3],
    is_amount_first: bool,
    last: SignedVoucher,
}

impl Again {
    /// Remembers a payment that was read. `None` where its JSON does not have the two values at one place each.
    pub fn of(json: &str, voucher: &SignedVoucher) -> Option<Self> {
        let (amount, signature) = (only(json, AMOUNT)?, only(json, SIGNATURE)?);
        let is_amount_first = amount.0 < signature.0;
        let (first, second) = if is_amount_first { (amount, signature) } else { (signature, amount) };
        let around = [json.get(..first.0)?, json.get(first.1..second.0)?, json.get(second.1..)?].map(str::to_owned);
        let again = Self { around, is_amount_first, last: voucher.clone() };
        (again.read(json).as_ref() == Some(voucher)).then_some(again)
    }

    /// The voucher of a payment that is the remembered one but for the two values; `None` for any other.
    pub fn read(&self, json: &str) -> Option<SignedVoucher> {
        let [before, between, behind] = &self.around;
        let rest = json.strip_prefix(before.as_str())?.strip_suffix(behind.as_str())?;
        let (first, rest) = rest.split_at_checked(rest.find('"')?)?;
        let second = rest.strip_prefix(between.as_str())?;
        let (amount, signature) = if self.is_amount_first { (first, second) } else { (second, first) };
        let is_plain = (1..=39).contains(&amount.len()) && amount.bytes().all(|byte| byte.is_ascii_digit());
        let max_claimable = amount.parse().ok().filter(|_| is_plain)?;
        let voucher = Voucher { max_claimable, ..self.last.voucher };
        Some(SignedVoucher { voucher, signature: Signature::parse(signature).ok()?, channel: self.last.channel })
    }
}

/// The channel that a payment names first: whose remembered payment to compare it with.
pub fn channel_named(json: &str) -> Option<ChannelId> {
    let at = json.find(CHANNEL)? + CHANNEL.len();
    let mut id = B256::ZERO;
    hex::decode_to_slice(json.get(at..at + 64)?, id.as_mut_slice()).ok()?;
    Some(ChannelId::new(id))
}

/// Where a text value stands whose key occurs once.
fn only(json: &str, key: &str) -> Option<(usize, usize)> {
    let at = json.find(key)? + key.len();
    let rest = json.get(at..)?;
    let end = at + rest.find('"')?;
    (json.len() <= HEADER_BYTES_MAX && !rest.contains(key)).then_some((at, end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evm::{ChannelConfig, SigningKey};
    use crate::network::Networks;
    use alloy_primitives::Address;

    fn voucher(max_claimable: u128) -> SignedVoucher {
        let key = SigningKey::from_bytes([9; 32]).unwrap();
        let domain = Networks::builtin().unwrap().by_name("base").unwrap().channels();
        let channel = ChannelConfig {
            payer: key.address(),
            payer_authorizer: key.address(),
            receiver: Address::repeat_byte(1),
            receiver_authorizer: Address::repeat_byte(2),
            token: Address::repeat_byte(3),
            withdraw_delay_s: 900,
            salt: B256::repeat_byte(4),
        };
        let voucher = Voucher { channel: channel.id(domain), max_claimable };
        let signature = Signature::Ecdsa(key.sign_digest(voucher.digest(domain)));
        SignedVoucher { channel, voucher, signature }
    }

    fn json(signed: &SignedVoucher) -> String {
        let (id, max) = (signed.voucher.channel.get(), signed.voucher.max_claimable);
        let signature = hex::encode_prefixed(signed.signature.to_bytes());
        format!(
            r#"{{"x402Version":2,"payload":{{"type":"voucher","voucher":{{"channelId":"{id}","maxClaimableAmount":"{max}","signature":"{signature}"}}}},"accepted":{{"amount":"7"}}}}"#
        )
    }

    #[test]
    fn the_vouchers_that_follow_are_read_as_they_are() {
        let (first, next) = (voucher(7), voucher(14));
        let again = Again::of(&json(&first), &first).unwrap();
        assert_eq!(again.read(&json(&next)), Some(next.clone()));
        assert_eq!(channel_named(&json(&next)), Some(next.voucher.channel));
    }

    #[test]
    fn whatever_else_differs_is_left_to_whoever_reads_all_of_it() {
        let (first, next) = (voucher(7), voucher(14));
        let again = Again::of(&json(&first), &first).unwrap();
        let good = json(&next);
        for bad in [
            good.replace("\"amount\":\"7\"", "\"amount\":\"8\""),
            good.replace("\"14\"", "\"+14\""),
            good.replace("\"14\"", "\" 14\""),
            good.replace("\"14\"", "\"\""),
            good.replace("\"14\"", "14"),
            good.replace("\"14\"", &format!("\"{}\"", "9".repeat(40))),
            good.replace("\"14\"", "\"1\\u0034\""),
            good.replace("voucher\":{", "voucher\": {"),
            good.replace("\"signature\":\"0x", "\"signature\":\""),
            format!("{good} "),
            String::new(),
        ] {
            assert_eq!(again.read(&bad), None, "{bad}");
        }
    }

    #[test]
    fn a_payment_with_two_places_for_a_value_is_not_remembered() {
        let first = voucher(7);
        let twice = json(&first).replace("\"accepted\":{", "\"accepted\":{\"maxClaimableAmount\":\"7\",");
        assert!(Again::of(&twice, &first).is_none());
        let other = Again::of(&json(&first), &voucher(8));
        assert!(other.is_none(), "the text says something else than what was read");
    }
}

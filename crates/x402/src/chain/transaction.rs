//! EIP-1559 transactions: their bytes, signature and hash, and reading back what was written (EIP-1559, EIP-2718).
//!
//! Knows no nonces in use and no fees of the moment. Invariant: `read` of `sign` gives the same transaction.

use crate::evm::{Digest, EcdsaSignature, SigningKey};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{Decodable, Encodable, Header};

/// The type byte of EIP-1559 (EIP-2718).
const TYPE: u8 = 2;

/// The gas that every transaction costs before its call begins: 21,000, and for each byte of data what Ethereum asked
/// first (EIP-2028) or, where it is more, the floor that came later (EIP-7623). Nodes may drop one with less in silence.
pub fn intrinsic_gas(data: &[u8]) -> u64 {
    let zeros = u64::try_from(data.iter().filter(|byte| **byte == 0).count()).unwrap_or(u64::MAX);
    let others = u64::try_from(data.len()).unwrap_or(u64::MAX).saturating_sub(zeros);
    let tokens = zeros.saturating_add(others.saturating_mul(4));
    tokens.saturating_mul(10).saturating_add(21_000)
}

/// What is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    pub chain_id: u64,
    pub nonce: u64,
    /// Wei per unit of gas.
    pub max_priority_fee_per_gas: u128,
    /// Wei per unit of gas.
    pub max_fee_per_gas: u128,
    pub gas_limit: u64,
    pub to: Address,
    /// In wei.
    pub value: U256,
    pub data: Bytes,
}

/// The bytes that a node takes, and their hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedTransaction {
    pub raw: Bytes,
    pub hash: B256,
}

impl Transaction {
    /// Signs with the wallet's key.
    pub fn sign(&self, key: &SigningKey) -> SignedTransaction {
        let mut unsigned = vec![TYPE];
        self.write_list(&mut unsigned, None);
        let signature = key.sign_digest(Digest::new(keccak256(&unsigned)));
        let mut raw = vec![TYPE];
        self.write_list(&mut raw, Some(signature));
        SignedTransaction { hash: keccak256(&raw), raw: raw.into() }
    }

    /// Reads a signed transaction back; `None` where the bytes are none of type 2 with an empty access list and a
    /// recipient. The signature is not checked: only what this program stored is read.
    pub fn read(raw: &[u8]) -> Option<Self> {
        let (&TYPE, mut rest) = raw.split_first()? else { return None };
        let list = Header::decode(&mut rest).ok()?;
        if !list.list || list.payload_length != rest.len() {
            return None;
        }
        let read = Self {
            chain_id: take(&mut rest)?,
            nonce: take(&mut rest)?,
            max_priority_fee_per_gas: take(&mut rest)?,
            max_fee_per_gas: take(&mut rest)?,
            gas_limit: take(&mut rest)?,
            to: take(&mut rest)?,
            value: take(&mut rest)?,
            data: take(&mut rest)?,
        };
        let access = Header::decode(&mut rest).ok()?;
        (access.list && access.payload_length == 0).then_some(())?;
        let (_parity, _r, _s): (bool, U256, U256) = (take(&mut rest)?, take(&mut rest)?, take(&mut rest)?);
        rest.is_empty().then_some(read)
    }

    fn write_list(&self, out: &mut Vec<u8>, signature: Option<EcdsaSignature>) {
        let mut fields = Vec::with_capacity(self.data.len() + 160);
        self.chain_id.encode(&mut fields);
        self.nonce.encode(&mut fields);
        self.max_priority_fee_per_gas.encode(&mut fields);
        self.max_fee_per_gas.encode(&mut fields);
        self.gas_limit.encode(&mut fields);
        self.to.encode(&mut fields);
        self.value.encode(&mut fields);
        self.data.encode(&mut fields);
        Header { list: true, payload_length: 0 }.encode(&mut fields);
        if let Some(signature) = signature {
            signature.is_odd().encode(&mut fields);
            U256::from_be_bytes(signature.r().0).encode(&mut fields);
            U256::from_be_bytes(signature.s().0).encode(&mut fields);
        }
        Header { list: true, payload_length: fields.len() }.encode(out);
        out.extend_from_slice(&fields);
    }
}

fn take<T: Decodable>(bytes: &mut &[u8]) -> Option<T> {
    T::decode(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::{b256, hex};

    /// A key that every development chain knows.
    fn key() -> SigningKey {
        let bytes = hex::decode("59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d").unwrap();
        SigningKey::from_bytes(bytes.try_into().unwrap()).unwrap()
    }

    fn transaction() -> Transaction {
        Transaction {
            chain_id: 84532,
            nonce: 300,
            max_priority_fee_per_gas: 1_000_000,
            max_fee_per_gas: 30_000_000_000,
            gas_limit: 150_000,
            to: Address::repeat_byte(0x42),
            value: U256::ZERO,
            data: Bytes::from_static(&[0xde, 0xad, 0xbe, 0xef]),
        }
    }

    /// The bytes and the hash are those that viem makes of the same fields and key.
    #[test]
    fn a_transaction_is_signed_as_viem_does() {
        let signed = transaction().sign(&key());
        let raw = "02f87483014a3482012c830f42408506fc23ac00830249f094424242424242424242424242424242424242424280\
                   84deadbeefc001a03c4a46c867dd7e0b09297e794fa445b90d42aab2f4fac7cf1c94fbeb887b76aca05bd2d4315bfc\
                   75a7001206a2a890734f65b6ef988dc59a12dbf279ce2edd2fbd";
        assert_eq!(hex::encode(&signed.raw), raw);
        assert_eq!(signed.hash, b256!("da42901f5ed40f327bdc0b253e35d7d4eeeeca4abceff9ce80646edc6f81cb40"));
    }

    #[test]
    fn what_was_signed_reads_back_and_what_was_damaged_does_not() {
        let raw = transaction().sign(&key()).raw;
        assert_eq!(Transaction::read(&raw), Some(transaction()));
        for length in 0..raw.len() {
            assert_eq!(Transaction::read(&raw[..length]), None, "{length} bytes");
        }
        let longer = [raw.as_ref(), &[0]].concat();
        assert_eq!(Transaction::read(&longer), None);
    }
}

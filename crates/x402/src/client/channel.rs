//! Paying from a channel: vouchers, and deposits that open or fill it.

use alloy_primitives::{B256, U256};
use farebox_base::Timestamp;

use super::ClientError;
use super::choose::Choice;
use super::sign::SignedHeader;
use crate::evm::{ChannelConfig, ChannelId, Signature, SigningKey, Voucher};
use crate::network::Method;
use crate::offer::{ChannelTerms, Terms};
use crate::payment::{Funding, Payment, SignedVoucher};

/// What the payer remembers of a channel. Amounts in the token's smallest unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ChannelBook {
    /// Chosen once; tells apart channels between the same parties.
    pub salt: B256,
    pub balance: U256,
    /// What the server has charged so far.
    pub charged: U256,
}

/// A deposit to make together with the next voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DepositChoice {
    /// In the token's smallest unit.
    pub amount: U256,
    /// Random bytes that were never used.
    pub nonce: [u8; 32],
}

impl Choice {
    /// The channel that pays this offer.
    ///
    /// # Errors
    /// `OtherScheme`.
    pub fn channel(&self, key: &SigningKey, book: &ChannelBook) -> Result<(ChannelConfig, ChannelId), ClientError> {
        let terms = self.channel_terms()?;
        let config = ChannelConfig {
            payer: key.address(),
            payer_authorizer: key.address(),
            receiver: self.offer.pay_to,
            receiver_authorizer: terms.receiver_authorizer,
            token: self.offer.token().address(),
            withdraw_delay_s: terms.withdraw_delay_s,
            salt: book.salt,
        };
        Ok((config, config.id(self.offer.network().channels())))
    }

    /// Signs the next voucher of a channel that holds enough.
    ///
    /// # Errors
    /// `OtherScheme`, `ChannelTooSmall`.
    pub fn sign_voucher(&self, key: &SigningKey, book: &ChannelBook) -> Result<SignedHeader, ClientError> {
        let voucher = self.voucher(key, book, book.balance)?;
        self.header(Payment::Voucher(voucher), None)
    }

    /// Signs a deposit and the next voucher. The limit of `Preferences` is for the price, not for deposits: the amount is
    /// the caller's decision.
    ///
    /// # Errors
    /// `OtherScheme`, `ChannelTooSmall` where the deposit is not enough.
    pub fn sign_deposit(
        &self,
        key: &SigningKey,
        book: &ChannelBook,
        deposit: DepositChoice,
        now: Timestamp,
    ) -> Result<SignedHeader, ClientError> {
        let voucher = self.voucher(key, book, book.balance.saturating_add(deposit.amount))?;
        let ends = self.ends(u64::try_from(now.seconds()).unwrap_or_default());
        let funding = match self.channel_terms()?.deposit {
            Method::Eip3009 => {
                let salt = B256::new(deposit.nonce);
                let authorization = voucher.receive_authorization(deposit.amount, U256::ZERO, ends, salt);
                let signature = key.sign_digest(authorization.digest(self.offer.token().domain()));
                let signature = Signature::Ecdsa(signature);
                Funding::Eip3009 { valid_after: U256::ZERO, valid_before: ends, salt, signature }
            }
            Method::Permit2 => {
                let (token, nonce) = (self.offer.token().address(), U256::from_be_bytes(deposit.nonce));
                let permit = voucher.deposit_permit(token, deposit.amount, nonce, ends);
                let signature = key.sign_digest(permit.digest(self.offer.network().permit2()));
                Funding::Permit2 { permit, signature: Signature::Ecdsa(signature) }
            }
        };
        self.header(Payment::Deposit { voucher, amount: deposit.amount, funding: Box::new(funding) }, None)
    }

    /// Asks for what is left of a channel, or for so much of it.
    ///
    /// # Errors
    /// `OtherScheme`, `ChannelTooSmall` for counts that no channel can have.
    pub fn sign_refund(
        &self,
        key: &SigningKey,
        book: &ChannelBook,
        amount: Option<U256>,
    ) -> Result<SignedHeader, ClientError> {
        let (channel, id) = self.channel(key, book)?;
        let max_claimable = u128::try_from(book.charged).map_err(|_| ClientError::ChannelTooSmall)?;
        let voucher = self.signed(key, channel, Voucher { channel: id, max_claimable });
        self.header(Payment::Refund { voucher, amount }, None)
    }

    fn signed(&self, key: &SigningKey, channel: ChannelConfig, voucher: Voucher) -> SignedVoucher {
        let signature = key.sign_digest(voucher.digest(self.offer.network().channels()));
        SignedVoucher { channel, voucher, signature: Signature::Ecdsa(signature) }
    }

    fn voucher(&self, key: &SigningKey, book: &ChannelBook, holds: U256) -> Result<SignedVoucher, ClientError> {
        let (channel, id) = self.channel(key, book)?;
        let next = book.charged.checked_add(self.offer.amount).filter(|next| *next <= holds);
        let max_claimable = next.and_then(|next| u128::try_from(next).ok()).ok_or(ClientError::ChannelTooSmall)?;
        Ok(self.signed(key, channel, Voucher { channel: id, max_claimable }))
    }

    fn channel_terms(&self) -> Result<&ChannelTerms, ClientError> {
        match &self.offer.terms {
            Terms::BatchSettlement(terms) => Ok(terms),
            _ => Err(ClientError::OtherScheme),
        }
    }
}

//! Why a payment is refused: one stable code per reason, and the refusal that carries it.
//!
//! Owns the words that programs read. Codes are those of the x402 specification where it has one, else those that the
//! published packages @x402/* 2.27 send. Does not own which status code goes with them: the doors do.
//! Invariant: every code belongs to one reason, so that `Reason::parse` reverses `Reason::code`.

use std::fmt;

use alloy_primitives::Address;

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident => $code:literal),+ $(,)?) => {
        /// The closed list of reasons.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Reason { $($(#[$doc])* $name),+ }

        impl Reason {
            /// Every reason, in the order of its definition.
            pub const ALL: &'static [Reason] = &[$(Reason::$name),+];

            /// The code of version 2, for `invalidReason` and `errorReason`.
            pub const fn code(self) -> &'static str {
                match self { $(Reason::$name => $code),+ }
            }

            /// The reason that a code stands for; `None` for codes that are not ours.
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Reason::$name),)+ _ => None }
            }
        }
    };
}

reasons! {
    // Any scheme.
    /// The header or body is no payment: bad base64, bad JSON, a field that is missing or unreadable.
    InvalidPayload => "invalid_payload",
    /// Longer, deeper or with more parts than is read.
    PayloadTooLarge => "payload_too_large",
    /// Neither version 1 nor 2, or a version that this header does not carry.
    InvalidVersion => "invalid_x402_version",
    /// A known scheme that this resource does not take.
    InvalidScheme => "invalid_scheme",
    UnsupportedScheme => "unsupported_scheme",
    UnsupportedPayloadType => "unsupported_payload_type",
    InvalidNetwork => "invalid_network",
    /// The accepted terms are not those that were offered: asset, recipient, amount, time or `extra`.
    InvalidRequirements => "invalid_payment_requirements",
    /// A facilitator settles for those only whom its operator allows.
    RecipientNotAllowed => "recipient_not_allowed",
    InsufficientFunds => "insufficient_funds",
    InvalidTransactionState => "invalid_transaction_state",
    UnexpectedVerifyError => "unexpected_verify_error",
    UnexpectedSettleError => "unexpected_settle_error",
    /// Broadcast and not final: settle again with the same body to learn the outcome.
    SettlementPending => "settlement_pending",
    /// The same payment is being settled or was settled for another request.
    DuplicateSettlement => "duplicate_settlement",
    /// Whoever sells was asked and did not serve, so that nothing was taken.
    ResourceFailed => "resource_failed",
    /// An echoed extension differs from what was advertised.
    ExtensionEchoMismatch => "extension_echo_mismatch",
    AssetNotContract => "asset_not_deployed_contract",
    SmartWalletFactoryNotAllowed => "eip6492_factory_not_allowed",
    SmartWalletDeploymentFailed => "smart_wallet_deployment_failed",

    // Scheme `exact` with EIP-3009.
    ExactValidAfter => "invalid_exact_evm_payload_authorization_valid_after",
    ExactValidBefore => "invalid_exact_evm_payload_authorization_valid_before",
    ExactValueMismatch => "invalid_exact_evm_payload_authorization_value_mismatch",
    ExactSignature => "invalid_exact_evm_payload_signature",
    ExactRecipientMismatch => "invalid_exact_evm_payload_recipient_mismatch",
    ExactUndeployedSmartWallet => "invalid_exact_evm_payload_undeployed_smart_wallet",
    ExactNonceUsed => "invalid_exact_evm_nonce_already_used",
    ExactMissingDomain => "invalid_exact_evm_missing_eip712_domain",
    ExactTokenName => "invalid_exact_evm_token_name_mismatch",
    ExactTokenVersion => "invalid_exact_evm_token_version_mismatch",
    ExactEip3009Unsupported => "invalid_exact_evm_eip3009_not_supported",
    ExactSimulationFailed => "invalid_exact_evm_transaction_simulation_failed",
    ExactTransactionFailed => "invalid_exact_evm_transaction_failed",
    ExactTransferEventMismatch => "invalid_exact_evm_transfer_event_mismatch",

    // Permit2, for `exact` and `upto`.
    Permit2Spender => "invalid_permit2_spender",
    Permit2RecipientMismatch => "invalid_permit2_recipient_mismatch",
    Permit2Signature => "invalid_permit2_signature",
    Permit2DeadlineExpired => "permit2_deadline_expired",
    Permit2NotYetValid => "permit2_not_yet_valid",
    Permit2AmountMismatch => "permit2_amount_mismatch",
    Permit2TokenMismatch => "permit2_token_mismatch",
    /// The payer has to approve Permit2 first.
    Permit2AllowanceRequired => "permit2_allowance_required",
    Permit2InsufficientBalance => "permit2_insufficient_balance",
    Permit2SimulationFailed => "permit2_simulation_failed",
    Permit2ProxyNotDeployed => "permit2_proxy_not_deployed",
    Permit2InvalidAmount => "permit2_invalid_amount",
    Permit2InvalidDestination => "permit2_invalid_destination",
    Permit2InvalidOwner => "permit2_invalid_owner",
    Permit2PaymentTooEarly => "permit2_payment_too_early",
    /// The nonce of Permit2 is spent.
    Permit2InvalidNonce => "permit2_invalid_nonce",

    // Scheme `upto`.
    UptoSettlementExceedsAmount => "invalid_upto_evm_payload_settlement_exceeds_amount",
    UptoAmountExceedsPermitted => "upto_amount_exceeds_permitted",
    UptoUnauthorizedFacilitator => "upto_unauthorized_facilitator",
    UptoFacilitatorMismatch => "upto_facilitator_mismatch",
    UptoTransactionFailed => "invalid_upto_evm_transaction_failed",

    // Scheme `batch-settlement`.
    ChannelNotFound => "invalid_batch_settlement_evm_channel_not_found",
    /// A request on the same channel is still being served.
    ChannelBusy => "invalid_batch_settlement_evm_channel_busy",
    ChannelIdMismatch => "invalid_batch_settlement_evm_channel_id_mismatch",
    ChannelTokenMismatch => "invalid_batch_settlement_evm_token_mismatch",
    ChannelReceiverMismatch => "invalid_batch_settlement_evm_receiver_mismatch",
    ChannelReceiverAuthorizerMismatch => "invalid_batch_settlement_evm_receiver_authorizer_mismatch",
    ChannelWithdrawDelayMismatch => "invalid_batch_settlement_evm_withdraw_delay_mismatch",
    ChannelWithdrawDelayRange => "invalid_batch_settlement_evm_withdraw_delay_out_of_range",
    ChannelInsufficientBalance => "invalid_batch_settlement_evm_insufficient_balance",
    VoucherSignature => "invalid_batch_settlement_evm_voucher_signature",
    /// The voucher is not what was charged so far plus the price.
    VoucherCumulativeMismatch => "invalid_batch_settlement_evm_cumulative_amount_mismatch",
    VoucherExceedsBalance => "invalid_batch_settlement_evm_cumulative_exceeds_balance",
    VoucherBelowClaimed => "invalid_batch_settlement_evm_cumulative_below_claimed",
    ChargeExceedsVoucher => "invalid_batch_settlement_evm_charge_exceeds_signed_cumulative",
    DepositValidBefore => "invalid_batch_settlement_evm_payload_authorization_valid_before",
    DepositValidAfter => "invalid_batch_settlement_evm_payload_authorization_valid_after",
    DepositSignature => "invalid_batch_settlement_evm_receive_authorization_signature",
    DepositEip3009Required => "invalid_batch_settlement_evm_erc3009_authorization_required",
    DepositPermit2Required => "invalid_batch_settlement_evm_permit2_authorization_required",
    DepositPermit2Spender => "invalid_batch_settlement_evm_permit2_invalid_spender",
    DepositPermit2Amount => "invalid_batch_settlement_evm_permit2_amount_mismatch",
    DepositPermit2Deadline => "invalid_batch_settlement_evm_permit2_deadline_expired",
    DepositPermit2Signature => "invalid_batch_settlement_evm_permit2_invalid_signature",
    DepositPermit2Allowance => "invalid_batch_settlement_evm_permit2_allowance_required",
    DepositTooSmall => "invalid_batch_settlement_evm_deposit_below_min_deposit",
    /// It would be reverted; a nonce that is spent is one cause.
    DepositSimulationFailed => "invalid_batch_settlement_evm_deposit_simulation_failed",
    DepositTransactionFailed => "invalid_batch_settlement_evm_deposit_transaction_failed",
    ClaimSimulationFailed => "invalid_batch_settlement_evm_claim_simulation_failed",
    ClaimTransactionFailed => "invalid_batch_settlement_evm_claim_transaction_failed",
    /// Nothing was claimed for the receiver that it was not paid.
    ChannelNothingToSettle => "invalid_batch_settlement_evm_nothing_to_settle",
    ChannelSettleSimulationFailed => "invalid_batch_settlement_evm_settle_simulation_failed",
    ChannelSettleTransactionFailed => "invalid_batch_settlement_evm_settle_transaction_failed",
    RefundNoBalance => "invalid_batch_settlement_evm_refund_no_balance",
    RefundAmountInvalid => "invalid_batch_settlement_evm_refund_amount_invalid",
    RefundSimulationFailed => "invalid_batch_settlement_evm_refund_simulation_failed",
    RefundTransactionFailed => "invalid_batch_settlement_evm_refund_transaction_failed",
    /// Nobody here may sign for the receiver.
    ChannelAuthorizerMissing => "invalid_batch_settlement_evm_authorizer_not_configured",
    ChannelAuthorizerMismatch => "invalid_batch_settlement_evm_authorizer_address_mismatch",
    ChannelPayloadType => "invalid_batch_settlement_evm_payload_type",

    // Extension `payment-identifier`.
    IdentifierRequired => "payment_identifier_required",
    IdentifierInvalid => "invalid_payment_identifier",
    /// The same identifier came with another request or payment.
    IdentifierConflict => "payment_identifier_conflict",

    // Extension `sign-in-with-x`.
    SignInPayload => "invalid_siwx_payload",
    SignInDomain => "invalid_siwx_domain_mismatch",
    SignInUri => "invalid_siwx_uri_mismatch",
    SignInIssuedAt => "invalid_siwx_issued_at",
    SignInTooOld => "invalid_siwx_issued_at_too_old",
    SignInInFuture => "invalid_siwx_issued_at_in_future",
    SignInExpirationTime => "invalid_siwx_expiration_time",
    SignInExpired => "invalid_siwx_expired",
    SignInNotBefore => "invalid_siwx_not_before",
    SignInNotYetValid => "invalid_siwx_not_yet_valid",
    SignInNonce => "invalid_siwx_nonce",
    SignInChain => "invalid_siwx_chain_id",
    SignInUnsupportedChain => "invalid_siwx_unsupported_chain",
    SignInMalformedSignature => "invalid_siwx_malformed_signature",
    SignInSignature => "invalid_siwx_signature",
}

impl Reason {
    /// The code for payments of version 1, whose clients know a closed list (x402 1.2.0).
    pub const fn v1_code(self) -> &'static str {
        match self {
            Self::ExactValueMismatch => "invalid_exact_evm_payload_authorization_value",
            Self::ExactNonceUsed | Self::DuplicateSettlement => "duplicate_settlement",
            Self::ExactValidAfter
            | Self::ExactValidBefore
            | Self::ExactSignature
            | Self::ExactRecipientMismatch
            | Self::ExactUndeployedSmartWallet
            | Self::InsufficientFunds
            | Self::InvalidPayload
            | Self::InvalidVersion
            | Self::InvalidScheme
            | Self::UnsupportedScheme
            | Self::InvalidNetwork
            | Self::InvalidRequirements
            | Self::InvalidTransactionState
            | Self::UnexpectedVerifyError
            | Self::UnexpectedSettleError => self.code(),
            Self::PayloadTooLarge | Self::UnsupportedPayloadType => "invalid_payload",
            Self::RecipientNotAllowed
            | Self::ExactMissingDomain
            | Self::ExactTokenName
            | Self::ExactTokenVersion
            | Self::AssetNotContract => "invalid_payment_requirements",
            Self::ExactSimulationFailed | Self::ExactTransactionFailed | Self::ExactTransferEventMismatch => {
                "invalid_transaction_state"
            }
            // Beyond the list, but told apart by those who read them, and no published client checks the list here.
            Self::SettlementPending | Self::ResourceFailed => self.code(),
            _ => "invalid_payment",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A payment that is not taken: the code for programs, a sentence for people, and who wanted to pay, once that is known.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}: {message}")]
pub struct Refusal {
    pub reason: Reason,
    /// What was expected and what came. Holds nothing secret.
    pub message: String,
    pub payer: Option<Address>,
}

impl Refusal {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), payer: None }
    }

    /// A refusal over one value, worded alike everywhere.
    pub fn mismatch(reason: Reason, what: &str, expected: impl fmt::Display, came: impl fmt::Display) -> Self {
        Self::new(reason, format!("{what}: expected {expected}, got {came}"))
    }

    /// The same refusal, naming the payer.
    #[must_use]
    pub fn of(self, payer: Address) -> Self {
        Self { payer: Some(payer), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_belongs_to_one_reason() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.code()), Some(*reason));
        }
        assert_eq!(Reason::parse("no_such_reason"), None);
    }

    #[test]
    fn version_1_only_hears_codes_that_its_clients_know() {
        const KNOWN: &[&str] = &[
            "insufficient_funds",
            "invalid_exact_evm_payload_authorization_valid_after",
            "invalid_exact_evm_payload_authorization_valid_before",
            "invalid_exact_evm_payload_authorization_value",
            "invalid_exact_evm_payload_signature",
            "invalid_exact_evm_payload_undeployed_smart_wallet",
            "invalid_exact_evm_payload_recipient_mismatch",
            "invalid_network",
            "invalid_payload",
            "invalid_payment_requirements",
            "invalid_scheme",
            "invalid_payment",
            "payment_expired",
            "unsupported_scheme",
            "invalid_x402_version",
            "invalid_transaction_state",
            "unexpected_settle_error",
            "unexpected_verify_error",
            "duplicate_settlement",
            "settlement_pending",
            "resource_failed",
        ];
        for reason in Reason::ALL {
            assert!(KNOWN.contains(&reason.v1_code()), "{reason:?}");
        }
    }
}

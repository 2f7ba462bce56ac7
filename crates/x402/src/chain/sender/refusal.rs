//! What a node's refusal of a signed transaction means. Nodes agree on no codes, so their words decide.

/// What to do about a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The node has it already.
    Known,
    /// The nonce is used: by this transaction, or by another one.
    NonceUsed,
    /// The fees are too low for this block, or to replace what is in the pool.
    FeeTooLow,
    /// The wallet can't pay for the gas.
    NoFunds,
    /// The node can't take it now: a nonce before it is missing, its pool is full.
    Later,
    /// No node will ever take these bytes.
    Never,
    /// In words that we do not know.
    Unclear,
}

const WORDS: &[(Refusal, &[&str])] = &[
    (Refusal::Known, &["already known", "already imported", "known transaction", "alreadyknown", "already exists"]),
    (Refusal::NonceUsed, &["nonce too low", "nonce is too low", "oldnonce", "nonce has already been used"]),
    (
        Refusal::FeeTooLow,
        &[
            "underpriced",
            "less than block base fee",
            "lower than the minimum",
            "fee too low",
            "gas price too low",
            "below the minimum",
        ],
    ),
    (Refusal::NoFunds, &["insufficient funds", "insufficient balance", "insufficientfunds"]),
    (
        Refusal::Later,
        &[
            "nonce too high",
            "nonce gap",
            "pool is full",
            "txpool is full",
            "too many",
            "future transaction",
            "limit exceeded",
        ],
    ),
    (
        Refusal::Never,
        &[
            "intrinsic gas too",
            "greater than the cap",
            "exceeds block gas limit",
            "gas limit is too high",
            "gas limit too high",
            "exceeds the block gas limit",
            "oversized data",
            "max initcode size",
            "invalid sender",
            "invalid chain id",
            "wrong chain",
            "exceeds the configured cap",
            "floor data gas",
        ],
    ),
];

impl Refusal {
    pub(super) fn of(message: &str) -> Self {
        let message = message.to_ascii_lowercase();
        let says = |words: &&(Self, &[&str])| words.1.iter().any(|words| message.contains(words));
        WORDS.iter().find(says).map_or(Self::Unclear, |(refusal, _)| *refusal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nodes_say_is_understood_whatever_its_case() {
        for (message, refusal) in [
            ("already known", Refusal::Known),
            ("transaction already imported", Refusal::Known),
            ("nonce too low: next nonce 5, tx nonce 3", Refusal::NonceUsed),
            ("replacement transaction underpriced", Refusal::FeeTooLow),
            ("max fee per gas less than block base fee: address 0x1", Refusal::FeeTooLow),
            ("Insufficient funds for gas * price + value", Refusal::NoFunds),
            ("txpool is full", Refusal::Later),
            ("intrinsic gas too low", Refusal::Never),
            ("teapot", Refusal::Unclear),
        ] {
            assert_eq!(Refusal::of(message), refusal, "{message}");
        }
    }
}

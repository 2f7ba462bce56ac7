//! What the doors need to know of the configuration.

use crate::limits::LimitSettings;
use crate::payments::PaymentSettings;
use farebox_base::Micros;
use std::net::IpAddr;
use std::sync::Arc;

/// Whether a bare wallet address may spend at the SQL gateway's door.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WalletProof {
    /// A wallet without a registered owner spends on its address alone. For demonstrations only.
    Optional,
    /// Spending needs a key of the wallet's party.
    Required,
}

/// Settings of the doors.
#[derive(Clone)]
pub struct ApiSettings {
    /// Given once to a party that asks; zero for none.
    pub signup_bonus: Micros,
    pub wallet_proof: WalletProof,
    pub limits: LimitSettings,
    /// Whether a peer is a proxy whose `X-Forwarded-For` names the true client.
    pub is_trusted_proxy: Arc<dyn Fn(IpAddr) -> bool + Send + Sync>,
    /// Where clients reach this server, without a trailing slash, for the addresses in replies.
    pub public_url: String,
    /// Whether `/outbox` shows the mails that no server takes: where the server is its own machine's alone.
    pub shows_outbox: bool,
    /// Signed payments, for callers without a balance.
    pub payments: PaymentSettings,
    /// The platform's share of each call, in hundredths of a percent.
    pub fee_basis_points: i64,
}

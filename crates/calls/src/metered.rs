//! Calls whose reply tells what they have cost, up to what was held for them.
//!
//! Invariant: no reply costs its buyer more than was held, and one that cannot be understood never costs the most.

use crate::HttpCall;
use farebox_base::Micros;
use farebox_market::untold_charge;
use farebox_net::Body;
use farebox_upstream::http::ToldCharge;
use http::Response;

/// How the cost of a call is found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metered {
    /// What a silent reply costs; `None`: the price is fixed.
    untold: Option<Micros>,
}

impl Metered {
    pub(crate) fn of(call: &HttpCall) -> Self {
        let path = call.path_and_query.split('?').next().unwrap_or_default();
        Self { untold: untold_charge(&call.entry.listing, call.method.as_str(), path) }
    }

    /// Whether a served call costs its quote, whatever its reply says.
    pub(crate) fn is_fixed(self) -> bool {
        self.untold.is_none()
    }

    /// What the reply costs of `most`.
    pub(crate) fn charge(self, response: &Response<Body>, most: Micros) -> Micros {
        let Some(untold) = self.untold else { return most };
        let charge = match response.extensions().get::<ToldCharge>() {
            None => untold,
            Some(told) => told.amount().unwrap_or_else(|| {
                tracing::warn!(%untold, "a seller tells a charge that can't be read; what a silent reply costs is charged");
                untold
            }),
        };
        charge.min(most)
    }
}

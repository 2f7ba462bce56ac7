//! The 402: what to pay, for clients of both versions on one URL.

use super::terms::v1_requirements;
use super::{Object, encode_base64_json, v1, v2};
use crate::offer::{Offer, Resource};
use crate::{Reason, Refusal};

/// Why the client is asked to pay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Complaint {
    /// It did not try.
    Unpaid,
    /// It tried, and this is why it was not taken.
    Refused(Reason),
}

/// Offers for a resource, the preferred one first: most clients take the first that they can pay.
#[derive(Debug, Clone)]
pub struct Challenge<'a> {
    pub offers: &'a [Offer],
    pub resource: &'a Resource,
    /// By key, each `{info, schema}`.
    pub extensions: Object,
    pub complaint: Complaint,
}

impl Complaint {
    const fn v2(self) -> &'static str {
        match self {
            Self::Unpaid => "payment_required",
            // Clients of channels compare the whole text with the code.
            Self::Refused(reason) => reason.code(),
        }
    }

    const fn v1(self) -> &'static str {
        match self {
            Self::Unpaid => "X-PAYMENT header is required",
            Self::Refused(reason) => reason.v1_code(),
        }
    }
}

impl From<&Refusal> for Complaint {
    fn from(refusal: &Refusal) -> Self {
        Self::Refused(refusal.reason)
    }
}

impl Challenge<'_> {
    pub fn v2(&self) -> v2::PaymentRequired {
        v2::PaymentRequired {
            x402_version: 2,
            error: Some(self.complaint.v2().to_owned()),
            resource: self.resource.into(),
            accepts: self.offers.iter().map(v2::Requirements::from).collect(),
            extensions: (!self.extensions.is_empty()).then(|| self.extensions.clone()),
        }
    }

    /// Only what version 1 can say; `accepts` may be empty.
    pub fn v1(&self) -> v1::PaymentRequired {
        v1::PaymentRequired {
            x402_version: 1,
            error: Some(self.complaint.v1().to_owned()),
            accepts: self.offers.iter().filter_map(|offer| v1_requirements(offer, self.resource)).collect(),
        }
    }

    /// The value of `PAYMENT-REQUIRED`.
    ///
    /// # Errors
    /// None in practice.
    pub fn v2_header(&self) -> Result<String, serde_json::Error> {
        encode_base64_json(&self.v2())
    }

    /// The body of the 402 for clients of version 1.
    ///
    /// # Errors
    /// None in practice.
    pub fn v1_body(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&self.v1())
    }
}

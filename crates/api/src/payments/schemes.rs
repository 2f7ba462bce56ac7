//! Which schemes a client says that it can sign, for clients that throw away a 402 over one that they have never heard of.

use farebox_x402::offer::{Offer, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue};

/// Names of schemes, with commas between them.
static HEADER: HeaderName = HeaderName::from_static("x-farebox-schemes");

/// What the request's header names; all schemes where there is none.
#[derive(Clone, Debug, Default)]
pub(crate) struct Schemes(Option<HeaderValue>);

impl Schemes {
    /// Takes the header out, as the seller has nothing to do with it.
    pub(crate) fn taken(headers: &mut HeaderMap) -> Self {
        Self(headers.remove(&HEADER))
    }

    /// Leaves only what the client can sign; everything where that is nothing, so that it learns what there is.
    pub(crate) fn keep(&self, offers: &mut Vec<Offer>) {
        let wanted: Vec<Scheme> = self.names().filter_map(Scheme::parse).collect();
        if offers.iter().any(|offer| wanted.contains(&offer.scheme())) {
            offers.retain(|offer| wanted.contains(&offer.scheme()));
        }
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')).map(str::trim)
    }
}

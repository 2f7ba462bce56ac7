//! What a simulation puts in the place of the world around the calls: the sellers' servers, and the writer's thread.
//!
//! Only behind the feature `sim`. Everything else of a simulated call is the real thing.

use crate::writer::{Place, Writer};
use crate::{Calls, CallsParts};
use farebox_base::Result;
use farebox_net::Body;
use farebox_upstream::UpstreamError;
use farebox_upstream::http::Outgoing;
use http::Response;
use std::pin::Pin;
use std::sync::Arc;

/// A seller's answer that is still to come.
pub type Exchange<'a> = Pin<Box<dyn Future<Output = Result<Response<Body>, UpstreamError>> + Send + 'a>>;

/// Whatever answers in the sellers' place.
pub trait Outside: Send + Sync + 'static {
    fn forward<'a>(&'a self, outgoing: Outgoing<'a>) -> Exchange<'a>;
}

impl Calls {
    /// As [`Calls::start`], with another outside world, and nothing that runs outside of the current runtime.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn start_simulated(parts: CallsParts, outside: Arc<dyn Outside>) -> Result<Self> {
        let parts = Arc::new(parts);
        let writer = Writer::start(parts.clone(), Place::Task).await?;
        Ok(Self { outside: Some(outside), ..Self::of(parts, writer) })
    }
}

//! `GET /discovery/resources` and `GET /discovery/search`.

use super::FacilitatorService;
use crate::Refusal;
use crate::facilitator::catalogue::{ListQuery, SearchQuery};
use crate::wire::{DiscoveryList, ListPage, SearchPage, SearchResult};
use farebox_base::Error;

const VERSION: u8 = 2;

/// Why there is no page.
#[derive(Debug, Clone)]
pub enum DiscoveryError {
    /// A parameter is wrong; the message names it.
    Invalid(Refusal),
    /// Our own store does not answer now.
    Unavailable(Error),
}

impl FacilitatorService {
    /// A page of the catalogue; `query` is the URL's query string.
    ///
    /// # Errors
    /// `Invalid` naming the parameter; `Unavailable`.
    pub async fn discovery_resources(&self, query: &str) -> Result<DiscoveryList, DiscoveryError> {
        let query = ListQuery::parse(query).map_err(DiscoveryError::Invalid)?;
        let (items, total) = self.parts.catalogue.list(&query).await.map_err(DiscoveryError::Unavailable)?;
        let pagination = ListPage { limit: query.limit, offset: query.offset, total };
        Ok(DiscoveryList { x402_version: VERSION, items, pagination })
    }

    /// The resources that have all words of `query`; `query` is the URL's query string.
    ///
    /// # Errors
    /// `Invalid` naming the parameter; `Unavailable`.
    pub async fn discovery_search(&self, query: &str) -> Result<SearchResult, DiscoveryError> {
        let query = SearchQuery::parse(query).map_err(DiscoveryError::Invalid)?;
        let mut resources = self.parts.catalogue.search(&query).await.map_err(DiscoveryError::Unavailable)?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let has_more = resources.len() > limit;
        resources.truncate(limit);
        let cursor = has_more.then(|| query.offset.saturating_add(query.limit.into()).to_string());
        let pagination = Some(SearchPage { limit: query.limit, cursor });
        Ok(SearchResult { x402_version: VERSION, resources, partial_results: Some(has_more), pagination })
    }
}

//! Listings by id and by slug, kept in memory until one of them changes anywhere.
//!
//! A hit is one shared lock on a part of a map. Misses are loaded together, in two statements.

use crate::row::{LISTINGS, TAGS};
use crate::{Listing, ListingEntry, ListingStatus, Market, rules};
use farebox_base::{ListingId, Result};
use farebox_db::{Param, Row, Where};
use std::collections::HashMap;
use std::sync::Arc;

impl Market {
    /// A listing in any status; `None` where there is none.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn by_id(&self, id: ListingId) -> Result<Option<Arc<ListingEntry>>> {
        if let Some(entry) = self.0.by_id.get(&id) {
            return Ok(Some(entry));
        }
        Ok(self.load("l.id", &[id.to_string()]).await?.pop())
    }

    /// A listing in any status; `None` where there is none.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn by_slug(&self, slug: &str) -> Result<Option<Arc<ListingEntry>>> {
        if let Some(entry) = self.0.by_slug.get(slug) {
            return Ok(Some(entry));
        }
        if !rules::is_slug(slug) {
            return Ok(None);
        }
        Ok(self.load("l.slug", &[slug.to_owned()]).await?.pop())
    }

    /// As `by_slug`, for the public: a removed listing is not there.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn store_listing(&self, slug: &str) -> Result<Option<Arc<ListingEntry>>> {
        let entry = self.by_slug(slug).await?;
        Ok(entry.filter(|entry| entry.listing.status != ListingStatus::Removed))
    }

    /// The listings with these ids, in their order; those that do not exist are left out.
    pub(crate) async fn by_ids(&self, ids: &[ListingId]) -> Result<Vec<Arc<Listing>>> {
        let mut found: HashMap<ListingId, Arc<ListingEntry>> =
            ids.iter().filter_map(|id| Some((*id, self.0.by_id.get(id)?))).collect();
        let missing: Vec<String> = ids.iter().filter(|id| !found.contains_key(id)).map(ToString::to_string).collect();
        if !missing.is_empty() {
            found.extend(self.load("l.id", &missing).await?.into_iter().map(|entry| (entry.listing.id, entry)));
        }
        Ok(ids.iter().filter_map(|id| found.get(id)).map(|entry| entry.listing.clone()).collect())
    }

    /// Loads rows into the cache. The version is read first, so that a change while loading is not hidden.
    async fn load(&self, column: &'static str, values: &[String]) -> Result<Vec<Arc<ListingEntry>>> {
        let version = self.0.by_id.version();
        let params: Vec<Param<'_>> = values.iter().map(Into::into).collect();
        let mut wanted = Where::new(LISTINGS);
        wanted.and_in(column, &params);
        let (statement, params) = wanted.finish("", &[]);
        let rows = self.db().query_built(&statement, &params).await?;
        let mut tags = self.tags_of(&rows).await?;
        let mut entries = Vec::with_capacity(rows.len());
        for row in &rows {
            let entry = Arc::new(self.read(row, tags.remove(row.get::<&str>(0)?).unwrap_or_default())?);
            self.0.by_id.insert(entry.listing.id, version, entry.clone());
            self.0.by_slug.insert(entry.listing.slug.clone(), version, entry.clone());
            entries.push(entry);
        }
        Ok(entries)
    }

    async fn tags_of(&self, rows: &[Row]) -> Result<HashMap<String, Vec<String>>> {
        let ids = rows.iter().map(|row| row.get::<&str>(0)).collect::<Result<Vec<_>, _>>()?;
        let params: Vec<Param<'_>> = ids.into_iter().map(Into::into).collect();
        let mut wanted = Where::new(TAGS);
        wanted.and_in("listing_id", &params);
        let (statement, params) = wanted.finish("ORDER BY listing_id, position", &[]);
        let mut tags: HashMap<String, Vec<String>> = HashMap::new();
        for row in self.db().query_built(&statement, &params).await? {
            tags.entry(row.get(0)?).or_default().push(row.get(1)?);
        }
        Ok(tags)
    }
}

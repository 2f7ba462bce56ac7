//! Finding listings: lists, search, categories.
//!
//! Counts are exact and taken with the list, in one statement; orders are total, so that pages neither repeat nor skip.

use crate::rules::MOST_TAGS;
use crate::{Listing, ListingStatus, Market};
use farebox_accounts::{Page, Paged};
use farebox_base::{Error, ListingId, Micros, PartyId, Result};
use farebox_db::{Param, Statement, Where, sql};
use std::sync::Arc;

const LONGEST_SEARCH_CHARS: usize = 500;

/// In which order listings come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ListingSort {
    #[default]
    Newest,
    /// Lowest price per call first.
    Price,
    /// By name, whatever the case.
    Name,
}

/// Which listings are wanted; what is not named does not matter. The default wants all, in every status.
#[derive(Clone, Debug, Default)]
pub struct ListingFilter {
    /// Part of a name, description or chosen slug, whatever the case; `%` and `_` mean themselves.
    pub text: Option<String>,
    /// Exactly this category.
    pub category: Option<String>,
    /// This category, whatever the case of its ASCII letters.
    pub category_ci: Option<String>,
    /// At least one of these tags, whatever the case; empty: does not matter. At most 20.
    pub tags_any: Vec<String>,
    /// The price per call, inclusive.
    pub min_price: Option<Micros>,
    /// The price per call, inclusive.
    pub max_price: Option<Micros>,
    pub payment_method: Option<String>,
    pub has_free_tier: Option<bool>,
    pub status: Option<ListingStatus>,
    pub is_verified: Option<bool>,
    /// True: databases only; false: everything else.
    pub is_database: Option<bool>,
    pub sort: ListingSort,
}

/// A category and how many active listings it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CategoryCount {
    /// `uncategorized` for listings without category.
    pub category: String,
    pub count: u64,
}

impl Market {
    /// Listings that the filter wants.
    ///
    /// # Errors
    /// `Invalid` for `query` or `tags`; those of the database.
    pub async fn listings_page(&self, filter: &ListingFilter, page: Page) -> Result<Paged<Arc<Listing>>> {
        let Some(terms) = Terms::of(filter)? else { return Ok(Paged { items: vec![], total: 0 }) };
        let wanted = |beginning: &'static str| terms.wanted(filter, beginning);
        let order = match filter.sort {
            ListingSort::Newest => "ORDER BY l.created_at DESC, l.id DESC LIMIT $1 OFFSET $2",
            ListingSort::Price => "ORDER BY l.price_per_call, l.created_at DESC, l.id DESC LIMIT $1 OFFSET $2",
            ListingSort::Name => "ORDER BY lower(l.name), l.created_at DESC, l.id DESC LIMIT $1 OFFSET $2",
        };
        let list = wanted(sql!("SELECT l.id, COUNT(*) OVER () FROM listing l"))
            .finish(order, &[page.limit_param(), page.offset_param()]);
        let count = wanted(sql!("SELECT COUNT(*) FROM listing l")).finish("", &[]);
        self.cut(page, list, count).await
    }

    /// The party's listings, newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn listings_owned(&self, party: PartyId, with_removed: bool, page: Page) -> Result<Paged<Arc<Listing>>> {
        let party = party.to_string();
        let wanted = |beginning: &'static str| {
            let mut wanted = Where::new(beginning);
            wanted.and("l.party_id = $1", &[(&party).into()]);
            wanted.and_some("l.status <> $1", (!with_removed).then_some(ListingStatus::Removed.text()));
            wanted
        };
        let list = wanted(sql!("SELECT l.id, COUNT(*) OVER () FROM listing l")).finish(
            "ORDER BY l.created_at DESC, l.id DESC LIMIT $1 OFFSET $2",
            &[page.limit_param(), page.offset_param()],
        );
        let count = wanted(sql!("SELECT COUNT(*) FROM listing l")).finish("", &[]);
        self.cut(page, list, count).await
    }

    /// The categories of active listings, the largest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn categories(&self) -> Result<Vec<CategoryCount>> {
        let rows = self
            .db()
            .query(
                sql!(
                    "SELECT CASE WHEN category = '' THEN 'uncategorized' ELSE category END, COUNT(*)
                     FROM listing WHERE status = 'active' GROUP BY 1 ORDER BY 2 DESC, 1"
                ),
                &[],
            )
            .await?;
        rows.iter()
            .map(|row| {
                Ok(CategoryCount { category: row.get(0)?, count: u64::try_from(row.get::<i64>(1)?).unwrap_or(0) })
            })
            .collect()
    }

    async fn cut(
        &self,
        page: Page,
        (list, list_params): (Statement, Vec<Param<'_>>),
        (count, count_params): (Statement, Vec<Param<'_>>),
    ) -> Result<Paged<Arc<Listing>>> {
        let rows = self.db().query_built(&list, &list_params).await?;
        let ids = rows.iter().map(|row| row.get(0)).collect::<Result<Vec<ListingId>, _>>()?;
        let total = match rows.first() {
            Some(row) => row.get(1)?,
            None if page.limit > 0 && page.offset == 0 => 0,
            // Beyond the end, no row says how many there are.
            None => match self.db().query_built(&count, &count_params).await?.first() {
                Some(row) => row.get(0)?,
                None => 0,
            },
        };
        Ok(Paged { items: self.by_ids(&ids).await?, total: u64::try_from(total).unwrap_or(0) })
    }
}

/// The texts of a filter in the form in which they are compared.
struct Terms {
    pattern: Option<String>,
    /// Exactly as many as the condition has places; the first tag fills those that are left.
    tags: Option<Vec<String>>,
}

impl Terms {
    /// `None` where nothing can match.
    fn of(filter: &ListingFilter) -> Result<Option<Self>> {
        let texts = [&filter.text, &filter.category, &filter.category_ci, &filter.payment_method];
        // The database refuses NUL, which no listing contains.
        if texts.into_iter().flatten().chain(&filter.tags_any).any(|text| text.contains('\0')) {
            return Ok(None);
        }
        if filter.text.as_ref().is_some_and(|text| text.chars().count() > LONGEST_SEARCH_CHARS) {
            return Err(Error::invalid("query", format!("must not be longer than {LONGEST_SEARCH_CHARS} characters")));
        }
        if filter.tags_any.len() > MOST_TAGS {
            return Err(Error::invalid("tags", format!("must not have more than {MOST_TAGS} entries")));
        }
        let tags = filter.tags_any.first().map(|first| {
            let mut tags: Vec<String> = filter.tags_any.iter().map(|tag| tag.trim().to_lowercase()).collect();
            tags.resize(MOST_TAGS, first.trim().to_lowercase());
            tags
        });
        Ok(Some(Self { pattern: filter.text.as_deref().filter(|text| !text.is_empty()).map(contains_pattern), tags }))
    }

    fn wanted<'a>(&'a self, filter: &'a ListingFilter, beginning: &'static str) -> Where<'a> {
        let mut wanted = Where::new(beginning);
        wanted
            .and_some("l.status = $1", filter.status.map(ListingStatus::text))
            .and_some(r"l.search_text LIKE $1 ESCAPE '\'", self.pattern.as_deref())
            .and_some("l.category = $1", filter.category.as_deref())
            .and_some("lower(l.category) = lower($1)", filter.category_ci.as_deref())
            .and_some("l.price_per_call >= $1", filter.min_price)
            .and_some("l.price_per_call <= $1", filter.max_price)
            .and_some("l.payment_method = $1", filter.payment_method.as_deref())
            .and_some("l.is_verified = $1", filter.is_verified);
        match filter.has_free_tier {
            Some(true) => wanted.and("l.free_tier_calls > 0", &[]),
            Some(false) => wanted.and("l.free_tier_calls = 0", &[]),
            None => &mut wanted,
        };
        match filter.is_database {
            Some(true) => wanted.and("l.kind IN ('postgres', 'sqlite')", &[]),
            Some(false) => wanted.and("l.kind NOT IN ('postgres', 'sqlite')", &[]),
            None => &mut wanted,
        };
        if let Some(tags) = &self.tags {
            let params: Vec<Param<'a>> = tags.iter().map(Into::into).collect();
            wanted.and(
                "l.id IN (SELECT listing_id FROM listing_tag WHERE tag_lower IN ($1, $2, $3, $4, $5, $6, $7, $8, $9,
                   $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20))",
                &params,
            );
        }
        wanted
    }
}

/// The LIKE pattern for texts that contain this one, in lower case, with its wildcards escaped.
fn contains_pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for c in text.to_lowercase().chars() {
        if matches!(c, '\\' | '%' | '_') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::contains_pattern;

    #[test]
    fn wildcards_in_a_search_mean_themselves() {
        assert_eq!(contains_pattern(r"50%_Off\"), r"%50\%\_off\\%");
    }
}

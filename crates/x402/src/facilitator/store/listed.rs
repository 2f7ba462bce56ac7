//! The tables of the catalogue: what was paid for, to whom and at which terms.

use super::SqlStore;
use crate::facilitator::Promised;
use crate::facilitator::catalogue::{Details, Entry, Filters, ListQuery, SearchQuery};
use crate::facilitator::record::Catalogue;
use crate::wire::{DiscoveryItem, v2};
use farebox_base::{Error, Result, Timestamp};
use farebox_db::{Isolation, Row, Tx, Where, sql, tx};

/// The terms that are shown of one resource.
const TERMS_MAX: i64 = 16;

impl Catalogue for SqlStore {
    fn paid<'a>(&'a self, entry: &'a Entry, times: u32) -> Promised<'a, Result<()>> {
        Box::pin(async move {
            let now = self.clock.now();
            tx!(self.db, Isolation::ReadCommitted, tx => { resource_count_in(tx, entry, times, now).await })
        })
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Promised<'a, Result<(Vec<DiscoveryItem>, u64)>> {
        Box::pin(async move {
            let page = Page { order: Order::Latest, limit: query.limit.into(), offset: signed(query.offset) };
            Ok((self.page(&query.filters, &[], page).await?, self.total(&query.filters).await?))
        })
    }

    fn search<'a>(&'a self, query: &'a SearchQuery) -> Promised<'a, Result<Vec<DiscoveryItem>>> {
        Box::pin(async move {
            let limit = i64::from(query.limit) + 1;
            let page = Page { order: Order::Busiest, limit, offset: signed(query.offset) };
            self.page(&query.filters, &query.words, page).await
        })
    }
}

impl SqlStore {
    async fn page(&self, filters: &Filters, words: &[String], rest: Page) -> Result<Vec<DiscoveryItem>> {
        let patterns = patterns(words);
        let mut list = Where::new(sql!("SELECT id, url, kind, details, extensions, settled_at FROM x402_resource r"));
        narrow(&mut list, filters, &patterns);
        let order = match rest.order {
            Order::Latest => "ORDER BY settled_at DESC, id LIMIT $1 OFFSET $2",
            Order::Busiest => "ORDER BY settled_count DESC, settled_at DESC, id LIMIT $1 OFFSET $2",
        };
        let (statement, params) = list.finish(order, &[rest.limit.into(), rest.offset.into()]);
        let mut items = Vec::new();
        for row in self.db.query_built(&statement, &params).await? {
            let terms = sql!(
                "SELECT terms FROM x402_resource_terms WHERE resource_id = $1 ORDER BY settled_at DESC, network, asset LIMIT $2"
            );
            let id: String = row.get(0)?;
            let terms = self.db.query(terms, &[(&id).into(), TERMS_MAX.into()]).await?;
            items.push(item(&row, &terms)?);
        }
        Ok(items)
    }

    async fn total(&self, filters: &Filters) -> Result<u64> {
        let mut list = Where::new(sql!("SELECT COUNT(*) FROM x402_resource r"));
        narrow(&mut list, filters, &[]);
        let (statement, params) = list.finish("", &[]);
        let rows = self.db.query_built(&statement, &params).await?;
        let count: i64 = rows.first().ok_or_else(|| Error::internal("a count has no row"))?.get(0)?;
        Ok(u64::try_from(count).unwrap_or_default())
    }
}

enum Order {
    Latest,
    Busiest,
}

struct Page {
    order: Order,
    limit: i64,
    offset: i64,
}

/// Notes that a resource was paid for a number of times.
pub(super) async fn resource_count_in(tx: &mut Tx, entry: &Entry, times: u32, now: Timestamp) -> Result<()> {
    let upsert = sql!(
        "INSERT INTO x402_resource (id, url, kind, pay_to, details, extensions, words, settled_count, created_at, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $9, $8, $8)
         ON CONFLICT (id) DO UPDATE SET details = excluded.details, extensions = excluded.extensions,
           words = excluded.words, settled_count = x402_resource.settled_count + $9, settled_at = excluded.settled_at"
    );
    let unwritable = |_| Error::internal("an entry of the catalogue can't be written");
    let (id, pay_to) = (format!("{:x}", entry.id()), entry.terms.pay_to.to_lowercase());
    let details = serde_json::to_string(&entry.details).map_err(unwritable)?;
    let extensions = serde_json::to_string(&entry.extensions).map_err(unwritable)?;
    let words = entry.words();
    let params = [
        (&id).into(),
        (&entry.key.url).into(),
        entry.kind.into(),
        (&pay_to).into(),
        (&details).into(),
        (&extensions).into(),
        (&words).into(),
        now.into(),
        i64::from(times).into(),
    ];
    tx.execute(upsert, &params).await?;
    let upsert = sql!(
        "INSERT INTO x402_resource_terms (resource_id, scheme, network, asset, terms, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (resource_id, scheme, network, asset)
         DO UPDATE SET terms = excluded.terms, settled_at = excluded.settled_at"
    );
    let terms = serde_json::to_string(&entry.terms).map_err(unwritable)?;
    let (scheme, network, asset) = (&entry.terms.scheme, &entry.terms.network, &entry.terms.asset);
    let params = [(&id).into(), scheme.into(), network.into(), asset.into(), (&terms).into(), now.into()];
    tx.execute(upsert, &params).await?;
    Ok(())
}

fn narrow<'a>(list: &mut Where<'a>, filters: &'a Filters, patterns: &'a [String]) {
    list.and_some("r.kind = $1", filters.kind.as_deref());
    list.and_some("r.pay_to = $1", filters.pay_to.as_deref());
    let scheme = "EXISTS (SELECT 1 FROM x402_resource_terms t WHERE t.resource_id = r.id AND t.scheme = $1)";
    list.and_some(scheme, filters.scheme.as_deref());
    let network = "EXISTS (SELECT 1 FROM x402_resource_terms t WHERE t.resource_id = r.id AND t.network = $1)";
    list.and_some(network, filters.network.as_deref());
    match filters.extension.as_deref() {
        None => {}
        Some(crate::extension::bazaar::KEY) => drop(list.and("r.extensions <> '{}'", &[])),
        Some(_) => drop(list.and("1 = 0", &[])),
    }
    for pattern in patterns {
        list.and(r"r.words LIKE $1 ESCAPE '\'", &[pattern.into()]);
    }
}

fn patterns(words: &[String]) -> Vec<String> {
    let escaped = |word: &String| word.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    words.iter().map(|word| format!("%{}%", escaped(word))).collect()
}

fn item(row: &Row, terms: &[Row]) -> Result<DiscoveryItem> {
    let unreadable = |_| Error::internal("a row of x402_resource can't be read");
    let kind: String = row.get(2)?;
    let details: Details = serde_json::from_str(&row.get::<String>(3)?).map_err(unreadable)?;
    let extensions: crate::wire::Object = serde_json::from_str(&row.get::<String>(4)?).map_err(unreadable)?;
    let accepts = terms.iter().map(|row| {
        let terms: String = row.get(0)?;
        serde_json::from_str::<v2::Requirements>(&terms).map_err(unreadable)
    });
    Ok(DiscoveryItem {
        resource: row.get(1)?,
        kind: if kind == "mcp" { "mcp" } else { "http" },
        x402_version: 2,
        accepts: accepts.collect::<Result<_>>()?,
        last_updated: row.get::<Timestamp>(5)?.rfc3339(),
        description: details.description,
        mime_type: details.mime_type,
        service_name: details.service_name,
        tags: (!details.tags.is_empty()).then_some(details.tags),
        icon_url: details.icon_url,
        extensions: (!extensions.is_empty()).then_some(extensions),
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

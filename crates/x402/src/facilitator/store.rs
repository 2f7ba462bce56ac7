//! The tables of settlements for other servers and of the catalogue. The only SQL of the facilitator.
//!
//! Invariants: a nonce has one row, whoever asks and in whichever process; an end is written once, and the catalogue
//! with it.

use super::catalogue::{Details, Entry, Filters, ListQuery, SearchQuery};
use super::record::{Begun, Catalogue, NewSettlement, Remembered, SettlementStore};
use super::{Promised, Settlement};
use crate::verify::NonceKey;
use crate::wire::{DiscoveryItem, v2};
use crate::{Reason, Refusal};
use alloy_primitives::B256;
use farebox_base::{Clock, Error, Result, Rng, Timestamp, uuid_v7};
use farebox_db::{Db, Isolation, Row, Tx, Where, sql, tx};
use std::sync::Arc;
use uuid::Uuid;

/// The terms that are shown of one resource.
const TERMS_MAX: i64 = 16;

/// Both stores, in the database.
#[derive(Clone)]
pub struct SqlStore {
    db: Db,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
}

impl SqlStore {
    pub fn new(db: Db, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { db, clock, rng }
    }

    async fn begin_row(&self, new: &NewSettlement) -> Result<Begun> {
        let (id, now) = (uuid_v7(&*self.clock, &*self.rng), self.clock.now());
        tx!(self.db, Isolation::ReadCommitted, tx => { settlement_begin_in(tx, id, new, now).await })
    }

    async fn end_row(&self, id: Uuid, settlement: &Settlement, resource: Option<&Entry>) -> Result<()> {
        let now = self.clock.now();
        tx!(self.db, Isolation::ReadCommitted, tx => { settlement_end_in(tx, id, settlement, resource, now).await })
    }

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

impl SettlementStore for SqlStore {
    fn find<'a>(&'a self, nonce: &'a NonceKey) -> Promised<'a, Result<Option<Remembered>>> {
        Box::pin(async move {
            let select =
                sql!("SELECT id, fingerprint, state, tx_hash, reason, message FROM x402_settlement WHERE nonce = $1");
            self.db.one(select, &[nonce.as_str().into()]).await?.map(|row| remembered(&row)).transpose()
        })
    }

    fn begin<'a>(&'a self, new: &'a NewSettlement) -> Promised<'a, Result<Begun>> {
        Box::pin(self.begin_row(new))
    }

    fn ended<'a>(
        &'a self,
        id: Uuid,
        settlement: &'a Settlement,
        resource: Option<&'a Entry>,
    ) -> Promised<'a, Result<()>> {
        Box::pin(self.end_row(id, settlement, resource))
    }
}

impl Catalogue for SqlStore {
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

async fn settlement_begin_in(tx: &mut Tx, id: Uuid, new: &NewSettlement, now: Timestamp) -> Result<Begun> {
    let insert = sql!(
        "INSERT INTO x402_settlement (id, nonce, network, token, payer, pay_to, amount, fingerprint, state, created_at, updated_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 'begun', $9, $9) ON CONFLICT (nonce) DO NOTHING"
    );
    let (own_id, amount) = (id.to_string(), new.amount.to_string());
    let [token, payer, pay_to] = [new.token, new.payer, new.pay_to].map(|address| format!("{address:#x}"));
    let params = [
        (&own_id).into(),
        new.nonce.as_str().into(),
        (&new.network).into(),
        (&token).into(),
        (&payer).into(),
        (&pay_to).into(),
        (&amount).into(),
        (&new.fingerprint.0).into(),
        now.into(),
    ];
    if tx.execute(insert, &params).await? == 1 {
        return Ok(Begun::Fresh(id));
    }
    let reopen = sql!(
        "UPDATE x402_settlement SET state = 'begun', reason = NULL, message = NULL, updated_at = $3
         WHERE nonce = $1 AND fingerprint = $2 AND state = 'not_taken' AND reason = $4"
    );
    let passing = Reason::UnexpectedSettleError.code();
    tx.execute(reopen, &[new.nonce.as_str().into(), (&new.fingerprint.0).into(), now.into(), passing.into()]).await?;
    let select = sql!("SELECT id, fingerprint, state, tx_hash, reason, message FROM x402_settlement WHERE nonce = $1");
    let row = tx.one(select, &[new.nonce.as_str().into()]).await?;
    Ok(Begun::Known(remembered(&row.ok_or_else(|| Error::internal("a reserved nonce has no row"))?)?))
}

async fn settlement_end_in(
    tx: &mut Tx,
    id: Uuid,
    settlement: &Settlement,
    resource: Option<&Entry>,
    now: Timestamp,
) -> Result<()> {
    let (state, hash, refusal) = match settlement {
        Settlement::Pending { .. } => return Ok(()),
        Settlement::Settled { transaction } => ("settled", Some(transaction.as_str()), None),
        Settlement::NotTaken(refusal) => ("not_taken", None, Some(refusal)),
    };
    let update = sql!(
        "UPDATE x402_settlement SET state = $2, tx_hash = $3, reason = $4, message = $5, updated_at = $6
         WHERE id = $1 AND state = 'begun'"
    );
    let message = refusal.map(|refusal| refusal.message.replace('\0', ""));
    let id = id.to_string();
    let params = [
        (&id).into(),
        state.into(),
        hash.into(),
        refusal.map(|refusal| refusal.reason.code()).into(),
        message.as_deref().into(),
        now.into(),
    ];
    let is_first = tx.execute(update, &params).await? == 1;
    match resource {
        Some(entry) if is_first && state == "settled" => resource_count_in(tx, entry, now).await,
        _ => Ok(()),
    }
}

async fn resource_count_in(tx: &mut Tx, entry: &Entry, now: Timestamp) -> Result<()> {
    let upsert = sql!(
        "INSERT INTO x402_resource (id, url, kind, pay_to, details, extensions, words, settled_count, created_at, settled_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, 1, $8, $8)
         ON CONFLICT (id) DO UPDATE SET details = excluded.details, extensions = excluded.extensions,
           words = excluded.words, settled_count = x402_resource.settled_count + 1, settled_at = excluded.settled_at"
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

fn remembered(row: &Row) -> Result<Remembered> {
    let unreadable = || Error::internal("a row of x402_settlement can't be read");
    let (id, fingerprint, state): (String, Vec<u8>, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
    let end = match state.as_str() {
        "begun" => None,
        "settled" => Some(Settlement::Settled { transaction: row.get::<Option<String>>(3)?.unwrap_or_default() }),
        "not_taken" => {
            let code: Option<String> = row.get(4)?;
            let reason = code.as_deref().and_then(Reason::parse).unwrap_or(Reason::UnexpectedSettleError);
            let message: Option<String> = row.get(5)?;
            Some(Settlement::NotTaken(Refusal::new(reason, message.unwrap_or_default())))
        }
        _ => return Err(unreadable()),
    };
    Ok(Remembered {
        id: id.parse().map_err(|_| unreadable())?,
        fingerprint: B256::try_from(fingerprint.as_slice()).map_err(|_| unreadable())?,
        end,
    })
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

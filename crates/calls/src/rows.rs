//! The rows of a group: calls that are written for the first time, and what each buyer has used of each listing.

use crate::running::{End, Ending, Running};
use farebox_base::{Micros, Result};
use farebox_db::{Rows, Tx, sql};
use std::collections::BTreeMap;
use uuid::fmt::Hyphenated;

/// A call to write: open, or at its end.
pub(crate) struct NewRow<'a> {
    pub call: &'a Running,
    pub held: Micros,
    pub free_tier: bool,
    /// The end, and how it came out where that is not what was meant.
    pub end: Option<(&'a End, Ending)>,
}

/// Room for the texts of a row's ids, which the parameters borrow: call, buyer, seller, listing.
type Texts = [[u8; Hyphenated::LENGTH]; 4];

pub(crate) async fn calls_in(tx: &mut Tx, new: &[NewRow<'_>]) -> Result<()> {
    let mut texts: Vec<Texts> = vec![[[0; Hyphenated::LENGTH]; 4]; new.len()];
    let keys: Vec<Option<String>> = new.iter().map(|row| row.call.key_id.map(|key| key.to_string())).collect();
    let mut rows = Rows::with_capacity(new.len(), 18);
    for ((row, texts), key) in new.iter().zip(&mut texts).zip(&keys) {
        let (call, end) = (row.call, row.end);
        let [id, buyer, seller, listing] = written(texts, call);
        rows.push([
            id.into(),
            buyer.into(),
            seller.into(),
            listing.into(),
            key.as_ref().into(),
            call.door.into(),
            (&call.method).into(),
            (&call.path).into(),
            end.map_or("open", |(_, ending)| ending.state()).into(),
            row.free_tier.into(),
            row.held.into(),
            end.map_or(Micros::ZERO, |(_, ending)| ending.charged()).into(),
            end.and_then(|(end, _)| end.status).map(i64::from).into(),
            end.map(|(end, _)| i64::try_from(end.latency_ms).unwrap_or(i64::MAX)).into(),
            (&call.request_id).into(),
            call.created_at.into(),
            call.expires_at.into(),
            end.map(|(end, _)| end.finished_at).into(),
        ]);
    }
    const CALL: &str = sql!(
        "INSERT INTO call (id, buyer_party_id, seller_party_id, listing_id, key_id, door, method, path, state,
           free_tier, quoted, charged, status_code, latency_ms, request_id, created_at, expires_at, finished_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)"
    );
    tx.execute_each(CALL, &rows).await?;
    Ok(())
}

fn written<'t>(texts: &'t mut Texts, call: &Running) -> [&'t str; 4] {
    let [id, buyer, seller, listing] = texts;
    [
        call.call_id.uuid().hyphenated().encode_lower(id),
        call.buyer.uuid().hyphenated().encode_lower(buyer),
        call.seller.uuid().hyphenated().encode_lower(seller),
        call.listing.uuid().hyphenated().encode_lower(listing),
    ]
}

#[derive(Default)]
struct Use {
    served: i64,
    failed: i64,
    charged: i64,
    latency_ms: i64,
}

/// Counts calls that have ended; those that the client gave up are not counted.
pub(crate) async fn use_in(tx: &mut Tx, ends: &[(&End, Ending)]) -> Result<()> {
    let mut uses: BTreeMap<(uuid::Uuid, uuid::Uuid), Use> = BTreeMap::new();
    for (end, ending) in ends {
        let (served, failed) = match ending {
            Ending::Served { .. } => (1, 0),
            Ending::Failed => (0, 1),
            Ending::Canceled => continue,
        };
        let used = uses.entry((end.call.listing.uuid(), end.call.buyer.uuid())).or_default();
        used.served += served;
        used.failed += failed;
        used.charged += ending.charged().get();
        used.latency_ms += i64::try_from(end.latency_ms).unwrap_or(i64::MAX);
    }
    let texts: Vec<_> = uses.keys().map(|(listing, buyer)| (listing.to_string(), buyer.to_string())).collect();
    let mut rows = Rows::with_capacity(uses.len(), 6);
    for ((listing, buyer), used) in texts.iter().zip(uses.values()) {
        let Use { served, failed, charged, latency_ms } = *used;
        rows.push([listing.into(), buyer.into(), served.into(), failed.into(), charged.into(), latency_ms.into()]);
    }
    const USE: &str = sql!(
        "INSERT INTO call_use (listing_id, buyer_party_id, served, failed, charged, latency_ms)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (listing_id, buyer_party_id) DO UPDATE SET served = call_use.served + excluded.served,
           failed = call_use.failed + excluded.failed, charged = call_use.charged + excluded.charged,
           latency_ms = call_use.latency_ms + excluded.latency_ms"
    );
    tx.execute_each(USE, &rows).await?;
    Ok(())
}

//! Same key, same answer: the saved reply of a request that carried an idempotency key.
//!
//! A key is scoped to the caller's party and the listing. The row is written with the hold and completed with the
//! posting, so it exists exactly when its effect does. A failed call frees its key.

use farebox_base::planted::{Bug, is_planted};
use farebox_base::{CallId, Error, ListingId, Micros, PartyId, Result, Timestamp};
use farebox_db::{Db, Isolation, Row, Tx, sql, tx};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

/// A key as the caller sent it: 1 to 255 visible ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// # Errors
    /// `Invalid`, naming the header and the rule.
    pub fn parse(text: &str) -> Result<Self> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| (0x21..=0x7e).contains(&b));
        if fits {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid("Idempotency-Key", "must be 1 to 255 visible ASCII characters"))
        }
    }
}

/// A key with what it stands for.
#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub scope: String,
    pub key: String,
    /// Of method, path, query and body, and of the account that the call is made with.
    pub digest: [u8; 32],
}

impl Claim {
    /// `request` is method, path with query, and body.
    pub(crate) fn new(
        party: PartyId,
        listing: ListingId,
        key: &IdempotencyKey,
        request: &[&[u8]; 3],
        account: Option<&str>,
    ) -> Self {
        let mut hash = blake3::Hasher::new();
        for part in request.iter().copied().chain(account.map(str::as_bytes)) {
            hash.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        Self { scope: format!("{party}:{listing}"), key: key.0.clone(), digest: *hash.finalize().as_bytes() }
    }
}

/// A reply as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct SavedReply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// What a claim of a key found.
#[derive(Debug)]
pub(crate) enum Claimed {
    /// The key is ours now.
    Fresh,
    /// The same request is still running.
    Running,
    /// The key stands for another request.
    OtherRequest,
    /// The reply was too large to be kept.
    TooLarge { call_id: CallId },
    /// The same request was answered before.
    Answered { call_id: CallId, free_tier: bool, latency_ms: u64, reply: SavedReply },
}

/// Claims the key for `call_id`, or says who has it.
pub(crate) async fn claim_in(
    tx: &mut Tx,
    claim: &Claim,
    call_id: &str,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<Claimed> {
    tx.execute(
        sql!(
            "DELETE FROM idempotency
             WHERE scope = $1 AND key = $2 AND expires_at <= $3 AND state <> 'running'"
        ),
        &[claim.scope.as_str().into(), claim.key.as_str().into(), now.into()],
    )
    .await?;
    let written = tx
        .execute(
            sql!(
                "INSERT INTO idempotency (scope, key, digest, call_id, state, created_at, expires_at)
                 VALUES ($1, $2, $3, $4, 'running', $5, $6) ON CONFLICT (scope, key) DO NOTHING"
            ),
            &[
                claim.scope.as_str().into(),
                claim.key.as_str().into(),
                claim.digest.as_slice().into(),
                call_id.into(),
                now.into(),
                expires_at.into(),
            ],
        )
        .await?;
    if written == 1 {
        return Ok(Claimed::Fresh);
    }
    found_in(tx, claim).await
}

/// What became of an earlier request with the key; `None` where it was never used, or its time is over.
pub(crate) async fn find(db: &Db, claim: &Claim) -> Result<Option<Claimed>> {
    const USED: &str = sql!("SELECT 1 FROM idempotency WHERE scope = $1 AND key = $2");
    tx!(db, Isolation::ReadCommitted, tx => {
        match tx.one(USED, &[claim.scope.as_str().into(), claim.key.as_str().into()]).await? {
            Some(_) => found_in(tx, claim).await.map(Some),
            None => Ok(None),
        }
    })
}

async fn found_in(tx: &mut Tx, claim: &Claim) -> Result<Claimed> {
    let row = tx
        .one(
            sql!(
                "SELECT i.digest, i.state, i.call_id, i.status_code, i.headers, i.body, c.free_tier, c.latency_ms
                 FROM idempotency i LEFT JOIN call c ON c.id = i.call_id WHERE i.scope = $1 AND i.key = $2"
            ),
            &[claim.scope.as_str().into(), claim.key.as_str().into()],
        )
        .await?;
    let Some(row) = row else { return Ok(Claimed::Running) };
    let digest: Vec<u8> = row.get(0)?;
    if digest != claim.digest && !is_planted(Bug::KeyDigestIgnored) {
        return Ok(Claimed::OtherRequest);
    }
    let (state, call_id): (String, String) = (row.get(1)?, row.get(2)?);
    let call_id = CallId::parse(&call_id).ok_or_else(|| Error::internal(format!("bad call id {call_id}")))?;
    match state.as_str() {
        "running" => Ok(Claimed::Running),
        "too_large" => Ok(Claimed::TooLarge { call_id }),
        _ => answered(&row, call_id),
    }
}

fn answered(row: &Row, call_id: CallId) -> Result<Claimed> {
    let status: Option<i64> = row.get(3)?;
    let headers: Option<String> = row.get(4)?;
    let body: Option<Vec<u8>> = row.get(5)?;
    let free_tier: Option<bool> = row.get(6)?;
    let latency_ms: Option<i64> = row.get(7)?;
    let status = status.ok_or_else(|| Error::internal(format!("call {call_id} was saved without a status")))?;
    let reply = SavedReply::of_row(status, &headers.unwrap_or_default(), body.unwrap_or_default())?;
    let latency_ms = latency_ms.and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0);
    Ok(Claimed::Answered { call_id, free_tier: free_tier.unwrap_or(false), latency_ms, reply })
}

/// Completes the key with the reply, or notes that it was too large to keep.
pub(crate) async fn save_in(tx: &mut Tx, claim: &Claim, call_id: &str, reply: Option<&SavedReply>) -> Result<()> {
    let headers = reply.map(|r| headers_to_text(&r.headers)).transpose()?;
    tx.execute(
        sql!(
            "UPDATE idempotency SET state = $4, status_code = $5, headers = $6, body = $7
             WHERE scope = $1 AND key = $2 AND call_id = $3"
        ),
        &[
            claim.scope.as_str().into(),
            claim.key.as_str().into(),
            call_id.into(),
            if reply.is_some() { "done" } else { "too_large" }.into(),
            reply.map(|r| i64::from(r.status.as_u16())).into(),
            headers.as_deref().into(),
            reply.map(|r| r.body.as_slice()).into(),
        ],
    )
    .await?;
    Ok(())
}

/// Frees the key of a call that had no effect.
pub(crate) async fn release_in(tx: &mut Tx, call_id: &str, claim: &Claim) -> Result<()> {
    tx.execute(
        sql!("DELETE FROM idempotency WHERE scope = $1 AND key = $2 AND call_id = $3"),
        &[claim.scope.as_str().into(), claim.key.as_str().into(), call_id.into()],
    )
    .await?;
    Ok(())
}

/// The code for a key that stands for another request.
pub(crate) const KEY_REUSED: &str = "idempotency_key_reused";

/// What the caller is told when the key can't be used now.
pub(crate) fn refusal(claimed: &Claimed) -> Option<Error> {
    match claimed {
        Claimed::Running => Some(
            Error::conflict(
                "idempotency_key_in_use",
                "A request with this Idempotency-Key is still running; ask again with the same key in a moment",
            )
            .with_retry_after(1),
        ),
        Claimed::OtherRequest => Some(Error::conflict(
            KEY_REUSED,
            "This Idempotency-Key was used with another method, path, query or body; use a new key",
        )),
        Claimed::TooLarge { call_id } => Some(Error::conflict(
            "idempotent_reply_not_kept",
            format!("This request was served once as call {call_id}, but its reply was too large to be kept"),
        )),
        Claimed::Fresh | Claimed::Answered { .. } => None,
    }
}

impl SavedReply {
    pub(crate) fn headers_text(&self) -> Result<String> {
        headers_to_text(&self.headers)
    }

    /// # Errors
    /// `Internal` where the row was not written by `headers_text`.
    pub(crate) fn of_row(status: i64, headers: &str, body: Vec<u8>) -> Result<Self> {
        let status = u16::try_from(status).ok().and_then(|status| StatusCode::from_u16(status).ok());
        let status = status.ok_or_else(|| Error::internal("a reply was saved with a status that is none"))?;
        Ok(Self { status, headers: headers_from_text(headers)?, body })
    }
}

fn headers_to_text(headers: &HeaderMap) -> Result<String> {
    let pairs: Vec<(&str, String)> =
        headers.iter().map(|(name, value)| (name.as_str(), latin1(value.as_bytes()))).collect();
    serde_json::to_string(&pairs).map_err(|e| Error::internal(e.to_string()))
}

/// One char per byte, so that header values that are no UTF-8 survive as text.
fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

fn headers_from_text(text: &str) -> Result<HeaderMap> {
    let pairs: Vec<(String, String)> = serde_json::from_str(text).map_err(|e| Error::internal(e.to_string()))?;
    let mut headers = HeaderMap::with_capacity(pairs.len());
    for (name, value) in pairs {
        let bytes: Vec<u8> = value.chars().filter_map(|c| u8::try_from(u32::from(c)).ok()).collect();
        let name = HeaderName::try_from(name).map_err(|e| Error::internal(e.to_string()))?;
        let value = HeaderValue::from_bytes(&bytes).map_err(|e| Error::internal(e.to_string()))?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// The receipt of a replayed answer charges nothing now.
pub(crate) fn replay_receipt(call_id: CallId, free_tier: bool, latency_ms: u64) -> crate::Receipt {
    crate::Receipt { call_id, amount: Micros::ZERO, free_tier, latency_ms, replayed: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn saved_headers_keep_order_duplicates_and_odd_bytes() {
        let mut headers = HeaderMap::new();
        headers.append("set-cookie", HeaderValue::from_static("a=1"));
        headers.append("set-cookie", HeaderValue::from_static("b=2"));
        headers.append("x-odd", HeaderValue::from_bytes(b"caf\xe9").unwrap());
        let back = headers_from_text(&headers_to_text(&headers).unwrap()).unwrap();
        assert_eq!(back, headers);
    }

    #[test]
    fn keys_are_visible_ascii() {
        assert!(IdempotencyKey::parse("order-1").is_ok());
        for bad in ["", "a b", "é", &"x".repeat(256)] {
            assert_eq!(IdempotencyKey::parse(bad).unwrap_err().field.as_deref(), Some("Idempotency-Key"));
        }
    }
}

//! Private network endpoints: the links of a cloud provider through which requests for an organisation may come.
//!
//! Owns the table `vpc_endpoint` and the decision whether a request that came through an endpoint is let through. Makes
//! no endpoint and asks no cloud provider: whoever runs the load balancer says by which endpoint a request came.
//! Invariants: an organisation records an endpoint once, whatever other organisations have recorded; an endpoint that
//! an organisation has not recorded, or has taken away, lets none of its requests in, in other processes after the next
//! `Changes::refresh`.

mod admit;
mod rules;

use crate::text_enum::{read_word, text_enum};
use farebox_base::{Clock, Error, PartyId, Result, Rng, Timestamp, VpcEndpointId};
use farebox_db::{Db, Row, Where, sql, tx};
use farebox_events::{Cache, Changes};
use std::sync::Arc;

/// The scope of `Changes` that covers endpoints.
pub const VPC_SCOPE: &str = "vpc";

/// The most endpoints of an organisation; its list has no pages.
pub const VPC_ENDPOINTS_MAX: i64 = 100;

const CACHED: usize = 10_000;
const ENDPOINTS: &str = sql!(
    "SELECT e.id, e.party_id, e.region, e.endpoint_id, e.label, e.state, e.created_at, e.updated_at FROM vpc_endpoint e"
);

text_enum! {
    /// How far an endpoint has come.
    VpcState {
        /// It is recorded; nothing has come through it yet.
        Pending = "pending",
        /// A request of its organisation has come through it.
        Available = "available",
    }
}

/// An organisation's record of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VpcEndpoint {
    pub id: VpcEndpointId,
    pub party_id: PartyId,
    /// Such as `aws-us-east-1`.
    pub region: String,
    /// The cloud provider's name for it, such as `vpce-0123456789abcdef0`.
    pub endpoint_id: String,
    pub label: Option<String>,
    pub state: VpcState,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

/// An endpoint to record, in the words of whoever asks.
#[derive(Clone, Debug)]
pub struct VpcEndpointCreate {
    pub region: String,
    pub endpoint_id: String,
    pub label: Option<String>,
}

/// The service; a clone shares everything.
#[derive(Clone)]
pub struct VpcEndpoints(Arc<Inner>);

struct Inner {
    db: Db,
    changes: Changes,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    /// What is recorded of an endpoint, `None` for nothing.
    states: Cache<(PartyId, String), Option<VpcState>>,
}

impl VpcEndpoints {
    pub fn new(db: Db, changes: Changes, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        let states = Cache::new(changes.scope(VPC_SCOPE), CACHED);
        Self(Arc::new(Inner { db, changes, clock, rng, states }))
    }

    /// The organisation's endpoints, the oldest first; those of one region where it is named.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, party: PartyId, region: Option<&str>) -> Result<Vec<VpcEndpoint>> {
        let party = party.to_string();
        let mut wanted = Where::new(ENDPOINTS);
        wanted.and("e.party_id = $1", &[(&party).into()]);
        if let Some(region) = region {
            if !rules::is_region(region) {
                return Ok(vec![]);
            }
            wanted.and("e.region = $1", &[region.into()]);
        }
        let (statement, params) = wanted.finish("ORDER BY e.created_at, e.id", &[]);
        self.0.db.query_built(&statement, &params).await?.iter().map(read).collect()
    }

    /// One endpoint of the organisation; where a region is named, only if it is there.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn get(&self, party: PartyId, id: VpcEndpointId, region: Option<&str>) -> Result<VpcEndpoint> {
        let row = self
            .0
            .db
            .one(
                sql!(
                    "SELECT id, party_id, region, endpoint_id, label, state, created_at, updated_at
                     FROM vpc_endpoint WHERE id = $1 AND party_id = $2"
                ),
                &[(&id.to_string()).into(), (&party.to_string()).into()],
            )
            .await?;
        let found = row.as_ref().map(read).transpose()?;
        found.filter(|endpoint| region.is_none_or(|region| endpoint.region == region)).ok_or_else(not_found)
    }

    /// Records an endpoint.
    ///
    /// # Errors
    /// `Invalid`, naming the field; `Conflict` where the organisation has recorded it already
    /// (`vpc_endpoint_exists`), or as many as it may (`vpc_endpoints_full`).
    pub async fn record(&self, party: PartyId, create: &VpcEndpointCreate) -> Result<VpcEndpoint> {
        let now = self.0.clock.now();
        let endpoint = VpcEndpoint {
            id: VpcEndpointId::generate(&*self.0.clock, &*self.0.rng),
            party_id: party,
            region: rules::region(&create.region)?,
            endpoint_id: rules::endpoint_id(&create.region, &create.endpoint_id)?,
            label: create.label.as_deref().map(rules::label).transpose()?,
            state: VpcState::Pending,
            created_at: now,
            updated_at: now,
        };
        tx!(&self.0.db, tx => { self.record_in(tx, &endpoint).await })?;
        self.0.changes.local(VPC_SCOPE);
        Ok(endpoint)
    }

    async fn record_in(&self, tx: &mut farebox_db::Tx, endpoint: &VpcEndpoint) -> Result<()> {
        let party = endpoint.party_id.to_string();
        let counted = tx.one(sql!("SELECT COUNT(*) FROM vpc_endpoint WHERE party_id = $1"), &[(&party).into()]).await?;
        if counted.map_or(Ok(0), |row| row.get::<i64>(0))? >= VPC_ENDPOINTS_MAX {
            let message = format!("An organization can record at most {VPC_ENDPOINTS_MAX} VPC endpoints");
            return Err(Error::conflict("vpc_endpoints_full", message));
        }
        let written = tx
            .execute(
                sql!(
                    "INSERT INTO vpc_endpoint (id, party_id, region, endpoint_id, label, state, created_at, updated_at)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (party_id, endpoint_id) DO NOTHING"
                ),
                &[
                    (&endpoint.id.to_string()).into(),
                    (&party).into(),
                    (&endpoint.region).into(),
                    (&endpoint.endpoint_id).into(),
                    endpoint.label.as_deref().into(),
                    endpoint.state.text().into(),
                    endpoint.created_at.into(),
                    endpoint.updated_at.into(),
                ],
            )
            .await?;
        if written == 0 {
            let message = format!("The VPC endpoint {} is recorded already", endpoint.endpoint_id);
            return Err(Error::conflict("vpc_endpoint_exists", message));
        }
        self.0.changes.bump_in(tx, VPC_SCOPE).await
    }

    /// Takes an endpoint away; where a region is named, only if it is there. It can be recorded again.
    ///
    /// # Errors
    /// `NotFound`.
    pub async fn remove(&self, party: PartyId, id: VpcEndpointId, region: Option<&str>) -> Result<()> {
        let region = self.get(party, id, region).await?.region;
        tx!(&self.0.db, tx => {
            let gone = tx
                .execute(
                    sql!("DELETE FROM vpc_endpoint WHERE id = $1 AND party_id = $2 AND region = $3"),
                    &[(&id.to_string()).into(), (&party.to_string()).into(), (&region).into()],
                )
                .await?;
            if gone == 0 {
                return Err(not_found());
            }
            self.0.changes.bump_in(tx, VPC_SCOPE).await
        })?;
        self.0.changes.local(VPC_SCOPE);
        Ok(())
    }
}

fn read(row: &Row) -> Result<VpcEndpoint> {
    Ok(VpcEndpoint {
        id: row.get(0)?,
        party_id: row.get(1)?,
        region: row.get(2)?,
        endpoint_id: row.get(3)?,
        label: row.get(4)?,
        state: read_word(row, 5, VpcState::parse)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
    })
}

fn not_found() -> Error {
    Error::not_found("VPC endpoint")
}

//! Whether a request that came through an endpoint may act for an organisation.

use super::{VPC_SCOPE, VpcEndpoints, VpcState, rules};
use crate::text_enum::read_word;
use farebox_base::{Error, PartyId, Result};
use farebox_db::{sql, tx};

impl VpcEndpoints {
    /// Lets a request of the organisation through that came by `endpoint_id`. The first one makes the endpoint
    /// available.
    ///
    /// # Errors
    /// `Forbidden` (`vpc_endpoint_not_recorded`) where the organisation has not recorded it.
    pub async fn admit(&self, party: PartyId, endpoint_id: &str) -> Result<()> {
        if !rules::is_endpoint_id(endpoint_id) {
            return Err(not_recorded());
        }
        let key = (party, endpoint_id.to_owned());
        let state = match self.0.states.get(&key) {
            Some(known) => known,
            None => self.load_state(key).await?,
        };
        match state {
            Some(VpcState::Available) => Ok(()),
            Some(VpcState::Pending) => self.make_available(party, endpoint_id).await,
            None => Err(not_recorded()),
        }
    }

    async fn load_state(&self, key: (PartyId, String)) -> Result<Option<VpcState>> {
        let version = self.0.states.version();
        let row = self
            .0
            .db
            .one(
                sql!("SELECT state FROM vpc_endpoint WHERE party_id = $1 AND endpoint_id = $2"),
                &[(&key.0.to_string()).into(), (&key.1).into()],
            )
            .await?;
        let state = row.map(|row| read_word(&row, 0, VpcState::parse)).transpose()?;
        self.0.states.insert(key, version, state);
        Ok(state)
    }

    async fn make_available(&self, party: PartyId, endpoint_id: &str) -> Result<()> {
        let now = self.0.clock.now();
        tx!(&self.0.db, tx => {
            tx.execute(
                sql!(
                    "UPDATE vpc_endpoint SET state = 'available', updated_at = $3
                     WHERE party_id = $1 AND endpoint_id = $2 AND state = 'pending'"
                ),
                &[(&party.to_string()).into(), endpoint_id.into(), now.into()],
            )
            .await?;
            self.0.changes.bump_in(tx, VPC_SCOPE).await
        })?;
        self.0.changes.local(VPC_SCOPE);
        Ok(())
    }
}

fn not_recorded() -> Error {
    let message = "This organization has not recorded the VPC endpoint that the request came through";
    Error::forbidden(message).with_code("vpc_endpoint_not_recorded")
}

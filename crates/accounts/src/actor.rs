//! Whoever changes something, read again in the transaction that changes it.
//!
//! The cached `Caller` is up to a second old; in that time he may have been removed, given another role, or lost his
//! key or session. Invariant: nothing here widens what the request came with, such as the organisations that its
//! network leaves it.

use crate::authenticate::{invalid_key, key_caller_in};
use crate::membership::read_role;
use crate::session::session_over;
use crate::{Accounts, Caller, Credential, Membership, Memberships};
use farebox_base::{PartyId, Result, SessionId, UserId};
use farebox_db::{Tx, sql};

impl Accounts {
    /// The caller as the transaction sees him, in one organisation; in none where he is no member any more.
    ///
    /// # Errors
    /// `Unauthenticated` where his key or session has ended.
    pub(crate) async fn caller_again_in(&self, tx: &mut Tx, caller: &Caller, party: PartyId) -> Result<Caller> {
        let (now, membership) = match (&caller.credential, caller.user_id) {
            (Credential::Key(key), _) => {
                let now = key_caller_in(tx, key.key_id).await?.ok_or_else(invalid_key)?;
                if now.expires_at().is_some_and(|at| at <= self.now()) {
                    return Err(invalid_key());
                }
                let membership = now.membership(party).copied();
                (now, membership)
            }
            (Credential::Session(session), Some(user)) => {
                let membership = self.session_membership_in(tx, (session.session_id, user), party).await?;
                (caller.clone(), membership)
            }
            (Credential::Session(_), None) => return Err(session_over()),
        };
        let both = membership
            .zip(caller.membership(party))
            .map(|(now, before)| Membership { permissions: now.permissions.intersection(before.permissions), ..now });
        Ok(Caller { memberships: Memberships::new(both.into_iter().collect()), ..now })
    }

    async fn session_membership_in(
        &self,
        tx: &mut Tx,
        (session, user): (SessionId, UserId),
        party_id: PartyId,
    ) -> Result<Option<Membership>> {
        let row = tx
            .one(
                sql!(
                    "SELECT m.role, r.permissions
                     FROM user_session s JOIN app_user u ON u.id = s.user_id
                       LEFT JOIN member m ON m.user_id = s.user_id AND m.party_id = $3
                       LEFT JOIN org_role r ON r.party_id = m.party_id AND r.id = m.role
                     WHERE s.id = $1 AND s.user_id = $2 AND s.revoked_at IS NULL AND s.expires_at > $4
                       AND u.status = 'active'"
                ),
                &[
                    (&session.to_string()).into(),
                    (&user.to_string()).into(),
                    (&party_id.to_string()).into(),
                    self.now().into(),
                ],
            )
            .await?
            .ok_or_else(session_over)?;
        if row.get::<Option<&str>>(0)?.is_none() {
            return Ok(None);
        }
        let (role, permissions) = read_role(&row, 0, 1)?;
        Ok(Some(Membership { party_id, role: Some(role), permissions }))
    }
}

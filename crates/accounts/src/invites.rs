//! Invitations to an organisation, by mail.
//!
//! Owns the table `org_invite`. Invariants: a token is good once, for a week, and for the address that it was sent to; it
//! is in the mail and nowhere else; one address has at most one pending invitation to an organisation; how many mails an
//! organisation or an address gets in a day is bounded.

use crate::key::{hash_secret, new_secret};
use crate::members::{manager, may_give};
use crate::membership::{AnyRole, Membership, read_role};
use crate::role_rows::role_named_in;
use crate::roles::{DEFAULT_ROLE, RoleName};
use crate::{Accounts, Caller, Page, Paged, invite_mail, rules};
use farebox_base::{Error, InviteId, Kind, PartyId, Result, Timestamp, UserId};
use farebox_db::{Row, Tx, sql, tx};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3_600);
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3_600);
/// Invitations that an organisation sends within a day.
const PER_PARTY_MAX: i64 = 100;
/// Invitations that an address gets within a day, from everybody.
const PER_ADDRESS_MAX: i64 = 10;

/// An invitation to send.
#[derive(Clone, Debug)]
pub struct InviteCreate {
    pub email: String,
    /// The name of a role; `None` and `member` for a viewer.
    pub role: Option<String>,
}

/// An invitation as lists show it, without its token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    pub id: InviteId,
    pub party_id: PartyId,
    pub email: String,
    /// The role's name when it was given.
    pub role: String,
    pub invited_by: UserId,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub accepted_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// An invitation to be written, and the secret that only its mail holds.
struct NewInvite {
    invite: Invite,
    role: AnyRole,
    token: String,
}

impl Accounts {
    /// The organisation's invitations, the newest first, also those that are accepted, revoked or out of date.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn invites_list(&self, party: PartyId, page: Page) -> Result<Paged<Invite>> {
        let party = party.to_string();
        let rows = self
            .db()
            .query(
                sql!(
                    "SELECT id, party_id, email, role_name, invited_by, created_at, expires_at, accepted_at, revoked_at
                     FROM org_invite WHERE party_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2 OFFSET $3"
                ),
                &[(&party).into(), page.limit_param(), page.offset_param()],
            )
            .await?;
        let total =
            self.db().one(sql!("SELECT COUNT(*) FROM org_invite WHERE party_id = $1"), &[(&party).into()]).await?;
        let total: i64 = total.map_or(Ok(0), |row| row.get(0))?;
        Ok(Paged { items: rows.iter().map(read).collect::<Result<_>>()?, total: u64::try_from(total).unwrap_or(0) })
    }

    /// Invites an address and queues the mail. An earlier invitation of the same address that is pending is revoked.
    ///
    /// # Errors
    /// `Invalid` for `email` or `role`; `Forbidden` where the caller may not give the role; `TooManyRequests`.
    pub async fn invite_create(&self, caller: &Caller, party: PartyId, create: &InviteCreate) -> Result<Invite> {
        let Some(user) = caller.user_id else {
            return Err(Error::forbidden("This key belongs to no user, and an invitation is a user's"));
        };
        let email = rules::email("email", &create.email)?;
        let role = RoleName::Name(create.role.as_deref().unwrap_or(DEFAULT_ROLE).trim().to_owned());
        tx!(self.db(), tx => {
            let caller = &self.caller_again_in(tx, caller, party).await?;
            let by = manager(caller, party)?;
            let given = role_named_in(tx, party, &role).await.map_err(unknown_role)?;
            may_give(caller, by, &given)?;
            invites_touched_in(tx, caller, by, Touched::Of(&email)).await?;
            let name = if matches!(&role, RoleName::Name(name) if name == DEFAULT_ROLE) { DEFAULT_ROLE } else { &given.name };
            let new = self.new_invite(party, user, &email, (given.role, name));
            self.invite_create_in(tx, &new).await?;
            Ok(new.invite)
        })
    }

    /// Takes a pending invitation back.
    ///
    /// # Errors
    /// `NotFound` where there is none, or it is not pending; `Forbidden` where the caller could not have sent it.
    pub async fn invite_revoke(&self, caller: &Caller, party: PartyId, id: InviteId) -> Result<()> {
        tx!(self.db(), tx => {
            let caller = &self.caller_again_in(tx, caller, party).await?;
            let by = manager(caller, party)?;
            invites_touched_in(tx, caller, by, Touched::One(id)).await?;
            self.invite_revoke_in(tx, party, id).await
        })
    }

    fn new_invite(&self, party: PartyId, user: UserId, email: &str, (role, name): (AnyRole, &str)) -> NewInvite {
        let now = self.now();
        let invite = Invite {
            id: InviteId::generate(self.clock(), self.rng()),
            party_id: party,
            email: email.to_owned(),
            role: name.to_owned(),
            invited_by: user,
            created_at: now,
            expires_at: now.plus(LIFETIME),
            accepted_at: None,
            revoked_at: None,
        };
        NewInvite { invite, role, token: new_secret(self.rng()) }
    }

    async fn invite_create_in(&self, tx: &mut Tx, new: &NewInvite) -> Result<()> {
        let invite = &new.invite;
        let (party, email) = (invite.party_id.to_string(), &invite.email);
        let member = tx
            .one(
                sql!(
                    "SELECT m.user_id FROM member m JOIN app_user u ON u.id = m.user_id
                     WHERE m.party_id = $1 AND u.email = $2"
                ),
                &[(&party).into(), email.into()],
            )
            .await?;
        if member.is_some() {
            return Err(Error::invalid("email", "must not be that of somebody who is a member already"));
        }
        self.within_limits_in(tx, &party, email).await?;
        tx.execute(
            sql!(
                "UPDATE org_invite SET revoked_at = $3
                 WHERE party_id = $1 AND email = $2 AND accepted_at IS NULL AND revoked_at IS NULL"
            ),
            &[(&party).into(), email.into(), invite.created_at.into()],
        )
        .await?;
        insert_in(tx, new, hash_secret(self.pepper(), &new.token).as_bytes()).await?;
        let row = tx
            .one(
                sql!("SELECT p.name, u.name FROM party p JOIN app_user u ON u.id = $2 WHERE p.id = $1"),
                &[(&party).into(), (&invite.invited_by.to_string()).into()],
            )
            .await?
            .ok_or_else(|| Error::internal("an organisation or the user who invites to it vanished"))?;
        let link = self.link("accept-invite", &new.token);
        let mail = invite_mail::mail(invite, (row.get(0)?, row.get(1)?), &link);
        self.mailer().queue_in(tx, &mail).await
    }

    async fn within_limits_in(&self, tx: &mut Tx, party: &str, email: &str) -> Result<()> {
        let since = self.now().minus(DAY);
        let row = tx
            .one(
                sql!(
                    "SELECT (SELECT COUNT(*) FROM org_invite WHERE party_id = $1 AND created_at > $3),
                       (SELECT COUNT(*) FROM org_invite WHERE email = $2 AND created_at > $3)"
                ),
                &[party.into(), email.into(), since.into()],
            )
            .await?
            .ok_or_else(|| Error::internal("a count has no row"))?;
        if row.get::<i64>(0)? < PER_PARTY_MAX && row.get::<i64>(1)? < PER_ADDRESS_MAX {
            return Ok(());
        }
        let message = "Too many invitations were sent today; try again tomorrow";
        Err(Error::new(Kind::TooManyRequests, "rate_limited", message).with_retry_after(3_600))
    }

    async fn invite_revoke_in(&self, tx: &mut Tx, party: PartyId, id: InviteId) -> Result<()> {
        let revoked = tx
            .execute(
                sql!(
                    "UPDATE org_invite SET revoked_at = $3
                     WHERE party_id = $1 AND id = $2 AND accepted_at IS NULL AND revoked_at IS NULL"
                ),
                &[(&party.to_string()).into(), (&id.to_string()).into(), self.now().into()],
            )
            .await?;
        if revoked == 0 { Err(Error::not_found("Invite")) } else { Ok(()) }
    }
}

/// Pending invitations of an organisation: one, or those of an address.
#[derive(Clone, Copy)]
enum Touched<'a> {
    One(InviteId),
    Of(&'a str),
}

/// Whether the caller may take invitations back: their roles must be such as he may give.
async fn invites_touched_in(tx: &mut Tx, caller: &Caller, by: &Membership, which: Touched<'_>) -> Result<()> {
    let (id, email) = match which {
        Touched::One(id) => (id.to_string(), ""),
        Touched::Of(email) => (String::new(), email),
    };
    let rows = tx
        .query(
            sql!(
                "SELECT i.role, r.permissions
                 FROM org_invite i LEFT JOIN org_role r ON r.party_id = i.party_id AND r.id = i.role
                 WHERE i.party_id = $1 AND (i.id = $2 OR i.email = $3)
                   AND i.accepted_at IS NULL AND i.revoked_at IS NULL"
            ),
            &[(&by.party_id.to_string()).into(), (&id).into(), email.into()],
        )
        .await?;
    for row in &rows {
        let (role, permissions) = read_role(row, 0, 1)?;
        if (role == AnyRole::OWNER && !caller.is_owner_of(by.party_id)) || !by.reaches(permissions) {
            let message = "The address has an invitation to a role that you may not give: you can't take it back";
            return Err(Error::forbidden(message));
        }
    }
    Ok(())
}

/// A role that is not there is a broken rule of the body, not a missing thing of the path.
fn unknown_role(error: Error) -> Error {
    if error.kind == Kind::NotFound { Error::invalid("role", "must be the name of a role") } else { error }
}

async fn insert_in(tx: &mut Tx, new: &NewInvite, hash: &[u8]) -> Result<()> {
    let invite = &new.invite;
    tx.execute_one(
        sql!(
            "INSERT INTO org_invite (id, party_id, email, role, role_name, token_hash, invited_by, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)"
        ),
        &[
            (&invite.id.to_string()).into(),
            (&invite.party_id.to_string()).into(),
            (&invite.email).into(),
            (&new.role.to_string()).into(),
            (&invite.role).into(),
            hash.into(),
            (&invite.invited_by.to_string()).into(),
            invite.created_at.into(),
            invite.expires_at.into(),
        ],
    )
    .await?;
    Ok(())
}

fn read(row: &Row) -> Result<Invite> {
    Ok(Invite {
        id: row.get(0)?,
        party_id: row.get(1)?,
        email: row.get(2)?,
        role: row.get(3)?,
        invited_by: row.get(4)?,
        created_at: row.get(5)?,
        expires_at: row.get(6)?,
        accepted_at: row.get(7)?,
        revoked_at: row.get(8)?,
    })
}

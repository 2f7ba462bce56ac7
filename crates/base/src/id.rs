//! Typed ids. Most are UUIDv7 made from the injected clock and randomness, so that rows of one
//! kind sort by the time they were made; keys have their own short form.

use crate::{Clock, Rng};
use std::fmt;

/// A time-ordered UUID (version 7, RFC 9562).
pub fn uuid_v7(clock: &dyn Clock, rng: &dyn Rng) -> uuid::Uuid {
    let mut random = [0; 10];
    rng.fill(&mut random);
    let millis = u64::try_from(clock.now().millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(uuid::Uuid);

        impl $name {
            pub fn generate(clock: &dyn Clock, rng: &dyn Rng) -> Self {
                Self(uuid_v7(clock, rng))
            }

            pub const fn from_uuid(id: uuid::Uuid) -> Self {
                Self(id)
            }

            pub const fn uuid(self) -> uuid::Uuid {
                self.0
            }

            /// The hyphenated form, as `Display` has it and sooner.
            pub fn text(self) -> String {
                self.0.hyphenated().encode_lower(&mut [0; 36]).to_owned()
            }

            /// Reads the hyphenated form; `None` where the text is no UUID.
            pub fn parse(text: &str) -> Option<Self> {
                uuid::Uuid::try_parse(text).ok().filter(|_| text.len() == 36).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.0.hyphenated().encode_lower(&mut [0; 36]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

ids! {
    /// Who owns money, keys and listings: an organisation, a marketplace owner or a wallet.
    PartyId;
    /// A person or agent that acts for parties.
    UserId;
    /// What a seller offers; a publisher, service or provider at the doors.
    ListingId;
    /// One call of a listing, paid or free.
    CallId;
    /// A person's session: one sign-in on one device, until it is revoked or runs out.
    SessionId;
    /// A role that an organisation made for itself.
    RoleId;
    /// An invitation to an organisation.
    InviteId;
    /// An API key as a resource (its public short form is `KeyId`).
    ApiKeyId;
    /// A movement in the ledger; also its idempotency key.
    TransferId;
    /// A reservation in the ledger; also its idempotency key.
    HoldId;
    /// A server at which users have accounts, and let Farebox act for them by OAuth.
    OauthProviderId;
    /// A user's account at such a server, as far as Farebox may use it.
    OauthConnectionId;
    /// An organisation's record of a private network endpoint.
    VpcEndpointId;
    /// What an organisation calls the deployment of its own chat agent; it is made elsewhere.
    DeploymentId;
    /// A database server, or a part of one, that belongs to an organisation.
    ProjectId;
    /// A line of databases within a project.
    BranchId;
    /// A database of a branch.
    DatabaseId;
    /// A skill of an organisation.
    SkillId;
    /// A state of a skill's files.
    SkillRevisionId;
    /// A file of one revision.
    SkillFileId;
}

/// The public half of an API key: 16 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u64);

impl KeyId {
    pub fn generate(rng: &dyn Rng) -> Self {
        Self(rng.next_u64())
    }

    /// Reads exactly 16 lower-case hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = text.len() == 16 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        plain.then(|| u64::from_str_radix(text, 16).ok().map(Self)).flatten()
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ManualClock, SeededRng, Timestamp};

    #[test]
    fn ids_sort_by_the_time_they_were_made_and_read_back() {
        let clock = ManualClock::at(Timestamp::from_micros(1_700_000_000_000_000));
        let rng = SeededRng::new(7);
        let first = CallId::generate(&clock, &rng);
        clock.advance(std::time::Duration::from_millis(1));
        let second = CallId::generate(&clock, &rng);
        assert!(first < second && first.to_string() < second.to_string());
        assert_eq!(CallId::parse(&first.to_string()), Some(first));
        assert_eq!(first.text(), first.to_string());
        assert_eq!(CallId::parse("not-an-id"), None);
        let key = KeyId::generate(&rng);
        assert_eq!(KeyId::parse(&key.to_string()), Some(key));
        assert_eq!(KeyId::parse("ABCDEF0123456789"), None);
    }
}

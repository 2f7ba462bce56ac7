//! Rate limits: token buckets in memory, by door, class and address, and by key.
//!
//! A bucket starts full with its burst and refills evenly. Each process counts for itself.

use farebox_base::{KeyId, PartyId, Ticks};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::time::Duration;

/// So many requests in so much time, with so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub requests: u32,
    pub per: Duration,
    pub burst: u32,
}

impl Rate {
    pub const fn per_minute(requests: u32, burst: u32) -> Self {
        Self { requests, per: Duration::from_secs(60), burst }
    }

    pub const fn per_quarter_hour(requests: u32) -> Self {
        Self { requests, per: Duration::from_secs(900), burst: requests }
    }
}

/// The limits by address; `None`: not limited.
#[derive(Clone, Copy, Debug)]
pub struct LimitSettings {
    pub marketplace: Option<Rate>,
    pub sql_gateway_general: Option<Rate>,
    pub sql_gateway_query: Option<Rate>,
    pub sql_gateway_deposit: Option<Rate>,
    /// Estimates at the platform door, which ask sellers' databases for nothing in return.
    pub platform_estimate: Option<Rate>,
    /// Sign-up and sign-in at every door.
    pub auth: Option<Rate>,
    /// Refusals that the audit log records of each caller, and of strangers from each address.
    pub audited_refusals_per_minute: u32,
}

impl Default for LimitSettings {
    fn default() -> Self {
        Self {
            marketplace: Some(Rate::per_minute(60, 120)),
            sql_gateway_general: Some(Rate::per_quarter_hour(100)),
            sql_gateway_query: Some(Rate::per_quarter_hour(20)),
            sql_gateway_deposit: Some(Rate::per_quarter_hour(10)),
            platform_estimate: Some(Rate::per_minute(60, 120)),
            auth: Some(Rate::per_minute(120, 240)),
            audited_refusals_per_minute: 60,
        }
    }
}

impl LimitSettings {
    /// No limit by address anywhere.
    pub const NONE: Self = Self {
        marketplace: None,
        sql_gateway_general: None,
        sql_gateway_query: None,
        sql_gateway_deposit: None,
        platform_estimate: None,
        auth: None,
        audited_refusals_per_minute: u32::MAX,
    };
}

/// Which limit, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    Marketplace(IpAddr),
    SqlGateway(IpAddr),
    SqlGatewayQuery(IpAddr),
    SqlGatewayDeposit(IpAddr),
    PlatformEstimate(IpAddr),
    Auth(IpAddr),
    Key(KeyId),
    RefusedCaller(PartyId),
    RefusedStranger(IpAddr),
    RefusedStrangers,
}

/// What a bucket says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub allowed: bool,
    pub limit: u32,
    pub remaining: u32,
    /// Until the next request is allowed, or the bucket is full again.
    pub reset_after: Duration,
}

const SHARDS: usize = 16;
/// Buckets in one shard before those that are full again are dropped, and half of the others where that is not enough.
const SHARD_MAX: usize = 10_000;

/// All buckets of the process.
pub struct Limits {
    shards: Vec<Mutex<HashMap<Subject, Bucket>>>,
    hasher: RandomState,
}

struct Bucket {
    tokens_micro: u64,
    at: Ticks,
    rate: Rate,
}

impl Default for Limits {
    fn default() -> Self {
        Self { shards: (0..SHARDS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Limits {
    /// Takes one token from the subject's bucket, if there is one.
    pub fn take(&self, subject: Subject, rate: Rate, now: Ticks) -> Verdict {
        let index = usize::try_from(self.hasher.hash_one(subject) % SHARDS as u64).unwrap_or(0);
        let mut shard = self.shards[index].lock();
        if shard.len() >= SHARD_MAX {
            shard.retain(|_, bucket| !bucket.is_full(now));
            if shard.len() >= SHARD_MAX / 2 {
                let mut keep = false;
                shard.retain(|_, _| {
                    keep = !keep;
                    keep
                });
            }
        }
        let bucket = shard.entry(subject).or_insert_with(|| Bucket::full(rate, now));
        bucket.rate = rate;
        bucket.take(now)
    }
}

impl Bucket {
    const TOKEN: u64 = 1_000_000;

    fn full(rate: Rate, now: Ticks) -> Self {
        Self { tokens_micro: u64::from(rate.burst) * Self::TOKEN, at: now, rate }
    }

    fn refilled(&self, now: Ticks) -> u64 {
        let elapsed = now.since(self.at).as_micros();
        let gained =
            elapsed * u128::from(self.rate.requests) * u128::from(Self::TOKEN) / self.rate.per.as_micros().max(1);
        let most = u64::from(self.rate.burst) * Self::TOKEN;
        self.tokens_micro.saturating_add(u64::try_from(gained).unwrap_or(u64::MAX)).min(most)
    }

    fn is_full(&self, now: Ticks) -> bool {
        self.refilled(now) >= u64::from(self.rate.burst) * Self::TOKEN
    }

    fn take(&mut self, now: Ticks) -> Verdict {
        self.tokens_micro = self.refilled(now);
        self.at = now;
        let allowed = self.tokens_micro >= Self::TOKEN;
        if allowed {
            self.tokens_micro -= Self::TOKEN;
        }
        let most = u64::from(self.rate.burst) * Self::TOKEN;
        let wanted = if allowed { most - self.tokens_micro } else { Self::TOKEN - self.tokens_micro };
        let per_token = self.rate.per.as_micros() / u128::from(self.rate.requests.max(1));
        let micros = u128::from(wanted) * per_token / u128::from(Self::TOKEN);
        Verdict {
            allowed,
            limit: self.rate.burst.max(self.rate.requests),
            remaining: u32::try_from(self.tokens_micro / Self::TOKEN).unwrap_or(u32::MAX),
            reset_after: Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Subject = Subject::Marketplace(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));

    #[test]
    fn a_burst_passes_then_the_rate_holds() {
        let (limits, rate) = (Limits::default(), Rate::per_minute(60, 120));
        let at = |seconds: u64| Ticks::from_micros(seconds * 1_000_000);
        let passed = (0..200).filter(|_| limits.take(HERE, rate, at(0)).allowed).count();
        assert_eq!(passed, 120);
        let refused = limits.take(HERE, rate, at(0));
        assert_eq!((refused.remaining, refused.reset_after), (0, Duration::from_secs(1)));
        assert!(limits.take(HERE, rate, at(1)).allowed);
        assert!(!limits.take(HERE, rate, at(1)).allowed);
        let later = (0..200).filter(|_| limits.take(HERE, rate, at(31)).allowed).count();
        assert_eq!(later, 30);
    }

    #[test]
    fn subjects_do_not_share_buckets() {
        let (limits, rate) = (Limits::default(), Rate::per_minute(1, 1));
        let other = Subject::SqlGateway(IpAddr::V4(std::net::Ipv4Addr::LOCALHOST));
        assert!(limits.take(HERE, rate, Ticks::default()).allowed);
        assert!(limits.take(other, rate, Ticks::default()).allowed);
        assert!(!limits.take(HERE, rate, Ticks::default()).allowed);
    }
}

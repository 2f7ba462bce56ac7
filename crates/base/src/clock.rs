//! Time, injected. The only place that reads the machine's clocks.

use std::sync::Mutex;
use std::time::Duration;

/// Microseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

/// A point on a clock that never goes back, for measuring spans; microseconds from an arbitrary start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(u64);

impl Timestamp {
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    pub const fn millis(self) -> i64 {
        self.0.div_euclid(1_000)
    }

    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1_000_000)
    }

    #[must_use]
    pub fn plus(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(micros))
    }

    #[must_use]
    pub fn minus(self, span: Duration) -> Self {
        let micros = i64::try_from(span.as_micros()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(micros))
    }

    /// RFC 3339 in UTC with microseconds and the offset written `+00:00`.
    pub fn rfc3339(self) -> String {
        let at = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.strftime("%Y-%m-%dT%H:%M:%S%.6f+00:00").to_string()
    }

    /// As headers of mails and HTTP write it: `Thu, 19 Mar 2026 10:00:00 +0000`.
    pub fn rfc2822(self) -> String {
        let at = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
    }

    /// The UTC day, `YYYY-MM-DD`.
    pub fn day(self) -> String {
        let at = jiff::Timestamp::from_microsecond(self.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        at.strftime("%Y-%m-%d").to_string()
    }

    /// Midnight UTC of a day written `YYYY-MM-DD`; `None` where the text is no such day.
    pub fn parse_day(text: &str) -> Option<Self> {
        let date: jiff::civil::Date = text.parse().ok().filter(|_| text.len() == 10)?;
        let at = date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp();
        Some(Self(at.as_microsecond()))
    }

    /// An RFC 3339 time; `None` where the text is none.
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        let at: jiff::Timestamp = text.parse().ok()?;
        Some(Self(at.as_microsecond()))
    }
}

impl Ticks {
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// The span from `earlier` to this point; zero where `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(earlier.0))
    }
}

/// What time it is.
pub trait Clock: Send + Sync + 'static {
    fn now(&self) -> Timestamp;
    fn ticks(&self) -> Ticks;
}

/// The machine's clocks.
#[derive(Debug, Clone)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clocks")]
    fn default() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the machine's clocks")]
    fn now(&self) -> Timestamp {
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
    }

    fn ticks(&self) -> Ticks {
        Ticks(u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX))
    }
}

/// A clock that stands still until it is moved, for tests and simulation.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
}

impl ManualClock {
    pub fn at(now: Timestamp) -> Self {
        Self { now: Mutex::new(now) }
    }

    pub fn advance(&self, span: Duration) {
        let mut now = self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *now = now.plus(span);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn ticks(&self) -> Ticks {
        Ticks(u64::try_from(self.now().micros()).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_times_are_utc_and_round_trip() {
        let at = Timestamp::from_micros(1_773_914_400_123_456);
        assert_eq!(at.rfc3339(), "2026-03-19T10:00:00.123456+00:00");
        assert_eq!(at.rfc2822(), "Thu, 19 Mar 2026 10:00:00 +0000");
        assert_eq!(at.day(), "2026-03-19");
        assert_eq!(Timestamp::parse_rfc3339(&at.rfc3339()), Some(at));
        assert_eq!(Timestamp::parse_day("2026-03-19").map(Timestamp::day).as_deref(), Some("2026-03-19"));
        assert_eq!(Timestamp::parse_day("2026-02-30"), None);
        assert_eq!(Timestamp::parse_day("20260319"), None);
    }
}

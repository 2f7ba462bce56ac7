//! Bugs planted on purpose, to see that the simulators find them. Without the feature `planted-bugs` there are none, and
//! the checks that they would leave out cannot be left out.

/// A check that is left out, or a step that is done wrongly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Bug {
    /// A transfer debits an account below its floor as far as the plan can see.
    FloorUnchecked = 1,
    /// A hold is granted whatever the sources have.
    HoldUnchecked,
    /// A repeated id is taken for the same request whatever it asks for.
    DigestIgnored,
    /// A hold that was voided or posted can be posted again.
    HoldStateIgnored,
    /// A posting takes all that was held.
    WholeHoldSpent,
    /// A void leaves the money held.
    ReleaseForgotten,
    /// Holds are released before their time.
    ExpiryIgnored,
    /// Entries are linked to the newest entry but one.
    LinkSkipped,
    /// The batch's hash leaves the amounts out.
    AmountUnsealed,
    /// A credit reaches the balance but not the day's line.
    LineForgotten,
    /// A hold may take what memory has set aside for running calls.
    SetAsideIgnored,
    /// A statement that changed fewer rows than it should is taken for done.
    RaceUnnoticed,
    /// An account's entries take the time of whatever clock wrote them.
    ClockTrusted,
    /// A call is closed though it was closed before.
    ClosedTwice,
    /// A failed call keeps its free-tier slot.
    SlotKept,
    /// An idempotency key answers any request of its scope.
    KeyDigestIgnored,
    /// A failed call leaves its idempotency key taken.
    KeyKept,
    /// A call whose posting was refused is answered as served.
    RefusalIgnored,
    /// Money set aside in memory is given back twice.
    ReservationReleasedTwice,
    /// A group that is written again does not look for what the attempt before has left.
    RetryForgetful,
    /// A ticket that is dropped does not close its call.
    TicketForgotten,
}

impl Bug {
    /// Those that the ledger's simulator must find.
    pub const IN_LEDGER: [Bug; 13] = [
        Bug::FloorUnchecked,
        Bug::HoldUnchecked,
        Bug::DigestIgnored,
        Bug::HoldStateIgnored,
        Bug::WholeHoldSpent,
        Bug::ReleaseForgotten,
        Bug::ExpiryIgnored,
        Bug::LinkSkipped,
        Bug::AmountUnsealed,
        Bug::LineForgotten,
        Bug::SetAsideIgnored,
        Bug::RaceUnnoticed,
        Bug::ClockTrusted,
    ];

    /// Those that the calls' simulator must find.
    pub const IN_CALLS: [Bug; 9] = [
        Bug::ClosedTwice,
        Bug::SlotKept,
        Bug::KeyDigestIgnored,
        Bug::KeyKept,
        Bug::RefusalIgnored,
        Bug::ReservationReleasedTwice,
        Bug::RetryForgetful,
        Bug::TicketForgotten,
        Bug::SetAsideIgnored,
    ];
}

#[cfg(feature = "planted-bugs")]
mod here {
    use super::Bug;
    use std::sync::atomic::{AtomicU8, Ordering};

    static PLANTED: AtomicU8 = AtomicU8::new(0);

    /// Plants one bug in the whole process, or none.
    pub fn plant(bug: Option<Bug>) {
        PLANTED.store(bug.map_or(0, |bug| bug as u8), Ordering::SeqCst);
    }

    pub fn is_planted(bug: Bug) -> bool {
        PLANTED.load(Ordering::Relaxed) == bug as u8
    }
}

#[cfg(feature = "planted-bugs")]
pub use here::{is_planted, plant};

/// Whether this bug is planted: never.
#[cfg(not(feature = "planted-bugs"))]
#[inline(always)]
pub const fn is_planted(_: Bug) -> bool {
    false
}

//! Money set aside in memory for calls whose buyers have plenty, so that such a call is written once, at its end.
//!
//! Memory decides only whether a call may go ahead without a hold in the store; the guarded posting decides whether it
//! is paid. Within one process the two always agree: what is set aside here is left alone by holds, and a hold on its way
//! to the store is left alone here. What another process spends meanwhile is bounded by `unsecured_max` per buyer.
//!
//! Invariants: only the writer's thread tells what accounts have, in the order of its commits; a reservation is given
//! back once, when its call ends or is stored.

use farebox_base::planted::{Bug, is_planted};
use farebox_base::{FastMap, Micros, Result, Ticks};
use farebox_ledger::{AccountId, SetAside};
use parking_lot::Mutex;
use std::time::Duration;

/// Accounts that are remembered; beyond that those that nothing is set aside of are forgotten.
const ACCOUNTS_MAX: usize = 100_000;

/// Parts of accounts, in the order in which they are spent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reservation {
    pub parts: Vec<(AccountId, Micros)>,
}

#[derive(Default)]
struct Slot {
    /// What the account had available after the last commit that touched it.
    available: Option<(Micros, Ticks)>,
    /// Set aside for calls that run.
    reserved: Micros,
    /// What holds on their way to the store may take.
    pending: Micros,
}

pub(crate) struct Reservations {
    slots: Mutex<FastMap<AccountId, Slot>>,
    unsecured_max: Micros,
    fresh: Duration,
}

impl Reservations {
    pub(crate) fn new(unsecured_max: Micros, fresh: Duration) -> Self {
        Self { slots: Mutex::default(), unsecured_max, fresh }
    }

    /// Sets `amount` aside where the sources are known to have at least twice what would then be set aside.
    pub(crate) fn reserve(&self, sources: &[AccountId], amount: Micros, now: Ticks) -> Option<Reservation> {
        let mut slots = self.slots.lock();
        let (mut free, mut reserved, mut total) = (Vec::with_capacity(sources.len()), 0_i64, 0_i64);
        for source in sources {
            let slot = slots.get(source)?;
            let (available, as_of) = slot.available?;
            if now.since(as_of) > self.fresh {
                return None;
            }
            free.push((available.get() - slot.reserved.get() - slot.pending.get()).max(0));
            reserved = reserved.checked_add(slot.reserved.get())?;
            total = total.checked_add(available.get())?;
        }
        let wanted = reserved.checked_add(amount.get())?;
        if wanted > self.unsecured_max.get() || wanted > total / 2 {
            return None;
        }
        let mut missing = amount.get();
        let mut parts = Vec::with_capacity(1);
        for (source, free) in sources.iter().zip(free) {
            let part = free.min(missing);
            if part > 0 {
                parts.push((source.clone(), Micros::new(part)));
                missing -= part;
            }
        }
        if missing > 0 {
            return None;
        }
        for (source, part) in &parts {
            if let Some(slot) = slots.get_mut(source) {
                slot.reserved = Micros::new(slot.reserved.get() + part.get());
            }
        }
        Some(Reservation { parts })
    }

    /// Everything that a group of the writer changes, at once.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Change<'_>)) {
        let mut slots = self.slots.lock();
        change(&mut Change { slots: &mut slots });
        if slots.len() > ACCOUNTS_MAX {
            slots.retain(|_, slot| !slot.reserved.is_zero() || !slot.pending.is_zero());
        }
    }
}

/// A change of several accounts that nobody sees half of.
pub(crate) struct Change<'a> {
    slots: &'a mut FastMap<AccountId, Slot>,
}

impl Change<'_> {
    /// A hold of `amount` is on its way to the store.
    pub(crate) fn pend(&mut self, sources: &[AccountId], amount: Micros) {
        self.add_pending(sources, amount.get());
    }

    /// It has come there, or not.
    pub(crate) fn unpend(&mut self, sources: &[AccountId], amount: Micros) {
        self.add_pending(sources, -amount.get());
    }

    fn add_pending(&mut self, sources: &[AccountId], amount: i64) {
        for source in sources {
            let slot = self.slots.entry(source.clone()).or_default();
            slot.pending = Micros::new(slot.pending.get().saturating_add(amount));
        }
    }

    pub(crate) fn release(&mut self, reservation: &Reservation) {
        let times = if is_planted(Bug::ReservationReleasedTwice) { 2 } else { 1 };
        for (account, part) in &reservation.parts {
            if let Some(slot) = self.slots.get_mut(account) {
                slot.reserved = Micros::new(slot.reserved.get() - times * part.get());
            }
        }
    }

    /// What accounts have available after a commit.
    pub(crate) fn learn(&mut self, available: Vec<(AccountId, Micros)>, now: Ticks) {
        for (account, available) in available {
            self.slots.entry(account).or_default().available = Some((available, now));
        }
    }
}

impl SetAside for Reservations {
    fn of(&self, account: &AccountId) -> Micros {
        self.slots.lock().get(account).map_or(Micros::ZERO, |slot| slot.reserved)
    }
}

/// The debits that `amount` makes of the parts, in their order.
pub(crate) fn spend(reservation: &Reservation, amount: Micros) -> Result<Vec<(AccountId, Micros)>> {
    let mut missing = amount;
    let mut debits = Vec::with_capacity(reservation.parts.len());
    for (account, part) in &reservation.parts {
        let spent = (*part).min(missing);
        missing = missing.checked_sub(spent)?;
        if !spent.is_zero() {
            debits.push((account.clone(), Micros::ZERO.checked_sub(spent)?));
        }
    }
    if missing.is_zero() {
        Ok(debits)
    } else {
        Err(farebox_base::Error::internal(format!("a call costs {missing} more than was set aside")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use farebox_base::PartyId;

    const NOW: Ticks = Ticks::from_micros(1_000);

    fn sources() -> Vec<AccountId> {
        let party = PartyId::from_uuid(uuid::Uuid::from_u128(1));
        vec![AccountId::promotional(party), AccountId::funded(party)]
    }

    fn with(promotional: i64, funded: i64) -> Reservations {
        let reservations = Reservations::new(Micros::new(500), Duration::from_secs(1));
        let known = sources().into_iter().zip([Micros::new(promotional), Micros::new(funded)]).collect();
        reservations.change(|change| change.learn(known, NOW));
        reservations
    }

    fn amounts(reservation: &Reservation) -> Vec<i64> {
        reservation.parts.iter().map(|(_, part)| part.get()).collect()
    }

    #[test]
    fn sources_are_used_in_order_and_only_up_to_half_of_what_there_is() {
        let book = with(30, 170);
        let first = book.reserve(&sources(), Micros::new(50), NOW).unwrap();
        assert_eq!(amounts(&first), [30, 20]);
        assert_eq!(amounts(&book.reserve(&sources(), Micros::new(50), NOW).unwrap()), [50]);
        assert!(book.reserve(&sources(), Micros::new(1), NOW).is_none());
        book.change(|change| change.release(&first));
        assert!(book.reserve(&sources(), Micros::new(50), NOW).is_some());
    }

    #[test]
    fn what_is_unknown_stale_or_too_much_at_once_is_left_to_the_store() {
        let book = with(0, 10_000);
        assert!(book.reserve(&sources(), Micros::new(501), NOW).is_none(), "beyond the bound");
        assert!(book.reserve(&sources(), Micros::new(1), Ticks::from_micros(2_000_000)).is_none(), "stale");
        let other = vec![AccountId::funded(PartyId::from_uuid(uuid::Uuid::from_u128(2)))];
        assert!(book.reserve(&other, Micros::new(1), NOW).is_none(), "unknown");
    }

    #[test]
    fn a_hold_on_its_way_and_a_reservation_never_take_the_same_money() {
        let book = with(0, 100);
        book.change(|change| change.pend(&sources(), Micros::new(80)));
        assert!(book.reserve(&sources(), Micros::new(21), NOW).is_none());
        let taken = book.reserve(&sources(), Micros::new(20), NOW).unwrap();
        assert_eq!(book.of(&sources()[1]), Micros::new(20));
        book.change(|change| change.unpend(&sources(), Micros::new(80)));
        book.change(|change| change.release(&taken));
        assert_eq!(book.of(&sources()[1]), Micros::ZERO);
    }
}

//! On which workers a room is open, and who of its people is on which.
//!
//! Invariant: whoever is in, or on their way in, is on exactly one worker, and the room is open there.

use std::collections::HashMap;

use confab_protocol::ParticipantId;

/// A worker, by its place among all.
pub(super) type WorkerIndex = usize;

/// Where a room is.
#[derive(Default)]
pub(super) struct Whereabouts {
    /// The first is the home.
    parts: Vec<Part>,
    people: HashMap<ParticipantId, Seat>,
    next_number: u64,
}

struct Part {
    worker: WorkerIndex,
    people: usize,
    /// How often the last person left.
    emptied: u64,
}

struct Seat {
    number: u64,
    worker: WorkerIndex,
    is_in: bool,
    /// Attempts to get in that are under way.
    holds: usize,
}

/// A part of a room, but its home, that nobody is in any more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Emptied {
    pub(super) worker: WorkerIndex,
    time: u64,
}

impl Whereabouts {
    /// Workers that have the room, the home first.
    pub(super) fn workers(&self) -> impl Iterator<Item = WorkerIndex> {
        self.parts.iter().map(|part| part.worker)
    }

    pub(super) fn home(&self) -> Option<WorkerIndex> {
        self.workers().next()
    }

    pub(super) fn is_on(&self, worker: WorkerIndex) -> bool {
        self.workers().any(|known| known == worker)
    }

    pub(super) fn worker_of(&self, id: ParticipantId) -> Option<WorkerIndex> {
        self.people.get(&id).map(|seat| seat.worker)
    }

    /// The room is open on one worker more, as its home when it was on none.
    pub(super) fn open_on(&mut self, worker: WorkerIndex) {
        self.parts.push(Part { worker, people: 0, emptied: 0 });
    }

    /// The room is not on a worker any more, nor is anybody there.
    pub(super) fn close_on(&mut self, worker: WorkerIndex) {
        self.parts.retain(|part| part.worker != worker);
        self.people.retain(|_, seat| seat.worker != worker);
    }

    /// Somebody is on their way in; on the worker where they are, if they are on one. Gives the number of their seat, to be
    /// given back by [`Self::release`].
    pub(super) fn hold(&mut self, id: ParticipantId, worker: WorkerIndex) -> u64 {
        let (next, parts) = (&mut self.next_number, &mut self.parts);
        let seat = self.people.entry(id).or_insert_with(|| {
            *next += 1;
            if let Some(part) = parts.iter_mut().find(|part| part.worker == worker) {
                part.people += 1;
            }
            Seat { number: *next, worker, is_in: false, holds: 0 }
        });
        seat.holds += 1;
        seat.number
    }

    /// They are in.
    pub(super) fn settle(&mut self, id: ParticipantId, number: u64) {
        if let Some(seat) = self.people.get_mut(&id).filter(|seat| seat.number == number) {
            seat.is_in = true;
        }
    }

    /// An attempt to get in is over. Who did not get in is nowhere.
    pub(super) fn release(&mut self, id: ParticipantId, number: u64) -> Option<Emptied> {
        let seat = self.people.get_mut(&id).filter(|seat| seat.number == number)?;
        seat.holds -= 1;
        if seat.is_in || seat.holds > 0 {
            return None;
        }
        self.leave(id)
    }

    /// They are nowhere any more.
    pub(super) fn leave(&mut self, id: ParticipantId) -> Option<Emptied> {
        let worker = self.people.remove(&id)?.worker;
        let home = self.home();
        let part = self.parts.iter_mut().find(|part| part.worker == worker)?;
        part.people -= 1;
        if part.people > 0 || home == Some(worker) {
            return None;
        }
        part.emptied += 1;
        Some(Emptied { worker, time: part.emptied })
    }

    /// Whether nobody came since.
    pub(super) fn is_still(&self, emptied: Emptied) -> bool {
        let is_it = |part: &Part| part.worker == emptied.worker && part.emptied == emptied.time && part.people == 0;
        self.home() != Some(emptied.worker) && self.parts.iter().any(is_it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(workers: &[WorkerIndex]) -> Whereabouts {
        let mut whereabouts = Whereabouts::default();
        for worker in workers {
            whereabouts.open_on(*worker);
        }
        whereabouts
    }

    #[test]
    fn who_did_not_get_in_is_nowhere_and_who_did_stays_where_they_are() {
        let (mut room, ann) = (on(&[3, 5]), ParticipantId::new());
        let first = room.hold(ann, 5);
        assert_eq!((room.worker_of(ann), room.hold(ann, 3)), (Some(5), first), "one place, however often they try");
        assert_eq!(room.release(ann, first), None, "the other attempt is under way");
        assert!(room.release(ann, first).is_some() && room.worker_of(ann).is_none());
        let second = room.hold(ann, 3);
        room.settle(ann, first);
        room.settle(ann, second);
        assert_eq!((room.release(ann, first), room.release(ann, second)), (None, None));
        assert_eq!(room.worker_of(ann), Some(3));
    }

    #[test]
    fn who_left_while_they_came_is_not_in_afterwards() {
        let (mut room, ann) = (on(&[0]), ParticipantId::new());
        let number = room.hold(ann, 0);
        room.leave(ann);
        room.settle(ann, number);
        assert_eq!((room.release(ann, number), room.worker_of(ann)), (None, None));
    }

    #[test]
    fn a_part_is_empty_until_somebody_comes_and_a_home_never_is() {
        let (mut room, people) = (on(&[0, 1]), [0; 3].map(|_| ParticipantId::new()));
        for (id, worker) in people.into_iter().zip([0, 1, 1]) {
            let number = room.hold(id, worker);
            room.settle(id, number);
            room.release(id, number);
        }
        assert_eq!((room.leave(people[0]), room.leave(people[1])), (None, None));
        let emptied = room.leave(people[2]).unwrap();
        assert!(emptied.worker == 1 && room.is_still(emptied));
        room.hold(people[1], 1);
        assert!(!room.is_still(emptied));
        let again = room.leave(people[1]).unwrap();
        assert!(!room.is_still(emptied) && room.is_still(again), "a new time");
        room.close_on(1);
        assert!(!room.is_still(again) && !room.is_on(1));
    }

    #[test]
    fn the_next_worker_is_home_when_the_home_is_gone() {
        let (mut room, ann) = (on(&[0, 1]), ParticipantId::new());
        room.hold(ann, 0);
        room.close_on(0);
        assert_eq!((room.home(), room.worker_of(ann)), (Some(1), None));
        room.close_on(1);
        assert_eq!(room.home(), None);
    }
}

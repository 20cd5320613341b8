//! A place for one thing: what is put in replaces what nobody has taken yet. The newest wins, the producer never waits.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// See the module. Shared by `Arc` between one producer and one consumer.
#[derive(Debug)]
pub struct Mailbox<Item> {
    state: Mutex<State<Item>>,
    arrived: Condvar,
}

#[derive(Debug)]
struct State<Item> {
    item: Option<Item>,
    closed: bool,
    replaced: u64,
}

/// What [`Mailbox::take`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Taken<Item> {
    /// The newest item.
    Item(Item),
    /// Nothing came in time.
    Nothing,
    /// The mailbox was closed.
    Closed,
}

impl<Item> Default for Mailbox<Item> {
    fn default() -> Self {
        Self { state: Mutex::new(State { item: None, closed: false, replaced: 0 }), arrived: Condvar::new() }
    }
}

impl<Item> Mailbox<Item> {
    /// Puts an item in, in place of one that was not taken.
    pub fn put(&self, item: Item) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.item.replace(item).is_some() {
            state.replaced += 1;
        }
        drop(state);
        self.arrived.notify_one();
    }

    /// Waits for an item, at most so long.
    pub fn take(&self, patience: Duration) -> Taken<Item> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .arrived
            .wait_timeout_while(state, patience, |state| state.item.is_none() && !state.closed)
            .unwrap_or_else(PoisonError::into_inner);
        match state.item.take() {
            Some(item) => Taken::Item(item),
            None if state.closed => Taken::Closed,
            None => Taken::Nothing,
        }
    }

    /// No more will come.
    pub fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.arrived.notify_all();
    }

    /// How many items were replaced before anybody took them.
    pub fn replaced(&self) -> u64 {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).replaced
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_item_wins_and_the_loss_is_counted() {
        let mailbox = Mailbox::default();
        mailbox.put(1);
        mailbox.put(2);
        mailbox.put(3);
        assert_eq!(mailbox.take(Duration::ZERO), Taken::Item(3));
        assert_eq!(mailbox.take(Duration::ZERO), Taken::Nothing);
        assert_eq!(mailbox.replaced(), 2);
    }

    #[test]
    fn closing_wakes_the_one_who_waits() {
        let mailbox = std::sync::Arc::new(Mailbox::<u8>::default());
        let waiting = {
            let mailbox = mailbox.clone();
            std::thread::spawn(move || mailbox.take(Duration::from_secs(60)))
        };
        mailbox.close();
        assert_eq!(waiting.join().expect("no panic"), Taken::Closed);
    }
}

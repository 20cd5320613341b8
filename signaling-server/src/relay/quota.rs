//! How many relayed addresses there may be, for one person and together.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Why there is none.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NoRoom {
    /// The person has as many as they may.
    Person,
    /// There are as many as there may be.
    All,
}

#[derive(Default)]
struct Held {
    all: u32,
    by_person: HashMap<String, u32>,
}

/// Counts what is given out.
#[derive(Clone)]
pub(crate) struct Quota {
    held: Arc<Mutex<Held>>,
    a_person: u32,
    all: u32,
}

/// One that was given out, given back when dropped.
pub(super) struct Share {
    quota: Quota,
    person: String,
}

impl Quota {
    pub(crate) fn new(a_person: u32, all: u32) -> Self {
        Self { held: Arc::default(), a_person, all }
    }

    pub(super) fn take(&self, person: &str) -> Result<Share, NoRoom> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.by_person.get(person).is_some_and(|count| *count >= self.a_person) {
            return Err(NoRoom::Person);
        }
        if held.all >= self.all {
            return Err(NoRoom::All);
        }
        held.all += 1;
        *held.by_person.entry(person.to_owned()).or_insert(0) += 1;
        drop(held);
        Ok(Share { quota: self.clone(), person: person.to_owned() })
    }

    /// How many are given out.
    pub(crate) fn held(&self) -> u32 {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).all
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.quota.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.all -= 1;
        if let Some(count) = held.by_person.get_mut(&self.person) {
            *count -= 1;
            if *count == 0 {
                held.by_person.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_limited_for_one_and_for_all_and_come_back() {
        let quota = Quota::new(2, 3);
        let mut shares = vec![quota.take("a").ok().unwrap(), quota.take("a").ok().unwrap()];
        assert_eq!(quota.take("a").err(), Some(NoRoom::Person));
        shares.push(quota.take("b").ok().unwrap());
        assert_eq!(quota.take("c").err(), Some(NoRoom::All));
        shares.remove(0);
        assert_eq!(quota.held(), 2);
        assert!(quota.take("a").is_ok());
    }
}

//! Matches answers to requests. Ids are unique for the life of the table, so an answer that comes late, or on a socket
//! that has been replaced, never meets another request.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use confab_protocol::RequestId;

/// The open requests and what each was about.
#[derive(Debug)]
pub struct Requests<Kind> {
    next: u32,
    open: HashMap<RequestId, (Kind, Instant)>,
}

impl<Kind> Default for Requests<Kind> {
    fn default() -> Self {
        Self { next: 1, open: HashMap::new() }
    }
}

impl<Kind> Requests<Kind> {
    /// A new id for a request that is about `kind` and is given up after `patience`.
    pub fn open(&mut self, now: Instant, patience: Duration, kind: Kind) -> RequestId {
        let id = RequestId(self.next);
        self.next = self.next.wrapping_add(1).max(1);
        self.open.insert(id, (kind, now + patience));
        id
    }

    /// The answer (or the error) for `id` came. `None` when nobody waits for it any more.
    pub fn close(&mut self, id: RequestId) -> Option<Kind> {
        self.open.remove(&id).map(|(kind, _)| kind)
    }

    /// Takes out the requests nobody answered in time.
    pub fn expire(&mut self, now: Instant) -> Vec<Kind> {
        let late: Vec<_> = self.open.iter().filter(|(_, (_, until))| *until <= now).map(|(id, _)| *id).collect();
        late.into_iter().filter_map(|id| self.close(id)).collect()
    }

    /// Takes out the requests that match, for instance all that went over a socket that closed.
    pub fn take_where(&mut self, matches: impl Fn(&Kind) -> bool) -> Vec<Kind> {
        let ids: Vec<_> = self.open.iter().filter(|(_, (kind, _))| matches(kind)).map(|(id, _)| *id).collect();
        ids.into_iter().filter_map(|id| self.close(id)).collect()
    }

    /// How many are open.
    pub fn len(&self) -> usize {
        self.open.len()
    }

    /// Whether none is open.
    pub fn is_empty(&self) -> bool {
        self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(5);

    #[test]
    fn an_answer_meets_its_own_request_and_only_once() {
        let mut requests = Requests::default();
        let now = Instant::now();
        let first = requests.open(now, PATIENCE, "history");
        let second = requests.open(now, PATIENCE, "chat");
        assert_ne!(first, second);
        assert_eq!(requests.close(second), Some("chat"));
        assert_eq!(requests.close(second), None);
        assert_eq!(requests.close(first), Some("history"));
        assert!(requests.is_empty());
    }

    #[test]
    fn an_answer_to_nothing_is_ignored() {
        let mut requests: Requests<&str> = Requests::default();
        assert_eq!(requests.close(RequestId(77)), None);
    }

    #[test]
    fn a_request_nobody_answers_expires() {
        let mut requests = Requests::default();
        let now = Instant::now();
        requests.open(now, PATIENCE, "history");
        assert!(requests.expire(now + PATIENCE / 2).is_empty());
        assert_eq!(requests.expire(now + PATIENCE), ["history"]);
        assert_eq!(requests.len(), 0);
    }

    #[test]
    fn the_requests_of_one_socket_can_be_taken_back_together() {
        let mut requests = Requests::default();
        let now = Instant::now();
        requests.open(now, PATIENCE, (1, "chat"));
        requests.open(now, PATIENCE, (2, "join"));
        assert_eq!(requests.take_where(|(socket, _)| *socket == 1), [(1, "chat")]);
        assert_eq!(requests.len(), 1);
    }
}

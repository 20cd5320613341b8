//! Checks that came lately, so that a copy of one is of no use from elsewhere.
//!
//! A check is signed, but says neither when nor from where it was sent (RFC 8445, 7.1; RFC 8489, 14.5). Whoever reads one on
//! its way could send it again from an address of their own and would be sent that member's media.

use std::collections::VecDeque;
use std::net::SocketAddr;

/// Bytes of a transaction's number, and where it stands in a message (RFC 8489, 5).
const TRANSACTION: std::ops::Range<usize> = 8..20;

/// Checks remembered. Browsers send one every two and a half seconds once a path stands: two and a half minutes, for 3 KiB
/// at most. A copy of an older one gets an answer and no media: that follows only where fresh media comes from.
const REMEMBERED: usize = 64;

/// The checks of one member, the oldest first.
#[derive(Default)]
pub(crate) struct CheckLog {
    seen: VecDeque<([u8; 12], SocketAddr)>,
}

impl CheckLog {
    /// Notes a signed check; `false` when it came from another address before. One that comes again from where it came
    /// first is a client's repetition.
    pub(crate) fn note(&mut self, message: &[u8], from: SocketAddr) -> bool {
        let Some(Ok(transaction)) = message.get(TRANSACTION).map(<[u8; 12]>::try_from) else { return false };
        if let Some((_, first)) = self.seen.iter().rev().find(|(known, _)| *known == transaction) {
            return *first == from;
        }
        if self.seen.len() == REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back((transaction, from));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_counts_only_from_where_it_came_first_and_memory_is_bounded() {
        let (here, elsewhere) = (SocketAddr::from(([10, 0, 0, 1], 1)), SocketAddr::from(([10, 0, 0, 1], 2)));
        let mut log = CheckLog::default();
        let check = |number: u16| [&[0; 18], number.to_be_bytes().as_slice()].concat();
        assert!(log.note(&check(1), here));
        assert!(log.note(&check(1), here), "repeated by its client");
        assert!(!log.note(&check(1), elsewhere));
        assert!(log.note(&check(2), elsewhere), "a check of its own");
        assert!(!log.note(&[0; 19], here), "cut off");
        (0..1_000).for_each(|number| assert!(log.note(&check(100 + number), here)));
        assert_eq!(log.seen.len(), REMEMBERED);
    }
}

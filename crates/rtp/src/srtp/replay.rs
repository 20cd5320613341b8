//! Which packets came before (RFC 3711, 3.3.2).

/// Packets behind the newest that can still be told apart: at 2 Mbit/s more than half a second.
const WINDOW: u64 = 128;

/// The indices seen of one stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReplayWindow {
    /// The newest, plus one; zero while none came.
    next: u64,
    /// Bit n: the packet n before the newest came.
    seen: u128,
}

impl ReplayWindow {
    /// The newest index, if any came.
    pub(super) fn newest(&self) -> Option<u64> {
        self.next.checked_sub(1)
    }

    /// Whether this index may still be taken.
    pub(super) fn is_new(&self, index: u64) -> bool {
        let Some(behind) = (self.next.wrapping_sub(1)).checked_sub(index).filter(|_| self.next > 0) else {
            return true;
        };
        behind < WINDOW && self.seen & (1 << behind) == 0
    }

    /// Notes an index that [`ReplayWindow::is_new`].
    pub(super) fn note(&mut self, index: u64) {
        if self.next == 0 || index >= self.next {
            let ahead = if self.next == 0 { WINDOW } else { index - (self.next - 1) };
            self.seen = if ahead >= WINDOW { 0 } else { self.seen << ahead };
            self.seen |= 1;
            self.next = index + 1;
        } else {
            self.seen |= 1 << (self.next - 1 - index);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_index_is_taken_once_in_any_order() {
        let mut window = ReplayWindow::default();
        for index in [5, 3, 4, 200, 100, 199] {
            assert!(window.is_new(index), "{index}");
            window.note(index);
            assert!(!window.is_new(index), "{index} again");
        }
        assert_eq!(window.newest(), Some(200));
    }

    #[test]
    fn what_is_too_old_to_tell_is_refused() {
        let mut window = ReplayWindow::default();
        window.note(1_000);
        assert!(window.is_new(1_000 - 127));
        assert!(!window.is_new(1_000 - 128));
    }

    #[test]
    fn the_first_index_may_be_zero() {
        let mut window = ReplayWindow::default();
        assert!(window.is_new(0));
        window.note(0);
        assert!(!window.is_new(0));
        assert!(window.is_new(1));
    }
}

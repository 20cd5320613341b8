//! Chat lines on their way: written while offline, or sent and not yet confirmed when the connection broke.
//!
//! Invariant: a line leaves the outbox only when the server confirmed or refused it. After a reconnect every line still
//! here is sent (again), except those the server turns out to have stored: their echo was lost, the line was not.

use std::collections::VecDeque;

use confab_protocol::{ChatMessage, ParticipantId};

/// Most lines kept while offline; a person who writes more is told.
pub const CAPACITY: usize = 200;

/// A line of ours, named by a number the window shows it under until the server has given it an id.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// Our own number of it.
    pub local_id: u32,
    /// The text.
    pub content: String,
    /// It was handed to a socket at least once.
    pub sent: bool,
}

/// The lines the server has not confirmed, in the order they were written.
#[derive(Default, Debug)]
pub struct Outbox {
    lines: VecDeque<Line>,
    next: u32,
}

/// No more lines can wait.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{CAPACITY} messages are already waiting to be sent. They go out when the connection is back.")]
pub struct OutboxFull;

impl Outbox {
    /// Takes up a new line.
    ///
    /// # Errors
    /// [`OutboxFull`] when [`CAPACITY`] lines wait.
    pub fn write(&mut self, content: String) -> Result<u32, OutboxFull> {
        if self.lines.len() >= CAPACITY {
            return Err(OutboxFull);
        }
        self.next += 1;
        self.lines.push_back(Line { local_id: self.next, content, sent: false });
        Ok(self.next)
    }

    /// The line was handed to a socket.
    pub fn mark_sent(&mut self, local_id: u32) {
        if let Some(line) = self.lines.iter_mut().find(|line| line.local_id == local_id) {
            line.sent = true;
        }
    }

    /// The server confirmed or refused the line. `false` when it is not here any more.
    pub fn settle(&mut self, local_id: u32) -> bool {
        let before = self.lines.len();
        self.lines.retain(|line| line.local_id != local_id);
        self.lines.len() != before
    }

    /// After a reconnect: `known` tells which messages were seen before, `page` is the newest page of the chat. Returns
    /// the lines that turn out to be stored (with their message), and keeps the others to be sent again.
    pub fn reconcile(
        &mut self,
        me: ParticipantId,
        page: &[ChatMessage],
        known: impl Fn(&ChatMessage) -> bool,
    ) -> Vec<(u32, ChatMessage)> {
        let mut stored = Vec::new();
        let mut fresh: Vec<&ChatMessage> =
            page.iter().filter(|message| message.user_id == me && !known(message)).collect();
        self.lines.retain(|line| {
            let found = if line.sent { fresh.iter().position(|message| message.content == line.content) } else { None };
            if let Some(index) = found {
                stored.push((line.local_id, fresh.remove(index).clone()));
            }
            found.is_none()
        });
        stored
    }

    /// The lines to send after a reconnect, oldest first.
    pub fn waiting(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter()
    }

    /// How many lines are not confirmed.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether all is confirmed.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use confab_protocol::ChatMessageId;

    use super::*;

    fn message(user_id: ParticipantId, content: &str) -> ChatMessage {
        ChatMessage {
            id: ChatMessageId::new(),
            conversation_id: "kestrel-lane-27".into(),
            user_id,
            username: "Ada".into(),
            content: content.into(),
            content_type: "text".into(),
            timestamp: 0,
        }
    }

    #[test]
    fn lines_written_offline_wait_in_order() {
        let mut outbox = Outbox::default();
        outbox.write("one".into()).expect("room");
        outbox.write("two".into()).expect("room");
        let waiting: Vec<_> = outbox.waiting().map(|line| line.content.as_str()).collect();
        assert_eq!(waiting, ["one", "two"]);
    }

    #[test]
    fn a_confirmed_line_is_not_sent_again() {
        let mut outbox = Outbox::default();
        let line = outbox.write("one".into()).expect("room");
        outbox.mark_sent(line);
        assert!(outbox.settle(line));
        assert!(!outbox.settle(line));
        assert!(outbox.is_empty());
    }

    #[test]
    fn a_line_whose_echo_was_lost_is_found_in_the_history_and_not_sent_twice() {
        let mut outbox = Outbox::default();
        let me = ParticipantId::new();
        let lost_echo = outbox.write("yes".into()).expect("room");
        let really_lost = outbox.write("no".into()).expect("room");
        outbox.mark_sent(lost_echo);
        outbox.mark_sent(really_lost);
        let page = [message(me, "yes"), message(ParticipantId::new(), "no")];
        let stored = outbox.reconcile(me, &page, |_| false);
        assert_eq!(stored.len(), 1);
        assert_eq!(stored[0].0, lost_echo);
        assert_eq!(outbox.waiting().map(|line| line.local_id).collect::<Vec<_>>(), [really_lost]);
    }

    #[test]
    fn the_same_words_said_before_the_break_do_not_swallow_a_new_line() {
        let mut outbox = Outbox::default();
        let me = ParticipantId::new();
        let line = outbox.write("yes".into()).expect("room");
        outbox.mark_sent(line);
        let page = [message(me, "yes")];
        assert!(outbox.reconcile(me, &page, |_| true).is_empty());
        assert_eq!(outbox.len(), 1);
    }

    #[test]
    fn a_line_never_sent_is_never_taken_for_stored() {
        let mut outbox = Outbox::default();
        let me = ParticipantId::new();
        outbox.write("yes".into()).expect("room");
        assert!(outbox.reconcile(me, &[message(me, "yes")], |_| false).is_empty());
    }

    #[test]
    fn the_outbox_is_bounded_and_says_so() {
        let mut outbox = Outbox::default();
        for _ in 0..CAPACITY {
            outbox.write("x".into()).expect("room");
        }
        assert_eq!(outbox.write("x".into()), Err(OutboxFull));
    }
}

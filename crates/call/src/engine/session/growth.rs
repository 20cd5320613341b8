//! More picture slots when more is shown than there are slots for: 9, 16, 25, 49, by one offer each, and never fewer again.

use confab_protocol::media::VIDEO_SLOTS;

use super::media::{Offered, OfferedWhat};
use super::{Purpose, Report, Session};
use crate::signal::life::{Input, SocketId};

/// The squares that galleries are laid out in, and the largest view. Finer steps would cost a negotiation for each person
/// who joins; coarser ones server memory (14 KiB a slot) for slots that carry nothing.
const STEPS: [usize; 4] = [VIDEO_SLOTS, 16, 25, 49];

/// The picture slots of the transport of the moment.
#[derive(Debug)]
pub(super) struct PictureSlots {
    /// Pictures that are to be shown.
    wanted: usize,
    /// Slots that were answered.
    granted: usize,
    /// Slots in the transport's offers.
    offered: usize,
    /// The server refused more; it is not asked again on this transport.
    refused: bool,
}

impl Default for PictureSlots {
    fn default() -> Self {
        Self { wanted: 0, granted: VIDEO_SLOTS, offered: VIDEO_SLOTS, refused: false }
    }
}

impl PictureSlots {
    /// How many there should be, if that is more than were asked for.
    fn due(&self) -> Option<usize> {
        let step = STEPS.into_iter().find(|step| *step >= self.wanted).unwrap_or(STEPS[STEPS.len() - 1]);
        (step > self.offered && !self.refused).then_some(step)
    }

    /// A transport is made anew, with as many as there were; gives that number.
    pub(super) fn begin(&mut self) -> usize {
        self.offered = self.granted;
        self.refused = false;
        self.granted
    }

    /// An answer to an offer of the transport was applied: each has all slots.
    pub(super) fn answered(&mut self) {
        self.granted = self.offered;
    }

    /// The offer for more was made too late, and was not sent.
    pub(super) fn not_sent(&mut self) {
        self.offered = self.granted;
    }

    /// The server will not have more.
    pub(super) fn refused(&mut self) {
        self.refused = true;
    }
}

impl Session {
    /// So many pictures are to be shown.
    pub(super) fn want_slots(&mut self, pictures: usize) {
        self.slots.wanted = pictures;
        self.grow_when_due();
    }

    /// Asks for more slots if they are wanted; repeated until the connection is steady.
    pub(super) fn grow_when_due(&mut self) {
        if self.slots.due().is_some() {
            self.handle(Input::SlotsWanted);
        }
    }

    /// Makes the offer.
    pub(super) fn begin_growth(&mut self, socket: SocketId) {
        let Some((transport, slots)) = self.media.transport().zip(self.slots.due()) else {
            self.handle(Input::GrowthOver);
            return;
        };
        self.slots.offered = slots;
        let generation = self.media.count_offer();
        let reports = self.reports.clone();
        tokio::spawn(async move {
            let purpose = Purpose::Growth(socket);
            let what = match transport.grow_offer(slots).await {
                Ok(offer) => Ok(OfferedWhat::Later(purpose, offer)),
                Err(error) => Err((Some(purpose), error.to_string())),
            };
            drop(reports.send(Report::Offered(Offered::new(generation, what))));
        });
    }

    /// The call goes on with the slots it has.
    pub(super) fn growth_refused(&mut self, why: &str) {
        tracing::info!(why, "no more picture slots");
        self.slots.refused();
        self.handle(Input::GrowthOver);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_go_to_the_smallest_step_that_holds_all_pictures_and_never_back() {
        let mut slots = PictureSlots::default();
        for (pictures, due) in [(0, None), (9, None), (10, Some(16)), (17, Some(25)), (26, Some(49)), (80, Some(49))] {
            slots.wanted = pictures;
            assert_eq!(slots.due(), due, "{pictures} pictures");
        }
        slots.offered = 25;
        slots.wanted = 20;
        assert_eq!(slots.due(), None, "asked for once");
        slots.answered();
        slots.wanted = 3;
        assert_eq!(slots.due(), None);
        assert_eq!(slots.begin(), 25, "another transport begins with what was reached");
    }

    #[test]
    fn what_was_refused_is_asked_again_only_on_another_transport() {
        let mut slots = PictureSlots { wanted: 12, offered: 16, ..PictureSlots::default() };
        slots.refused();
        slots.wanted = 20;
        assert_eq!(slots.due(), None);
        assert_eq!(slots.begin(), VIDEO_SLOTS);
        assert_eq!(slots.due(), Some(25));
    }
}

//! What the media plane says about people's paths, and what happens when time passes.

use std::time::Instant;

use confab_protocol::{
    Layer, LeaveReason, ParticipantId, PersonQuality, Quality, ServerMessage, SlotAssignment, SourceKind,
};

use crate::command::Now;
use crate::effect::Effect;
use crate::member::MediaPath;
use crate::room::Room;

impl Room {
    pub(crate) fn media_up(&mut self, participant: ParticipantId, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(&participant) else { return };
        if member.path != MediaPath::Up {
            member.path = MediaPath::Up;
            self.tell_update(participant, None, out);
        }
    }

    pub(crate) fn media_silent(&mut self, participant: ParticipantId, since: Instant, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(&participant) else { return };
        // A path that never came up has a deadline of its own, and one that is silent was so before.
        if member.path == MediaPath::Up {
            member.path = MediaPath::Silent(since);
            self.tell_update(participant, None, out);
        }
    }

    /// The path is gone for good. The person may join again, and has the rejoin window to do so.
    pub(crate) fn media_closed(&mut self, now: Now, participant: ParticipantId, out: &mut Vec<Effect>) {
        let Some(member) = self.members.get_mut(&participant) else { return };
        if !matches!(member.path, MediaPath::Silent(_)) {
            member.path = MediaPath::Silent(now.instant);
            self.tell_update(participant, None, out);
        }
    }

    pub(crate) fn media_slots(
        &mut self,
        participant: ParticipantId,
        changed: Vec<SlotAssignment>,
        out: &mut Vec<Effect>,
    ) {
        if let Some(pending) = self.pending.get_mut(&participant).filter(|pending| pending.is_join()) {
            return pending.heard.take_slots(&changed);
        }
        if let Some(member) = self.members.get_mut(&participant) {
            member.heard.take_slots(&changed);
            self.tell_one(participant, ServerMessage::CallSlots { slots: changed }, out);
        }
    }

    pub(crate) fn media_layers(
        &mut self,
        participant: ParticipantId,
        source: SourceKind,
        wanted: Vec<Layer>,
        out: &mut Vec<Effect>,
    ) {
        let heard = match self.pending.get_mut(&participant).filter(|pending| pending.is_join()) {
            Some(pending) => &mut pending.heard,
            None => match self.members.get_mut(&participant) {
                Some(member) => &mut member.heard,
                None => return,
            },
        };
        heard.layers.insert(source, wanted.clone());
        if !self.pending.get(&participant).is_some_and(crate::admission::Pending::is_join) {
            self.tell_one(participant, ServerMessage::CallLayers { source, wanted }, out);
        }
    }

    pub(crate) fn media_speaking(&mut self, mut participants: Vec<ParticipantId>, out: &mut Vec<Effect>) {
        participants.retain(|participant| self.members.contains_key(participant));
        if participants != self.speaking {
            self.speaking.clone_from(&participants);
            self.tell_all(None, ServerMessage::CallSpeaking { participants }, out);
        }
    }

    pub(crate) fn media_quality(&mut self, of: PersonQuality, out: &mut Vec<Effect>) {
        let is_known = |known: &&PersonQuality| known.participant == of.participant;
        let before = self.quality.iter().find(is_known).map(|known| known.quality).unwrap_or_default();
        if before == of.quality || !self.members.contains_key(&of.participant) {
            return;
        }
        self.quality.retain(|known| known.participant != of.participant);
        self.quality.extend((of.quality != Quality::Good).then_some(of));
        self.tell_all(None, ServerMessage::CallQuality { people: self.quality.clone() }, out);
    }

    pub(crate) fn tick(&mut self, now: Now, out: &mut Vec<Effect>) {
        let due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now.instant);
        let late: Vec<ParticipantId> =
            self.members.values().filter(|member| due(self.deadline_of(member))).map(|member| member.id).collect();
        for participant in late {
            self.remove(participant, LeaveReason::TimedOut, out);
        }
    }
}

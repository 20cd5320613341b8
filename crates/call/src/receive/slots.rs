//! What each receive slot carries, as the server says.

use std::collections::{BTreeMap, HashSet};

use confab_protocol::{ParticipantId, SlotAssignment, SlotKind};

use crate::engine::event::TileKey;

/// What changed for one slot.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SlotChange {
    /// A picture slot carries this now, or nothing.
    Picture {
        /// The slot.
        mid: String,
        /// What it carries and whether it is shown.
        key: Option<TileKey>,
    },
    /// A voice slot carries this person now, or nobody.
    Voice {
        /// The slot.
        mid: String,
        /// Who.
        participant: Option<ParticipantId>,
    },
}

/// The slots of one transport. Assignments that are repeated change nothing; a change of layer alone neither, because
/// the stream goes on.
#[derive(Default, Debug)]
pub struct Slots {
    assigned: BTreeMap<String, (SlotKind, Option<TileKey>)>,
}

impl Slots {
    /// Takes in what the server says about some slots.
    pub fn assign(&mut self, assignments: Vec<SlotAssignment>) -> Vec<SlotChange> {
        let mut changes = Vec::new();
        for SlotAssignment { mid, kind, participant, source, .. } in assignments {
            let key = participant.zip(source).map(|(participant, source)| TileKey { participant, source });
            let before = self.assigned.insert(mid.clone(), (kind, key));
            if before == Some((kind, key)) || (before.is_none() && key.is_none()) {
                continue;
            }
            changes.push(match kind {
                SlotKind::Video => SlotChange::Picture { mid, key },
                SlotKind::Audio => SlotChange::Voice { mid, participant },
            });
        }
        changes
    }

    /// The pictures that come at present.
    pub fn tiles(&self) -> Vec<TileKey> {
        let keys: HashSet<_> =
            self.assigned.values().filter(|(kind, _)| *kind == SlotKind::Video).filter_map(|(_, key)| *key).collect();
        let mut tiles: Vec<_> = keys.into_iter().collect();
        tiles.sort();
        tiles
    }

    /// Every picture slot and what it carries.
    pub fn pictures(&self) -> impl Iterator<Item = (&str, Option<TileKey>)> {
        self.assigned
            .iter()
            .filter(|(_, (kind, _))| *kind == SlotKind::Video)
            .map(|(mid, (_, key))| (mid.as_str(), *key))
    }
}

#[cfg(test)]
mod tests {
    use confab_protocol::{Layer, SourceKind};

    use super::*;

    fn video(mid: &str, participant: Option<ParticipantId>, layer: Layer) -> SlotAssignment {
        SlotAssignment {
            mid: mid.into(),
            kind: SlotKind::Video,
            participant,
            source: participant.map(|_| SourceKind::Camera),
            layer: Some(layer),
        }
    }

    #[test]
    fn a_slot_that_gets_another_person_is_a_change_another_layer_is_none() {
        let mut slots = Slots::default();
        let (ada, ben) = (ParticipantId::new(), ParticipantId::new());
        assert_eq!(slots.assign(vec![video("3", Some(ada), Layer::Quarter)]).len(), 1);
        assert!(slots.assign(vec![video("3", Some(ada), Layer::Full)]).is_empty());
        let key = Some(TileKey { participant: ben, source: SourceKind::Camera });
        assert_eq!(
            slots.assign(vec![video("3", Some(ben), Layer::Full)]),
            [SlotChange::Picture { mid: "3".into(), key }]
        );
        assert_eq!(slots.tiles().into_iter().map(Some).collect::<Vec<_>>(), [key]);
    }

    #[test]
    fn an_idle_slot_carries_nothing() {
        let mut slots = Slots::default();
        let ada = ParticipantId::new();
        assert!(slots.assign(vec![video("3", None, Layer::Full)]).is_empty());
        slots.assign(vec![video("3", Some(ada), Layer::Full)]);
        assert_eq!(
            slots.assign(vec![video("3", None, Layer::Full)]),
            [SlotChange::Picture { mid: "3".into(), key: None }]
        );
        assert!(slots.tiles().is_empty());
    }

    #[test]
    fn slots_not_named_stay_as_they_are() {
        let mut slots = Slots::default();
        let (ada, ben) = (ParticipantId::new(), ParticipantId::new());
        slots.assign(vec![video("3", Some(ada), Layer::Full), video("4", Some(ben), Layer::Full)]);
        slots.assign(vec![video("4", None, Layer::Full)]);
        assert_eq!(slots.tiles().len(), 1);
    }

    #[test]
    fn a_voice_slot_follows_the_loudest() {
        let mut slots = Slots::default();
        let ada = ParticipantId::new();
        let voice = SlotAssignment {
            mid: "0".into(),
            kind: SlotKind::Audio,
            participant: Some(ada),
            source: Some(SourceKind::Microphone),
            layer: None,
        };
        assert_eq!(slots.assign(vec![voice]), [SlotChange::Voice { mid: "0".into(), participant: Some(ada) }]);
    }
}

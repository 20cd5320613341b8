//! What happens in a call, in sentences for a person at a terminal.

use std::collections::HashMap;

use confab_call::{CallEvent, CallState, EndReason, MediaDevice, ProblemReason};
use confab_protocol::{ParticipantId, ParticipantInfo, Reaction, SourceKind};

/// What was told of the people so far, so that only what changes is told.
#[derive(Default)]
pub struct Told {
    me: Option<ParticipantId>,
    people: HashMap<ParticipantId, Person>,
}

struct Person {
    name: String,
    hand: bool,
    shares: bool,
}

impl Person {
    fn of(participant: &ParticipantInfo) -> Self {
        Self {
            name: participant.name.clone(),
            hand: participant.hand_raised_at.is_some(),
            shares: participant.tracks.iter().any(|track| track.source == SourceKind::Screen),
        }
    }
}

impl Told {
    /// What to print of an event, if anything.
    pub fn sentence(&mut self, event: &CallEvent) -> Option<String> {
        Some(match event {
            CallEvent::State { state } => return of_state(state),
            CallEvent::Joined { me, participants, link, again, .. } => {
                self.me = Some(*me);
                self.people = participants.iter().map(|person| (person.id, Person::of(person))).collect();
                let names: Vec<_> = participants.iter().map(|participant| participant.name.as_str()).collect();
                let back = if *again { "Back in" } else { "In" };
                format!("{back} {link} with {}.", names.join(", "))
            }
            CallEvent::ParticipantJoined { participant } => {
                self.people.insert(participant.id, Person::of(participant));
                format!("{} joined.", participant.name)
            }
            CallEvent::ParticipantUpdated { participant } => return self.updated(participant),
            CallEvent::ParticipantLeft { participant, name, .. } => {
                self.people.remove(participant);
                format!("{name} left.")
            }
            CallEvent::Reaction { participant, reaction } => {
                format!("{} {}", self.subject(*participant, "reacted:", "reacted:"), drawn(*reaction))
            }
            CallEvent::Chat { message, .. } => format!("{}: {}", message.username, message.content),
            CallEvent::ChatPending { offline: true, content, .. } => {
                format!("Offline: \u{201c}{content}\u{201d} is sent when the connection is back.")
            }
            CallEvent::ChatRefused { why, .. } => format!("Not sent: {why}"),
            CallEvent::TalkingWhileMuted => "You are muted.".to_owned(),
            CallEvent::DeviceRestored { name, .. } => format!("{name} is back and is used again."),
            CallEvent::DeviceProblem { device, reason, message } => match hint(*device, *reason) {
                Some(hint) => format!("{message} {hint}"),
                None => message.clone(),
            },
            CallEvent::Refused { message, .. } => message.clone(),
            _ => return None,
        })
    }

    fn updated(&mut self, participant: &ParticipantInfo) -> Option<String> {
        let now = Person::of(participant);
        let (hand, shares) = (now.hand, now.shares);
        let before = self.people.insert(participant.id, now);
        let mut said = Vec::new();
        if before.as_ref().is_some_and(|before| before.hand) != hand {
            let (one, self_) =
                if hand { ("raises a hand.", "raise your hand.") } else { ("lowers the hand.", "lower your hand.") };
            said.push(self.subject(participant.id, one, self_));
        }
        if before.as_ref().is_some_and(|before| before.shares) != shares {
            let (one, self_) = if shares {
                ("shares a screen.", "share a screen.")
            } else {
                ("shares no screen any more.", "share no screen any more.")
            };
            said.push(self.subject(participant.id, one, self_));
        }
        (!said.is_empty()).then(|| said.join(" "))
    }

    /// Who does something: "Ada raises", "You raise".
    fn subject(&self, who: ParticipantId, does: &str, you_do: &str) -> String {
        if self.me == Some(who) {
            return format!("You {you_do}");
        }
        let name = self.people.get(&who).map_or("Somebody", |person| person.name.as_str());
        format!("{name} {does}")
    }
}

fn of_state(state: &CallState) -> Option<String> {
    Some(match state {
        CallState::Connecting => "Connecting ...".to_owned(),
        CallState::Joined => "Joined.".to_owned(),
        CallState::Reconnecting { why, .. } => format!("Reconnecting: {why}"),
        CallState::Ended { reason: EndReason::Left, .. } => "You left the meeting.".to_owned(),
        // What is no leaving by wish is the program's error, said at its end.
        CallState::Ended { .. } => return None,
    })
}

/// What a terminal offers in place of a device that is not there.
fn hint(device: MediaDevice, reason: ProblemReason) -> Option<&'static str> {
    match (device, reason) {
        (MediaDevice::Camera, ProblemReason::Missing) => {
            Some("Here \u{201c}camera test\u{201d} sends a test picture, \u{201c}camera FILE\u{201d} a Y4M video.")
        }
        (MediaDevice::Microphone, ProblemReason::Missing) => Some(
            "Here \u{201c}microphone test\u{201d} sends made-up speech, \u{201c}microphone FILE\u{201d} a WAV file.",
        ),
        _ => None,
    }
}

fn drawn(reaction: Reaction) -> String {
    reaction.name().replace('_', " ")
}

#[cfg(test)]
mod tests {
    use confab_protocol::{Connection, PublishedTrack, Role};

    use super::*;

    fn person(name: &str) -> ParticipantInfo {
        ParticipantInfo {
            id: ParticipantId::new(),
            name: name.into(),
            role: Role::Participant,
            tracks: Vec::new(),
            hand_raised_at: None,
            connection: Connection::Connected,
            joined_at: 0,
        }
    }

    /// A call of Ada, who is us, and Bo.
    fn call() -> (Told, ParticipantInfo, ParticipantInfo) {
        let (ada, bo) = (person("Ada"), person("Bo"));
        let mut told = Told::default();
        told.sentence(&CallEvent::Joined {
            me: ada.id,
            code: "kestrel-lane-27".parse().expect("a code"),
            room_name: String::new(),
            link: String::new(),
            role: Role::Host,
            grants: Role::Host.grants(),
            participants: vec![ada.clone(), bo.clone()],
            chat: Vec::new(),
            again: false,
        });
        (told, ada, bo)
    }

    #[test]
    fn hands_and_shares_are_told_when_they_change_and_only_then() {
        let (mut told, _, mut bo) = call();
        let mut update =
            |bo: &ParticipantInfo| told.sentence(&CallEvent::ParticipantUpdated { participant: bo.clone() });
        assert_eq!(update(&bo), None);
        bo.hand_raised_at = Some(1);
        assert_eq!(update(&bo).as_deref(), Some("Bo raises a hand."));
        assert_eq!(update(&bo), None);
        bo.tracks.push(PublishedTrack { source: SourceKind::Screen, muted: false, width: 0, height: 0 });
        assert_eq!(update(&bo).as_deref(), Some("Bo shares a screen."));
        bo.hand_raised_at = None;
        bo.tracks.clear();
        assert_eq!(update(&bo).as_deref(), Some("Bo lowers the hand. Bo shares no screen any more."));
    }

    #[test]
    fn what_one_does_oneself_is_told_too() {
        let (mut told, mut ada, bo) = call();
        ada.hand_raised_at = Some(1);
        let raised = told.sentence(&CallEvent::ParticipantUpdated { participant: ada.clone() });
        assert_eq!(raised.as_deref(), Some("You raise your hand."));
        let mut react = |participant| told.sentence(&CallEvent::Reaction { participant, reaction: Reaction::ThumbsUp });
        assert_eq!(react(ada.id).as_deref(), Some("You reacted: thumbs up"));
        assert_eq!(react(bo.id).as_deref(), Some("Bo reacted: thumbs up"));
    }

    #[test]
    fn a_missing_camera_comes_with_what_a_terminal_has_instead() {
        let missing = CallEvent::DeviceProblem {
            device: MediaDevice::Camera,
            reason: ProblemReason::Missing,
            message: "No camera was found.".into(),
        };
        let said = Told::default().sentence(&missing).expect("it is told");
        assert!(said.contains("camera test") && said.contains("camera FILE"), "{said}");
    }
}

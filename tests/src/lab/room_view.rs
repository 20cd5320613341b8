//! The room as one person's client tells it, event by event.

use std::collections::BTreeMap;
use std::time::Instant;

use confab_protocol::{ChatMessage, Connection, LeaveReason, ParticipantId, ParticipantInfo, SourceKind};
use serde_json::Value;

/// Somebody in the room.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MemberView {
    /// As the server tells it.
    pub info: ParticipantInfo,
}

impl MemberView {
    /// Whether a track is sent and not muted.
    pub fn sends(&self, source: SourceKind) -> bool {
        self.info.tracks.iter().any(|track| track.source == source && !track.muted)
    }

    /// Whether a track is there but muted.
    pub fn is_muted(&self, source: SourceKind) -> bool {
        self.info.tracks.iter().any(|track| track.source == source && track.muted)
    }

    /// Whether packets come from them.
    pub fn is_connected(&self) -> bool {
        self.info.connection == Connection::Connected
    }

    /// Whether the network has lost them.
    pub fn is_rejoining(&self) -> bool {
        self.info.connection == Connection::Rejoining
    }

    /// Whether their hand is up.
    pub fn has_hand_up(&self) -> bool {
        self.info.hand_raised_at.is_some()
    }
}

/// A client's state after some of its events.
#[derive(Clone, Debug, Default)]
pub struct RoomView {
    /// `connecting`, `joined`, `reconnecting` or `ended`.
    pub state: String,
    /// Who the client is.
    pub me: Option<ParticipantId>,
    /// Everybody.
    pub members: BTreeMap<ParticipantId, MemberView>,
    /// Who left, by name, and why.
    pub left: Vec<(String, LeaveReason)>,
    /// The chat, oldest first.
    pub chat: Vec<ChatMessage>,
    /// Who reacted how, in order: name and reaction.
    pub reactions: Vec<(String, String)>,
    /// What the client said about devices, in its own words.
    pub device_problems: Vec<String>,
    /// The newest figures, as `CallStats` has them; `Null` before the first.
    pub stats: Value,
    /// How often it joined: 1 and one more for each time it came back.
    pub joins: usize,
    /// The time of the last event taken in.
    pub at: Option<Instant>,
}

impl RoomView {
    /// Somebody by name.
    pub fn member(&self, name: &str) -> Option<&MemberView> {
        self.members.values().find(|member| member.info.name == name)
    }

    /// Everybody's names, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.members.values().map(|member| member.info.name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// Whether somebody of this name is there and their packets come.
    pub fn is_connected(&self, name: &str) -> bool {
        self.member(name).is_some_and(MemberView::is_connected)
    }

    /// Whether the chat has this line by this writer.
    pub fn has_chat(&self, writer: &str, content: &str) -> bool {
        self.chat.iter().any(|message| message.username == writer && message.content == content)
    }

    /// The newest figures of a picture that comes from somebody of this name: an entry of `CallStats::pictures`.
    pub fn picture(&self, name: &str, source: SourceKind) -> Option<&Value> {
        let id = self.member(name)?.info.id;
        let pictures = self.stats["pictures"].as_array()?;
        pictures.iter().find(|picture| {
            read::<ParticipantId>(&picture["participant"]) == Some(id)
                && read::<SourceKind>(&picture["source"]) == Some(source)
        })
    }

    /// How many frames of somebody's camera were shown, 0 before the first.
    pub fn frames_shown(&self, name: &str) -> u64 {
        self.frames_of(name, SourceKind::Camera)
    }

    /// How many frames of one of somebody's pictures were shown, 0 before the first.
    pub fn frames_of(&self, name: &str, source: SourceKind) -> u64 {
        self.picture(name, source).and_then(|picture| picture["frames"].as_u64()).unwrap_or(0)
    }

    /// How long somebody's camera stood still against expectation, milliseconds.
    pub fn frozen_ms(&self, name: &str) -> u64 {
        self.picture(name, SourceKind::Camera).and_then(|picture| picture["frozen_ms"].as_u64()).unwrap_or(0)
    }

    /// Takes one event in; other lines change nothing.
    pub(super) fn take_in(&mut self, event: &Value, at: Instant) {
        self.at = Some(at);
        match event["event"].as_str().unwrap_or_default() {
            "state" => self.state = event["state"]["state"].as_str().unwrap_or_default().to_owned(),
            "reaction" => {
                let from = read::<ParticipantId>(&event["participant"]).and_then(|id| self.members.get(&id));
                let name = from.map(|member| member.info.name.clone()).unwrap_or_default();
                self.reactions.push((name, event["reaction"].as_str().unwrap_or_default().to_owned()));
            }
            "joined" => {
                self.joins += 1;
                self.me = read(&event["me"]);
                self.members.clear();
                for participant in event["participants"].as_array().into_iter().flatten() {
                    self.put(participant);
                }
                for message in event["chat"].as_array().into_iter().flatten().filter_map(read) {
                    self.put_chat(message);
                }
            }
            "participant_joined" | "participant_updated" => self.put(&event["participant"]),
            "participant_left" => {
                if let Some(id) = read::<ParticipantId>(&event["participant"]) {
                    self.members.remove(&id);
                }
                if let (Some(name), Some(reason)) = (read(&event["name"]), read(&event["reason"])) {
                    self.left.push((name, reason));
                }
            }
            "chat" => {
                if let Some(message) = read(&event["message"]) {
                    self.put_chat(message);
                }
            }
            "stats" => self.stats = event["stats"].clone(),
            "device_problem" => self.device_problems.extend(event["message"].as_str().map(str::to_owned)),
            _ => {}
        }
    }

    fn put(&mut self, participant: &Value) {
        if let Some(info) = read::<ParticipantInfo>(participant) {
            self.members.insert(info.id, MemberView { info });
        }
    }

    fn put_chat(&mut self, message: ChatMessage) {
        if self.chat.iter().all(|known| known.id != message.id) {
            self.chat.push(message);
        }
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

//! From the engine's events to the window's: keeps the list of people, so that the window always gets all of it.

use confab_call::{
    CallEvent, CallState, Doubt, EndReason as EngineEnd, LocalMedia, MediaDevice, ProblemReason as EngineReason,
};
use confab_protocol::{ParticipantInfo, PersonQuality};

use crate::contract::{
    BridgeEvent, CallPhase, ChatPage, Code, DeviceKind, DeviceProblem, EndReason, JoinedCall, KnownCall, NativeCode,
    OwnMedia, ProblemReason, ShareInfo, Tone,
};

/// What one call has told so far.
#[derive(Default)]
pub struct Translator {
    participants: Vec<ParticipantInfo>,
    share: Option<ShareInfo>,
    local: LocalMedia,
    /// As the window would be told it now.
    call: Option<JoinedCall>,
    phase: Option<CallPhase>,
    quality: Vec<PersonQuality>,
    watches_stats: bool,
    /// The microphone's level as the window was told it last.
    level: f32,
}

/// Steps of the microphone's level that the window is told.
const LEVEL_STEPS: f32 = 20.0;

/// Chat kept for a window that is loaded anew; older messages can be asked for.
const CHAT_KEPT: usize = 200;

/// What the shell itself must do or pass on.
pub enum Told {
    /// To the window.
    Window(BridgeEvent),
    /// The answer to a question for older messages.
    Older(ChatPage),
    /// The call is joined; the window hears it too.
    Joined(JoinedCall),
    /// Something was plugged in or out.
    DevicesChanged,
}

impl Translator {
    /// What is being shared, when the engine says that something is.
    pub fn set_share(&mut self, share: Option<ShareInfo>) {
        self.share = share;
    }

    /// Whether a camera is open and sent.
    pub fn camera_on(&self) -> bool {
        self.local.camera_on
    }

    /// Whether the window wants figures.
    pub fn watch_stats(&mut self, on: bool) {
        self.watches_stats = on;
    }

    /// What a window has to know that was loaded anew.
    pub fn known(&self) -> KnownCall {
        let Some(call) = self.call.clone() else { return KnownCall::default() };
        KnownCall {
            call: Some(JoinedCall { participants: self.participants.clone(), ..call }),
            media: Some(self.media()),
            phase: self.phase.clone(),
            quality: self.quality.clone(),
        }
    }

    /// What an event means for the window.
    pub fn translate(&mut self, event: CallEvent) -> Vec<Told> {
        match event {
            CallEvent::State { state } => {
                if matches!(state, CallState::Ended { .. }) {
                    self.call = None;
                }
                let phase = phase(state);
                self.phase = Some(phase.clone());
                vec![window(BridgeEvent::CallPhase { phase })]
            }
            CallEvent::Joined { me, code, room_name, link, role, grants, participants, chat, again: _ } => {
                self.participants.clone_from(&participants);
                self.quality.clear();
                let call = JoinedCall { me, role, grants, code, link, title: room_name, participants, chat };
                self.call = Some(call.clone());
                // Devices are opened while the join is under way, so what they do was told before the window had a call.
                vec![Told::Joined(call.clone()), window(BridgeEvent::CallJoined { call }), self.own_media()]
            }
            CallEvent::ParticipantJoined { participant } | CallEvent::ParticipantUpdated { participant } => {
                match self.participants.iter_mut().find(|known| known.id == participant.id) {
                    Some(known) => *known = participant,
                    None => self.participants.push(participant),
                }
                vec![self.roster()]
            }
            CallEvent::ParticipantLeft { participant, .. } => {
                self.participants.retain(|known| known.id != participant);
                vec![self.roster()]
            }
            CallEvent::Chat { message, .. } => {
                if let Some(call) = &mut self.call {
                    call.chat.push(message.clone());
                    call.chat.drain(..call.chat.len().saturating_sub(CHAT_KEPT));
                }
                vec![window(BridgeEvent::Chat { message })]
            }
            CallEvent::ChatRefused { content, code, why, .. } => {
                let code = code.map_or(Code::Native(NativeCode::OutboxFull), Code::Server);
                vec![window(BridgeEvent::ChatRefused { content, code, reason: why })]
            }
            CallEvent::ChatHistory { messages, more } => vec![Told::Older(ChatPage { messages, more })],
            CallEvent::Speaking { participants } => vec![window(BridgeEvent::Speaking { participants })],
            CallEvent::Reaction { participant, reaction } => {
                vec![window(BridgeEvent::Reaction { participant, reaction })]
            }
            CallEvent::Quality { people } => {
                self.quality.clone_from(&people);
                vec![window(BridgeEvent::Quality { people })]
            }
            CallEvent::MicrophoneLevel { level, .. } => {
                // What nobody could see is not told: each telling has the page painted.
                let microphone = (linear_level(level) * LEVEL_STEPS).round() / LEVEL_STEPS;
                let told = std::mem::replace(&mut self.level, microphone);
                if (told - microphone).abs() < f32::EPSILON {
                    return Vec::new();
                }
                vec![window(BridgeEvent::Levels { microphone })]
            }
            CallEvent::TalkingWhileMuted => {
                let code = Code::Native(NativeCode::TalkingWhileMuted);
                vec![notice(Tone::Info, code, "You are muted. Hold Space to talk.")]
            }
            CallEvent::Local { media } => {
                self.local = media;
                vec![self.own_media()]
            }
            CallEvent::DeviceProblem { device, reason, message } => {
                vec![Told::Window(device_problem(device, reason, message))]
            }
            CallEvent::DeviceRestored { device, name } => {
                let message = format!("{name} is back and is used again.");
                let code = Code::Native(NativeCode::DeviceRestored);
                let works = BridgeEvent::DeviceProblem { kind: device_kind(device), problem: None };
                vec![
                    window(works),
                    window(BridgeEvent::Notice { tone: Tone::Info, code, message, subject: Some(name) }),
                ]
            }
            CallEvent::DevicesChanged => vec![Told::DevicesChanged],
            CallEvent::Refused { code, message } => vec![notice(Tone::Warn, Code::Server(code), message)],
            CallEvent::Stats { stats } if self.watches_stats => vec![window(BridgeEvent::Stats { stats })],
            CallEvent::ChatPending { .. } | CallEvent::Tiles { .. } | CallEvent::Stats { .. } => Vec::new(),
        }
    }

    fn roster(&self) -> Told {
        window(BridgeEvent::Roster { participants: self.participants.clone() })
    }

    fn own_media(&self) -> Told {
        window(BridgeEvent::OwnMedia { media: self.media() })
    }

    fn media(&self) -> OwnMedia {
        let LocalMedia { microphone_on, microphone_muted, camera_on, sharing, hand_raised } = self.local;
        OwnMedia {
            microphone_on: microphone_on && !microphone_muted,
            camera_on,
            share: self.share.clone().filter(|_| sharing),
            hand_raised,
        }
    }
}

/// RFC 6464 level (0 loudest, 127 silence) to a meter's 0 to 1: -60 dB is empty, 0 dB full.
pub fn linear_level(level: u8) -> f32 {
    (1.0 - f32::from(level) / 60.0).clamp(0.0, 1.0)
}

fn window(event: BridgeEvent) -> Told {
    Told::Window(event)
}

fn notice(tone: Tone, code: Code, message: impl Into<String>) -> Told {
    window(BridgeEvent::Notice { tone, code, message: message.into(), subject: None })
}

fn device_kind(device: MediaDevice) -> DeviceKind {
    match device {
        MediaDevice::Camera => DeviceKind::Camera,
        MediaDevice::Microphone => DeviceKind::Microphone,
        MediaDevice::Speaker => DeviceKind::Speaker,
        MediaDevice::Screen => DeviceKind::Screen,
    }
}

/// A device that works no more.
pub fn device_problem(device: MediaDevice, reason: EngineReason, message: String) -> BridgeEvent {
    let kind = device_kind(device);
    let reason = match reason {
        EngineReason::Blocked => ProblemReason::Blocked,
        EngineReason::Missing => ProblemReason::Missing,
        EngineReason::Busy => ProblemReason::Busy,
        EngineReason::Lost => ProblemReason::Lost,
        EngineReason::Failed => ProblemReason::Failed,
    };
    let problem = DeviceProblem { kind, reason, message, device: None };
    BridgeEvent::DeviceProblem { kind, problem: Some(problem) }
}

fn phase(state: CallState) -> CallPhase {
    match state {
        CallState::Connecting => CallPhase::Connecting,
        CallState::Joined => CallPhase::Joined,
        CallState::Reconnecting { since_unix_ms, code, why } => {
            CallPhase::Reconnecting { since: since_unix_ms, next_try_at: None, code, message: why }
        }
        CallState::Ended { reason, message } => {
            let code = if let EngineEnd::Refused { code } = reason { Some(code) } else { None };
            CallPhase::Ended { reason: end_reason(&reason), code, message }
        }
    }
}

fn end_reason(reason: &EngineEnd) -> EndReason {
    match reason {
        EngineEnd::Left => EndReason::Left,
        EngineEnd::Removed => EndReason::Removed,
        EngineEnd::Replaced => EndReason::Replaced,
        EngineEnd::Gone => EndReason::TimedOut,
        EngineEnd::Unreachable | EngineEnd::Untrusted { .. } => EndReason::ServerGone,
        EngineEnd::Refused { .. } | EngineEnd::Failed => EndReason::Failed,
    }
}

/// Who answers is not surely the right server.
pub fn doubtful(doubt: Doubt) -> NativeCode {
    match doubt {
        Doubt::Unknown => NativeCode::ServerUntrusted,
        Doubt::Another => NativeCode::CertificateMismatch,
    }
}

#[cfg(test)]
mod tests {
    use confab_call::Trouble;
    use confab_protocol::{ErrorCode, ParticipantId, Quality, Role};

    use super::*;

    fn joined() -> CallEvent {
        CallEvent::Joined {
            me: ParticipantId::new(),
            code: "kestrel-lane-27".parse().expect("a code"),
            room_name: String::new(),
            link: String::new(),
            role: Role::Host,
            grants: Role::Host.grants(),
            participants: Vec::new(),
            chat: Vec::new(),
            again: false,
        }
    }

    /// Type and code of what the window is told.
    fn code_of(event: CallEvent) -> Vec<String> {
        let told = Translator::default().translate(event);
        let events =
            told.into_iter().filter_map(|told| if let Told::Window(event) = told { Some(event) } else { None });
        let plain = events.map(|event| serde_json::to_value(event).expect("events are plain data"));
        plain.map(|event| format!("{} {}", event["type"], event["code"]).replace('"', "")).collect()
    }

    #[test]
    fn a_level_that_looks_the_same_is_not_told_again() {
        let mut translator = Translator::default();
        let mut told = |level| translator.translate(CallEvent::MicrophoneLevel { level, voice: true }).len();
        assert_eq!([told(20), told(20), told(21), told(30), told(60), told(60)], [1, 0, 0, 1, 1, 0]);
    }

    #[test]
    fn a_window_loaded_anew_is_told_how_the_call_stands_and_whose_line_is_weak() {
        let mut translator = Translator::default();
        assert!(translator.known().phase.is_none());
        translator.translate(joined());
        let weak = PersonQuality { participant: ParticipantId::new(), quality: Quality::Weak };
        translator.translate(CallEvent::Quality { people: vec![weak] });
        let state = CallState::Reconnecting { since_unix_ms: 7, code: Trouble::ServerLost, why: String::new() };
        translator.translate(CallEvent::State { state });
        let known = translator.known();
        assert!(matches!(known.phase, Some(CallPhase::Reconnecting { since: 7, code: Trouble::ServerLost, .. })));
        assert_eq!(known.quality, [weak]);
        // Who joins again gets the whole list anew.
        translator.translate(joined());
        assert!(translator.known().quality.is_empty());
    }

    #[test]
    fn a_server_that_was_stopped_is_told_as_that() {
        let state =
            CallState::Reconnecting { since_unix_ms: 7, code: Trouble::ServerStopped, why: "Stopped.".to_owned() };
        let CallPhase::Reconnecting { code, .. } = phase(state) else { panic!("it reconnects") };
        assert_eq!(serde_json::to_value(code).expect("plain data"), "server_stopped");
    }

    #[test]
    fn who_leaves_is_told_nothing_of_it_beside_the_code() {
        let left = phase(CallState::Ended { reason: EngineEnd::Left, message: String::new() });
        let told = serde_json::to_value(left).expect("plain data");
        assert_eq!((&told["reason"], &told["message"]), (&"left".into(), &"".into()));
    }

    #[test]
    fn every_sentence_for_the_window_comes_with_its_code() {
        assert_eq!(code_of(CallEvent::TalkingWhileMuted), ["notice talking_while_muted"]);
        let refused = CallEvent::Refused { code: ErrorCode::RateLimited, message: "Too fast.".into() };
        assert_eq!(code_of(refused), ["notice rate_limited"]);
        let chat = |code| CallEvent::ChatRefused { local_id: None, content: "Hi".into(), code, why: "No.".into() };
        assert_eq!(code_of(chat(None)), ["chat_refused outbox_full"]);
        let long = chat(Some(ErrorCode::MessageTooLarge));
        assert_eq!(code_of(long), ["chat_refused message_too_large"]);
    }
}

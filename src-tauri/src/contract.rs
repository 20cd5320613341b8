//! The window's commands and events as data: the Rust side of `ui/src/bridge/commands.ts`, field by field.

use confab_call::Trouble;
use confab_call::stats::CallStats;
use confab_protocol::{
    ChatMessage, ErrorCode, Grants, ParticipantId, ParticipantInfo, PersonQuality, Reaction, Role, RoomCode,
};
use serde::{Deserialize, Serialize};

mod settings;

pub use settings::*;

/// The channel of all events.
pub const EVENT_CHANNEL: &str = "confab://event";

/// Tile key of the camera picture before joining.
pub const PREVIEW_TILE: &str = "preview/camera";

/// A refusal's code: the server's, or one of ours.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Code {
    /// The server refused.
    Server(ErrorCode),
    /// It went wrong before a server was reached, or without one.
    Native(NativeCode),
}

/// What can go wrong on this computer.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum NativeCode {
    /// Neither a link nor a code.
    LinkInvalid,
    /// Nobody answers at the address.
    ServerUnreachable,
    /// A code alone was given, and nothing says on which server it is.
    ServerUnnamed,
    /// Who answers has a certificate that nobody vouches for.
    ServerUntrusted,
    /// Who answers has another certificate than the link or address names.
    CertificateMismatch,
    /// The media path could not be set up.
    MediaFailed,
    /// A device could not be opened.
    DeviceFailed,
    /// The screen could not be captured.
    ShareFailed,
    /// The command needs a running call.
    NotInCall,
    /// Settings could not be read or written.
    StorageFailed,
    /// The system did not change the window.
    WindowFailed,
    /// Too many messages wait for the network already.
    OutboxFull,
    /// The person speaks, and the microphone is off.
    TalkingWhileMuted,
    /// A device that was unplugged is back and in use.
    DeviceRestored,
}

/// Why a command was refused.
#[derive(Clone, Debug, Serialize)]
pub struct BridgeError {
    /// For the program.
    pub code: Code,
    /// A sentence for the person.
    pub message: String,
    /// The field at fault.
    pub field: Option<String>,
    /// `host:port` of the server that was asked, where that is not plain to the person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server: Option<String>,
}

impl BridgeError {
    /// A refusal of our own.
    pub fn native(code: NativeCode, message: impl ToString) -> Self {
        Self { code: Code::Native(code), message: message.to_string(), field: None, server: None }
    }

    /// The server refused.
    pub fn server(code: ErrorCode, message: String) -> Self {
        Self { code: Code::Server(code), message, field: None, server: None }
    }

    /// For commands that need a call.
    pub fn not_in_call() -> Self {
        Self::native(NativeCode::NotInCall, "You are not in a call. Join a meeting first.")
    }
}

/// What the program is and where it runs.
#[derive(Clone, Serialize)]
pub struct AppInfo {
    /// Release.
    pub version: &'static str,
    /// `linux`, `macos` or `windows`.
    pub platform: &'static str,
    /// The title bar draws the window's buttons.
    pub window_controls: bool,
    /// Pictures are drawn natively, into the page.
    pub draws_pictures: bool,
    /// A link the program was opened with.
    pub opened_link: Option<String>,
}

/// A meeting a person entered as text.
#[derive(Clone, Serialize)]
pub struct ParsedLink {
    /// The room.
    pub code: RoomCode,
    /// `host:port`; `None` for a bare code.
    pub server: Option<String>,
    /// The text to join with.
    pub join_text: String,
}

/// A camera, microphone or speaker.
#[derive(Clone, PartialEq, Serialize)]
pub struct Device {
    /// Stable as far as the system allows.
    pub id: String,
    /// For people.
    pub name: String,
    /// The system's default.
    pub is_default: bool,
    /// Beside the name; may be empty.
    pub detail: String,
}

/// What there is.
#[derive(Clone, PartialEq, Default, Serialize)]
pub struct DeviceList {
    /// Cameras.
    pub cameras: Vec<Device>,
    /// Microphones.
    pub microphones: Vec<Device>,
    /// Speakers.
    pub speakers: Vec<Device>,
}

/// Which device to use.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum DeviceChoice {
    /// The system's.
    #[default]
    Default,
    /// This one.
    Device {
        /// From [`Device::id`].
        id: String,
    },
    /// A Y4M or WAV file.
    File {
        /// Where it is.
        path: String,
    },
    /// A made picture or made speech.
    Test,
    /// None.
    None,
}

/// One choice a kind.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DeviceChoices {
    /// Camera.
    pub camera: DeviceChoice,
    /// Microphone.
    pub microphone: DeviceChoice,
    /// Speaker.
    pub speaker: DeviceChoice,
}

/// What is wrong with a device.
#[derive(Clone, Serialize)]
pub struct DeviceProblem {
    /// `camera`, `microphone`, `speaker` or `screen`.
    pub kind: DeviceKind,
    /// For the program.
    pub reason: ProblemReason,
    /// What happened and why, for people.
    pub message: String,
    /// Name of the device.
    pub device: Option<String>,
}

/// What kind of device.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceKind {
    /// Picture.
    Camera,
    /// Sound in.
    Microphone,
    /// Sound out.
    Speaker,
    /// A shared screen.
    Screen,
}

/// Why a device does not work.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ProblemReason {
    /// The system forbids it.
    Blocked,
    /// There is none.
    Missing,
    /// Another program has it.
    Busy,
    /// It went away.
    Lost,
    /// Anything else.
    Failed,
}

/// With what a person enters a call.
#[derive(Clone, Deserialize)]
pub struct JoinOptions {
    /// Shown to others.
    pub name: String,
    /// Devices.
    pub devices: DeviceChoices,
    /// Microphone on.
    pub microphone_on: bool,
    /// Camera on.
    pub camera_on: bool,
}

/// A call at the moment of joining.
#[derive(Clone, Serialize)]
pub struct JoinedCall {
    /// Who this is.
    pub me: ParticipantId,
    /// Role.
    pub role: Role,
    /// Rights.
    pub grants: Grants,
    /// The room.
    pub code: RoomCode,
    /// To give away.
    pub link: String,
    /// May be empty.
    pub title: String,
    /// In the order of joining.
    pub participants: Vec<ParticipantInfo>,
    /// Oldest first.
    pub chat: Vec<ChatMessage>,
}

/// What this person sends.
#[derive(Clone, PartialEq, Default, Serialize)]
pub struct OwnMedia {
    /// Sound goes out.
    pub microphone_on: bool,
    /// Picture goes out.
    pub camera_on: bool,
    /// Screen goes out.
    pub share: Option<ShareInfo>,
    /// Hand is up.
    pub hand_raised: bool,
}

/// A running share.
#[derive(Clone, PartialEq, Serialize)]
pub struct ShareInfo {
    /// From [`ShareSource::id`].
    pub source_id: String,
    /// For people.
    pub title: String,
}

/// Something that can be shared.
#[derive(Clone, Serialize)]
pub struct ShareSource {
    /// To start it with.
    pub id: String,
    /// `screen`, `window` or `test`.
    pub kind: ShareKind,
    /// For people.
    pub title: String,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
}

/// What kind of thing is shared.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShareKind {
    /// A whole screen.
    Screen,
    /// One window.
    Window,
    /// A made picture.
    Test,
}

/// A page of chat.
#[derive(Clone, Serialize)]
pub struct ChatPage {
    /// Oldest first.
    pub messages: Vec<ChatMessage>,
    /// There are older ones.
    pub more: bool,
}

/// Why a call is over.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// By the person.
    Left,
    /// By a moderator.
    Removed,
    /// Joined from elsewhere.
    Replaced,
    /// Away too long.
    TimedOut,
    /// The server is gone for good.
    ServerGone,
    /// Anything else.
    Failed,
}

/// How the call stands.
#[derive(Clone, Serialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum CallPhase {
    /// Joining.
    Connecting,
    /// In it.
    Joined,
    /// The way to the server is lost.
    Reconnecting {
        /// Milliseconds since 1970 UTC.
        since: u64,
        /// Milliseconds since 1970 UTC.
        next_try_at: Option<u64>,
        /// Why, for the program.
        code: Trouble,
        /// Why, for people.
        message: String,
    },
    /// Over.
    Ended {
        /// For the program.
        reason: EndReason,
        /// What the server said, when it refused.
        code: Option<ErrorCode>,
        /// For people.
        message: String,
    },
}

/// Everything the window is told.
#[derive(Clone, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum BridgeEvent {
    /// Joined, or joined again.
    CallJoined {
        /// The call.
        call: JoinedCall,
    },
    /// How the call stands.
    CallPhase {
        /// Now.
        phase: CallPhase,
    },
    /// Who is there.
    Roster {
        /// In the order of joining.
        participants: Vec<ParticipantInfo>,
    },
    /// Who speaks.
    Speaking {
        /// Loudest first.
        participants: Vec<ParticipantId>,
    },
    /// What this person sends.
    OwnMedia {
        /// Now.
        media: OwnMedia,
    },
    /// A chat message.
    Chat {
        /// The message.
        message: ChatMessage,
    },
    /// A message of this person's was not taken.
    ChatRefused {
        /// What was written.
        content: String,
        /// Why, for the program.
        code: Code,
        /// Why, for people.
        reason: String,
    },
    /// What the microphone hears, 0 to 1.
    Levels {
        /// The level.
        microphone: f32,
    },
    /// Devices came or went.
    Devices {
        /// All there are now.
        devices: DeviceList,
    },
    /// A device works no more, or again.
    DeviceProblem {
        /// Which.
        kind: DeviceKind,
        /// `None` when it works.
        problem: Option<DeviceProblem>,
    },
    /// Somebody reacted, maybe this person.
    Reaction {
        /// Who.
        participant: ParticipantId,
        /// How.
        reaction: Reaction,
    },
    /// Whose packets do not come through well.
    Quality {
        /// Who is not named is well.
        people: Vec<PersonQuality>,
    },
    /// How the call goes, in numbers, once a second while it is watched.
    Stats {
        /// The numbers.
        stats: Box<CallStats>,
    },
    /// The server in this program.
    Host {
        /// How it is.
        host: HostStatus,
    },
    /// How much of the screen the window takes.
    WindowMode {
        /// Now.
        mode: WindowMode,
    },
    /// A link was opened while the program runs.
    LinkOpened {
        /// As it was given.
        text: String,
    },
    /// Worth a toast.
    Notice {
        /// `info` or `warn`.
        tone: Tone,
        /// For the program.
        code: Code,
        /// For people.
        message: String,
        /// What it is about, as a device's name.
        subject: Option<String>,
    },
}

/// The server in this program.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct HostStatus {
    /// It takes people in.
    pub running: bool,
    /// `host:port` for others on this network.
    pub address: Option<String>,
    /// The usual port, when no server could be started on it: most often another program has it.
    pub port_taken: Option<u16>,
    /// People in its meetings.
    pub people: usize,
}

/// How much of the screen the window takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WindowMode {
    /// A window among others.
    Normal,
    /// All of it.
    FullScreen,
    /// A corner, above other windows.
    Mini,
}

/// What a window that was loaded anew has to know.
#[derive(Clone, Serialize)]
pub struct WindowState {
    /// The running call.
    #[serde(flatten)]
    pub call: KnownCall,
    /// How much of the screen the window takes.
    pub mode: WindowMode,
}

/// What is known of the running call; empty when there is none.
#[derive(Clone, Default, Serialize)]
pub struct KnownCall {
    /// The call.
    pub call: Option<JoinedCall>,
    /// What this person sends in it.
    pub media: Option<OwnMedia>,
    /// How it stands.
    pub phase: Option<CallPhase>,
    /// Whose packets do not come through well.
    pub quality: Vec<PersonQuality>,
}

/// How serious a notice is.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// A fact.
    Info,
    /// Trouble.
    Warn,
}

//! What the window or the command line holds of a running call.

use std::sync::Arc;
use std::time::Instant;

use confab_protocol::{ChatMessageId, Reaction, TileRequest};
use tokio::sync::{mpsc, oneshot};

use crate::capture::{CameraChoice, MicrophoneChoice, ScreenChoice};
use crate::playback::SpeakerChoice;
use crate::stats::CallStats;
use crate::stats::meters::Meters;

/// What a person asks for.
pub(crate) enum Command {
    MuteMicrophone(bool),
    Camera { on: bool, choice: Option<CameraChoice> },
    StartShare(ScreenChoice),
    StopShare,
    Hand(bool),
    React(Reaction),
    Chat(String),
    OlderChat { before: Option<ChatMessageId>, limit: Option<u32> },
    View(Vec<TileRequest>),
    Everybody { width: u32, height: u32 },
    Microphone(MicrophoneChoice),
    Speaker(SpeakerChoice),
    NoiseRemoval(bool),
    RetryNow,
    Leave(oneshot::Sender<()>),
}

/// A running call. Clones are the same call; when the last one is dropped, the call is left.
///
/// Every method returns at once. What comes of it is told by events; after the call has ended nothing does.
#[derive(Clone)]
pub struct CallHandle {
    pub(crate) commands: mpsc::UnboundedSender<Command>,
    pub(crate) meters: Arc<Meters>,
}

impl CallHandle {
    /// While muted nothing captured by the microphone leaves this computer.
    pub fn set_microphone_muted(&self, muted: bool) {
        self.tell(Command::MuteMicrophone(muted));
    }

    /// Switches the camera on or off; with a choice, another camera is taken.
    pub fn set_camera(&self, on: bool, choice: Option<CameraChoice>) {
        self.tell(Command::Camera { on, choice });
    }

    /// Shares a screen or window, in place of one that is shared already.
    pub fn start_share(&self, screen: ScreenChoice) {
        self.tell(Command::StartShare(screen));
    }

    /// Ends sharing.
    pub fn stop_share(&self) {
        self.tell(Command::StopShare);
    }

    /// Raises or lowers the hand.
    pub fn set_hand(&self, raised: bool) {
        self.tell(Command::Hand(raised));
    }

    /// Shows a reaction to everybody.
    pub fn react(&self, reaction: Reaction) {
        self.tell(Command::React(reaction));
    }

    /// Writes in the chat. Offline, the line waits and goes out when the connection is back.
    pub fn send_chat(&self, content: impl Into<String>) {
        self.tell(Command::Chat(content.into()));
    }

    /// Asks for messages before this one (the newest when `None`); they come as an event.
    pub fn older_chat(&self, before: Option<ChatMessageId>, limit: Option<u32>) {
        self.tell(Command::OlderChat { before, limit });
    }

    /// Says which pictures are shown and how large; only those are received. Replaces the view before it.
    pub fn set_view(&self, tiles: Vec<TileRequest>) {
        self.tell(Command::View(tiles));
    }

    /// Shows everybody's pictures, each at most so large in pixels, whoever comes and goes.
    pub fn set_view_of_everybody(&self, width: u32, height: u32) {
        self.tell(Command::Everybody { width, height });
    }

    /// Takes another microphone.
    pub fn choose_microphone(&self, choice: MicrophoneChoice) {
        self.tell(Command::Microphone(choice));
    }

    /// Takes another speaker.
    pub fn choose_speaker(&self, choice: SpeakerChoice) {
        self.tell(Command::Speaker(choice));
    }

    /// Whether noise is taken out of the microphone's sound; of sound that is worked on at all.
    pub fn set_noise_removal(&self, on: bool) {
        self.tell(Command::NoiseRemoval(on));
    }

    /// Looks for the server again now, if it is being waited for.
    pub fn retry_now(&self) {
        self.tell(Command::RetryNow);
    }

    /// The figures of this moment.
    pub fn stats(&self) -> CallStats {
        self.meters.snapshot(Instant::now())
    }

    /// Leaves and waits until the server was told (at most about a second).
    pub async fn leave(&self) {
        let (done, left) = oneshot::channel();
        self.tell(Command::Leave(done));
        drop(left.await);
    }

    fn tell(&self, command: Command) {
        // A call that has ended takes no commands; its events have said so.
        drop(self.commands.send(command));
    }
}

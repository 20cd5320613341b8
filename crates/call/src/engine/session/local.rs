//! What the person asks for, and what becomes of our devices.

use std::time::{Duration, Instant};

use confab_protocol::{ClientMessage, ErrorCode, ParticipantId, SourceKind, TileRequest};
use confab_rtp::RtpClock;
use crossbeam_channel::RecvTimeoutError;

use super::{Report, Sending, Session, media};
use crate::capture::{
    CameraChoice, CaptureError, CapturedFrame, MicrophoneChoice, ScreenChoice, VideoFormat, open_camera, open_screen,
};
use crate::devices;
use crate::engine::config::View;
use crate::engine::event::{CallEvent, MediaDevice, TileKey};
use crate::engine::handle::Command;
use crate::engine::room::Room;
use crate::engine::sound::{SoundNotice, capture_reason};
use crate::send::picture::{OpenSource, Picture, PictureConfig, PictureNotice, SelfView, patiently};
use crate::signal::life::Input;
use crate::sink::ReceivedFrame;

/// Two views are at least so far apart; the last one always goes out.
const VIEW_SPACING: Duration = Duration::from_millis(100);

/// How long after pressing join devices begin to be watched.
const WATCH_AFTER: Duration = Duration::from_secs(3);

/// How soon the watching ends after the call.
const WATCH_PATIENCE: Duration = Duration::from_secs(2);

/// Screens are captured at this rate: text does not move, and sharpness matters more.
const SCREEN_FPS: u32 = 15;

impl Session {
    pub(super) fn command(&mut self, command: Command) {
        match command {
            Command::MuteMicrophone(muted) => self.mute(muted),
            Command::Camera { on, choice } => self.set_camera(on, choice),
            Command::StartShare(screen) => self.start_share(screen),
            Command::StopShare => self.stop_picture(SourceKind::Screen),
            Command::Hand(raised) => {
                self.local.hand_raised = raised;
                self.send(ClientMessage::CallHand { raised });
                self.tell_local();
            }
            Command::React(reaction) => {
                self.send(ClientMessage::CallReact { reaction });
            }
            Command::Chat(content) => self.write_chat(content),
            Command::OlderChat { before, limit } => self.ask_history(before, limit),
            Command::View(tiles) => {
                self.view = Some(tiles);
                self.refresh_view();
            }
            Command::Everybody { width, height } => {
                (self.view, self.config.view) = (None, View::Everybody { width, height });
                self.refresh_view();
            }
            Command::Microphone(choice) => self.choose_microphone(choice),
            Command::Speaker(choice) => self.sounds.open_speaker(choice),
            Command::NoiseRemoval(on) => {
                self.config.noise_removal = on;
                if let Some(voice) = &self.voice {
                    voice.control().set_noise_removal(on);
                }
            }
            Command::RetryNow => self.handle(Input::RetryNow),
            Command::Leave(done) => {
                self.left = Some(done);
                self.leave();
            }
        }
    }

    /// Tells the server and ends the call.
    pub(super) fn leave(&mut self) {
        self.send(ClientMessage::CallLeave {});
        self.life.leave();
    }

    fn mute(&mut self, muted: bool) {
        // The switch first, the telling after: nothing may leave while the message is on its way.
        if let Some(voice) = &self.voice {
            voice.control().set_muted(muted);
        }
        self.local.microphone_muted = muted;
        if self.local.microphone_on {
            self.send(ClientMessage::CallMute { source: SourceKind::Microphone, muted });
        }
        self.tell_local();
    }

    fn write_chat(&mut self, content: String) {
        if content.trim().is_empty() {
            return;
        }
        let longest = self.limits.chat_chars as usize;
        let length = content.chars().count();
        if length > longest {
            let why = format!("The message has {length} characters; at most {longest} can be sent.");
            let code = Some(ErrorCode::MessageTooLarge);
            self.tell(CallEvent::ChatRefused { local_id: None, content, code, why });
            return;
        }
        match self.outbox.write(content.clone()) {
            Ok(local_id) => {
                let offline = !self.is_joined();
                self.tell(CallEvent::ChatPending { local_id, content: content.clone(), offline });
                if !offline {
                    self.post(local_id, content);
                }
            }
            Err(full) => {
                self.tell(CallEvent::ChatRefused { local_id: None, content, code: None, why: full.to_string() });
            }
        }
    }

    fn choose_microphone(&mut self, choice: MicrophoneChoice) {
        if let Some(voice) = &self.voice {
            voice.control().set_processing(self.config.processing.applies_to(&choice));
        }
        self.config.microphone = choice.clone();
        self.sounds.open_microphone(choice);
    }

    fn set_camera(&mut self, on: bool, choice: Option<CameraChoice>) {
        let another = choice.is_some_and(|choice| {
            let another = choice != self.config.camera;
            self.config.camera = choice;
            another
        });
        if !on {
            self.stop_picture(SourceKind::Camera);
        } else if self.camera.is_none() || another {
            self.start_camera();
        }
    }

    pub(super) fn start_camera(&mut self) {
        let (choice, wanted) = (self.config.camera.clone(), self.config.picture);
        if choice == CameraChoice::None {
            self.stop_picture(SourceKind::Camera);
            return;
        }
        self.start_picture(SourceKind::Camera, Box::new(move || patiently(|| open_camera(&choice, wanted))));
        self.local.camera_on = self.camera.is_some();
        self.tell_local();
    }

    pub(super) fn start_share(&mut self, screen: ScreenChoice) {
        let wanted = VideoFormat { width: 1920, height: 1080, fps: SCREEN_FPS };
        self.start_picture(SourceKind::Screen, Box::new(move || patiently(|| open_screen(&screen, wanted))));
        self.local.sharing = self.screen.is_some();
        self.tell_local();
    }

    fn start_picture(&mut self, source: SourceKind, open: OpenSource) {
        self.instances += 1;
        let instance = self.instances;
        let reports = self.reports.clone();
        let config = PictureConfig {
            source,
            layers: media::layers(source).to_vec(),
            outlet: self.outlet.clone(),
            meters: self.meters.clone(),
            clock: RtpClock::new(self.clock_origin, rand::random::<u32>() >> 1),
            self_view: self.self_view(source),
            notice: Box::new(move |notice| drop(reports.send(Report::Picture { source, instance, notice }))),
        };
        // The old one goes first: a camera can be opened only once.
        let slot = match source {
            SourceKind::Screen => &mut self.screen,
            _ => &mut self.camera,
        };
        *slot = None;
        match Picture::start(open, config) {
            Ok(picture) => {
                if let Some(watched) = self.watched.get(&source) {
                    picture.control().set_watched(watched);
                }
                *slot = Some(Sending { instance, picture, published: None });
            }
            Err(error) => tracing::error!(%error, "no thread for a picture"),
        }
    }

    /// Shows our own picture in the same sink as the others', under our own id.
    fn self_view(&self, source: SourceKind) -> SelfView {
        let sink = self.config.sink.clone();
        let me = self.me.clone();
        let mut number = 0;
        Box::new(move |captured: &CapturedFrame| {
            let Some(participant) = me.get().copied() else { return };
            let frame = ReceivedFrame {
                frame: captured.frame.clone(),
                number,
                own: true,
                first_packet_at: captured.captured_at,
                complete_at: captured.captured_at,
                decoded_at: captured.captured_at,
            };
            number += 1;
            sink.frame(TileKey { participant, source }, frame);
        })
    }

    fn stop_picture(&mut self, source: SourceKind) {
        let running = match source {
            SourceKind::Screen => self.screen.take(),
            _ => self.camera.take(),
        };
        match source {
            SourceKind::Screen => self.local.sharing = false,
            _ => self.local.camera_on = false,
        }
        self.watched.remove(&source);
        if let Some(sending) = running {
            if sending.published.is_some() {
                self.unpublish(source);
            }
            if let Some(participant) = self.me.get().copied() {
                self.config.sink.ended(TileKey { participant, source });
            }
            self.share_bandwidth();
        }
        self.tell_local();
    }

    pub(super) fn picture_notice(&mut self, source: SourceKind, instance: u64, notice: PictureNotice) {
        if self.sending(source).is_none_or(|sending| sending.instance != instance) {
            return;
        }
        match notice {
            PictureNotice::Size { .. } => {
                self.publish_pictures();
                self.share_bandwidth();
            }
            PictureNotice::Failed(error) => self.picture_failed(source, &error),
        }
    }

    fn picture_failed(&mut self, source: SourceKind, error: &CaptureError) {
        let camera = source == SourceKind::Camera;
        // Another camera takes the place of one that was seen and is gone. A name that was never there may be a slip of
        // the pen, and nobody is shown by a camera they did not choose.
        let gone = matches!(error, CaptureError::DeviceLost { .. } | CaptureError::Stalled { .. });
        let another = camera && gone && matches!(self.config.camera, CameraChoice::Device(_));
        let then = match (camera, another) {
            (true, true) => "The default camera is used instead.",
            (true, false) => "The others do not see you until you choose another camera.",
            (false, _) => "Sharing has ended.",
        };
        self.tell(CallEvent::DeviceProblem {
            device: if camera { MediaDevice::Camera } else { MediaDevice::Screen },
            reason: capture_reason(error),
            message: match error {
                // Its own words say what to do: there is no other camera to choose.
                CaptureError::NoCamera => error.to_string(),
                _ => format!("{error} {then}"),
            },
        });
        if another {
            self.config.camera = CameraChoice::Default;
            self.start_camera();
        } else {
            self.stop_picture(source);
        }
    }

    pub(super) fn sound_notice(&mut self, notice: SoundNotice) {
        match notice {
            SoundNotice::Microphone { on } => {
                let before = std::mem::replace(&mut self.local.microphone_on, on);
                if before && !on {
                    self.unpublish(SourceKind::Microphone);
                } else if on {
                    self.publish_microphone();
                }
                self.tell_local();
            }
            SoundNotice::Problem { device, reason, message, .. } => {
                self.tell(CallEvent::DeviceProblem { device, reason, message });
            }
            SoundNotice::Restored { device, name } => self.tell(CallEvent::DeviceRestored { device, name }),
        }
    }

    pub(super) fn publish_microphone(&mut self) {
        if self.local.microphone_on && self.is_joined() {
            let muted = self.local.microphone_muted;
            self.send(ClientMessage::CallPublish { source: SourceKind::Microphone, muted, width: 0, height: 0 });
        }
    }

    /// Tells the server of pictures that run and whose size it does not know yet.
    pub(super) fn publish_pictures(&mut self) {
        if !self.is_joined() {
            return;
        }
        for source in [SourceKind::Camera, SourceKind::Screen] {
            let Some(sending) = self.sending_mut(source) else { continue };
            let Some((width, height)) = sending.picture.control().size() else { continue };
            if sending.published == Some((width, height)) {
                continue;
            }
            sending.published = Some((width, height));
            self.send(ClientMessage::CallPublish { source, muted: false, width, height });
        }
    }

    /// Tells the server that a source of ours has stopped. Without a socket nothing is told: [`Self::settle_in`] does.
    fn unpublish(&mut self, source: SourceKind) {
        if self.send(ClientMessage::CallUnpublish { source })
            && let Some(room) = &mut self.room
        {
            // The server refuses to take back twice, and it may be long until its list comes.
            room.withdraw(source);
        }
    }

    /// Takes back what the server still lists as ours and no longer runs: it stopped while nothing could be told.
    pub(super) fn unpublish_stopped(&mut self) {
        let listed = self.room.as_ref().and_then(Room::myself).map(|me| me.tracks.as_slice()).unwrap_or_default();
        let stopped: Vec<_> = listed.iter().map(|track| track.source).filter(|source| !self.runs(*source)).collect();
        for source in stopped {
            self.unpublish(source);
        }
    }

    fn runs(&self, source: SourceKind) -> bool {
        match source {
            SourceKind::Microphone => self.local.microphone_on,
            SourceKind::Camera | SourceKind::Screen | SourceKind::ScreenAudio => self.sending(source).is_some(),
        }
    }

    pub(super) fn sending(&self, source: SourceKind) -> Option<&Sending> {
        match source {
            SourceKind::Camera => self.camera.as_ref(),
            SourceKind::Screen => self.screen.as_ref(),
            SourceKind::Microphone | SourceKind::ScreenAudio => None,
        }
    }

    pub(super) fn sending_mut(&mut self, source: SourceKind) -> Option<&mut Sending> {
        match source {
            SourceKind::Camera => self.camera.as_mut(),
            SourceKind::Screen => self.screen.as_mut(),
            SourceKind::Microphone | SourceKind::ScreenAudio => None,
        }
    }

    /// The view may have changed: it goes out soon.
    pub(super) fn refresh_view(&mut self) {
        self.view_due = true;
        self.flush_view(Instant::now());
    }

    /// Sends the view when it is due, changed, and not too soon after the last one.
    pub(super) fn flush_view(&mut self, now: Instant) {
        let spaced = self.view_sent_at.is_none_or(|at| now.saturating_duration_since(at) >= VIEW_SPACING);
        if !self.view_due || !spaced || !self.is_joined() {
            return;
        }
        self.view_due = false;
        let tiles = self.wanted_tiles();
        // The view goes out whole all the same: which of its tiles wait for a slot is for the server to say.
        self.want_slots(tiles.len());
        if self.sent_view.as_ref() == Some(&tiles) {
            return;
        }
        self.inlet.show(tiles.iter().map(|tile| TileKey { participant: tile.participant, source: tile.source }));
        self.view_sent_at = Some(now);
        self.sent_view = Some(tiles.clone());
        self.send(ClientMessage::CallView { tiles });
        self.tell_tiles();
    }

    fn wanted_tiles(&self) -> Vec<TileRequest> {
        let mine: Option<ParticipantId> = self.room.as_ref().map(Room::me);
        let most = self.limits.view_tiles as usize;
        match (&self.view, self.config.view, &self.room) {
            (Some(tiles), _, _) => {
                let others = tiles.iter().filter(|tile| Some(tile.participant) != mine).copied();
                others.take(most).collect()
            }
            (None, View::Everybody { width, height }, Some(room)) => room.everybody(width, height, most),
            _ => Vec::new(),
        }
    }

    pub(super) fn tell_tiles(&mut self) {
        let tiles = self.inlet.tiles();
        if tiles != self.tiles {
            self.tiles.clone_from(&tiles);
            self.tell(CallEvent::Tiles { tiles });
        }
    }

    pub(super) fn tell_local(&self) {
        self.tell(CallEvent::Local { media: self.local });
    }

    /// Reports when devices come and go, until the call ends.
    pub(super) fn watch_devices(&self) {
        let reports = self.reports.clone();
        let watching = std::thread::Builder::new().name("device-watch".into()).spawn(move || {
            // Listing devices is work; the join comes first.
            std::thread::sleep(WATCH_AFTER);
            let changes = devices::watch();
            while !reports.is_closed() {
                match changes.recv_timeout(WATCH_PATIENCE) {
                    Ok(_change) => drop(reports.send(Report::DevicesChanged)),
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        });
        if let Err(error) = watching {
            tracing::warn!(%error, "devices are not watched");
        }
    }
}

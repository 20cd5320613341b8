//! A peer on another WebRTC stack (str0m, ICE-lite, RTP mode) that stands for the server, on a real socket in a thread of
//! its own. It notes what comes and sends what it is told; it forwards nothing.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use str0m::change::SdpOffer;
use str0m::media::{KeyframeRequestKind, Mid, Rid};
use str0m::net::{Protocol, Receive};
use str0m::rtp::{ExtensionValues, RtpWrite};
use str0m::{Candidate, Event, Input, Output, Rtc, RtcConfig};

/// One RTP packet as the server saw it.
#[derive(Clone, Debug)]
pub struct Seen {
    pub mid: String,
    pub rid: Option<String>,
    pub sequence: u64,
    pub payload: Vec<u8>,
    pub marker: bool,
    pub audio_level: Option<i8>,
    pub voice: Option<bool>,
}

#[derive(Default)]
pub struct Log {
    pub packets: Vec<Seen>,
    /// Slots a key frame was asked for.
    pub keyframes: Vec<String>,
    pub connected: bool,
}

enum Command {
    Accept(String, mpsc::Sender<String>),
    Write { mid: String, payload_type: u8, timestamp: u32, marker: bool, payload: Vec<u8>, audio_level: Option<i8> },
    RequestKeyframe { mid: String, rid: Option<String> },
    Mute(bool),
    Stop,
}

pub struct Server {
    commands: mpsc::Sender<Command>,
    pub log: Arc<Mutex<Log>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// `advertised` is the address named in the answer when it is not the socket's own.
    pub fn start(advertised: impl FnOnce(SocketAddr) -> SocketAddr) -> Self {
        str0m::crypto::from_feature_flags().install_process_default();
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        let address = socket.local_addr().expect("an address");
        let candidate = advertised(address);
        let (commands, receiver) = mpsc::channel();
        let log = Arc::new(Mutex::new(Log::default()));
        let log_of_thread = Arc::clone(&log);
        let thread = std::thread::spawn(move || Runner::new(socket, candidate, log_of_thread).run(&receiver));
        Self { commands, log, thread: Some(thread) }
    }

    pub fn accept(&self, offer: &str) -> String {
        let (answer, receiver) = mpsc::channel();
        self.tell(Command::Accept(offer.to_owned(), answer));
        receiver.recv_timeout(Duration::from_secs(5)).expect("an answer")
    }

    pub fn write_video(&self, mid: &str, timestamp: u32, marker: bool, payload: Vec<u8>) {
        let mid = mid.to_owned();
        self.tell(Command::Write { mid, payload_type: 102, timestamp, marker, payload, audio_level: None });
    }

    pub fn write_audio(&self, mid: &str, timestamp: u32, payload: Vec<u8>, audio_level: i8) {
        let (mid, audio_level) = (mid.to_owned(), Some(audio_level));
        self.tell(Command::Write { mid, payload_type: 111, timestamp, marker: false, payload, audio_level });
    }

    pub fn request_keyframe(&self, mid: &str, rid: Option<&str>) {
        self.tell(Command::RequestKeyframe { mid: mid.to_owned(), rid: rid.map(str::to_owned) });
    }

    /// While muted it hears and says nothing.
    pub fn mute(&self, muted: bool) {
        self.tell(Command::Mute(muted));
    }

    pub fn packets(&self) -> Vec<Seen> {
        self.log.lock().expect("log").packets.clone()
    }

    fn tell(&self, command: Command) {
        self.commands.send(command).expect("the server runs");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.commands.send(Command::Stop);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Runner {
    socket: UdpSocket,
    candidate: SocketAddr,
    rtc: Rtc,
    log: Arc<Mutex<Log>>,
    sequences: HashMap<String, u64>,
    muted: bool,
}

impl Runner {
    fn new(socket: UdpSocket, candidate: SocketAddr, log: Arc<Mutex<Log>>) -> Self {
        let mut config = RtcConfig::new().set_ice_lite(true).set_rtp_mode(true).clear_codecs().enable_opus(true, false);
        config.codec_config().add_h264(102.into(), Some(103.into()), true, 0x0042_e01f);
        let mut rtc = config.build(Instant::now());
        rtc.add_local_candidate(Candidate::host(candidate, "udp").expect("a candidate"));
        Self { socket, candidate, rtc, log, sequences: HashMap::new(), muted: false }
    }

    fn run(mut self, commands: &mpsc::Receiver<Command>) {
        let mut buffer = vec![0; 2000];
        loop {
            while let Ok(command) = commands.try_recv() {
                if matches!(command, Command::Stop) {
                    return;
                }
                self.obey(command);
            }
            let due = self.drain();
            let wait = due
                .saturating_duration_since(Instant::now())
                .clamp(Duration::from_micros(200), Duration::from_millis(1));
            self.socket.set_read_timeout(Some(wait)).expect("a timeout");
            match self.socket.recv_from(&mut buffer) {
                Ok(_) if self.muted => {}
                Ok((length, source)) => {
                    if let Ok(received) = Receive::new(Protocol::Udp, source, self.candidate, &buffer[..length]) {
                        let _ = self.rtc.handle_input(Input::Receive(Instant::now(), received));
                    }
                }
                Err(_) => {
                    let _ = self.rtc.handle_input(Input::Timeout(Instant::now()));
                }
            }
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Accept(offer, reply) => {
                let offer = SdpOffer::from_sdp_string(&offer).expect("a readable offer");
                let answer = self.rtc.sdp_api().accept_offer(offer).expect("an acceptable offer");
                let _ = reply.send(answer.to_sdp_string());
            }
            Command::Write { mid, payload_type, timestamp, marker, payload, audio_level } => {
                let first = !self.sequences.contains_key(&mid);
                let number = self.sequences.entry(mid.clone()).or_insert(1000);
                *number += 1;
                let (number, mid) = (*number, Mid::from(mid.as_str()));
                if first && payload_type == 102 {
                    // Stock, it throws all repairs away while they are more than 15 % of what it sends.
                    let mut api = self.rtc.direct_api();
                    let stream = api.stream_tx_by_mid(mid, None).expect("a slot");
                    stream.set_rtx_cache(1024, Duration::from_secs(3), None);
                }
                let voice_activity = audio_level.map(|_| true);
                let extensions = ExtensionValues { audio_level, voice_activity, ..ExtensionValues::default() };
                let write = RtpWrite::new(payload_type.into(), number.into(), timestamp, Instant::now(), payload)
                    .marker(marker)
                    .nackable(payload_type == 102)
                    .ext_vals(extensions);
                self.rtc.direct_api().stream_tx_by_mid(mid, None).expect("a slot").write_rtp(write);
                let _ = self.rtc.handle_input(Input::Timeout(Instant::now()));
            }
            Command::RequestKeyframe { mid, rid } => {
                let rid = rid.map(|rid| Rid::from(rid.as_str()));
                let mut api = self.rtc.direct_api();
                let stream = api.stream_rx_by_mid(Mid::from(mid.as_str()), rid).expect("a stream");
                stream.request_keyframe(KeyframeRequestKind::Pli);
            }
            Command::Mute(muted) => self.muted = muted,
            Command::Stop => {}
        }
    }

    fn drain(&mut self) -> Instant {
        loop {
            match self.rtc.poll_output().expect("output") {
                Output::Timeout(due) => return due,
                Output::Transmit(transmit) => {
                    if !self.muted {
                        let _ = self.socket.send_to(&transmit.contents, transmit.destination);
                    }
                }
                Output::Event(event) => self.note(event),
            }
        }
    }

    fn note(&mut self, event: Event) {
        match event {
            Event::Connected => self.log.lock().expect("log").connected = true,
            Event::RtpPacket(packet) => {
                let mut api = self.rtc.direct_api();
                let Some(stream) = api.stream_rx(&packet.header.ssrc) else { return };
                let seen = Seen {
                    mid: stream.mid().to_string(),
                    rid: stream.rid().map(|rid| rid.to_string()),
                    sequence: *packet.seq_no,
                    payload: packet.payload.to_vec(),
                    marker: packet.header.marker,
                    audio_level: packet.header.ext_vals.audio_level,
                    voice: packet.header.ext_vals.voice_activity,
                };
                self.log.lock().expect("log").packets.push(seen);
            }
            Event::KeyframeRequest(request) => {
                self.log.lock().expect("log").keyframes.push(request.mid.to_string());
            }
            _ => {}
        }
    }
}

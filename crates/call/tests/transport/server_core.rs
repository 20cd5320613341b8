//! The server's own core on a real socket, in a thread of its own: one room, no signaling.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use confab_call::transport::Offer;
use confab_protocol::{ParticipantId, Role, SlotAssignment, SourceKind, TileRequest};
use confab_sfu::{Joining, Key, RestartError, Sfu, SfuConfig, TrackState};

struct State {
    sfu: Sfu,
    room: Key,
    stop: bool,
}

pub struct Core {
    state: Arc<Mutex<State>>,
    thread: Option<JoinHandle<()>>,
}

impl Core {
    pub fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a socket");
        socket.set_read_timeout(Some(Duration::from_millis(1))).expect("a timeout");
        let address = socket.local_addr().expect("an address");
        let mut sfu = Sfu::new(SfuConfig { candidates: vec![address], ..SfuConfig::default() });
        let room = sfu.open_room();
        let state = Arc::new(Mutex::new(State { sfu, room, stop: false }));
        let of_thread = Arc::clone(&state);
        let thread = std::thread::spawn(move || run(&socket, address, &of_thread));
        Self { state, thread: Some(thread) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the core runs")
    }

    pub fn join(&self, participant: ParticipantId, offer: &Offer) -> String {
        let State { sfu, room, .. } = &mut *self.state();
        let grants = Role::Participant.grants();
        let joining = Joining { participant, offer: &offer.sdp, tracks: &offer.tracks, grants };
        sfu.join(Instant::now(), *room, &joining).expect("an acceptable offer").answer
    }

    pub fn restart(&self, participant: ParticipantId, offer: &str) -> Result<String, RestartError> {
        let State { sfu, room, .. } = &mut *self.state();
        sfu.restart(Instant::now(), *room, participant, offer)
    }

    pub fn publish(&self, participant: ParticipantId, source: SourceKind) {
        let State { sfu, room, .. } = &mut *self.state();
        let state = TrackState::Published { width: 320, height: 180 };
        sfu.set_track(Instant::now(), *room, participant, source, state);
    }

    pub fn view(&self, participant: ParticipantId, tiles: Vec<TileRequest>) {
        let State { sfu, room, .. } = &mut *self.state();
        sfu.set_view(Instant::now(), *room, participant, tiles);
    }

    /// What each slot of a person carries.
    pub fn slots(&self, participant: ParticipantId) -> Vec<SlotAssignment> {
        let state = self.state();
        state.sfu.slots(state.room, participant).expect("a member")
    }
}

impl Drop for Core {
    fn drop(&mut self) {
        self.state().stop = true;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(socket: &UdpSocket, address: SocketAddr, state: &Mutex<State>) {
    let mut buffer = vec![0; 2_000];
    loop {
        let received = socket.recv_from(&mut buffer);
        let State { sfu, stop, .. } = &mut *state.lock().expect("the test runs");
        if *stop {
            return;
        }
        let now = Instant::now();
        if let Ok((length, source)) = received {
            sfu.handle_datagram(now, source, address, &mut buffer[..length]);
            sfu.flush(now);
        }
        if sfu.poll_timeout().is_some_and(|at| at <= now) {
            sfu.handle_timeout(now);
        }
        let transmits = sfu.take_transmits();
        for transmit in &transmits {
            let _ = socket.send_to(&transmit.contents, transmit.destination);
        }
        sfu.recycle(transmits);
        drop(sfu.take_events());
    }
}

//! The life of a call's connection, as a state machine without sockets or clocks.
//!
//! ```text
//!  Connecting --joined--> Joined --path silent / socket gone--> Reconnecting --both well--> Joined
//!      |                                                             |
//!      +--refused or unreachable--> Ended <--leave, removed, refused-+
//! ```
//!
//! A call hangs on two things that fail apart: the *socket* (signaling) and the *path* (media).
//! - Path silent, socket well: ICE restart over the living socket, at first without a word.
//! - Socket gone or not answering: a new socket beside the old one, and `call.resume` on it. The old one is kept until
//!   the new one has resumed, so that a network that heals meanwhile cannot evict us.
//! - Session gone, or the transport closed: a full join with the same token and a new transport.
//!
//! While both are well the call may *grow*: one offer over the socket asks for more receive slots, and nothing is
//! restarted. If the path fails meanwhile, the restart waits until that offer is answered: one offer at a time.
//!
//! Invariants: at most one socket is being tried at a time; `Phase::Joined` means both socket and path are well (the
//! very first path is awaited under `Joined`); after `Phase::Ended` nothing happens any more; attempts go on until the
//! person leaves, never more than [`LONGEST_WAIT`] after the last one failed.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use confab_protocol::{ErrorCode, LeaveReason};

use super::backoff::{Backoff, LONGEST_WAIT};
use super::trouble::{NoSocket, Trouble};

/// Names one WebSocket of this call; never reused.
pub type SocketId = u32;

/// An opening socket that is not open after this is given up. TCP asks again after 1 s and 3 s; a new socket after
/// 2.5 s finds a healed network sooner than the fourth question of an old one.
const OPEN_PATIENCE: Duration = Duration::from_millis(2_500);

/// The first socket gets longer: a far server over a lossy network is slow, and nothing else is tried.
const FIRST_OPEN_PATIENCE: Duration = Duration::from_secs(6);

/// A join or resume that is not answered after this is given up with its socket.
const ANSWER_PATIENCE: Duration = Duration::from_secs(4);

/// The first join's.
const FIRST_ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// A restart that is not answered after this makes the socket suspect.
const RESTART_PATIENCE: Duration = Duration::from_secs(2);

/// After an answer the path must carry a packet within this, or ICE is restarted (again).
const PATH_PATIENCE: Duration = Duration::from_secs(3);

/// An offer for more slots that is not answered after this holds up no restart any more. More would keep a path dead for
/// longer that failed just then; less would have a slow server refuse the restart, because it still answers the other.
const GROWTH_PATIENCE: Duration = Duration::from_secs(2);

/// A socket that was thought dead and speaks may bring the answer to an earlier restart; only then ask again.
const LATE_ANSWER_PATIENCE: Duration = Duration::from_millis(500);

/// The first path gets longer before the person is told.
const FIRST_PATH_PATIENCE: Duration = Duration::from_secs(6);

/// What happened.
#[derive(Clone, PartialEq, Debug)]
pub enum Input {
    /// The socket is open and the server has greeted.
    SocketOpen(SocketId),
    /// The socket could not be opened.
    SocketFailed(SocketId, NoSocket),
    /// The socket ended.
    SocketClosed(SocketId),
    /// The server said that it is stopping, and ended the socket.
    ServerStopped(SocketId),
    /// A message came over the socket.
    SocketSpoke(SocketId),
    /// The socket has not answered for a while.
    SocketQuiet(SocketId),
    /// `call.joined` came and its answer fits.
    Joined(SocketId),
    /// The server refused a join or a resume.
    Refused {
        /// On which socket.
        socket: SocketId,
        /// For us.
        code: ErrorCode,
        /// For the person.
        message: String,
    },
    /// The server answered the ICE restart.
    Restarted,
    /// The server refused the ICE restart, or its answer does not fit.
    RestartFailed,
    /// More pictures are to be shown than there are slots; said again until there are, since nothing is noted here.
    SlotsWanted,
    /// The offer for more slots was answered, or refused.
    GrowthOver,
    /// The person does not want to wait for the next try.
    RetryNow,
    /// A packet of the server came.
    PathUp,
    /// Nothing came for a moment: most likely the network changed, and another way is looked for before anybody notices.
    PathQuiet,
    /// Nothing comes.
    PathDown(Trouble),
    /// The transport closed or failed for good; a new one is needed.
    TransportGone(Trouble),
    /// The server says that we are out.
    Ended(SocketId, LeaveReason),
    /// No transport can be made here.
    Impossible(String),
}

/// What to do.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Open a socket.
    Open(SocketId),
    /// Drop a socket.
    Drop(SocketId),
    /// Join on this socket.
    Join {
        /// Where.
        socket: SocketId,
        /// Close the old transport and offer a new one.
        fresh_transport: bool,
    },
    /// Resume on this socket, with an ICE restart of the same transport.
    Resume(SocketId),
    /// Restart ICE over this socket.
    Restart(SocketId),
    /// Ask for more slots over this socket; end with [`Input::GrowthOver`].
    Grow(SocketId),
    /// Tell the person.
    Phase(Phase),
}

/// The call as the person sees it.
#[derive(Clone, PartialEq, Debug)]
pub enum Phase {
    /// The first join is under way.
    Connecting,
    /// In the call.
    Joined,
    /// In the call, but the network is away.
    Reconnecting {
        /// Since when.
        since: Instant,
        /// For the person.
        why: Trouble,
    },
    /// Out, for good.
    Ended(Ending),
}

/// How a call ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Ending {
    /// The server took us out.
    Left(LeaveReason),
    /// The server refused us.
    Refused(ErrorCode, String),
    /// The first join found no server.
    Unreachable(NoSocket),
    /// This computer cannot make a call.
    Failed(String),
}

#[derive(Clone, Copy, PartialEq, Debug)]
struct Candidate {
    id: SocketId,
    asked: bool,
    until: Instant,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Path {
    /// Packets come.
    Up,
    /// An answer was applied; packets must come until then.
    Awaited(Instant),
    /// A restart was asked for; the answer must come until then.
    Restarting(Instant),
    /// Nothing comes and nothing can be done before a socket is well.
    Down,
}

/// The state machine. Feed [`Life::handle`] and [`Life::tick`], then take [`Life::poll`] until it is empty.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own; together they are not a state")]
pub struct Life {
    phase: Phase,
    last_socket: SocketId,
    current: Option<SocketId>,
    suspect: bool,
    candidate: Option<Candidate>,
    retry_at: Option<Instant>,
    backoff: Backoff,
    /// When the last attempt began.
    tried_at: Instant,
    random: u64,
    joined_once: bool,
    session: bool,
    transport_gone: bool,
    path: Path,
    /// The restart under way began before the person was told of any trouble.
    quietly: bool,
    /// More slots were asked for, and the answer is awaited until then.
    growing_until: Option<Instant>,
    /// The last restart is not answered, although packets may come over the old path again.
    restart_unanswered: bool,
    actions: VecDeque<Action>,
}

impl Life {
    /// Begins the first join. `seed` feeds the jitter.
    pub fn new(now: Instant, seed: u64) -> Self {
        let mut life = Self {
            phase: Phase::Connecting,
            last_socket: 0,
            current: None,
            suspect: false,
            candidate: None,
            retry_at: None,
            backoff: Backoff::default(),
            tried_at: now,
            random: seed | 1,
            joined_once: false,
            session: false,
            transport_gone: false,
            path: Path::Down,
            quietly: false,
            growing_until: None,
            restart_unanswered: false,
            actions: VecDeque::new(),
        };
        life.actions.push_back(Action::Phase(Phase::Connecting));
        life.try_socket(now);
        life
    }

    /// The next thing to do, if any.
    pub fn poll(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The call as the person sees it.
    pub fn phase(&self) -> &Phase {
        &self.phase
    }

    /// The socket the call runs on, if it is well.
    pub fn socket(&self) -> Option<SocketId> {
        self.current.filter(|_| !self.suspect)
    }

    /// Whether an offer for more slots is under way.
    pub fn is_growing(&self) -> bool {
        self.growing_until.is_some()
    }

    /// When [`Life::tick`] is due.
    pub fn deadline(&self) -> Option<Instant> {
        let path = match self.path {
            Path::Awaited(until) | Path::Restarting(until) => Some(until),
            Path::Up | Path::Down => None,
        };
        let candidate = self.candidate.map(|candidate| candidate.until);
        [path, self.retry_at, candidate, self.growing_until].into_iter().flatten().min()
    }

    /// Something happened.
    pub fn handle(&mut self, now: Instant, input: Input) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        match input {
            Input::SocketOpen(id) => self.socket_open(now, id),
            Input::SocketFailed(id, why) => self.socket_failed(now, id, why),
            Input::SocketClosed(id) => self.socket_closed(now, id, Trouble::ServerLost),
            Input::ServerStopped(id) => self.socket_closed(now, id, Trouble::ServerStopped),
            Input::SocketSpoke(id) => self.socket_spoke(now, id),
            Input::SocketQuiet(id) => self.socket_quiet(now, id),
            Input::Joined(id) => self.joined(now, id),
            Input::Refused { socket, code, message } => self.refused(now, socket, code, message),
            Input::Restarted => {
                self.restart_unanswered = false;
                if matches!(self.path, Path::Restarting(_) | Path::Awaited(_)) {
                    self.path = Path::Awaited(now + PATH_PATIENCE);
                }
            }
            Input::RestartFailed => {
                self.restart_unanswered = false;
                self.need_fresh_join(now);
            }
            Input::SlotsWanted => self.grow(now),
            Input::GrowthOver => self.growth_over(now),
            Input::RetryNow => {
                if self.retry_at.take().is_some() {
                    self.try_socket(now);
                }
            }
            Input::PathUp => self.path_up(),
            Input::PathQuiet => self.path_quiet(now),
            Input::PathDown(why) => self.path_down(now, why),
            Input::TransportGone(why) => {
                self.transport_gone = true;
                self.path = Path::Down;
                self.announce_trouble(now, why);
                self.need_fresh_join(now);
            }
            Input::Ended(socket, reason) => self.ended(now, socket, reason),
            Input::Impossible(why) => self.end(Ending::Failed(why)),
        }
    }

    /// Time passed.
    pub fn tick(&mut self, now: Instant) {
        if matches!(self.phase, Phase::Ended(_)) {
            return;
        }
        if let Some(candidate) = self.candidate.filter(|candidate| candidate.until <= now) {
            self.actions.push_back(Action::Drop(candidate.id));
            self.candidate = None;
            self.give_up_attempt(now, "The server did not answer in time.".into());
        }
        if self.retry_at.is_some_and(|at| at <= now) {
            self.retry_at = None;
            self.try_socket(now);
        }
        if self.growing_until.is_some_and(|until| until <= now) {
            self.growth_over(now);
        }
        match self.path {
            Path::Restarting(until) if until <= now => {
                self.path = Path::Down;
                if let Some(id) = self.current {
                    self.socket_quiet(now, id);
                }
            }
            Path::Awaited(until) if until <= now => {
                self.path = Path::Down;
                self.path_down(now, Trouble::UdpBlocked);
            }
            _ => {}
        }
    }

    /// The person leaves.
    pub fn leave(&mut self) {
        self.end(Ending::Left(LeaveReason::Left));
    }

    fn socket_open(&mut self, now: Instant, id: SocketId) {
        let first = !self.joined_once;
        let Some(candidate) = self.candidate.as_mut().filter(|candidate| candidate.id == id) else { return };
        candidate.asked = true;
        candidate.until = now + if first { FIRST_ANSWER_PATIENCE } else { ANSWER_PATIENCE };
        self.actions.push_back(if self.session && !self.transport_gone {
            Action::Resume(id)
        } else {
            Action::Join { socket: id, fresh_transport: self.joined_once }
        });
    }

    fn socket_failed(&mut self, now: Instant, id: SocketId, why: NoSocket) {
        if self.candidate.is_some_and(|candidate| candidate.id == id) {
            self.candidate = None;
            self.give_up_attempt(now, why);
        }
    }

    fn socket_closed(&mut self, now: Instant, id: SocketId, why: Trouble) {
        if self.candidate.is_some_and(|candidate| candidate.id == id) {
            self.candidate = None;
            let stopped = why == Trouble::ServerStopped;
            let words = if stopped { why.to_string() } else { "The server closed the connection.".to_owned() };
            self.give_up_attempt(now, words.into());
        } else if self.current == Some(id) {
            self.current = None;
            self.suspect = false;
            self.growing_until = None;
            if matches!(self.path, Path::Restarting(_)) {
                self.path = Path::Down;
            }
            self.announce_trouble(now, why);
            self.schedule(now);
        }
    }

    fn socket_spoke(&mut self, now: Instant, id: SocketId) {
        if self.current != Some(id) || !self.suspect {
            return;
        }
        // The old socket lives after all. A resume that is under way is seen through, one that is not is not begun.
        self.suspect = false;
        if let Some(candidate) = self.candidate.filter(|candidate| !candidate.asked) {
            self.actions.push_back(Action::Drop(candidate.id));
            self.candidate = None;
        }
        if self.candidate.is_none() && !self.transport_gone {
            self.retry_at = None;
            if self.path == Path::Down {
                // The answer to the restart asked for before may be right behind what was heard now.
                self.path = Path::Awaited(now + LATE_ANSWER_PATIENCE);
            }
            self.settle();
        }
    }

    fn socket_quiet(&mut self, now: Instant, id: SocketId) {
        if self.current == Some(id) && !self.suspect {
            self.suspect = true;
            self.announce_trouble(now, Trouble::ServerSilent);
            self.schedule(now);
        }
    }

    fn joined(&mut self, now: Instant, id: SocketId) {
        if self.candidate.is_none_or(|candidate| candidate.id != id) && self.current != Some(id) {
            return;
        }
        if let Some(old) = self.current.filter(|old| *old != id) {
            self.actions.push_back(Action::Drop(old));
        }
        self.candidate = None;
        self.current = Some(id);
        self.suspect = false;
        self.growing_until = None;
        self.restart_unanswered = false;
        self.retry_at = None;
        self.backoff.reset();
        self.session = true;
        self.transport_gone = false;
        if self.joined_once {
            self.path = Path::Awaited(now + PATH_PATIENCE);
        } else {
            self.joined_once = true;
            self.path = Path::Awaited(now + FIRST_PATH_PATIENCE);
            self.enter(Phase::Joined);
        }
    }

    fn refused(&mut self, now: Instant, socket: SocketId, code: ErrorCode, message: String) {
        let Some(candidate) = self.candidate.as_mut().filter(|candidate| candidate.id == socket) else {
            // A rejoin on the current socket, after the server had timed us out.
            if self.current == Some(socket) {
                self.current = None;
                self.actions.push_back(Action::Drop(socket));
                if may_pass(code) { self.schedule(now) } else { self.end(Ending::Refused(code, message)) }
            }
            return;
        };
        if self.session && self.joined_once && matches!(code, ErrorCode::SessionGone | ErrorCode::SdpInvalid) {
            self.session = false;
            candidate.until = now + ANSWER_PATIENCE;
            self.actions.push_back(Action::Join { socket, fresh_transport: true });
            return;
        }
        if self.joined_once && may_pass(code) {
            self.candidate = None;
            self.actions.push_back(Action::Drop(socket));
            self.schedule(now);
        } else {
            self.end(Ending::Refused(code, message));
        }
    }

    fn path_up(&mut self) {
        // While an answer is outstanding packets may still come over the old path; that is as good.
        if self.transport_gone || self.path == Path::Up {
            return;
        }
        self.path = Path::Up;
        self.quietly = false;
        if self.current.is_some() {
            self.backoff.reset();
        }
        self.settle();
    }

    fn path_quiet(&mut self, now: Instant) {
        if let Some(id) = self.socket()
            && self.is_steady()
        {
            self.quietly = true;
            self.restart(now, id);
        }
    }

    /// Both socket and path are well, and no offer is under way.
    fn is_steady(&self) -> bool {
        self.path == Path::Up
            && self.joined_once
            && self.candidate.is_none()
            && !self.transport_gone
            && !self.is_growing()
    }

    fn grow(&mut self, now: Instant) {
        if let Some(id) = self.socket()
            && self.is_steady()
            && self.session
            && !self.restart_unanswered
        {
            self.growing_until = Some(now + GROWTH_PATIENCE);
            self.actions.push_back(Action::Grow(id));
        }
    }

    fn growth_over(&mut self, now: Instant) {
        if self.growing_until.take().is_some()
            && self.path == Path::Down
            && let Some(id) = self.socket()
            && self.candidate.is_none()
            && !self.transport_gone
        {
            self.restart(now, id);
        }
    }

    fn path_down(&mut self, now: Instant, why: Trouble) {
        if !self.joined_once {
            return;
        }
        if matches!(self.path, Path::Awaited(_) | Path::Restarting(_)) {
            if std::mem::take(&mut self.quietly) {
                self.announce_trouble(now, why);
            }
            return;
        }
        self.path = Path::Down;
        self.announce_trouble(now, why);
        if let Some(id) = self.socket()
            && self.candidate.is_none()
            && !self.transport_gone
            && !self.is_growing()
        {
            self.restart(now, id);
        }
    }

    fn ended(&mut self, now: Instant, socket: SocketId, reason: LeaveReason) {
        let asked = self.candidate.filter(|candidate| candidate.asked).map(|candidate| candidate.id);
        // A socket that has asked may have been let in and put out again while its answer is still being applied.
        if self.current != Some(socket) && asked != Some(socket) {
            return;
        }
        if reason == LeaveReason::Replaced && asked.is_some_and(|asked| asked != socket) {
            // What replaces us is ourselves, on the new socket.
            return;
        }
        match reason {
            LeaveReason::TimedOut | LeaveReason::Gone => {
                self.announce_trouble(now, Trouble::AwayTooLong);
                self.need_fresh_join(now);
            }
            LeaveReason::Left | LeaveReason::Replaced | LeaveReason::Removed => self.end(Ending::Left(reason)),
        }
    }

    /// The session or the transport is of no use any more: a full join, on a socket of its own.
    fn need_fresh_join(&mut self, now: Instant) {
        self.session = false;
        if !self.joined_once {
            return;
        }
        match self.candidate {
            // What it asked for is out of date.
            Some(candidate) if candidate.asked => {
                self.actions.push_back(Action::Drop(candidate.id));
                self.candidate = None;
                self.schedule(now);
            }
            Some(_) => {}
            None => self.schedule(now),
        }
    }

    fn restart(&mut self, now: Instant, socket: SocketId) {
        self.path = Path::Restarting(now + RESTART_PATIENCE);
        self.restart_unanswered = true;
        self.actions.push_back(Action::Restart(socket));
    }

    fn give_up_attempt(&mut self, now: Instant, why: NoSocket) {
        if !self.joined_once {
            self.end(Ending::Unreachable(why));
        } else if self.socket().is_none() || !self.session || self.transport_gone {
            self.schedule(now);
        }
    }

    /// Plans the next socket. The first attempt after a success comes quickly, the others back off.
    fn schedule(&mut self, now: Instant) {
        if self.candidate.is_none() && self.retry_at.is_none() {
            let again = self.backoff.attempts() > 0;
            let random = self.next_random();
            let at = now + self.backoff.next_wait(random);
            // An attempt that hung has used up its wait already.
            let latest = self.tried_at + LONGEST_WAIT;
            self.retry_at = Some(if again { at.min(latest).max(now) } else { at });
        }
    }

    fn try_socket(&mut self, now: Instant) {
        self.last_socket += 1;
        self.tried_at = now;
        let patience = if self.joined_once { OPEN_PATIENCE } else { FIRST_OPEN_PATIENCE };
        self.candidate = Some(Candidate { id: self.last_socket, asked: false, until: now + patience });
        self.actions.push_back(Action::Open(self.last_socket));
    }

    fn announce_trouble(&mut self, now: Instant, why: Trouble) {
        if self.phase == Phase::Joined {
            self.enter(Phase::Reconnecting { since: now, why });
        }
    }

    fn settle(&mut self) {
        if self.path == Path::Up && self.socket().is_some() && matches!(self.phase, Phase::Reconnecting { .. }) {
            self.enter(Phase::Joined);
        }
    }

    /// Sockets are not dropped: their owner closes them in order, after what is queued has left.
    fn end(&mut self, ending: Ending) {
        self.current = None;
        self.candidate = None;
        self.retry_at = None;
        self.growing_until = None;
        self.path = Path::Up;
        self.enter(Phase::Ended(ending));
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase.clone();
        self.actions.push_back(Action::Phase(phase));
    }

    /// xorshift64*: the jitter needs no more.
    fn next_random(&mut self) -> f64 {
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        (self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
    }
}

/// Refusals that a later attempt may not meet.
fn may_pass(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::RoomFull
            | ErrorCode::ServerFull
            | ErrorCode::Draining
            | ErrorCode::RateLimited
            | ErrorCode::Internal
            | ErrorCode::SessionGone
            | ErrorCode::AlreadyJoined
            | ErrorCode::NotJoined
            | ErrorCode::SdpInvalid
    )
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;

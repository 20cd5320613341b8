//! One member: its media path, the tracks it sends and the slots it receives on. Or a mirror of one whose media path is on
//! another core: tracks, and nothing else.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use confab_protocol::{Grants, ParticipantId, TileRequest};
use confab_rtp::transport_wide::{TwccReceiver, TwccReceiverConfig};
use confab_rtp::wire::ExtensionIds;

use crate::arena::Key;
use crate::control::checks::CheckLog;
use crate::control::keys::MediaKeys;
use crate::control::path::{ControlPath, Route};
use crate::egress::downlink::Downlink;
use crate::egress::slot::Slot;
use crate::ingress::stream::{SenderClock, Track};
use crate::quality::QualityMeter;
use crate::relay::Peer;

/// Remembered addresses of one member; the oldest gives way.
pub(crate) const ADDRESSES: usize = 8;

/// Streams one member may have had; more than any client has, so that a flood of SSRCs costs no memory.
pub(crate) const STREAMS: usize = 64;

pub(crate) struct Member {
    pub(crate) room: Key,
    pub(crate) participant: ParticipantId,
    pub(crate) grants: Grants,
    pub(crate) home: Home,
    pub(crate) checks: CheckLog,
    /// Once the handshake is done.
    pub(crate) keys: Option<MediaKeys>,
    /// Once ICE is.
    pub(crate) route: Option<Route>,
    /// Nominated too, but nothing that nobody else can have sent came from there yet.
    pub(crate) unproven: Option<Route>,
    /// The path has new credentials and no pair yet: the first check with them is no old one.
    pub(crate) is_renamed: bool,
    /// The name clients' checks use for this member's path (RFC 8445, 7.2.2).
    pub(crate) ufrag: String,
    /// Header extensions of what it sends and is sent; a bundle has one numbering (RFC 8843, 9.2).
    pub(crate) extensions: ExtensionIds,
    pub(crate) tracks: Vec<Track>,
    pub(crate) slots: Vec<Slot>,
    /// Where a stream of this member belongs.
    pub(crate) streams: HashMap<u32, StreamPlace>,
    /// What came, for the member's own estimate of its way to us.
    pub(crate) arrivals: TwccReceiver,
    pub(crate) sender_clock: SenderClock,
    pub(crate) downlink: Downlink,
    pub(crate) view: Vec<TileRequest>,
    pub(crate) choice: LayerChoice,
    /// Told as connected: handshake and ICE are done.
    pub(crate) connected: bool,
    pub(crate) silent: bool,
    pub(crate) quality: QualityMeter,
    /// When something authentic came last.
    pub(crate) last_datagram: Instant,
    pub(crate) addresses: Vec<SocketAddr>,
    /// When this member is called next, as the timers know it.
    pub(crate) scheduled: Option<Instant>,
}

/// Where a member's media path is.
pub(crate) enum Home {
    /// On this core.
    Here(ControlPath),
    /// On another one, which relays what the member sends. Such a mirror is sent nothing and never called.
    There(Peer),
}

/// Where a stream belongs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct StreamPlace {
    pub(crate) track: usize,
    pub(crate) layer: usize,
    /// It repairs that layer (RFC 4588).
    pub(crate) repairs: bool,
}

/// Patience in the choice of layers.
#[derive(Default)]
pub(crate) struct LayerChoice {
    /// Since when the layers chosen cost more than the estimate, and the least it said since.
    pub(crate) over: Option<(Instant, u64)>,
    /// No layer goes up before this, and how long that was made.
    pub(crate) hold_until: Option<Instant>,
    pub(crate) hold: Duration,
    /// What the layers cost that were too much last time, bits per second.
    pub(crate) too_much: u64,
    /// When a layer went up last.
    pub(crate) raised_at: Option<Instant>,
}

impl Member {
    /// A member whose media path is on another core.
    pub(crate) fn mirror(now: Instant, room: Key, participant: ParticipantId, grants: Grants, peer: Peer) -> Self {
        Self {
            room,
            participant,
            grants,
            home: Home::There(peer),
            checks: CheckLog::default(),
            keys: None,
            route: None,
            unproven: None,
            is_renamed: false,
            ufrag: String::new(),
            extensions: ExtensionIds::default(),
            tracks: Vec::new(),
            slots: Vec::new(),
            streams: HashMap::new(),
            arrivals: TwccReceiver::new(TwccReceiverConfig::default()),
            sender_clock: SenderClock::default(),
            downlink: Downlink::unused(now),
            view: Vec::new(),
            choice: LayerChoice::default(),
            connected: false,
            silent: false,
            quality: QualityMeter::default(),
            last_datagram: now,
            addresses: Vec::new(),
            scheduled: None,
        }
    }

    /// Its ICE and DTLS, when they are here.
    pub(crate) fn control(&mut self) -> Option<&mut ControlPath> {
        match &mut self.home {
            Home::Here(control) => Some(control),
            Home::There(_) => None,
        }
    }

    /// Whether a STUN message is meant for its path and signed by its client.
    pub(crate) fn accepts(&self, now: Instant, route: Route, contents: &[u8]) -> bool {
        matches!(&self.home, Home::Here(control) if control.accepts(now, route, contents))
    }

    /// The core its media path is on; `None` when that is this one.
    pub(crate) fn peer(&self) -> Option<Peer> {
        match self.home {
            Home::Here(_) => None,
            Home::There(peer) => Some(peer),
        }
    }

    /// The client chose a pair. A signed check can be an old one that somebody else sends again, so with another pair in
    /// use media follows only once a fresh packet of the client came this way too ([`Self::prove`]).
    pub(crate) fn nominate(&mut self, route: Route) {
        let is_first = std::mem::take(&mut self.is_renamed) || self.keys.is_none();
        if self.route.is_none() || is_first {
            // A restart may find the same way again.
            if self.route.replace(route).is_some_and(|before| before != route) {
                self.downlink.path_changed();
            }
            self.unproven = None;
        } else if self.route != Some(route) {
            self.unproven = Some(route);
        }
    }

    /// A fresh, authentic packet came this way: whether it is one that was nominated before.
    pub(crate) fn prove(&mut self, now: Instant, route: Route) -> bool {
        let proves = self.unproven.take_if(|unproven| *unproven == route).is_some();
        if proves {
            self.take_route(now, route);
        }
        proves
    }

    /// What is sent goes this way from now on.
    pub(crate) fn take_route(&mut self, now: Instant, route: Route) {
        self.route = Some(route);
        self.downlink.heard_on_route = now;
        self.downlink.path_changed();
    }

    /// When the member wants to be called: its handshake and ICE, what to ask for again, what to tell of arrivals. Never,
    /// if it is a mirror.
    pub(crate) fn due(&self) -> Option<Instant> {
        let Home::Here(control) = &self.home else { return None };
        let mut due = control.deadline();
        let layers = self.tracks.iter().flat_map(|track| &track.layers);
        let own = [self.arrivals.next_deadline(), self.downlink.deadline()];
        for deadline in layers.filter_map(|stream| stream.log.next_deadline()).chain(own.into_iter().flatten()) {
            due = due.min(deadline);
        }
        Some(due)
    }
}

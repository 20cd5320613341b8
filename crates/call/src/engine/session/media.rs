//! The transport: made, offered, answered, watched, restarted.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use confab_protocol::{ErrorCode, Layer, RelayAccess, SourceKind, TrackOffer};

use super::{Purpose, Report, Session};
use crate::send::bitrate::{self, Stream};
use crate::send::picture::layer_size;
use crate::signal::Trouble;
use crate::signal::life::{Input, SocketId};
use crate::transport::{self, Offer, RelayWay, Transport, TransportConfig, TransportEvent};

/// What the path is thought to carry before the transport says.
pub(super) const FIRST_ESTIMATE: u64 = 1_800_000;

/// No packet of the server for this long, although it must answer ours: the path is dead.
const SILENCE: Duration = Duration::from_secs(2);

/// The server sends something every tenth of a second. After this long without, another way is tried.
const QUIET: Duration = Duration::from_millis(500);

/// Up to so much later, so that all the people of a server that stood still do not come at once.
const QUIET_SPREAD_MS: u64 = 200;

/// Looked after later than this, it was this computer that stood still, and what came waits to be read.
const STOOD_STILL: Duration = Duration::from_millis(250);

/// The server answers what we send with feedback. So many packets without any answer are proof enough.
const UNANSWERED: u64 = 20;

/// Layers the screen is sent in.
const SCREEN_LAYERS: [Layer; 2] = [Layer::Quarter, Layer::Full];

/// What a task that made an offer brings.
pub(super) struct Offered {
    generation: u64,
    what: Result<OfferedWhat, (Option<Purpose>, String)>,
}

pub(super) enum OfferedWhat {
    Fresh(Arc<dyn Transport>, Offer),
    Later(Purpose, String),
}

impl Offered {
    pub(super) fn new(generation: u64, what: Result<OfferedWhat, (Option<Purpose>, String)>) -> Self {
        Self { generation, what }
    }
}

/// The transport of the moment. Each has a number; what belongs to an older one is ignored.
#[derive(Default)]
pub(super) struct Media {
    generation: u64,
    transport: Option<Arc<dyn Transport>>,
    /// The first offer, until it is sent.
    offer: Option<Offer>,
    /// The socket that waits for the first offer.
    join_waits: Option<SocketId>,
    connected: bool,
    /// The number of the last offer after the first: only its answer fits.
    later_offers: u64,
    heard: Option<Heard>,
    /// How long nothing has to come until another way is tried.
    quiet: Option<Duration>,
}

/// When something was last heard, and how much we had sent by then.
#[derive(Clone, Copy)]
struct Heard {
    /// When the packet came.
    at: Instant,
    /// When we noticed.
    since: Instant,
    /// How many packets we had sent by then.
    sent: u64,
    /// When we looked last.
    looked: Instant,
}

impl Media {
    /// The number of the last offer after the first.
    pub(super) fn later_offers(&self) -> u64 {
        self.later_offers
    }

    /// Another offer is made, by the transport of this generation.
    pub(super) fn count_offer(&mut self) -> u64 {
        self.later_offers += 1;
        self.generation
    }

    pub(super) fn transport(&self) -> Option<Arc<dyn Transport>> {
        self.transport.clone()
    }
}

/// The layers a source is sent in, as the transport offers them.
pub(super) fn layers(source: SourceKind) -> &'static [Layer] {
    match source {
        SourceKind::Camera => &Layer::ALL,
        SourceKind::Screen => &SCREEN_LAYERS,
        SourceKind::Microphone | SourceKind::ScreenAudio => &[],
    }
}

impl Session {
    /// Makes a transport and its offer, beside everything else.
    pub(super) fn prepare_transport(&mut self) {
        self.media.generation += 1;
        self.media.connected = false;
        self.media.offer = None;
        self.media.heard = None;
        let generation = self.media.generation;
        let config = TransportConfig { video_slots: self.slots.begin(), ..TransportConfig::default() };
        let (reports, inlet) = (self.reports.clone(), self.inlet.clone());
        tokio::spawn(async move {
            let fresh = async {
                let (transport, mut events) = transport::open(config).await?;
                let events_to = reports.clone();
                tokio::spawn(async move {
                    // Packets go their own way: the session is not asked.
                    while let Some(event) = events.recv().await {
                        match event {
                            TransportEvent::Packet(packet) => inlet.packet(packet),
                            event => drop(events_to.send(Report::Transport { generation, event })),
                        }
                    }
                });
                let offer = transport.offer().await?;
                Ok::<_, transport::TransportError>((transport, offer))
            };
            let what = match fresh.await {
                Ok((transport, offer)) => Ok(OfferedWhat::Fresh(transport, offer)),
                Err(error) => Err((None, error.to_string())),
            };
            drop(reports.send(Report::Offered(Offered { generation, what })));
        });
    }

    pub(super) fn begin_join(&mut self, socket: SocketId, fresh_transport: bool) {
        if fresh_transport {
            self.drop_transport();
            self.inlet.reset();
            self.watched.clear();
            for source in [SourceKind::Camera, SourceKind::Screen] {
                if let Some(sending) = self.sending(source) {
                    sending.picture.control().set_watched(&Layer::ALL);
                }
            }
            self.prepare_transport();
        }
        self.media.join_waits = Some(socket);
        self.join_when_ready();
    }

    fn join_when_ready(&mut self) {
        if self.media.offer.is_none() {
            return;
        }
        if let Some(socket) = self.media.join_waits.take()
            && let Some(Offer { sdp, tracks }) = self.media.offer.take()
        {
            let tracks: Vec<TrackOffer> = tracks;
            self.send_join(socket, sdp, tracks);
        }
    }

    /// Makes a restart offer for a resume or a restart.
    pub(super) fn begin_restart(&mut self, purpose: Purpose) {
        let generation = self.media.count_offer();
        let reports = self.reports.clone();
        let Some(transport) = self.media.transport() else {
            self.handle(Input::TransportGone(Trouble::MediaLost));
            return;
        };
        tokio::spawn(async move {
            let what = match transport.restart_offer().await {
                Ok(offer) => Ok(OfferedWhat::Later(purpose, offer)),
                Err(error) => Err((Some(purpose), error.to_string())),
            };
            drop(reports.send(Report::Offered(Offered { generation, what })));
        });
    }

    pub(super) fn offered(&mut self, offered: Offered) {
        if offered.generation != self.media.generation {
            if let Ok(OfferedWhat::Fresh(transport, _)) = offered.what {
                tokio::spawn(async move { transport.close().await });
            }
            return;
        }
        match offered.what {
            Ok(OfferedWhat::Fresh(transport, offer)) => {
                self.outlet.replace(Some(transport.clone()));
                self.media.transport = Some(transport);
                self.media.offer = Some(offer);
                self.join_when_ready();
            }
            // A restart or a new socket came first; if the transport offers again, it offers the slots too.
            Ok(OfferedWhat::Later(Purpose::Growth(_), _)) if !self.life.is_growing() => self.slots.not_sent(),
            Ok(OfferedWhat::Later(purpose, offer)) => self.send_later_offer(purpose, offer),
            Err((None, why)) if self.room.is_none() => {
                self.handle(Input::Impossible(format!("The call could not begin: {why}.")));
            }
            Err((None, why)) => {
                tracing::warn!(why, "no new media connection");
                self.handle(Input::TransportGone(Trouble::MediaFailed));
            }
            Err((Some(Purpose::Growth(_)), why)) => self.growth_refused(&why),
            Err((Some(_), why)) => {
                tracing::debug!(why, "no restart offer");
                self.handle(Input::RestartFailed);
            }
        }
    }

    /// The server's relay, for a network that lets nothing through to its media.
    pub(super) fn media_relay(&self, access: Option<RelayAccess>) {
        if let Some((transport, access)) = self.media.transport.as_ref().zip(access) {
            transport.set_relay(RelayWay { server: self.config.server.clone(), access });
        }
    }

    pub(super) fn apply_answer(&mut self, purpose: Purpose, answer: String) {
        let generation = self.media.generation;
        let reports = self.reports.clone();
        let Some(transport) = self.media.transport.clone() else { return };
        tokio::spawn(async move {
            let result = transport.accept_answer(&answer).await.map_err(|error| error.to_string());
            drop(reports.send(Report::Answered { generation, purpose, result }));
        });
    }

    pub(super) fn answered(&mut self, generation: u64, purpose: Purpose, result: Result<(), String>) {
        if generation != self.media.generation {
            return;
        }
        if result.is_ok() {
            self.slots.answered();
        }
        match (purpose, result) {
            (Purpose::Join(socket) | Purpose::Resume(socket), Ok(())) => {
                self.handle(Input::Joined(socket));
                self.settle_in(true);
            }
            (Purpose::Restart(_), Ok(())) => self.handle(Input::Restarted),
            (Purpose::Growth(_), Ok(())) => self.handle(Input::GrowthOver),
            (Purpose::Growth(_), Err(why)) => self.growth_refused(&why),
            (Purpose::Join(socket) | Purpose::Resume(socket), Err(why)) => {
                let message = format!("The call could not be set up with this server: {why}.");
                self.handle(Input::Refused { socket, code: ErrorCode::SdpInvalid, message });
            }
            (Purpose::Restart(_), Err(why)) => {
                tracing::debug!(why, "the answer to a restart does not fit");
                self.handle(Input::RestartFailed);
            }
        }
    }

    pub(super) fn transport_event(&mut self, generation: u64, event: TransportEvent) {
        if generation != self.media.generation {
            return;
        }
        match event {
            TransportEvent::Connected => {
                self.media.connected = true;
                self.outlet.connected();
                self.meters.connected(Instant::now());
                self.handle(Input::PathUp);
            }
            TransportEvent::Disconnected | TransportEvent::Failed => {
                self.media.connected = false;
                self.handle(Input::PathDown(Trouble::NetworkDown));
            }
            TransportEvent::Closed => {
                self.media.connected = false;
                self.handle(Input::TransportGone(Trouble::MediaClosed));
            }
            TransportEvent::KeyframeRequest { source, layer } => {
                if let Some(sending) = self.sending(source) {
                    sending.picture.control().request_keyframe(layer);
                }
            }
            TransportEvent::Estimate { bits_per_second } => {
                self.estimate = bits_per_second;
                self.share_bandwidth();
            }
            TransportEvent::SenderReport { .. } | TransportEvent::Packet(_) => {}
        }
    }

    /// Notices a path that died without anybody saying so, and one that lives again.
    pub(super) fn watch_path(&mut self, now: Instant) {
        let Some(transport) = self.media.transport.as_ref().filter(|_| self.room.is_some()) else { return };
        let stats = transport.stats();
        let last = stats.last_arrival.unwrap_or(self.meters.began());
        let heard =
            self.media.heard.get_or_insert(Heard { at: last, since: now, sent: stats.packets_out, looked: now });
        let stood_still = now.saturating_duration_since(std::mem::replace(&mut heard.looked, now)) > STOOD_STILL;
        let silent = now.saturating_duration_since(heard.since);
        let unanswered = stats.packets_out.saturating_sub(heard.sent) >= UNANSWERED;
        if last > heard.at {
            *heard = Heard { at: last, since: now, sent: stats.packets_out, looked: now };
            self.handle(Input::PathUp);
        } else if unanswered && silent >= SILENCE {
            self.handle(Input::PathDown(Trouble::MediaSilent));
        } else if self.media.connected && silent >= *self.media.quiet.get_or_insert_with(quiet) && !stood_still {
            self.handle(Input::PathQuiet);
        } else if self.media.connected && !unanswered {
            // Muted, little is sent that could go unanswered; ICE says that the path is there.
            self.handle(Input::PathUp);
        }
    }

    pub(super) fn read_figures(&mut self) {
        let Some(stats) = self.media.transport.as_ref().map(|transport| transport.stats()) else { return };
        if let Some(round_trip) = stats.round_trip {
            self.inlet.round_trip(round_trip);
        }
        self.meters.connection(|connection| {
            connection.round_trip_ms = stats.round_trip.map(|time| time.as_secs_f64() * 1000.0);
            connection.estimate_bps = self.estimate;
            connection.packets_sent = stats.packets_out;
            connection.bytes_sent = stats.bytes_out;
            connection.packets_received = stats.packets_in;
            connection.bytes_received = stats.bytes_in;
            connection.packets_missing = stats.missing;
            connection.repairs_asked = stats.repairs_asked;
            connection.packets_repaired = stats.repaired;
            connection.repairs_asked_of_us = stats.repairs_asked_of_us;
            connection.repairs_sent = stats.repairs_sent;
            connection.events_dropped = stats.events_dropped;
            connection.outgoing_dropped = stats.outgoing_dropped;
            connection.outgoing_loss = stats.outgoing_loss;
            connection.queue_ms = stats.queue_delay.as_secs_f64() * 1000.0;
        });
    }

    /// Shares the estimate out among the layers somebody watches.
    pub(super) fn share_bandwidth(&mut self) {
        let mut streams = Vec::new();
        for source in [SourceKind::Camera, SourceKind::Screen] {
            let Some(control) = self.sending(source).map(|sending| sending.picture.control()) else { continue };
            let Some(size) = control.size() else { continue };
            for layer in layers(source).iter().filter(|layer| control.is_watched(**layer)) {
                let (width, height) = layer_size(size, *layer);
                streams.push((source, *layer, Stream { source, layer: Some(*layer), width, height }));
            }
        }
        let wanted: Vec<_> = streams.iter().map(|(_, _, stream)| *stream).collect();
        for ((source, layer, _), share) in streams.iter().zip(bitrate::split(self.estimate, &wanted)) {
            if let Some(sending) = self.sending(*source) {
                sending.picture.control().set_target(*layer, share);
            }
        }
    }

    fn drop_transport(&mut self) {
        self.outlet.replace(None);
        if let Some(transport) = self.media.transport.take() {
            tokio::spawn(async move { transport.close().await });
        }
    }

    /// The call is over: nothing is captured, sent, received or played any more.
    pub(super) async fn stop_media(&mut self) {
        self.camera = None;
        self.screen = None;
        self.voice = None;
        self.inlet.show([]);
        self.inlet.reset();
        self.sounds.close();
        self.outlet.replace(None);
        if let Some(transport) = self.media.transport.take() {
            drop(tokio::time::timeout(Duration::from_millis(500), transport.close()).await);
        }
    }
}

/// A client's own patience with a quiet path.
fn quiet() -> Duration {
    // Hashers begin at random.
    QUIET + Duration::from_millis(RandomState::new().hash_one(0) % QUIET_SPREAD_MS)
}

//! Who is in which room, and what they send.

use std::time::Duration;

/// Bytes in a packet of the picture.
pub(super) const PACKET_BYTES: u32 = 1_100;

/// Packets in a frame of the full layer: with 29 frames a second, about 2 Mbit/s.
pub(super) const PACKETS_PER_FRAME: u32 = 8;

/// People that join each second.
const JOINS_PER_SECOND: u32 = 100;

/// The packets a second that this computer may be loaded with, so that two cores carry the load beside the server.
pub(super) const MOST_PACKETS: f64 = 60_000.0;

/// People in rooms.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Shape {
    /// Rooms.
    pub rooms: u32,
    /// People in each, who all receive.
    pub people: u32,
    /// Those of them who send.
    pub senders: u32,
    /// Media workers of the server.
    pub workers: u32,
    /// Receive slots for pictures that each person negotiates.
    pub slots: u32,
    /// Cameras that each person shows.
    pub tiles: u32,
    /// Their height, device pixels; decides the layer.
    pub tile_height: u32,
    /// Frames a second.
    pub fps: u32,
    /// A voice's bit rate, kbit/s; 0 for none.
    pub audio_kbps: u32,
    /// Share of packets that people lose, in hundredths.
    pub lose_percent: u32,
    /// The load gives way to the server, as one on another computer would: it is what fills this one.
    pub load_yields: bool,
}

impl Shape {
    /// One room in which one person sends pictures and so many receive, at a rate that is kept.
    pub const fn audience(receivers: u32) -> Self {
        Self {
            rooms: 1,
            people: receivers + 1,
            senders: 1,
            workers: 1,
            slots: 9,
            tiles: 9,
            tile_height: 720,
            // Twice as many frames would be more packets than a small computer can send and receive.
            fps: if receivers > 250 { 14 } else { 29 },
            audio_kbps: 0,
            lose_percent: 0,
            load_yields: false,
        }
    }

    /// So many rooms of five who all send pictures and voices.
    pub const fn fives(rooms: u32) -> Self {
        Self { rooms, people: 5, senders: 5, audio_kbps: 32, ..Self::audience(4) }
    }

    /// One room in which all send, each seen in so many small tiles.
    pub const fn crowd(people: u32, tiles: u32) -> Self {
        Self { people, senders: people, slots: tiles, tiles, tile_height: 180, audio_kbps: 32, ..Self::audience(50) }
    }

    /// Receivers of a packet.
    pub(super) const fn fan_out(&self) -> u32 {
        self.people - 1
    }

    /// All people.
    pub(super) const fn everybody(&self) -> u32 {
        self.rooms * self.people
    }

    /// How long it takes until everybody has begun to join.
    pub(super) fn joining(&self) -> Duration {
        Duration::from_secs(1) * self.everybody() / JOINS_PER_SECOND
    }

    /// The bit rate of the full layer.
    const fn video_kbps(&self) -> u32 {
        self.fps * PACKETS_PER_FRAME * PACKET_BYTES * 8 / 1_000
    }

    /// What `confab-cli load` is told.
    pub(super) fn arguments(&self) -> Vec<String> {
        let numbers = [
            ("--people", self.people),
            ("--senders", self.senders),
            ("--video-slots", self.slots),
            ("--tiles", self.tiles),
            ("--tile-height", self.tile_height),
            ("--fps", self.fps),
            ("--video-kbps", self.video_kbps()),
            ("--packet-bytes", PACKET_BYTES),
            ("--audio-kbps", self.audio_kbps),
            ("--joins-per-second", JOINS_PER_SECOND),
            ("--open-one-in", 10),
        ];
        let mut words: Vec<String> =
            numbers.iter().flat_map(|(name, number)| [(*name).to_owned(), number.to_string()]).collect();
        words.extend(["--lose".to_owned(), format!("{}%", self.lose_percent)]);
        words
    }

    /// In words, for the conditions of a figure.
    pub(super) fn words(&self) -> String {
        let voices = if self.audio_kbps > 0 { " and a voice" } else { "" };
        let lose = if self.lose_percent > 0 { format!(", people lose {} %", self.lose_percent) } else { String::new() };
        let yields = if self.load_yields { ", the load giving way to the server" } else { "" };
        format!(
            "{} room(s) of {} people, {} sending simulcast of {} frames/s (full layer in bursts of {PACKETS_PER_FRAME} packets \
             of {PACKET_BYTES} bytes){voices}, {} picture and 4 voice slots, {} tiles of height {}, {} worker(s){lose}{yields}",
            self.rooms, self.people, self.senders, self.fps, self.slots, self.tiles, self.tile_height, self.workers
        )
    }
}

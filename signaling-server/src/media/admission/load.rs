//! What a worker carries, and what it may.

/// What can be at its limit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Limit {
    /// Tracks, published and forwarded.
    Tracks,
    /// Packets forwarded.
    Packets,
    /// Bits sent.
    Mbit,
}

impl Limit {
    /// As settings, health and metrics call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Tracks => "tracks",
            Self::Packets => "packets",
            Self::Mbit => "mbit",
        }
    }
}

/// Every limit, in the order of its number.
pub const LIMITS: [Limit; 3] = [Limit::Tracks, Limit::Packets, Limit::Mbit];

/// What one worker carries.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Load {
    /// Tracks that people publish, and tracks forwarded, counted for each receiver.
    pub tracks: u64,
    /// Packets forwarded a second, counted for each receiver.
    pub packets_per_second: u64,
    /// Bits sent a second, in UDP datagrams.
    pub bits_per_second: u64,
}

impl Load {
    fn of(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Tracks => self.tracks,
            Limit::Packets => self.packets_per_second,
            Limit::Mbit => self.bits_per_second,
        }
    }
}

/// What one worker may carry before it takes nobody else; 0 for no limit.
///
/// The defaults are what one core was measured to carry at 60 % of its time (3.8 us a packet at most), so that it has room
/// for keyframes and handshakes. Less, and a machine is not used; more, and everybody's packets wait before anybody is
/// refused.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadLimits {
    /// Tracks published and forwarded. By default as many as fill the limit of packets with 37 packets a second each, which
    /// is less than a voice: it counts where most are silent, and could speak at any moment.
    pub tracks: u32,
    /// Packets forwarded a second.
    pub packets_per_second: u32,
    /// Megabits sent a second. By default a gigabit network's, less what frames cost and a reserve.
    pub mbit_per_second: u32,
}

impl Default for LoadLimits {
    fn default() -> Self {
        Self { tracks: 4_000, packets_per_second: 150_000, mbit_per_second: 900 }
    }
}

impl LoadLimits {
    fn most(&self, limit: Limit) -> u64 {
        match limit {
            Limit::Tracks => u64::from(self.tracks),
            Limit::Packets => u64::from(self.packets_per_second),
            Limit::Mbit => u64::from(self.mbit_per_second) * 1_000_000,
        }
    }

    /// The first limit of which this percentage is reached.
    pub(super) fn reached(&self, load: &Load, percent: u64) -> Option<Limit> {
        let is_reached = |limit: &Limit| {
            let most = self.most(*limit);
            most > 0 && load.of(*limit) * 100 >= most * percent
        };
        LIMITS.into_iter().find(is_reached)
    }

    /// A load in percent of a limit, rounded down; `None` when there is no limit.
    pub(super) fn percent(&self, load: &Load, limit: Limit) -> Option<u64> {
        (load.of(limit) * 100).checked_div(self.most(limit))
    }

    /// A load in thousandths of the limit that is nearest.
    pub(super) fn fullness(&self, load: &Load) -> u64 {
        let parts = LIMITS.into_iter().filter_map(|limit| (load.of(limit) * 1_000).checked_div(self.most(limit)));
        parts.max().unwrap_or_default()
    }

    /// The default in place of each limit that there is none of: loads can be compared without limits too.
    pub(super) fn or_default(self) -> Self {
        let default = Self::default();
        let or = |own: u32, default: u32| if own == 0 { default } else { own };
        Self {
            tracks: or(self.tracks, default.tracks),
            packets_per_second: or(self.packets_per_second, default.packets_per_second),
            mbit_per_second: or(self.mbit_per_second, default.mbit_per_second),
        }
    }
}

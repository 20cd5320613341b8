//! A receive slot: one continuous outgoing stream, whatever it carries.

use std::time::Instant;

use confab_protocol::{ParticipantId, SlotAssignment, SlotKind, SourceKind};
use confab_rtp::codec::{self, LayerFilter};
use str0m::media::Mid;

use super::repair::SentLog;
use super::rewrite::Rewriter;
use crate::arena::Key;
use crate::ingress::stream::Format;

/// One receive slot of a member.
pub(crate) struct Slot {
    pub(crate) kind: SlotKind,
    pub(crate) ssrc: u32,
    /// The stream its repairs are sent on (RFC 4588), where one was negotiated.
    pub(crate) repair_ssrc: Option<u32>,
    pub(crate) formats: Vec<SlotFormat>,
    pub(crate) rewriter: Rewriter,
    /// Which packets of a picture's streams go on; not used for sound.
    pub(crate) filter: LayerFilter,
    pub(crate) feed: Option<Feed>,
    /// What was sent, for repairs.
    pub(crate) sent: SentLog,
    repairs_sent: u64,
    /// Packets and payload bytes sent, for sender reports.
    pub(crate) packets: u32,
    pub(crate) octets: u32,
    /// What was last told of it.
    pub(crate) told: SlotAssignment,
}

/// A payload type a slot can carry.
#[derive(Clone, Copy)]
pub(crate) struct SlotFormat {
    pub(crate) format: Format,
    pub(crate) payload_type: u8,
    /// That of its repairs.
    pub(crate) repair: Option<u8>,
}

/// What a slot carries.
pub(crate) struct Feed {
    pub(crate) publisher: Key,
    pub(crate) track: usize,
    pub(crate) participant: ParticipantId,
    pub(crate) source: SourceKind,
    /// The stream being forwarded (0 for sound and single streams), once it is; which layers of it, the filter knows.
    pub(crate) current: Option<usize>,
    /// The stream's epoch that `current` belongs to.
    pub(crate) epoch: u32,
    /// The stream it should be, and the layers of it at most; `None` pauses it.
    pub(crate) target: Option<codec::Layer>,
    pub(crate) since: Instant,
    /// The incoming payload type last mapped, and to what.
    pub(crate) mapped: Option<(u8, SlotFormat)>,
}

impl Feed {
    /// The stream it should be.
    pub(crate) fn target_stream(&self) -> Option<usize> {
        self.target.map(|target| usize::from(target.stream))
    }
}

impl Slot {
    /// An idle slot.
    pub(crate) fn new(
        mid: Mid,
        kind: SlotKind,
        (ssrc, repair_ssrc): (u32, Option<u32>),
        formats: Vec<SlotFormat>,
        rewriter: Rewriter,
    ) -> Self {
        let told = SlotAssignment { mid: mid.to_string(), kind, participant: None, source: None, layer: None };
        Self {
            kind,
            ssrc,
            repair_ssrc,
            formats,
            rewriter,
            filter: LayerFilter::new(),
            feed: None,
            sent: SentLog::default(),
            repairs_sent: 0,
            packets: 0,
            octets: 0,
            told,
        }
    }

    /// The m-line it is on, its SSRC and that of its repairs: what an answer has to say of it.
    pub(crate) fn streams(&self) -> (Mid, u32, Option<u32>) {
        (Mid::from(self.told.mid.as_str()), self.ssrc, self.repair_ssrc)
    }

    /// The number of the next repair, extended.
    pub(crate) fn next_repair(&mut self) -> u64 {
        self.repairs_sent += 1;
        self.repairs_sent
    }

    /// The payload type a packet of this format gets here.
    pub(crate) fn format_for(&self, format: Format) -> Option<SlotFormat> {
        let mut best: Option<(u8, SlotFormat)> = None;
        for own in &self.formats {
            if let Some(score) = format.fits(own.format)
                && best.is_none_or(|(highest, _)| score > highest)
            {
                best = Some((score, *own));
            }
        }
        best.map(|(_, own)| own)
    }

    pub(crate) fn set_feed(&mut self, feed: Option<Feed>) {
        self.end_stretch();
        self.feed = feed;
    }

    /// What goes on next begins anew: a picture at a keyframe, a voice with any packet.
    pub(crate) fn end_stretch(&mut self) {
        self.rewriter.end_stretch();
        self.filter.end_stretch();
        if let Some(feed) = &mut self.feed {
            feed.current = None;
        }
    }

    pub(crate) fn carries(&self, publisher: Key, track: usize) -> bool {
        self.feed.as_ref().is_some_and(|feed| feed.publisher == publisher && feed.track == track)
    }
}

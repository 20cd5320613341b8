//! Retransmission as it has to be (RFC 4588): the stock chain sends repairs nobody can place, and unwraps those it
//! gets too late to learn from them, and repeats whatever is asked however full the way is. Four things are done here:
//!
//! * repairs we send get their mid and repaired-rid, by which the server knows what they repair;
//! * repairs we send stay within a share of the estimate, and none is sent again while the last may be on its way:
//!   otherwise a full link loses more, is asked for more, and stays full;
//! * repairs we get are unwrapped before the chain counts what is missing;
//! * a packet is asked for again only when the answer to the last asking could have come, and not at all while it is
//!   as likely merely late.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use confab_rtp::DataRate;
use rtc::interceptor::{Packet, TaggedPacket};
use rtc::rtcp;
use rtc::rtcp::transport_feedbacks::transport_layer_nack::{
    NackPair, TransportLayerNack, nack_pairs_from_sequence_numbers,
};
use rtc::rtp;

use super::pacing::OVERHEAD;
use super::shared::Shared;
use super::stage::Stage;
use crate::transport::{H264_PAYLOAD_TYPE, RTX_PAYLOAD_TYPE};

/// Ask for one packet at most so often: more only feeds congestion.
const MOST_ASKINGS: u8 = 10;
/// Never ask again sooner, however short the round trip.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(40);
/// Ask again after this while the round trip is not known.
const UNKNOWN_ROUND_TRIP: Duration = Duration::from_millis(120);
/// On a long way the first asking is said twice, this much apart: one that is lost, or its answer, would cost a whole
/// round trip more, and then the picture stands still. Costs a second copy of what was lost, no more.
const SAID_AGAIN: Duration = Duration::from_millis(15);
/// A way is long from this round trip on.
const LONG_ROUND_TRIP: Duration = Duration::from_millis(60);
/// More missing at once is a full link rather than a bad one; asking twice would fill it more.
const MOST_SAID_AGAIN: usize = 24;
/// Lateness is never waited for longer than this before the first asking.
const LONGEST_HOLD: Duration = Duration::from_millis(40);
/// A number that was wanted so long ago is forgotten.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(2);

/// The share of the estimate that repairs may take. Random loss of a bad radio link fits, congestion does not.
const REPAIR_SHARE: f64 = 0.25;
/// What the share may save up for a burst of loss.
const SAVED_UP: Duration = Duration::from_millis(500);
/// A few repairs are always possible, bytes.
const LEAST_SAVINGS: f64 = 12_000.0;

/// What may be spent on repairs.
struct Budget {
    bytes: f64,
    filled: Option<Instant>,
}

impl Budget {
    fn spend(&mut self, now: Instant, estimate: DataRate, bytes: usize) -> bool {
        let share = estimate * REPAIR_SHARE;
        let most = (share.bytes_in(SAVED_UP) as f64).max(LEAST_SAVINGS);
        let elapsed = self.filled.map_or(SAVED_UP, |last| now.saturating_duration_since(last));
        self.filled = Some(now);
        self.bytes = (self.bytes + share.bytes_in(elapsed) as f64).min(most);
        if self.bytes < bytes as f64 {
            return false;
        }
        self.bytes -= bytes as f64;
        true
    }
}

struct Wanted {
    since: Instant,
    asked: u8,
    last_asked: Option<Instant>,
    asked_before: Option<Instant>,
}

impl Wanted {
    /// How long the answer took. It answers the last asking, or the one before when it comes too soon for that; taking
    /// only those that were asked for once would leave out the slow ones.
    fn answered_after(&self, now: Instant, round_trip: Option<Duration>) -> Option<Duration> {
        let took = now.saturating_duration_since(self.last_asked?);
        match (round_trip, self.asked_before) {
            (Some(round_trip), Some(before)) if took < round_trip.mul_f64(0.6) => {
                Some(now.saturating_duration_since(before))
            }
            (None, Some(_)) => None,
            _ => Some(took),
        }
    }
}

pub(super) struct Repair {
    shared: Arc<Shared>,
    wanted: HashMap<(u32, u16), Wanted>,
    /// Which packets of ours were sent again, and when last.
    repeated: HashMap<(u32, u16), Instant>,
    budget: Budget,
    pruned: Option<Instant>,
    /// How late packets came lately that were missed and then came by themselves.
    lateness: Duration,
}

impl Repair {
    pub fn new(shared: Arc<Shared>) -> Self {
        Self {
            shared,
            wanted: HashMap::new(),
            repeated: HashMap::new(),
            budget: Budget { bytes: LEAST_SAVINGS, filled: None },
            pruned: None,
            lateness: Duration::ZERO,
        }
    }

    /// Turns a repair back into what it repairs; `false` when it repairs nothing (padding).
    fn unwrap(packet: &mut rtp::Packet, media_ssrc: u32) -> bool {
        let Some((number, _)) = packet.payload.split_first_chunk::<2>() else { return false };
        packet.header.sequence_number = u16::from_be_bytes(*number);
        packet.header.ssrc = media_ssrc;
        packet.header.payload_type = H264_PAYLOAD_TYPE;
        packet.payload = packet.payload.slice(2..);
        true
    }

    fn came(&mut self, now: Instant, ssrc: u32, sequence: u16, repaired: bool) {
        if self.wanted.is_empty() {
            return;
        }
        if let Some(wanted) = self.wanted.remove(&(ssrc, sequence)) {
            if repaired {
                self.shared.counters.repaired.add(1);
                if let Some(took) = wanted.answered_after(now, self.shared.round_trip()) {
                    self.shared.repaired_after(took);
                }
            } else {
                let late = now.saturating_duration_since(wanted.since);
                self.lateness = self.lateness.max(late).min(LONGEST_HOLD);
                return;
            }
        }
        // Forgotten within some hundred packets, so that one bad second does not slow the repairs of the next.
        self.lateness = self.lateness.mul_f64(0.99);
    }

    /// Whether this repair of ours may leave now.
    fn may_repeat(&mut self, now: Instant, packet: &rtp::Packet) -> bool {
        let Some((number, _)) = packet.payload.split_first_chunk::<2>() else { return false };
        let key = (packet.header.ssrc, u16::from_be_bytes(*number));
        let on_its_way = self.shared.round_trip().unwrap_or(SHORTEST_INTERVAL).mul_f64(0.8);
        if self.repeated.get(&key).is_some_and(|last| now.saturating_duration_since(*last) < on_its_way) {
            return false;
        }
        let bytes = packet.payload.len() + OVERHEAD;
        if !self.budget.spend(now, self.shared.estimate(), bytes) {
            self.shared.counters.repairs_refused.add(1);
            return false;
        }
        self.repeated.insert(key, now);
        self.shared.counters.repairs_sent.add(1);
        self.shared.counters.repair_bytes.add(bytes as u64);
        self.prune(now);
        true
    }

    fn tag(&self, index: usize, packet: &mut rtp::Packet) {
        let stream = &self.shared.local[index];
        let negotiated = self.shared.negotiated();
        let Some((mid, ids)) = negotiated.sender(stream.sender) else { return };
        if let Some(id) = ids.mid {
            // Cannot fail: mids are short and the number comes from the answer. Without it the repair is lost, no more.
            let _ = packet.header.set_extension(id, Bytes::copy_from_slice(mid.as_bytes()));
        }
        if let (Some(id), Some(layer)) = (ids.repaired_rid, stream.layer) {
            let _ = packet.header.set_extension(id, Bytes::from_static(layer.rid().as_bytes()));
        }
    }

    /// What of a request is worth asking now. Repairs themselves are not repaired (RFC 4588, 6.3): those that were
    /// unwrapped look like holes in their own stream.
    fn worth_asking(&mut self, now: Instant, nack: &TransportLayerNack) -> Option<TransportLayerNack> {
        if self.shared.negotiated().repairs.contains_key(&nack.media_ssrc) {
            return None;
        }
        let again = self.shared.round_trip().map_or(UNKNOWN_ROUND_TRIP, |round_trip| {
            (round_trip.mul_f64(1.25) + self.lateness + Duration::from_millis(10)).max(SHORTEST_INTERVAL)
        });
        let hold = self.lateness;
        let says_again = self.wanted.len() <= MOST_SAID_AGAIN
            && self.shared.round_trip().is_some_and(|round_trip| round_trip >= LONG_ROUND_TRIP);
        let mut numbers = Vec::new();
        for number in nack.nacks.iter().flat_map(NackPair::packet_list) {
            let wanted = self.wanted.entry((nack.media_ssrc, number)).or_insert(Wanted {
                since: now,
                asked: 0,
                last_asked: None,
                asked_before: None,
            });
            let asked_ago = wanted.last_asked.map(|last| now.saturating_duration_since(last));
            if says_again && wanted.asked == 1 && asked_ago.is_some_and(|ago| ago >= SAID_AGAIN) {
                // The answer is measured from the first asking.
                wanted.asked = 2;
                numbers.push(number);
                continue;
            }
            let due = match asked_ago {
                None => now.saturating_duration_since(wanted.since) >= hold,
                Some(ago) => ago >= again,
            };
            if due && wanted.asked < MOST_ASKINGS {
                wanted.asked += 1;
                wanted.asked_before = wanted.last_asked.replace(now);
                numbers.push(number);
            }
        }
        self.prune(now);
        if numbers.is_empty() {
            return None;
        }
        self.shared.counters.repairs_asked.add(numbers.len() as u64);
        Some(TransportLayerNack { nacks: nack_pairs_from_sequence_numbers(&numbers), ..nack.clone() })
    }

    fn prune(&mut self, now: Instant) {
        if self.pruned.is_none_or(|last| now.saturating_duration_since(last) > FORGOTTEN_AFTER / 2) {
            self.pruned = Some(now);
            self.repeated.retain(|_, last| now.saturating_duration_since(*last) < FORGOTTEN_AFTER);
            self.wanted.retain(|_, wanted| now.saturating_duration_since(wanted.since) < FORGOTTEN_AFTER);
        }
    }
}

impl Stage for Repair {
    fn read(&mut self, mut packet: TaggedPacket) -> Option<TaggedPacket> {
        if let Packet::Rtp(rtp) = &mut packet.message.packet {
            let mut repaired = false;
            if rtp.header.payload_type == RTX_PAYLOAD_TYPE
                && let Some(&media) = self.shared.negotiated().repairs.get(&rtp.header.ssrc)
            {
                repaired = Self::unwrap(rtp, media);
            }
            // Padding goes on as it is: the feedback has to tell that it arrived.
            self.came(packet.now, rtp.header.ssrc, rtp.header.sequence_number, repaired);
        }
        Some(packet)
    }

    fn write(&mut self, mut packet: TaggedPacket) -> Option<TaggedPacket> {
        let now = packet.now;
        match &mut packet.message.packet {
            Packet::Rtp(rtp) => {
                if let Some(&index) = self.shared.by_repair_ssrc.get(&rtp.header.ssrc) {
                    if !self.may_repeat(now, rtp) {
                        return None;
                    }
                    self.tag(index, rtp);
                }
            }
            Packet::Rtcp(reports) => {
                let before = std::mem::take(reports);
                for report in before {
                    match report.as_any().downcast_ref::<TransportLayerNack>() {
                        None => reports.push(report),
                        Some(nack) => reports
                            .extend(self.worth_asking(now, nack).map(|nack| Box::new(nack) as Box<dyn rtcp::Packet>)),
                    }
                }
                if reports.is_empty() {
                    return None;
                }
            }
            _ => {}
        }
        Some(packet)
    }
}

#[cfg(test)]
mod tests {
    use confab_protocol::{Layer, SourceKind};
    use rtc::interceptor::AttributedPacket;
    use rtc::shared::TransportContext;
    use tokio::sync::mpsc;

    use super::*;
    use crate::transport::webrtc_rs::negotiated::Negotiated;
    use crate::transport::webrtc_rs::shared::LocalStream;

    const ANSWER: &str = "m=video 9 x 102 103\r\na=mid:1\r\na=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
        a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id\r\n\
        m=video 9 x 102 103\r\na=mid:2\r\na=ssrc:70 cname:x\r\na=ssrc:71 cname:x\r\na=ssrc-group:FID 70 71\r\n";

    fn repair() -> Repair {
        let local = LocalStream {
            source: SourceKind::Camera,
            layer: Some(Layer::Half),
            ssrc: 10,
            repair_ssrc: Some(11),
            sender: 0,
        };
        let shared = Shared::new(vec![local], mpsc::channel(8).0, DataRate::ZERO);
        shared.set_negotiated(Negotiated::from_answer(ANSWER, vec![Arc::from("1")]).expect("readable"));
        Repair::new(Arc::new(shared))
    }

    fn tagged(now: Instant, packet: Packet) -> TaggedPacket {
        TaggedPacket { now, transport: TransportContext::default(), message: AttributedPacket::new(packet) }
    }

    fn rtp(ssrc: u32, payload_type: u8, sequence_number: u16, payload: &'static [u8]) -> Packet {
        let header = rtp::Header { version: 2, ssrc, payload_type, sequence_number, ..rtp::Header::default() };
        Packet::Rtp(rtp::Packet { header, payload: Bytes::from_static(payload) })
    }

    fn ask(repair: &mut Repair, now: Instant, numbers: &[u16]) -> Vec<u16> {
        let nacks = nack_pairs_from_sequence_numbers(numbers);
        let nack = TransportLayerNack { sender_ssrc: 1, media_ssrc: 70, nacks };
        let Some(sent) = repair.write(tagged(now, Packet::Rtcp(vec![Box::new(nack)]))) else { return Vec::new() };
        let Packet::Rtcp(reports) = sent.message.packet else { panic!("still RTCP") };
        let nack = reports[0].as_any().downcast_ref::<TransportLayerNack>().expect("still a request");
        nack.nacks.iter().flat_map(NackPair::packet_list).collect()
    }

    #[test]
    fn our_repairs_name_what_they_repair() {
        let mut repair = repair();
        let sent = repair.write(tagged(Instant::now(), rtp(11, RTX_PAYLOAD_TYPE, 1, &[0, 5, 9]))).expect("goes on");
        let Packet::Rtp(sent) = sent.message.packet else { panic!("still RTP") };
        assert_eq!(sent.header.get_extension(3).as_deref(), Some(&b"1"[..]));
        assert_eq!(sent.header.get_extension(5).as_deref(), Some(&b"h"[..]));
        let media = repair.write(tagged(Instant::now(), rtp(10, H264_PAYLOAD_TYPE, 1, &[9]))).expect("goes on");
        let Packet::Rtp(media) = media.message.packet else { panic!("still RTP") };
        assert!(media.header.extensions.is_empty());
    }

    #[test]
    fn our_repairs_stay_within_their_share_and_are_not_repeated_while_under_way() {
        const BIG: &[u8] = &[7; 1000];
        let mut repair = repair();
        repair.shared.counters.estimate.set(800_000);
        repair.shared.round_trip_reported(Duration::from_millis(100));
        let begin = Instant::now();
        let repeat = |repair: &mut Repair, milliseconds, number: u16| {
            let Packet::Rtp(mut packet) = rtp(11, RTX_PAYLOAD_TYPE, 1, BIG) else { return false };
            packet.payload = Bytes::from([&number.to_be_bytes()[..], BIG].concat());
            repair.write(tagged(begin + Duration::from_millis(milliseconds), Packet::Rtp(packet))).is_some()
        };
        assert!(repeat(&mut repair, 0, 5));
        assert!(!repeat(&mut repair, 60, 5), "still under way");
        assert!(repeat(&mut repair, 90, 5));
        // 25 kB a second are a quarter of the estimate; a storm of 200 kB a second gets no more.
        let sent = (100..4100_u16).filter(|number| repeat(&mut repair, 100 + u64::from(*number) * 5, *number)).count();
        assert!((400..550).contains(&sent), "{sent} in twenty seconds");
        assert!(repair.shared.stats().repairs_refused > 3000);
    }

    #[test]
    fn repairs_we_get_are_put_under_the_number_of_what_they_repair() {
        let mut repair = repair();
        let came = repair.read(tagged(Instant::now(), rtp(71, RTX_PAYLOAD_TYPE, 1, &[1, 5, 9, 8]))).expect("goes on");
        let Packet::Rtp(came) = came.message.packet else { panic!("still RTP") };
        let header = &came.header;
        assert_eq!((header.ssrc, header.sequence_number, header.payload_type), (70, 261, H264_PAYLOAD_TYPE));
        assert_eq!(came.payload.as_ref(), &[9, 8]);
        // Padding repairs nothing, but is not hidden from the feedback.
        let padding = repair.read(tagged(Instant::now(), rtp(71, RTX_PAYLOAD_TYPE, 2, &[]))).expect("goes on");
        let Packet::Rtp(padding) = padding.message.packet else { panic!("still RTP") };
        assert_eq!((padding.header.ssrc, padding.header.payload_type), (71, RTX_PAYLOAD_TYPE));
    }

    #[test]
    fn a_packet_is_asked_for_again_only_when_the_answer_could_have_come() {
        let mut repair = repair();
        repair.shared.round_trip_reported(Duration::from_millis(100));
        let begin = Instant::now();
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        assert_eq!(ask(&mut repair, at(0), &[5, 6]), [5, 6]);
        assert_eq!(ask(&mut repair, at(10), &[5, 6, 7]), [7]);
        // The way is long, so each is said twice.
        assert_eq!(ask(&mut repair, at(20), &[5, 6, 7]), [5, 6]);
        assert_eq!(ask(&mut repair, at(40), &[5, 6, 7]), [7]);
        assert_eq!(ask(&mut repair, at(120), &[5, 6, 7]), Vec::<u16>::new());
        repair.read(tagged(at(121), rtp(71, RTX_PAYLOAD_TYPE, 1, &[0, 5, 9])));
        assert_eq!(ask(&mut repair, at(140), &[6, 7]), [6]);
        assert_eq!(repair.shared.stats().repaired, 1);
        assert_eq!(repair.shared.stats().repairs_asked, 7);
    }

    #[test]
    fn on_a_short_way_and_where_very_much_is_missing_nothing_is_said_twice() {
        for (round_trip, missing) in [(20, 2), (100, 2 * MOST_SAID_AGAIN as u16)] {
            let mut repair = repair();
            repair.shared.round_trip_reported(Duration::from_millis(round_trip));
            let begin = Instant::now();
            let numbers: Vec<u16> = (5..5 + missing).collect();
            assert_eq!(ask(&mut repair, begin, &numbers).len(), numbers.len());
            assert_eq!(ask(&mut repair, begin + Duration::from_millis(20), &numbers), Vec::<u16>::new());
        }
    }

    #[test]
    fn asking_ends_after_some_times() {
        let mut repair = repair();
        let begin = Instant::now();
        let asked =
            (0..50).filter(|round| !ask(&mut repair, begin + Duration::from_millis(round * 30), &[5]).is_empty());
        assert_eq!(asked.count(), usize::from(MOST_ASKINGS));
    }

    #[test]
    fn where_packets_come_late_the_first_asking_waits_for_them() {
        let mut repair = repair();
        let begin = Instant::now();
        let at = |milliseconds| begin + Duration::from_millis(milliseconds);
        assert_eq!(ask(&mut repair, at(0), &[5]), [5]);
        repair.read(tagged(at(25), rtp(70, H264_PAYLOAD_TYPE, 5, &[9])));
        assert_eq!(ask(&mut repair, at(100), &[9]), Vec::<u16>::new());
        assert_eq!(ask(&mut repair, at(120), &[9]), Vec::<u16>::new());
        assert_eq!(ask(&mut repair, at(140), &[9]), [9]);
    }
}

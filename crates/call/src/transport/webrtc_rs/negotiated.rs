//! What the answer says and the `webrtc` crate does not tell: which SSRC comes on which m-line, which repairs which, and
//! the numbers of the header extensions.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::transport::TransportError;

const MID: &str = "urn:ietf:params:rtp-hdrext:sdes:mid";
const RID: &str = "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id";
const REPAIRED_RID: &str = "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id";
const ABS_SEND_TIME: &str = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time";
const AUDIO_LEVEL: &str = "urn:ietf:params:rtp-hdrext:ssrc-audio-level";

/// Numbers of header extensions (RFC 8285) on one m-line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct ExtensionIds {
    pub mid: Option<u8>,
    pub rid: Option<u8>,
    pub repaired_rid: Option<u8>,
    pub abs_send_time: Option<u8>,
    pub audio_level: Option<u8>,
}

/// One m-line of the answer.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Line {
    pub ids: ExtensionIds,
    /// The stream the server sends on it.
    pub ssrc: Option<u32>,
}

/// The answer as the interceptors need it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Negotiated {
    /// By mid.
    pub lines: HashMap<Arc<str>, Line>,
    /// Incoming SSRC to mid.
    pub slots: HashMap<u32, Arc<str>>,
    /// Incoming repair SSRC to the SSRC it repairs (RFC 5576, FID).
    pub repairs: HashMap<u32, u32>,
    /// The number of the mid extension, which is the same everywhere in a bundle.
    pub mid_extension: Option<u8>,
    /// The mids of our senders, in the order of the configuration.
    pub senders: Vec<Arc<str>>,
}

impl Negotiated {
    /// Reads an answer.
    ///
    /// # Errors
    ///
    /// [`TransportError::Answer`] when it has no m-line with a mid.
    pub fn from_answer(sdp: &str, senders: Vec<Arc<str>>) -> Result<Self, TransportError> {
        let mut negotiated = Self { senders, ..Self::default() };
        for section in sections(sdp) {
            negotiated.read_section(section);
        }
        if negotiated.lines.is_empty() {
            return Err(TransportError::Answer("it names no media".into()));
        }
        Ok(negotiated)
    }

    fn read_section(&mut self, section: &str) {
        let attributes = || section.lines().filter_map(|line| line.trim_end().strip_prefix("a="));
        let Some(mid) = attributes().find_map(|attribute| attribute.strip_prefix("mid:")) else { return };
        let mid: Arc<str> = Arc::from(mid);
        let mut line = Line::default();
        let mut ssrcs = Vec::new();
        let mut repairs: Vec<(u32, u32)> = Vec::new();
        for attribute in attributes() {
            if let Some(map) = attribute.strip_prefix("extmap:") {
                line.ids.read(map);
            } else if let Some(group) = attribute.strip_prefix("ssrc-group:FID ") {
                if let [Ok(media), Ok(repair)] = group.split_whitespace().map(str::parse).collect::<Vec<_>>()[..] {
                    repairs.push((repair, media));
                }
            } else if let Some(source) = attribute.strip_prefix("ssrc:")
                && let Some(Ok(ssrc)) = source.split_whitespace().next().map(str::parse::<u32>)
                && !ssrcs.contains(&ssrc)
            {
                ssrcs.push(ssrc);
            }
        }
        ssrcs.retain(|ssrc| !repairs.iter().any(|(repair, _)| repair == ssrc));
        line.ssrc = ssrcs.first().copied();
        self.slots.extend(ssrcs.into_iter().map(|ssrc| (ssrc, mid.clone())));
        self.repairs.extend(repairs);
        self.mid_extension = self.mid_extension.or(line.ids.mid);
        self.lines.insert(mid, line);
    }

    /// The extensions on the m-line of one of our senders.
    pub fn sender(&self, index: usize) -> Option<(&Arc<str>, ExtensionIds)> {
        let mid = self.senders.get(index)?;
        Some((mid, self.lines.get(mid)?.ids))
    }
}

impl ExtensionIds {
    fn read(&mut self, map: &str) {
        let mut words = map.split_whitespace();
        let (Some(id), Some(uri)) = (words.next(), words.next()) else { return };
        // A direction may follow the number: "3/sendonly".
        let Ok(id) = id.split('/').next().unwrap_or(id).parse::<u8>() else { return };
        let place = match uri {
            MID => &mut self.mid,
            RID => &mut self.rid,
            REPAIRED_RID => &mut self.repaired_rid,
            ABS_SEND_TIME => &mut self.abs_send_time,
            AUDIO_LEVEL => &mut self.audio_level,
            _ => return,
        };
        *place = Some(id);
    }
}

/// The media sections, each from its m-line on.
fn sections(sdp: &str) -> impl Iterator<Item = &str> {
    let starts: Vec<usize> =
        sdp.match_indices("m=").map(|(at, _)| at).filter(|&at| at == 0 || sdp.as_bytes()[at - 1] == b'\n').collect();
    let ends: Vec<usize> = starts.iter().skip(1).copied().chain([sdp.len()]).collect();
    starts.into_iter().zip(ends).map(|(start, end)| &sdp[start..end])
}

/// Leaves out of an offer what helps nobody: the second mention of each candidate (as component 2; RTCP shares the
/// port), candidates without an address, and those of sockets that are not open (`rtc` 0.21 keeps closed ones in the
/// description after an ICE restart). `None` when no candidate is left.
pub(super) fn tidy_offer(sdp: &str, is_open: impl Fn(&SocketAddr) -> bool) -> Option<String> {
    let mut any = false;
    let mut tidied = String::with_capacity(sdp.len());
    for line in sdp.split_inclusive('\n') {
        if line.starts_with(CANDIDATE) {
            match candidate_address(line) {
                Some(address) if !address.ip().is_unspecified() && is_open(&address) => any = true,
                _ => continue,
            }
        }
        tidied.push_str(line);
    }
    any.then_some(tidied)
}

/// Where an offer says that it can be reached.
pub(super) fn candidates(sdp: &str) -> HashSet<SocketAddr> {
    sdp.lines().filter_map(candidate_address).collect()
}

const CANDIDATE: &str = "a=candidate:";

/// The address of a candidate line for RTP (component 1; RFC 8839, 5.1).
fn candidate_address(line: &str) -> Option<SocketAddr> {
    let fields: Vec<&str> = line.strip_prefix(CANDIDATE)?.split_whitespace().collect();
    match fields[..] {
        [_, "1", _, _, address, port, ..] => Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &str = "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\ns=m=nothing\r\nt=0 0\r\na=group:BUNDLE 0 1 2\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\na=recvonly\r\na=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\n\
        a=extmap:4/recvonly urn:ietf:params:rtp-hdrext:ssrc-audio-level\r\n\
        m=video 9 UDP/TLS/RTP/SAVPF 102 103\r\na=mid:1\r\na=sendonly\r\n\
        a=extmap:3 urn:ietf:params:rtp-hdrext:sdes:mid\r\na=extmap:9 urn:example:unknown\r\n\
        a=ssrc:111 cname:x\r\na=ssrc:111 msid:a b\r\na=ssrc:222 cname:x\r\na=ssrc-group:FID 111 222\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:2\r\na=sendonly\r\na=ssrc:333 cname:x\r\na=ssrc:nonsense\r\n";

    #[test]
    fn the_answer_tells_slots_repairs_and_extensions() {
        let negotiated = Negotiated::from_answer(ANSWER, vec![Arc::from("0")]).expect("readable");
        assert_eq!(negotiated.lines.len(), 3);
        assert_eq!(negotiated.slots.get(&111).map(AsRef::as_ref), Some("1"));
        assert_eq!(negotiated.slots.get(&333).map(AsRef::as_ref), Some("2"));
        assert_eq!(negotiated.slots.get(&222), None);
        assert_eq!(negotiated.repairs.get(&222), Some(&111));
        assert_eq!(negotiated.mid_extension, Some(3));
        let (mid, ids) = negotiated.sender(0).expect("one sender");
        assert_eq!((mid.as_ref(), ids.audio_level, ids.rid), ("0", Some(4), None));
    }

    #[test]
    fn an_answer_without_media_is_refused() {
        assert!(Negotiated::from_answer("v=0\r\n", Vec::new()).is_err());
        assert!(Negotiated::from_answer("", Vec::new()).is_err());
        assert!(Negotiated::from_answer("m=\nm=\na=mid", Vec::new()).is_err());
    }

    #[test]
    fn an_offer_keeps_each_usable_candidate_once() {
        let offer = "m=audio 9 x\r\na=candidate:1 1 udp 5 127.0.0.1 4000 typ host\r\n\
            a=candidate:1 2 udp 5 127.0.0.1 4000 typ host\r\na=candidate:2 1 udp 5 0.0.0.0 4001 typ host\r\na=mid:0\r\n";
        let tidied = tidy_offer(offer, |_| true).expect("one is left");
        assert_eq!(tidied.matches("a=candidate").count(), 1);
        assert!(tidied.ends_with("a=mid:0\r\n"));
        assert_eq!(candidates(&tidied), HashSet::from([SocketAddr::from(([127, 0, 0, 1], 4000))]));
        assert_eq!(tidy_offer("m=audio 9 x\r\na=candidate:2 1 udp 5 :: 4001 typ host\r\n", |_| true), None);
        let closed = candidates(&tidied);
        assert_eq!(tidy_offer(offer, |address| !closed.contains(address)), None, "closed sockets are not offered");
    }
}

//! What is read from an offer's text, because str0m keeps it to itself or loses its order.

use std::collections::HashMap;

use crate::ingress::stream::Track;
use crate::member::{STREAMS, StreamPlace};

/// The m-lines' ids (`a=mid`, RFC 8843) in their order.
pub(crate) fn media_lines(offer: &str) -> Vec<&str> {
    let mut mids = Vec::new();
    for line in offer.lines() {
        if line.starts_with("m=") {
            mids.push("");
        } else if let Some(mid) = line.strip_prefix("a=mid:")
            && let Some(last) = mids.last_mut()
        {
            *last = mid.trim();
        }
    }
    mids
}

/// An offer of the same way to talk, with nothing to say: credentials (RFC 8839), certificate and role in the handshake
/// (RFC 8842), and one idle line, since an offer needs one.
pub(crate) fn without_media(offer: &str) -> String {
    let mut bare = String::from("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n");
    bare.push_str("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=inactive\r\na=rtcp-mux\r\n");
    for name in ["a=ice-ufrag:", "a=ice-pwd:", "a=fingerprint:", "a=setup:"] {
        if let Some(line) = offer.lines().find(|line| line.starts_with(name)) {
            bare.push_str(line.trim_end());
            bare.push_str("\r\n");
        }
    }
    bare
}

/// An answer with the payload types of each m-line in the offer's order (RFC 3264, 6.1): a sender takes the first, and
/// which it likes best is for the offerer to say.
pub(crate) fn in_order_of(offer: &str, answer: &str) -> String {
    let mut offered = offer.lines().filter(|line| line.starts_with("m="));
    let mut ordered = String::with_capacity(answer.len());
    for line in answer.lines() {
        match line.starts_with("m=").then(|| offered.next()).flatten() {
            Some(offered) => ordered.push_str(&line_in_order_of(offered, line)),
            None => ordered.push_str(line),
        }
        ordered.push_str("\r\n");
    }
    ordered
}

/// `m=<media> <port> <protocol> <payload type> ...` (RFC 8866, 5.14).
fn line_in_order_of(offered: &str, answered: &str) -> String {
    let mut words: Vec<&str> = answered.split_ascii_whitespace().collect();
    let order: Vec<&str> = offered.split_ascii_whitespace().skip(3).collect();
    if let Some(payload_types) = words.get_mut(3..) {
        payload_types.sort_by_key(|known| order.iter().position(|offered| offered == known).unwrap_or(usize::MAX));
    }
    words.join(" ")
}

/// The bytes of the certificate's fingerprint (RFC 8122).
pub(crate) fn fingerprint(offer: &str) -> Option<Vec<u8>> {
    let line = offer.lines().find_map(|line| line.strip_prefix("a=fingerprint:"))?;
    let (_, digits) = line.trim().split_once(' ')?;
    digits.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect()
}

/// Streams that the offer names by their SSRCs (RFC 5576). Only of tracks with one layer: the text does not say which
/// layer an SSRC is, its packets do.
pub(crate) fn streams(offer: &str, tracks: &[Track]) -> HashMap<u32, StreamPlace> {
    let mut streams = HashMap::new();
    let mut of = None;
    for line in offer.lines() {
        if line.starts_with("m=") {
            of = None;
        } else if let Some(mid) = line.strip_prefix("a=mid:") {
            of = tracks.iter().position(|track| &*track.mid == mid.trim() && track.layers.len() == 1);
        }
        let Some(track) = of else { continue };
        if streams.len() >= STREAMS {
            break;
        }
        if let Some(group) = line.strip_prefix("a=ssrc-group:FID ") {
            let mut members = group.split_whitespace().map(str::parse::<u32>);
            if let (Some(Ok(media)), Some(Ok(repair))) = (members.next(), members.next()) {
                streams.insert(media, StreamPlace { track, layer: 0, repairs: false });
                streams.insert(repair, StreamPlace { track, layer: 0, repairs: true });
            }
        } else if let Some(source) = line.strip_prefix("a=ssrc:")
            && let Some(Ok(ssrc)) = source.split_whitespace().next().map(str::parse::<u32>)
        {
            streams.entry(ssrc).or_insert(StreamPlace { track, layer: 0, repairs: false });
        }
    }
    streams
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_payload_types_in_the_offers_order() {
        let offer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 98 99 45 46 96 97\r\n";
        let answer = "v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96 97 45 46 98 99\r\na=mid:1\r\n";
        let ordered = in_order_of(offer, answer);
        assert_eq!(ordered, answer.replace("96 97 45 46 98 99", "98 99 45 46 96 97"));
        assert_eq!(in_order_of("", answer), answer, "nothing to go by");
    }
}

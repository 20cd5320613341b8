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

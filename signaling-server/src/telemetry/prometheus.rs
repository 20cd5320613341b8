//! The `/metrics` text (Prometheus exposition format 0.0.4).

use std::fmt::Write;

use super::admission::Admission;
use super::counters::{Counters, ERROR_CODES, LEAVE_REASONS};
use crate::media::{BUCKETS_US, DelayReport, MediaCounters};
use crate::relay::Relay;

/// What the media plane counted.
pub(crate) struct Media<'a> {
    pub(crate) counters: &'a MediaCounters,
    pub(crate) delays: &'a DelayReport,
}

/// All metrics of the server. Names and labels hold no personal data and no room codes.
pub(crate) fn exposition(
    counters: &Counters,
    media: &Media<'_>,
    admission: &Admission,
    relay: &Relay,
    uptime_seconds: u64,
) -> String {
    let mut text = String::with_capacity(8 * 1024);
    let total = |text: &mut String, name: &str, help: &str, value: u64| {
        metric(text, name, help, "counter", &[(String::new(), value)]);
    };
    let gauge = |text: &mut String, name: &str, help: &str, value: u64| {
        metric(text, name, help, "gauge", &[(String::new(), value)]);
    };
    gauge(&mut text, "confab_uptime_seconds", "Seconds since the start.", uptime_seconds);
    gauge(&mut text, "confab_connections", "WebSocket connections at present.", counters.connections.get());
    total(&mut text, "confab_connections_total", "WebSocket connections.", counters.connections_total.get());
    let help = "TCP connections turned away because there were too many.";
    total(&mut text, "confab_connections_refused_total", help, counters.connections_refused.get());
    total(&mut text, "confab_http_requests_total", "HTTP requests.", counters.requests.get());
    total(&mut text, "confab_messages_in_total", "Messages from clients.", counters.messages_in.get());
    total(&mut text, "confab_messages_out_total", "Messages to clients.", counters.messages_out.get());
    let help = "Connections dropped because they did not read.";
    total(&mut text, "confab_slow_readers_total", help, counters.slow_readers.get());
    let help = "Connections closed because of refused messages in a row or a frame over the limit.";
    total(&mut text, "confab_abusive_connections_total", help, counters.abusive.get());
    total(&mut text, "confab_rooms_created_total", "Rooms made.", counters.rooms_created.get());
    gauge(&mut text, "confab_rooms", "Rooms open at present.", counters.rooms_open.get());
    gauge(&mut text, "confab_participants", "People in rooms at present.", counters.participants.get());
    total(&mut text, "confab_participants_joined_total", "Joins and resumes.", counters.joined.get());
    total(&mut text, "confab_chat_stored_total", "Chat messages stored.", counters.chat_stored.get());
    total(&mut text, "confab_store_failures_total", "Failures of the database.", counters.store_failures.get());

    let refused = ERROR_CODES.map(|code| (label("code", &code), counters.refused(code)));
    metric(&mut text, "confab_refused_total", "Refused messages by error code.", "counter", &refused);
    let left = LEAVE_REASONS.map(|reason| (label("reason", &reason), counters.left(reason)));
    metric(&mut text, "confab_participants_left_total", "People who left, by reason.", "counter", &left);

    for (name, help, kind, samples) in admission.metrics() {
        metric(&mut text, name, help, kind, &samples);
    }

    let relayed = relay.counters();
    gauge(&mut text, "confab_relay_allocations", "Relayed addresses at present.", relay.allocations());
    for (name, help, value) in [
        ("allocations", "Relayed addresses given out.", &relayed.allocations),
        ("forbidden_peers", "Requests for peers that are not this server's media.", &relayed.forbidden_peers),
        ("over_quota", "Requests for relayed addresses beyond a quota.", &relayed.over_quota),
        ("unanswered", "Requests without credentials that were not answered.", &relayed.unanswered),
        ("datagrams", "Datagrams relayed.", &relayed.relayed),
        ("bytes", "Bytes relayed.", &relayed.relayed_bytes),
        ("dropped", "Datagrams not relayed.", &relayed.dropped),
        ("ice_tcp_connections", "Connections that carried ICE.", &relayed.bridges),
    ] {
        total(&mut text, &format!("confab_relay_{name}_total"), help, value.get());
    }

    for (name, help, value) in media.counters.entries() {
        let at_present = matches!(name, "members" | "mirrors" | "rooms" | "tracks_in" | "tracks_out");
        let (suffix, kind) = if at_present { ("", "gauge") } else { ("_total", "counter") };
        metric(&mut text, &format!("confab_media_{name}{suffix}"), help, kind, &[(String::new(), value)]);
    }
    delays(&mut text, media.delays);
    text
}

/// A histogram with its buckets, which count what is at or below their ends.
fn delays(text: &mut String, delays: &DelayReport) {
    let name = "confab_media_forward_delay_seconds";
    let help = "Time of forwarded packets inside the server, from the system to the system.";
    // Writing into a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} histogram");
    let ends = BUCKETS_US.iter().map(|end| (*end as f64 / 1e6).to_string()).chain(["+Inf".to_owned()]);
    let mut below = 0;
    for (end, count) in ends.zip(delays.counts) {
        below += count;
        let _ = writeln!(text, "{name}_bucket{{le=\"{end}\"}} {below}");
    }
    let _ = writeln!(text, "{name}_sum {}\n{name}_count {below}", delays.sum_us as f64 / 1e6);
}

/// `{name="value"}`, the value as the protocol writes it.
fn label(name: &str, value: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(value).ok();
    let value = value.as_ref().and_then(serde_json::Value::as_str).unwrap_or("unknown");
    format!("{{{name}=\"{value}\"}}")
}

fn metric(text: &mut String, name: &str, help: &str, kind: &str, samples: &[(String, u64)]) {
    // Writing into a string cannot fail.
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    for (labels, value) in samples {
        let _ = writeln!(text, "{name}{labels} {value}");
    }
}

#[cfg(test)]
mod tests {
    use confab_protocol::ErrorCode;

    use super::*;

    #[test]
    fn the_exposition_names_each_metric_once_with_help_and_type() {
        let counters = Counters::default();
        let config = crate::Config { turn_udp: false, ..crate::Config::default() };
        let (relay, _) = Relay::start(&config, crate::relay::Peers::new(Vec::new()), config.listen);
        let admission = Admission::new(false, true, Vec::new());
        counters.refuse(ErrorCode::MessageTooLarge);
        let mut delays = DelayReport::default();
        (delays.counts[0], delays.counts[20], delays.sum_us) = (2, 1, 700_080);
        let media = Media { counters: &MediaCounters::default(), delays: &delays };
        let text = exposition(&counters, &media, &admission, &relay, 7);
        assert!(text.contains("confab_refused_total{code=\"message_too_large\"} 1\n"), "{text}");
        assert!(text.contains("confab_participants_left_total{reason=\"timed_out\"} 0\n"), "{text}");
        assert!(text.contains("confab_uptime_seconds 7\n"));
        let histogram = "confab_media_forward_delay_seconds";
        for line in
            ["_bucket{le=\"0.00005\"} 2", "_bucket{le=\"0.5\"} 2", "_bucket{le=\"+Inf\"} 3", "_count 3", "_sum 0.70008"]
        {
            assert!(text.contains(&format!("\n{histogram}{line}\n")), "{line}: {text}");
        }
        let mut types: Vec<&str> = text.lines().filter(|line| line.starts_with("# TYPE")).collect();
        let count = types.len();
        types.sort_unstable();
        types.dedup();
        assert_eq!(types.len(), count);
        assert_eq!(text.lines().filter(|line| line.starts_with("# HELP")).count(), count);
    }
}

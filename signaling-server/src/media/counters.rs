//! What the media plane counts, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

use super::delay::DelayCells;

macro_rules! counters {
    ($($(#[doc = $text:literal])* $name:ident),* $(,)?) => {
        /// One worker's counters, written by its thread alone.
        #[derive(Default)]
        pub(super) struct WorkerCounters {
            $($(#[doc = $text])* pub $name: AtomicU64,)*
            /// How long forwarded packets were in the server.
            pub delays: DelayCells,
        }

        /// A reading of the counters, summed over the workers. All but `members`, `mirrors`, `rooms` and
        /// the tracks only grow.
        #[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
        pub struct MediaCounters {
            $($(#[doc = $text])* pub $name: u64,)*
        }

        impl MediaCounters {
            /// Adds one worker's reading.
            pub(super) fn add(&mut self, worker: &WorkerCounters) {
                $(self.$name += worker.$name.load(Ordering::Relaxed);)*
            }

            /// Every counter with its name and meaning, for an exposition.
            pub fn entries(&self) -> Vec<(&'static str, &'static str, u64)> {
                vec![$((stringify!($name), concat!($($text),*).trim_ascii(), self.$name),)*]
            }
        }
    };
}

counters! {
    /// UDP datagrams received.
    datagrams_in,
    /// Bytes received in UDP datagrams.
    bytes_in,
    /// UDP datagrams sent.
    datagrams_out,
    /// Bytes sent in UDP datagrams.
    bytes_out,
    /// Datagrams dropped because they belong to nobody here.
    dropped_unknown,
    /// Datagrams dropped because they could not be read.
    dropped_malformed,
    /// Media and reports dropped because they were not authentic, or came before.
    dropped_forged,
    /// Datagrams the system did not take for sending.
    send_failures,
    /// Media packets received from members.
    packets_received,
    /// Media packets dropped: not published, muted, or without the right to.
    packets_refused,
    /// Media packets forwarded, counted once per receiver.
    packets_forwarded,
    /// Media packets sent again because a receiver missed them.
    packets_repaired,
    /// Times pictures for a receiver were dropped because they had waited too long for its network.
    packets_late,
    /// Media packets a receiver missed that could not be sent again: too old, or beyond the share of repairs.
    repairs_refused,
    /// Keyframes asked of members.
    keyframe_requests,
    /// Members whose media path failed or was closed by their client.
    members_failed,
    /// Commands refused because the queue was full.
    commands_refused,
    /// Events dropped because a room did not take them.
    events_dropped,
    /// Media packets handed to other workers, counted once per worker.
    relayed_out,
    /// Media packets taken from other workers.
    relayed_in,
    /// Messages of other workers that could not be read, or that fit nothing.
    dropped_relayed,
    /// Batches for other workers dropped because one did not keep up; links begin anew after it.
    relay_batches_dropped,
    /// Members at present.
    members,
    /// Members of other workers at present, known by workers that have their room too.
    mirrors,
    /// Rooms at present, counted once per worker.
    rooms,
    /// Tracks published at present.
    tracks_in,
    /// Tracks forwarded at present, counted once per receiver.
    tracks_out,
}

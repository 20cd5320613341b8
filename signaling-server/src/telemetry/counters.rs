//! Counters of signaling; the media plane has its own.

use std::sync::atomic::{AtomicU64, Ordering};

use confab_protocol::{ErrorCode, LeaveReason};

/// A number that many tasks change.
#[derive(Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, amount: u64) {
        self.0.fetch_add(amount, Ordering::Relaxed);
    }

    pub(crate) fn subtract(&self, amount: u64) {
        self.0.fetch_sub(amount, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Every error code, in the order of [`code_index`].
pub(crate) const ERROR_CODES: [ErrorCode; 24] = [
    ErrorCode::MalformedMessage,
    ErrorCode::UnknownMessage,
    ErrorCode::MessageTooLarge,
    ErrorCode::InvalidField,
    ErrorCode::RateLimited,
    ErrorCode::VersionMismatch,
    ErrorCode::TokenRequired,
    ErrorCode::TokenInvalid,
    ErrorCode::TokenExpired,
    ErrorCode::TokenForeign,
    ErrorCode::NotAllowed,
    ErrorCode::HostKeyRequired,
    ErrorCode::EncryptionRequired,
    ErrorCode::RoomNotFound,
    ErrorCode::RoomFull,
    ErrorCode::ServerFull,
    ErrorCode::Draining,
    ErrorCode::NotJoined,
    ErrorCode::AlreadyJoined,
    ErrorCode::SessionGone,
    ErrorCode::SdpInvalid,
    ErrorCode::TrackUnknown,
    ErrorCode::Replaced,
    ErrorCode::Internal,
];

/// Every reason to leave.
pub(crate) const LEAVE_REASONS: [LeaveReason; 5] =
    [LeaveReason::Left, LeaveReason::Gone, LeaveReason::TimedOut, LeaveReason::Replaced, LeaveReason::Removed];

/// Counts since the start, and what is at present.
#[derive(Default)]
pub(crate) struct Counters {
    /// WebSocket connections since the start.
    pub(crate) connections_total: Counter,
    /// WebSocket connections at present.
    pub(crate) connections: Counter,
    /// TCP connections turned away because there were too many.
    pub(crate) connections_refused: Counter,
    /// HTTP requests, the WebSocket's too.
    pub(crate) requests: Counter,
    /// Messages from clients.
    pub(crate) messages_in: Counter,
    /// Messages to clients.
    pub(crate) messages_out: Counter,
    /// Connections dropped because they did not read.
    pub(crate) slow_readers: Counter,
    /// Connections closed because of refused messages in a row, or a frame over the limit.
    pub(crate) abusive: Counter,
    /// Rooms made.
    pub(crate) rooms_created: Counter,
    /// Rooms with a task at present.
    pub(crate) rooms_open: Counter,
    /// People in rooms at present.
    pub(crate) participants: Counter,
    /// Joins answered with `call.joined`, resumes too.
    pub(crate) joined: Counter,
    /// Chat messages stored.
    pub(crate) chat_stored: Counter,
    /// Failures of the database.
    pub(crate) store_failures: Counter,
    refused: [Counter; ERROR_CODES.len()],
    left: [Counter; LEAVE_REASONS.len()],
}

fn code_index(code: ErrorCode) -> usize {
    ERROR_CODES.iter().position(|known| *known == code).unwrap_or(ERROR_CODES.len() - 1)
}

fn reason_index(reason: LeaveReason) -> usize {
    LEAVE_REASONS.iter().position(|known| *known == reason).unwrap_or(0)
}

impl Counters {
    /// A message was refused with this code.
    pub(crate) fn refuse(&self, code: ErrorCode) {
        self.refused[code_index(code)].add(1);
    }

    /// How many were refused with this code.
    pub(crate) fn refused(&self, code: ErrorCode) -> u64 {
        self.refused[code_index(code)].get()
    }

    /// Somebody left for this reason.
    pub(crate) fn leave(&self, reason: LeaveReason) {
        self.left[reason_index(reason)].add(1);
    }

    /// How many left for this reason.
    pub(crate) fn left(&self, reason: LeaveReason) -> u64 {
        self.left[reason_index(reason)].get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_code_has_a_counter_of_its_own() {
        let counters = Counters::default();
        for code in ERROR_CODES {
            // Fails to compile when the protocol gets a code that is missing above.
            match code {
                ErrorCode::MalformedMessage
                | ErrorCode::UnknownMessage
                | ErrorCode::MessageTooLarge
                | ErrorCode::InvalidField
                | ErrorCode::RateLimited
                | ErrorCode::VersionMismatch
                | ErrorCode::TokenRequired
                | ErrorCode::TokenInvalid
                | ErrorCode::TokenExpired
                | ErrorCode::TokenForeign
                | ErrorCode::NotAllowed
                | ErrorCode::HostKeyRequired
                | ErrorCode::EncryptionRequired
                | ErrorCode::RoomNotFound
                | ErrorCode::RoomFull
                | ErrorCode::ServerFull
                | ErrorCode::Draining
                | ErrorCode::NotJoined
                | ErrorCode::AlreadyJoined
                | ErrorCode::SessionGone
                | ErrorCode::SdpInvalid
                | ErrorCode::TrackUnknown
                | ErrorCode::Replaced
                | ErrorCode::Internal => counters.refuse(code),
            }
        }
        assert!(ERROR_CODES.iter().all(|code| counters.refused(*code) == 1));
    }
}

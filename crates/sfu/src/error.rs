//! What a join, a restart or a link can fail with. Text for people; nothing has changed when one is returned.

/// Why a person could not join the media plane.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum JoinError {
    /// The room was closed.
    #[error("This room has no media any more.")]
    RoomClosed,
    /// Not SDP, or without something that every offer has.
    #[error("The offer could not be read: {0}")]
    Sdp(String),
    /// A track names an m-line the offer does not send on, or of the other kind, or one already named.
    #[error("The track with mid \u{201c}{0}\u{201d} is not one of the offer's sending m-lines.")]
    Track(String),
    /// The offer has more m-lines than a member may have.
    #[error("The offer has {0} media lines; at most {1} are taken.")]
    TooManyLines(usize, usize),
}

/// Why a room could not be linked to another core.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LinkError {
    /// The room was closed.
    #[error("This room has no media any more.")]
    RoomClosed,
    /// Another room of this core has that name, or this one has another.
    #[error("The name of the room is taken.")]
    NameTaken,
}

/// Why a later offer, for an ICE restart or for more slots, was refused. The running media path stays as it was.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RestartError {
    /// No such member; it has to join anew.
    #[error("There is no media path to restart; join anew.")]
    UnknownMember,
    /// Not SDP, or without something that every offer has.
    #[error("The offer could not be read: {0}")]
    Sdp(String),
    /// The offer belongs to another connection: its certificate is not the running one's.
    #[error("The offer is from another connection; join anew.")]
    OtherConnection,
    /// The offer has more m-lines than a member may have.
    #[error("The offer has {0} media lines; at most {1} are taken. Ask for fewer pictures at once.")]
    TooManyLines(usize, usize),
}

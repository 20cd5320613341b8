//! Confab's forwarding core, sans-IO: datagrams, commands and time go in; datagrams, events and a deadline come out.
//!
//! ```text
//!            join, view, mute ...                        event
//!  room task ------------------> +-----------------+ ------------> room task
//!                                |       Sfu       |
//!  socket    ------------------> |  rooms, members | ------------> socket
//!            datagram            +-----------------+  transmit
//! ```
//!
//! One [`Sfu`] serves all rooms of one worker thread. Each member has one media path (ICE-lite, DTLS 1.2, SRTP) with
//! the tracks it sends and a fixed set of receive slots. What a slot carries changes without any negotiation: audio
//! slots follow the loudest, video slots follow the member's view, and every slot stays one continuous RTP stream
//! (sequence numbers without gaps of our making but where pictures waited too long for a thin line, timestamps that only go forward).
//!
//! # Invariants
//! - Time comes in as an argument and never goes back. Nothing here reads a clock or a socket.
//! - Bytes from the network never cause an error upward: they are dropped and counted in [`Counters`].
//! - A picture source is switched only where a decoder can begin, at a keyframe.
//! - A member whose media path fails is removed alone, with one [`Event::Closed`].
//! - A room may be on several cores. Each knows the members of the others as mirrors, by what their cores relay; bytes of
//!   another core are trusted no more than those of the network.
//! - Nobody is sent their own media; nothing is forwarded without the sender's grant and `publish`.

mod arena;
mod control;
mod drive;
mod egress;
mod error;
mod event;
mod holdings;
mod ingress;
mod member;
mod quality;
mod relay;
mod room;
mod sfu;
mod steer;

pub use arena::Key;
pub use control::join::{Joined, Joining};
pub use control::keys;
pub use error::{JoinError, LinkError, RestartError};
pub use event::{Counters, Event, Transmit};
pub use holdings::Holdings;
pub use relay::{Peer, Relayed};
pub use room::TrackState;
pub use sfu::{Sfu, SfuConfig};

//! The call: one task owns all of its state and is told everything by messages; media runs on threads beside it.
//!
//! ```text
//!   CallHandle --commands--> +---------+ --requests--> signal::socket ==== WebSocket ==== server
//!   window   <--CallEvent--- | Session | --offers----> transport      ==== ICE, SRTP ==== server
//!                            +---------+                 ^      |
//!                   starts and steers |          outlet  |      | packets (not through the session)
//!                                     v                  |      v
//!                    capture -> send::picture, send::voice    receive::inlet -> picture slots -> VideoSink
//!                                     ^                                 `-----> voice mix ----> speaker
//!                                     `-------- what the speaker plays (echo) ------'
//! ```
//!
//! What to do about a broken connection is decided by [`crate::signal::life`]; the session carries it out and then
//! applies the person's settings (mute, camera, share, hand, view) and sends what was written meanwhile.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::mpsc;

pub mod config;
pub mod event;
pub mod handle;
pub mod room;
mod session;
pub(crate) mod sound;

use config::CallConfig;
use event::CallEvent;
use handle::CallHandle;

use crate::stats::meters::Meters;

/// Presses join: returns at once, everything that follows comes as events. The last event is
/// [`CallState::Ended`](event::CallState::Ended), after which the channel closes.
///
/// # Panics
/// When called outside of a tokio runtime.
pub fn join(config: CallConfig) -> (CallHandle, mpsc::UnboundedReceiver<CallEvent>) {
    let meters = Arc::new(Meters::new(Instant::now()));
    let (commands, commands_in) = mpsc::unbounded_channel();
    let (events, events_out) = mpsc::unbounded_channel();
    let session = session::Session::new(config, meters.clone(), events);
    tokio::spawn(session.run(commands_in));
    (CallHandle { commands, meters }, events_out)
}

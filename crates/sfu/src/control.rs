//! Getting a member's media path up and keeping it: SDP, ICE and DTLS, which str0m does, and the keys of its media, which
//! it hands to us. RTP and RTCP never enter str0m.

pub(crate) mod checks;
pub(crate) mod join;
pub mod keys;
pub(crate) mod negotiation;
pub(crate) mod offer;
pub(crate) mod path;

//! What comes in from a member: datagrams to their member, packets to their stream, reports to whom they concern.

pub(crate) mod descriptors;
pub(crate) mod inner_layers;
pub(crate) mod loudness;
pub(crate) mod receive;
pub(crate) mod reports;
pub(crate) mod stream;

//! What leaves: pictures and voice, encoded on threads of their own. The mirror image of [`crate::receive`].

pub mod bitrate;
pub mod echo_reference;
pub mod layer_control;
pub mod outlet;
pub mod picture;
pub mod voice;

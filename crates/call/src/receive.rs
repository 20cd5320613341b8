//! What comes: slots to pictures and voices, decoded and played on threads of their own. The mirror image of
//! [`crate::send`].

pub mod inlet;
pub mod lip_sync;
pub mod picture;
pub mod playout;
pub mod slots;
pub mod voice;

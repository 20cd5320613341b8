//! Everything done to pictures between camera and window.

pub mod convert;
pub mod h264;
pub mod scale;
pub mod video_frame;

//! Everything done to sound between microphone and speaker.

pub mod jitter_buffer;
pub mod level;
pub mod mixer;
pub mod opus;
pub mod resample;
pub mod time_stretch;
pub mod voice;

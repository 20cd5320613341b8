//! Pictures and sound as data: codecs, conversions, echo removal, jitter buffering, mixing and the instruments that
//! measure them. Pure: no device, socket, file or clock; where time matters it is an argument.
//!
//! ```text
//! camera bytes -> convert -> I420Frame -> scale -> h264::Encoder  ==wire==>  h264::Decoder -> I420Frame -> window
//! microphone   -> resample -> voice::VoiceProcessor -> opus::Encoder ==wire==> jitter_buffer -> mixer -> speaker
//!                                     ^------------------ what the speaker plays --------------------'
//! ```
//!
//! Sound is mono `f32` in `-1.0..=1.0` at 48 kHz everywhere; a *frame* is 10 ms (480 samples), a *packet* 20 ms (960).
//! Pictures are I420 with even sides, BT.601 matrix, limited range (what cameras send and WebRTC peers expect).

mod audio;
mod files;
mod measure;
mod video;

pub use audio::{jitter_buffer, level, mixer, opus, resample, time_stretch, voice};
pub use files::{wav, y4m};
pub use measure::{correlation, pattern, quality, speech};
pub use video::{convert, h264, scale, video_frame};

/// Samples per second of every audio signal in this crate.
pub const SAMPLE_RATE: u32 = 48_000;

/// Samples in 10 ms: the step of devices, voice processing, jitter buffer and mixer.
pub const FRAME_SAMPLES: usize = 480;

/// Samples in 20 ms: what one Opus packet of ours carries.
pub const PACKET_SAMPLES: usize = 960;

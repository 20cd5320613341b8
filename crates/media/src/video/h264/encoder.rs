//! Pictures to H.264 access units.

use std::time::Duration;

use openh264::OpenH264API;
use openh264::encoder::{
    BitRate, Complexity, Encoder as NativeEncoder, EncoderConfig as NativeConfig, FrameRate, FrameType, Profile,
    RateControlMode, UsageType, VuiConfig,
};
use openh264::formats::YUVSlices;

use super::native_options;
use crate::video_frame::I420Frame;

/// Smallest bitrate an encoder is set to, in bits per second; lower wishes are raised to it.
pub const MIN_BITRATE_BPS: u32 = 20_000;

/// What the pictures show, which decides how the encoder spends bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentKind {
    /// A camera: every frame is encoded, sharpness gives way when bits are short.
    Camera,
    /// A screen: frames are left out when bits are short, text stays readable.
    Screen,
}

/// How an [`Encoder`] starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderConfig {
    /// Width of the pictures in pixels, even, 16..=3840.
    pub width: u32,
    /// Height of the pictures in pixels, even, 16..=2160 (sides may be exchanged for portrait).
    pub height: u32,
    /// Target bitrate in bits per second.
    pub bitrate_bps: u32,
    /// Most frames per second that will be given to the encoder; the bits per frame follow from it.
    pub max_fps: u32,
    /// What the pictures show.
    pub content: ContentKind,
}

/// One encoded picture.
#[derive(Clone, PartialEq, Eq)]
pub struct EncodedFrame {
    /// The access unit as an Annex B byte stream; keyframes start with their parameter sets.
    pub data: Vec<u8>,
    /// Whether decoding can start here (IDR).
    pub keyframe: bool,
}

/// Why a picture was not encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The encoder could not be made.
    #[error("The video encoder could not be started for {width}x{height} pictures: {reason}")]
    Setup {
        /// Width asked for.
        width: u32,
        /// Height asked for.
        height: u32,
        /// What `OpenH264` said.
        reason: String,
    },
    /// The picture has another size than the encoder; a new size needs a new encoder.
    #[error("The video encoder works at {expected_width}x{expected_height}, the picture is {width}x{height}.")]
    WrongSize {
        /// Width of the picture.
        width: u32,
        /// Height of the picture.
        height: u32,
        /// Width of the encoder.
        expected_width: u32,
        /// Height of the encoder.
        expected_height: u32,
    },
    /// `OpenH264` refused the picture.
    #[error("The video encoder failed: {0}")]
    Failed(String),
}

/// Encodes one layer. A new size means a new encoder.
pub struct Encoder {
    native: NativeEncoder,
    config: EncoderConfig,
    /// `OpenH264` initialises itself with the first picture; settings before that wait.
    started: bool,
    wanted_bitrate_bps: u32,
}

impl Encoder {
    /// Makes an encoder.
    ///
    /// # Errors
    /// [`EncodeError::Setup`] for sizes `OpenH264` does not support or when it cannot be created.
    pub fn new(config: EncoderConfig) -> Result<Self, EncodeError> {
        let refuse =
            |reason: &str| EncodeError::Setup { width: config.width, height: config.height, reason: reason.to_owned() };
        let (longer, shorter) = (config.width.max(config.height), config.width.min(config.height));
        if !config.width.is_multiple_of(2) || !config.height.is_multiple_of(2) || shorter < 16 {
            return Err(refuse("sides must be even and at least 16"));
        }
        if longer > 3840 || shorter > 2160 {
            return Err(refuse("3840x2160 is the largest size"));
        }
        let bitrate_bps = config.bitrate_bps.max(MIN_BITRATE_BPS);
        let config = EncoderConfig { bitrate_bps, max_fps: config.max_fps.clamp(1, 120), ..config };
        let mut native = NativeEncoder::with_api_config(OpenH264API::from_source(), native_config(&config))
            .map_err(|error| refuse(&error.to_string()))?;
        native_options::silence(&mut native);
        Ok(Self { native, config, started: false, wanted_bitrate_bps: bitrate_bps })
    }

    /// The settings in force (the bitrate follows [`set_bitrate`](Self::set_bitrate)).
    pub fn config(&self) -> &EncoderConfig {
        &self.config
    }

    /// Asks for another bitrate, in bits per second, from the next picture on; no keyframe is made for it.
    pub fn set_bitrate(&mut self, bitrate_bps: u32) {
        self.wanted_bitrate_bps = bitrate_bps.max(MIN_BITRATE_BPS);
    }

    /// Encodes one picture. `timestamp` is its capture time on any steady clock. The first picture is a keyframe;
    /// later ones only when `force_keyframe` is set. `None` when the rate control left the picture out, which happens
    /// for [`ContentKind::Screen`] only.
    ///
    /// # Errors
    /// [`EncodeError::WrongSize`] when the picture does not fit the encoder, [`EncodeError::Failed`] when `OpenH264`
    /// refuses it.
    pub fn encode(
        &mut self,
        frame: &I420Frame,
        timestamp: Duration,
        force_keyframe: bool,
    ) -> Result<Option<EncodedFrame>, EncodeError> {
        if (frame.width(), frame.height()) != (self.config.width, self.config.height) {
            return Err(EncodeError::WrongSize {
                width: frame.width(),
                height: frame.height(),
                expected_width: self.config.width,
                expected_height: self.config.height,
            });
        }
        self.apply_settings(force_keyframe);
        let source = YUVSlices::new(
            (frame.y(), frame.u(), frame.v()),
            (frame.width() as usize, frame.height() as usize),
            (frame.y_stride(), frame.u_stride(), frame.v_stride()),
        );
        let milliseconds = u64::try_from(timestamp.as_millis()).unwrap_or(u64::MAX);
        let stream = self
            .native
            .encode_at(&source, openh264::Timestamp::from_millis(milliseconds))
            .map_err(|error| EncodeError::Failed(error.to_string()))?;
        self.started = true;
        let frame_type = stream.frame_type();
        if matches!(frame_type, FrameType::Skip | FrameType::Invalid) {
            return Ok(None);
        }
        let data = stream.to_vec();
        Ok((!data.is_empty()).then_some(EncodedFrame { data, keyframe: frame_type == FrameType::IDR }))
    }

    fn apply_settings(&mut self, force_keyframe: bool) {
        if !self.started {
            // The first picture initialises OpenH264 with the configured bitrate and is a keyframe anyway.
            return;
        }
        if self.wanted_bitrate_bps != self.config.bitrate_bps
            && native_options::set_bitrate(&mut self.native, self.config.bitrate_bps, self.wanted_bitrate_bps)
        {
            self.config.bitrate_bps = self.wanted_bitrate_bps;
        }
        if force_keyframe {
            self.native.force_intra_frame();
        }
    }
}

fn native_config(config: &EncoderConfig) -> NativeConfig {
    let screen = config.content == ContentKind::Screen;
    let usage = if screen { UsageType::ScreenContentRealTime } else { UsageType::CameraVideoRealTime };
    NativeConfig::new()
        .bitrate(BitRate::from_bps(config.bitrate_bps))
        .max_frame_rate(FrameRate::from_hz(config.max_fps as f32))
        .rate_control_mode(RateControlMode::Bitrate)
        .usage_type(usage)
        .skip_frames(screen)
        .profile(Profile::Baseline)
        // Medium and high cost 40 % more time for less than 0.1 dB.
        .complexity(Complexity::Low)
        .num_threads(1)
        // A changed scene is answered with intra blocks where they are needed; keyframes are for receivers that ask.
        // The three are not available for screens, where OpenH264 would switch them itself and complain.
        .scene_change_detect(screen)
        .adaptive_quantization(!screen)
        .background_detection(!screen)
        .vui(VuiConfig::bt601())
}

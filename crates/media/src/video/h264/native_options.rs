#![expect(unsafe_code, reason = "OpenH264's safe wrapper cannot change these settings in time")]
//! Settings of a running `OpenH264` encoder that the safe wrapper does not reach.

use std::ffi::c_void;

use openh264::encoder::Encoder;
use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_TRACE_LEVEL, SBitrateInfo,
    SPATIAL_LAYER_0, WELS_LOG_QUIET,
};

/// Keeps `OpenH264` from writing to standard error; the wrapper does so too, but only after the encoder has commented on
/// its parameters.
pub(super) fn silence(encoder: &mut Encoder) {
    let mut level = WELS_LOG_QUIET;
    // A failure would only mean some lines of text.
    let _ = set_option(encoder, ENCODER_OPTION_TRACE_LEVEL, &mut level);
}

/// Sets target and ceiling of the encoder's only layer to `bits_per_second`. The encoder must have encoded a frame
/// before (`OpenH264` initialises itself with the first one). Returns whether the encoder accepted both.
pub(super) fn set_bitrate(encoder: &mut Encoder, old: u32, bits_per_second: u32) -> bool {
    let Ok(bitrate) = i32::try_from(bits_per_second) else { return false };
    // OpenH264 refuses a ceiling under the target at every moment, so the order depends on the direction.
    let order = if bits_per_second > old {
        [ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_BITRATE]
    } else {
        [ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE]
    };
    order.into_iter().all(|option| {
        let mut value = SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: bitrate };
        set_option(encoder, option, &mut value)
    })
}

/// `Value` must be the type `OpenH264` documents for the option: `int` for the trace level, `SBitrateInfo` for bitrates.
fn set_option<Value>(encoder: &mut Encoder, option: ENCODER_OPTION, value: &mut Value) -> bool {
    // SAFETY: the option is read during the call and not kept; `value` outlives the call and has the option's type (the
    // two callers above), and the encoder is borrowed exclusively.
    let code = unsafe { encoder.raw_api().set_option(option, std::ptr::from_mut(value).cast::<c_void>()) };
    code == 0
}

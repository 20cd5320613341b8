#![expect(unsafe_code, reason = "OpenH264's safe wrapper has no way to change the bitrate of a running encoder")]
//! Changing the target bitrate of a running OpenH264 encoder.

use std::ffi::c_void;

use openh264_sys2::{
    ENCODER_OPTION, ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE, SBitrateInfo, SPATIAL_LAYER_0,
};

/// Sets target and ceiling of the encoder's only layer to `bits_per_second`. The encoder must have encoded a frame
/// before (OpenH264 initialises itself with the first one). Returns whether the encoder accepted both.
pub(super) fn set_bitrate(encoder: &mut openh264::encoder::Encoder, old: u32, bits_per_second: u32) -> bool {
    // OpenH264 refuses a ceiling under the target at every moment, so the order depends on the direction.
    let order = if bits_per_second > old {
        [ENCODER_OPTION_MAX_BITRATE, ENCODER_OPTION_BITRATE]
    } else {
        [ENCODER_OPTION_BITRATE, ENCODER_OPTION_MAX_BITRATE]
    };
    order.into_iter().all(|option| set_option(encoder, option, bits_per_second))
}

fn set_option(encoder: &mut openh264::encoder::Encoder, option: ENCODER_OPTION, bits_per_second: u32) -> bool {
    let Ok(bitrate) = i32::try_from(bits_per_second) else { return false };
    let mut value = SBitrateInfo { iLayer: SPATIAL_LAYER_0, iBitrate: bitrate };
    // SAFETY: both options take a pointer to an SBitrateInfo, which OpenH264 reads during the call and does not keep;
    // `value` outlives the call, and the encoder is borrowed exclusively.
    let code = unsafe { encoder.raw_api().set_option(option, (&raw mut value).cast::<c_void>()) };
    code == 0
}

//! Opus (RFC 6716) for speech: 48 kHz mono, one packet for each 20 ms, with in-band error correction.

use ::opus::{Application, Bitrate, Channels, Signal};

use crate::{PACKET_SAMPLES, SAMPLE_RATE};

/// Clock rate of Opus RTP timestamps in Hz (RFC 7587, section 4.1).
pub const RTP_CLOCK_HZ: u32 = 48_000;

/// Most samples one packet can hold: 120 ms.
pub const MAX_PACKET_SAMPLES: usize = 5_760;

/// Largest packet that is made, in bytes (RFC 6716, section 3.4: frames are limited to 1275).
const MAX_PACKET_BYTES: usize = 1_275;

/// Sound that is lost or invented comes in steps of 2.5 ms.
const STEP_SAMPLES: usize = 120;

/// Why sound was not encoded or decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpusError {
    /// libopus could not be set up.
    #[error("The audio codec could not be started: {0}")]
    Setup(String),
    /// An encoder was given something other than 20 ms of sound.
    #[error("An audio packet holds {PACKET_SAMPLES} samples, not {0}.")]
    WrongLength(usize),
    /// libopus refused the sound.
    #[error("The audio could not be encoded: {0}")]
    Encode(String),
    /// The packet is damaged.
    #[error("A damaged audio packet was received: {0}")]
    Damaged(String),
}

/// How an [`Encoder`] works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EncoderConfig {
    /// Target bitrate in bits per second, 6000..=128000.
    pub bitrate_bps: u32,
    /// Effort, 0..=10. 5 costs 0.19 ms for each packet, 9 costs 0.25 ms.
    pub complexity: u8,
    /// Share of packets the network loses, in percent. Without any, no error correction is sent along.
    pub expected_loss_percent: u8,
    /// Whether silence is left out: during pauses most packets are empty (see [`is_discontinuous`]).
    pub discontinuous: bool,
}

impl Default for EncoderConfig {
    fn default() -> Self {
        // Some loss is assumed from the start, so that the first lost packet can be repaired already.
        Self { bitrate_bps: 32_000, complexity: 7, expected_loss_percent: 8, discontinuous: false }
    }
}

/// Whether a packet only says "still silent" and need not be sent.
pub fn is_discontinuous(payload: &[u8]) -> bool {
    payload.len() <= 2
}

/// Whether a packet carries a copy of the one before it (low-bitrate redundancy, RFC 6716, section 4.2.4).
pub fn has_error_correction(payload: &[u8]) -> bool {
    let Some(&contents) = payload.first() else { return false };
    // Configurations from 16 up are CELT only, which has no redundancy (RFC 6716, table 2).
    if contents >> 3 >= 16 {
        return false;
    }
    let Ok(packet) = ::opus::packet::parse(payload) else { return false };
    let Some(&flags) = packet.frames.first().and_then(|frame| frame.first()) else { return false };
    // Frames of 40 and 60 ms hold two and three SILK frames; each has a voice flag before the redundancy flag.
    let silk_frames = match (contents >> 3, (contents >> 3) & 3) {
        (0..12, 2) => 2,
        (0..12, 3) => 3,
        _ => 1,
    };
    let stereo = contents & 4 != 0;
    (flags >> (7 - silk_frames)) & 1 == 1 || (stereo && (flags >> (6 - 2 * silk_frames)) & 1 == 1)
}

/// Encodes one microphone.
pub struct Encoder {
    native: ::opus::Encoder,
}

impl Encoder {
    /// Makes an encoder.
    ///
    /// # Errors
    /// [`OpusError::Setup`] when libopus refuses the settings.
    pub fn new(config: EncoderConfig) -> Result<Self, OpusError> {
        let setup = |error: ::opus::Error| OpusError::Setup(error.to_string());
        let mut native = ::opus::Encoder::new(SAMPLE_RATE, Channels::Mono, Application::Voip).map_err(setup)?;
        native.set_signal(Signal::Voice).map_err(setup)?;
        native.set_complexity(i32::from(config.complexity.min(10))).map_err(setup)?;
        native.set_inband_fec(true).map_err(setup)?;
        native.set_dtx(config.discontinuous).map_err(setup)?;
        let mut encoder = Self { native };
        encoder.set_bitrate(config.bitrate_bps)?;
        encoder.set_expected_loss(config.expected_loss_percent)?;
        Ok(encoder)
    }

    /// Changes the target bitrate, in bits per second (6000..=128000, others are brought into range).
    ///
    /// # Errors
    /// [`OpusError::Setup`] when libopus refuses.
    pub fn set_bitrate(&mut self, bitrate_bps: u32) -> Result<(), OpusError> {
        let bits = bitrate_bps.clamp(6_000, 128_000) as i32;
        self.native.set_bitrate(Bitrate::Bits(bits)).map_err(|error| OpusError::Setup(error.to_string()))
    }

    /// Says how many percent of the packets get lost, which decides how much redundancy is sent along.
    ///
    /// # Errors
    /// [`OpusError::Setup`] when libopus refuses.
    pub fn set_expected_loss(&mut self, percent: u8) -> Result<(), OpusError> {
        let percent = i32::from(percent.min(100));
        self.native.set_packet_loss_perc(percent).map_err(|error| OpusError::Setup(error.to_string()))
    }

    /// Switches leaving out silence on or off.
    ///
    /// # Errors
    /// [`OpusError::Setup`] when libopus refuses.
    pub fn set_discontinuous(&mut self, on: bool) -> Result<(), OpusError> {
        self.native.set_dtx(on).map_err(|error| OpusError::Setup(error.to_string()))
    }

    /// Encodes 20 ms (960 samples).
    ///
    /// # Errors
    /// [`OpusError::WrongLength`] or [`OpusError::Encode`].
    pub fn encode(&mut self, samples: &[f32]) -> Result<Vec<u8>, OpusError> {
        if samples.len() != PACKET_SAMPLES {
            return Err(OpusError::WrongLength(samples.len()));
        }
        self.native.encode_vec_float(samples, MAX_PACKET_BYTES).map_err(|error| OpusError::Encode(error.to_string()))
    }
}

/// Decodes one stream to mono.
pub struct Decoder {
    native: ::opus::Decoder,
}

impl Decoder {
    /// Makes a decoder.
    ///
    /// # Errors
    /// [`OpusError::Setup`] when libopus refuses.
    pub fn new() -> Result<Self, OpusError> {
        ::opus::Decoder::new(SAMPLE_RATE, Channels::Mono)
            .map(|native| Self { native })
            .map_err(|error| OpusError::Setup(error.to_string()))
    }

    /// Decodes one packet, whatever its duration (ours: 960 samples).
    ///
    /// # Errors
    /// [`OpusError::Damaged`]; the decoder stays usable.
    pub fn decode(&mut self, payload: &[u8]) -> Result<Vec<f32>, OpusError> {
        if payload.is_empty() {
            return Err(OpusError::Damaged("it is empty".to_owned()));
        }
        self.run(payload, MAX_PACKET_SAMPLES, false)
    }

    /// Rebuilds `samples` samples lost directly before `next_payload` from the redundancy in that packet (or conceals,
    /// when it has none). The packet itself is decoded after this as usual.
    ///
    /// # Errors
    /// [`OpusError::Damaged`]; the decoder stays usable.
    pub fn decode_fec(&mut self, next_payload: &[u8], samples: usize) -> Result<Vec<f32>, OpusError> {
        if next_payload.is_empty() {
            return Err(OpusError::Damaged("it is empty".to_owned()));
        }
        self.run(next_payload, steps(samples), true)
    }

    /// Makes up about `samples` samples (rounded up to 2.5 ms, at most 120 ms) that continue what was heard last, fading
    /// away when it goes on for long.
    pub fn conceal(&mut self, samples: usize) -> Vec<f32> {
        let samples = steps(samples);
        self.run(&[], samples, false).unwrap_or_else(|_| vec![0.0; samples])
    }

    /// Forgets the stream, as before the first packet.
    pub fn reset(&mut self) {
        // Resetting only clears memory libopus already has; it cannot fail.
        let _ = self.native.reset_state();
    }

    /// Samples in a packet, `None` when it is damaged.
    pub fn duration(payload: &[u8]) -> Option<usize> {
        ::opus::packet::get_nb_samples(payload, SAMPLE_RATE).ok().filter(|samples| *samples <= MAX_PACKET_SAMPLES)
    }

    fn run(&mut self, payload: &[u8], samples: usize, correction: bool) -> Result<Vec<f32>, OpusError> {
        let mut output = vec![0.0; samples];
        let count = self
            .native
            .decode_float(payload, &mut output, correction)
            .map_err(|error| OpusError::Damaged(error.to_string()))?;
        output.truncate(count);
        Ok(output)
    }
}

fn steps(samples: usize) -> usize {
    samples.next_multiple_of(STEP_SAMPLES).clamp(STEP_SAMPLES, MAX_PACKET_SAMPLES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::correlation;
    use crate::speech::TestSpeech;

    fn packets(config: EncoderConfig, sound: &[f32]) -> Vec<Vec<u8>> {
        let mut encoder = Encoder::new(config).unwrap();
        sound.chunks_exact(PACKET_SAMPLES).map(|packet| encoder.encode(packet).unwrap()).collect()
    }

    #[test]
    fn speech_comes_back_alike_at_about_32_kbps() {
        let speech = TestSpeech::samples(1, 5 * 48_000);
        let coded = packets(EncoderConfig::default(), &speech);
        let kbps = coded.iter().map(Vec::len).sum::<usize>() as f64 * 8.0 / 5_000.0;
        assert!((16.0..40.0).contains(&kbps), "{kbps}");
        let mut decoder = Decoder::new().unwrap();
        let decoded: Vec<f32> = coded.iter().flat_map(|packet| decoder.decode(packet).unwrap()).collect();
        let (correlation, lag) = correlation::best(&speech, &decoded, 4_800);
        assert!(correlation > 0.9, "{correlation}");
        assert!((0..960).contains(&lag), "{lag}");
    }

    #[test]
    fn a_lost_packet_is_rebuilt_better_from_the_next_one_than_by_guessing() {
        let speech = TestSpeech::samples(1, 10 * 48_000);
        let coded = packets(EncoderConfig { expected_loss_percent: 15, ..EncoderConfig::default() }, &speech);
        assert!(coded.iter().filter(|packet| has_error_correction(packet)).count() > coded.len() / 3);
        let mut whole = Decoder::new().unwrap();
        let clean: Vec<Vec<f32>> = coded.iter().map(|packet| whole.decode(packet).unwrap()).collect();
        let errors = [true, false].map(|correct| {
            let mut decoder = Decoder::new().unwrap();
            let (mut error, mut lost) = (0.0_f64, 0);
            for (index, packet) in coded.iter().enumerate() {
                let usable = coded.get(index + 1).filter(|next| has_error_correction(next));
                match usable {
                    Some(next) if index % 10 == 9 => {
                        let guess = if correct { decoder.decode_fec(next, 960).unwrap() } else { decoder.conceal(960) };
                        assert_eq!(guess.len(), 960);
                        error += guess.iter().zip(&clean[index]).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
                        lost += 1;
                    }
                    _ => drop(decoder.decode(packet).unwrap()),
                }
            }
            assert!(lost > 10, "only {lost} packets were lost");
            error
        });
        assert!(errors[0] < errors[1] / 2.0, "{errors:?}");
    }

    #[test]
    fn silence_is_left_out_when_asked_to() {
        let mut sound = TestSpeech::samples(1, 48_000);
        sound.resize(4 * 48_000, 0.0);
        let left_out = |discontinuous| {
            let config = EncoderConfig { discontinuous, ..EncoderConfig::default() };
            packets(config, &sound).iter().filter(|packet| is_discontinuous(packet)).count()
        };
        assert_eq!(left_out(false), 0);
        assert!(left_out(true) > 80, "{}", left_out(true));
    }

    #[test]
    fn the_bitrate_changes_while_running() {
        let speech = TestSpeech::samples(1, 4 * 48_000);
        let mut encoder = Encoder::new(EncoderConfig::default()).unwrap();
        let mut sizes = [0; 2];
        for (index, packet) in speech.chunks_exact(PACKET_SAMPLES).enumerate() {
            if index == 100 {
                encoder.set_bitrate(12_000).unwrap();
            }
            sizes[index / 100] += encoder.encode(packet).unwrap().len();
        }
        assert!(sizes[1] < sizes[0] * 2 / 3, "{sizes:?}");
    }

    #[test]
    fn damaged_packets_are_errors_and_the_decoder_goes_on() {
        let coded = packets(EncoderConfig::default(), &TestSpeech::samples(1, 48_000));
        let mut decoder = Decoder::new().unwrap();
        assert!(decoder.decode(&[]).is_err());
        for seed in 0..500_u32 {
            let length = (seed % 40) as usize + 1;
            let noise: Vec<u8> = (0..length).map(|index| (seed.wrapping_mul(97 + index as u32) >> 3) as u8).collect();
            // Most byte strings are valid Opus; what matters is that none does harm.
            let _ = decoder.decode(&noise);
            let _ = decoder.decode_fec(&noise, 960);
            let _ = has_error_correction(&noise);
            assert!(Decoder::duration(&noise).is_none_or(|samples| samples <= MAX_PACKET_SAMPLES));
        }
        assert!(matches!(decoder.decode(&[0x03]), Err(OpusError::Damaged(_))));
        assert_eq!(decoder.decode(&coded[10]).unwrap().len(), PACKET_SAMPLES);
    }
}

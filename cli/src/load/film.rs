//! What people show and say who are to be seen and heard: two seconds of the test picture and of test speech, encoded once
//! for everybody and repeated for ever. A real receiver decodes it; nobody here does.

use std::time::Duration;

use confab_media::h264::{self, ContentKind};
use confab_media::pattern::TestPattern;
use confab_media::scale::Scaler;
use confab_media::speech::TestSpeech;
use confab_media::{PACKET_SAMPLES, opus};
use confab_protocol::Layer;
use confab_rtp::h264::packetize;

use super::{LoadArgs, LoadError};

/// Length of the film, seconds. Every repetition begins with a keyframe, and so does whoever is asked for one.
const SECONDS: u32 = 2;
/// The full layer, pixels; the others have a half and a quarter of its sides.
const FULL: (u32, u32) = (1_280, 720);
/// Voices differ by this; a film has one, so everybody speaks alike.
const VOICE_SEED: u32 = 7;

/// RTP payloads, picture by picture, and Opus packets of 20 ms.
pub(super) struct Film {
    /// By [`Layer`]; the first picture of each is a keyframe.
    layers: [Vec<Vec<Vec<u8>>>; 3],
    voice: Vec<Vec<u8>>,
}

impl Film {
    /// Encodes the film in the rates of `args`. Takes about a second.
    ///
    /// # Errors
    /// [`LoadError::Film`] when an encoder does not start or refuses a picture.
    pub(super) fn shoot(args: &LoadArgs) -> Result<Self, LoadError> {
        let layer = |layer: Layer| Self::layer(args, layer);
        Ok(Self {
            layers: [layer(Layer::Quarter)?, layer(Layer::Half)?, layer(Layer::Full)?],
            voice: Self::voice(args.audio_kbps)?,
        })
    }

    /// The payloads of a layer's picture; `number` may be any and is taken round.
    pub(super) fn picture(&self, layer: Layer, number: usize) -> &[Vec<u8>] {
        let pictures = &self.layers[layer as usize];
        &pictures[number % pictures.len()]
    }

    /// A packet of the voice, taken round.
    pub(super) fn sound(&self, number: usize) -> &[u8] {
        &self.voice[number % self.voice.len()]
    }

    fn layer(args: &LoadArgs, layer: Layer) -> Result<Vec<Vec<Vec<u8>>>, LoadError> {
        let failed = |error: h264::EncodeError| LoadError::Film(error.to_string());
        let (divisor, share) = match layer {
            Layer::Full => (1, 1),
            Layer::Half => (2, 3),
            Layer::Quarter => (4, 10),
        };
        let (width, height) = (FULL.0 / divisor, FULL.1 / divisor);
        let bitrate_bps = args.video_kbps * 1_000 / share;
        let config =
            h264::EncoderConfig { width, height, bitrate_bps, max_fps: args.fps, content: ContentKind::Camera };
        let mut encoder = h264::Encoder::new(config).map_err(failed)?;
        let pattern = TestPattern::new(FULL.0, FULL.1);
        let mut scaler = Scaler::new();
        let mut pictures = Vec::new();
        for number in 0..args.fps * SECONDS {
            let whole = pattern.render(number, 0);
            let picture = if divisor == 1 { whole } else { scaler.scale(&whole, width, height) };
            let time = Duration::from_secs(1) * number / args.fps;
            let Some(encoded) = encoder.encode(&picture, time, false).map_err(failed)? else { continue };
            let payloads = packetize(&encoded.data, args.packet_bytes as usize);
            pictures.push(payloads.iter().map(|payload| payload.to_vec()).collect());
        }
        Ok(pictures)
    }

    fn voice(kbps: u32) -> Result<Vec<Vec<u8>>, LoadError> {
        let failed = |error: opus::OpusError| LoadError::Film(error.to_string());
        let bitrate_bps = (kbps * 1_000).clamp(6_000, 128_000);
        let mut encoder =
            opus::Encoder::new(opus::EncoderConfig { bitrate_bps, ..Default::default() }).map_err(failed)?;
        let speech = TestSpeech::samples(VOICE_SEED, PACKET_SAMPLES * 50 * SECONDS as usize);
        speech.chunks_exact(PACKET_SAMPLES).map(|packet| encoder.encode(packet).map_err(failed)).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use confab_media::h264::Decoder;
    use confab_rtp::h264::append_payload;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        load: LoadArgs,
    }

    #[test]
    fn every_layer_of_the_film_decodes_in_its_own_size_from_the_first_picture_of_each_repetition() {
        let args = Line::parse_from(["load", "--fps", "10"]).load;
        let film = Film::shoot(&args).expect("the film");
        for (layer, height) in [(Layer::Full, 720), (Layer::Half, 360), (Layer::Quarter, 180)] {
            let mut decoder = Decoder::new();
            for number in 0..25 {
                let mut picture = Vec::new();
                for payload in film.picture(layer, number) {
                    append_payload(payload, &mut picture).expect("a payload");
                }
                let decoded = decoder.decode(&picture).expect("decodes").expect("a picture");
                assert_eq!(decoded.height(), height);
            }
        }
        assert!(film.sound(0).len() > 20 && film.sound(100) == film.sound(0));
    }
}

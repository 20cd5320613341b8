//! A measured call: Ada sends the test picture and known speech, Ben joins her and writes down what he gets.

use std::net::SocketAddr;
use std::time::Duration;

use crate::call_figures::{self, AudioFigures, VideoFigures};
use crate::lab::{Lab, LabError, Outcome, Server, StatsFile, sound};

/// How Ada and Ben are in the room before the measured time begins, at most.
const JOIN_TIME: Duration = Duration::from_secs(20);

/// What kind of call.
#[derive(Clone, Copy, Debug)]
pub struct CallPlan {
    /// How long Ben stays.
    pub length: Duration,
    /// From Ben's first frame on; what comes before is not measured.
    pub skip: Duration,
}

/// What Ben got of Ada.
#[derive(Clone, Debug)]
pub struct CallResult {
    /// Her picture.
    pub video: VideoFigures,
    /// Her voice.
    pub audio: AudioFigures,
    /// From pressing join to the first sound of hers handed to the speaker, milliseconds.
    pub join_to_audio_ms: Option<f64>,
    /// From pressing join to her first picture handed to the renderer, milliseconds.
    pub join_to_video_ms: Option<f64>,
    /// From pressing join to her first picture at full size, milliseconds.
    pub join_to_720p_ms: Option<f64>,
    /// All that Ben's client wrote down.
    pub receiver: StatsFile,
    /// All that Ada's client wrote down.
    pub sender: StatsFile,
}

/// Holds the call. `adas_way` and `bens_way` are the addresses at which each finds the server: its own, or a relay's.
///
/// # Errors
/// When somebody does not get into the call, or nothing is received.
pub fn hold(
    lab: &Lab,
    server: &Server,
    plan: CallPlan,
    adas_way: SocketAddr,
    bens_way: SocketAddr,
) -> Outcome<CallResult> {
    let room = server.create_room()?;
    let speech = lab.file("speech.wav");
    sound::write_speech(&speech, 7, plan.length + JOIN_TIME * 2)?;
    let mut ada = lab.person("Ada").microphone(speech.display().to_string()).join(adas_way, &room)?;
    // Ben says something else than Ada, so that an echo of his could not pass for her.
    let seconds = format!("{}s", plan.length.as_secs());
    let mut ben = lab.person("Ben").saving_audio().args(["--for", &seconds]).start(bens_way, &room)?;
    ben.finish(plan.length + JOIN_TIME * 2)?;
    ada.leave()?;
    let (sender, receiver) = (ada.stats()?, ben.stats()?);
    let from = sender.me.ok_or_else(|| LabError::Unexpected("Ada's statistics do not say who she was".into()))?;
    let join = |field: &str| receiver.stats["join"][field].as_f64();
    Ok(CallResult {
        video: call_figures::video(&receiver, from, plan.skip, 720)?,
        audio: call_figures::audio(&receiver, &sender, &speech, plan.skip)?,
        join_to_audio_ms: join("audio_ms"),
        join_to_video_ms: join("video_ms"),
        join_to_720p_ms: join("video_720p_ms"),
        receiver,
        sender,
    })
}

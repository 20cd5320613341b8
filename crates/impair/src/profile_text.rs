//! Profiles as people write them: a name, or settings, or a name changed by settings.
//!
//! ```text
//! moderate
//! delay=50ms,jitter=20ms,loss=5%
//! cell,rate=1mbit,queue=100ms
//! loss=20%,burst=4,duplicate=1%,reorder=2%,reorder-by=30ms
//! hole
//! ```

use std::str::FromStr;
use std::time::Duration;

use crate::loss::Loss;
use crate::profile::{Profile, RateLimit};

/// Why a text is not a profile.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ProfileError {
    /// Neither a name nor a setting.
    #[error(
        "\u{201c}{0}\u{201d} is no profile and no setting. Profiles: perfect, wifi, cell, moderate, far, awful, hole. Settings: delay, jitter, loss, burst, duplicate, reorder, reorder-by, rate, queue, each as name=value."
    )]
    Unknown(String),
    /// Not a time such as `50ms`.
    #[error("{0} needs a time such as 50ms or 1.5s.")]
    BadTime(String),
    /// Not a share such as `5%`.
    #[error("{0} needs a share from 0% to 100%.")]
    BadShare(String),
    /// Not a rate such as `1mbit`.
    #[error("{0} needs a rate above zero such as 300kbit or 1.5mbit.")]
    BadRate(String),
    /// A queue, but nothing it could stand before.
    #[error("queue needs a rate before it, as in rate=1mbit,queue=100ms.")]
    QueueWithoutRate,
    /// A burst shorter than one packet.
    #[error("burst needs a number of packets, 1 or more.")]
    BadBurst,
}

impl FromStr for Profile {
    type Err = ProfileError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut profile = Self::perfect();
        let mut share = None;
        let mut burst = None;
        for part in text.split([',', ' ']).map(str::trim).filter(|part| !part.is_empty()) {
            let Some((name, value)) = part.split_once('=') else {
                profile = named(part)?;
                continue;
            };
            match name {
                "delay" => profile.delay = time(name, value)?,
                "jitter" => profile.jitter = time(name, value)?,
                "loss" => share = Some(fraction(name, value)?),
                "burst" => burst = Some(value.parse().ok().filter(|it| *it >= 1.0).ok_or(ProfileError::BadBurst)?),
                "duplicate" => profile.duplicate = fraction(name, value)?,
                "reorder" => {
                    profile.reordering.share = fraction(name, value)?;
                    if profile.reordering.by.is_zero() {
                        profile.reordering.by = Duration::from_millis(20);
                    }
                }
                "reorder-by" => profile.reordering.by = time(name, value)?,
                "rate" => {
                    let queue = profile.rate.map_or(Duration::from_millis(200), |rate| rate.queue);
                    profile.rate = Some(RateLimit { bits_per_second: rate(name, value)?, queue });
                }
                "queue" => {
                    let queue = time(name, value)?;
                    profile.rate.as_mut().ok_or(ProfileError::QueueWithoutRate)?.queue = queue;
                }
                _ => return Err(ProfileError::Unknown(part.into())),
            }
        }
        if share.is_some() || burst.is_some() {
            profile.loss = combine(profile.loss, share, burst);
        }
        Ok(profile)
    }
}

fn combine(named: Loss, share: Option<f64>, burst: Option<f64>) -> Loss {
    let share = share.unwrap_or(named.share());
    match (named, burst) {
        (_, Some(mean_burst)) | (Loss::Bursty { mean_burst, .. }, None) => Loss::Bursty { share, mean_burst },
        (Loss::None | Loss::Random(_), None) => Loss::Random(share),
    }
}

fn named(name: &str) -> Result<Profile, ProfileError> {
    Ok(match name {
        "perfect" => Profile::perfect(),
        "wifi" => Profile::wifi(),
        "cell" => Profile::cell(),
        "moderate" => Profile::moderate(),
        "far" => Profile::far(),
        "awful" => Profile::awful(),
        "hole" => Profile::hole(),
        _ => return Err(ProfileError::Unknown(name.into())),
    })
}

fn time(name: &str, value: &str) -> Result<Duration, ProfileError> {
    let (number, unit) = match value.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (value.strip_suffix('s').unwrap_or(value), 1.0),
    };
    let seconds = number.parse::<f64>().ok().map(|number| number * unit);
    // An hour is longer than any test, and short enough for sums of instants.
    let seconds = seconds.filter(|seconds| (0.0..=3600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| ProfileError::BadTime(name.into()))
}

fn fraction(name: &str, value: &str) -> Result<f64, ProfileError> {
    let percent = value.strip_suffix('%').unwrap_or(value).parse::<f64>().ok();
    let percent = percent.filter(|percent| (0.0..=100.0).contains(percent));
    percent.map(|percent| percent / 100.0).ok_or_else(|| ProfileError::BadShare(name.into()))
}

fn rate(name: &str, value: &str) -> Result<u64, ProfileError> {
    let (number, unit) = if let Some(number) = value.strip_suffix("mbit") {
        (number, 1e6)
    } else if let Some(number) = value.strip_suffix("kbit") {
        (number, 1e3)
    } else {
        (value.strip_suffix("bit").unwrap_or(value), 1.0)
    };
    let bits = number.parse::<f64>().ok().map(|number| number * unit).filter(|bits| (1.0..=1e12).contains(bits));
    bits.map(|bits| bits as u64).ok_or_else(|| ProfileError::BadRate(name.into()))
}

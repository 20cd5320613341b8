//! Camera nodes of Linux.
//!
//! Read here and not by nokhwa: a USB camera has a second node for metadata that nokhwa lists as a camera too, and
//! nokhwa knows no name that stays the same when a camera is plugged in again.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nokhwa::utils::CameraIndex;
use v4l::capability::Flags;
use v4l::video::Capture;
use v4l::{Device, FourCC};

use super::CameraNode;

const FOLDER: &str = "/dev";
const STABLE_NAMES: &str = "/dev/v4l/by-id";

/// What nokhwa can open.
const USABLE: [&[u8; 4]; 3] = [b"NV12", b"YUYV", b"MJPG"];

/// Tells one incarnation of a node from the next: device number and time of creation.
type Incarnation = (u64, i64, i64);

/// What a node said about itself, so that it is opened once and not every two seconds: opening wakes USB cameras.
/// `None` for nodes that are no cameras.
static KNOWN: Mutex<BTreeMap<PathBuf, (Incarnation, Option<String>)>> = Mutex::new(BTreeMap::new());

pub(super) fn nodes() -> Vec<CameraNode> {
    let mut numbers: Vec<u32> = fs::read_dir(FOLDER)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_prefix("video")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    let stable = stable_names();
    numbers
        .into_iter()
        .filter_map(|number| {
            let path = Path::new(FOLDER).join(format!("video{number}"));
            let name = name(&path, number)?;
            let id = stable.get(&path).map_or_else(|| path.to_string_lossy().into_owned(), Clone::clone);
            Some(CameraNode { id, name, index: CameraIndex::Index(number) })
        })
        .collect()
}

/// udev's names, by node.
fn stable_names() -> HashMap<PathBuf, String> {
    fs::read_dir(STABLE_NAMES)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let node = fs::canonicalize(&path).ok()?;
            Some((node, path.to_string_lossy().into_owned()))
        })
        .collect()
}

/// The name of a camera; `None` for a node that captures no pictures.
fn name(path: &Path, number: u32) -> Option<String> {
    let incarnation =
        fs::metadata(path).ok().map(|metadata| (metadata.rdev(), metadata.ctime(), metadata.ctime_nsec()));
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(incarnation) = incarnation
        && let Some((seen, name)) = known.get(path)
        && *seen == incarnation
    {
        return name.clone();
    }
    let name = match Device::with_path(path).and_then(|device| device.query_caps()) {
        Ok(capabilities) => capabilities
            .capabilities
            .contains(Flags::VIDEO_CAPTURE)
            .then(|| capabilities.card.trim_end_matches('\0').trim().to_owned()),
        // Not allowed: shown nevertheless, so that opening it can say what to do. Anything else: not there.
        Err(error) if error.kind() == std::io::ErrorKind::PermissionDenied => Some(
            fs::read_to_string(format!("/sys/class/video4linux/video{number}/name"))
                .map_or_else(|_| format!("Camera {number}"), |name| name.trim().to_owned()),
        ),
        Err(_) => return None,
    };
    if let Some(incarnation) = incarnation {
        known.insert(path.to_owned(), (incarnation, name.clone()));
    }
    name
}

fn open(node: &CameraNode) -> Option<Device> {
    Device::new(node.index.as_index().ok()? as usize).ok()
}

/// nokhwa refuses a camera whose current format it does not know or whose current rate is not whole, though it would
/// set another one at once. What fails here fails again in nokhwa, with words.
pub(super) fn prepare(node: &CameraNode) {
    let Some(device) = open(node) else { return };
    if let Ok(mut format) = device.format() {
        let is_usable = |fourcc: FourCC| USABLE.iter().any(|usable| fourcc.repr == **usable);
        if !is_usable(format.fourcc)
            && let Some(usable) =
                device.enum_formats().unwrap_or_default().into_iter().find(|offer| is_usable(offer.fourcc))
        {
            format.fourcc = usable.fourcc;
            let _ = device.set_format(&format);
        }
    }
    if let Ok(parameters) = device.params()
        && parameters.interval.numerator != 1
    {
        let _ = device.set_params(&v4l::video::capture::Parameters::with_fps(30));
    }
}

pub(super) fn row_bytes(node: &CameraNode) -> Option<usize> {
    let stride = open(node)?.format().ok()?.stride;
    (stride > 0).then_some(stride as usize)
}

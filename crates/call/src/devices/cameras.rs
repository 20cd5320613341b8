//! The cameras of the machine.

use nokhwa::utils::CameraIndex;

#[cfg(target_os = "linux")]
mod v4l2;

/// A camera as listed.
#[derive(Clone, Debug)]
pub(crate) struct CameraNode {
    /// Stable where the system knows a stable name.
    pub id: String,
    /// Name for people; numbered when two are the same.
    pub name: String,
    /// How nokhwa opens it.
    pub index: CameraIndex,
}

/// All cameras, in the system's order.
pub(crate) fn list() -> Vec<CameraNode> {
    let mut nodes = nodes();
    for position in 1..nodes.len() {
        let same = nodes[..position]
            .iter()
            .filter(|other| other.name.split(" (").next() == Some(nodes[position].name.as_str()))
            .count();
        if same > 0 {
            nodes[position].name = format!("{} ({})", nodes[position].name, same + 1);
        }
    }
    nodes
}

/// The camera with this id, node path or name; the first one without a choice.
pub(crate) fn find(choice: Option<&str>) -> Option<CameraNode> {
    let nodes = list();
    let Some(choice) = choice else {
        return nodes.into_iter().next();
    };
    let by = |matches: &dyn Fn(&CameraNode) -> bool| nodes.iter().find(|node| matches(node)).cloned();
    by(&|node| node.id == choice)
        .or_else(|| by(&|node| node.name == choice))
        .or_else(|| by(&|node| choice.strip_prefix("/dev/video") == Some(node.index.as_string().as_str())))
}

/// Whether the camera is still listed.
pub(crate) fn is_present(node: &CameraNode) -> bool {
    list().iter().any(|other| other.id == node.id)
}

/// Prepares a camera that nokhwa would refuse to open because of the format another program left it in.
pub(crate) fn prepare(node: &CameraNode) {
    #[cfg(target_os = "linux")]
    v4l2::prepare(node);
    #[cfg(not(target_os = "linux"))]
    let _ = node;
}

/// Bytes from one row to the next in the current format, where the system tells: some drivers pad rows.
pub(crate) fn row_bytes(node: &CameraNode) -> Option<usize> {
    #[cfg(target_os = "linux")]
    return v4l2::row_bytes(node);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = node;
        None
    }
}

#[cfg(target_os = "linux")]
fn nodes() -> Vec<CameraNode> {
    v4l2::nodes()
}

#[cfg(not(target_os = "linux"))]
fn nodes() -> Vec<CameraNode> {
    // `misc` is the system's own unique name on Windows (symbolic link) and macOS (device id).
    nokhwa::query(nokhwa::utils::ApiBackend::Auto)
        .unwrap_or_default()
        .into_iter()
        .map(|info| CameraNode {
            id: if info.misc().is_empty() { format!("camera:{}", info.index()) } else { info.misc() },
            name: info.human_name(),
            index: info.index().clone(),
        })
        .collect()
}

//! A network namespace with one address, for programs that do not speak over loopback.

use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, Stdio};

use super::error::{LabError, Outcome};
use super::programs::tool;

/// The address inside, and the one of this side of the pair.
const INSIDE: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 1);
const OUTSIDE: Ipv4Addr = Ipv4Addr::new(10, 99, 0, 2);

/// A namespace joined to this one by a pair of virtual interfaces. Dropping it removes both.
#[derive(Debug)]
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// Makes one.
    ///
    /// # Errors
    /// When the tool for it is missing or the system does not allow it.
    pub fn make() -> Outcome<Self> {
        tool("ip")?;
        let number = std::process::id();
        let namespace = Self { name: format!("confab-{number}") };
        let (name, here, there) = (&namespace.name, format!("cf{number}h"), format!("cf{number}n"));
        ip(&format!("netns add {name}"))?;
        ip(&format!("link add {here} type veth peer name {there} netns {name}"))?;
        ip(&format!("addr add {OUTSIDE}/24 dev {here}"))?;
        ip(&format!("link set {here} up"))?;
        for words in [format!("addr add {INSIDE}/24 dev {there}"), format!("link set {there} up"), "link set lo up".into()] {
            ip(&format!("netns exec {name} ip {words}"))?;
        }
        Ok(namespace)
    }

    /// By which programs are started in it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address, which both sides reach.
    pub fn address(&self) -> IpAddr {
        INSIDE.into()
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // The interfaces go with it; a namespace that cannot be removed is no reason to fail what was measured.
        let _ = ip(&format!("netns delete {}", self.name));
    }
}

fn ip(words: &str) -> Outcome {
    let mut command = Command::new(tool("ip")?);
    let output = command.args(words.split(' ')).stdin(Stdio::null()).output();
    let output = output.map_err(|error| LabError::io(format!("ip {words}"), error))?;
    if output.status.success() {
        return Ok(());
    }
    Err(LabError::Unexpected(format!("ip {words}: {}", String::from_utf8_lossy(&output.stderr).trim())))
}

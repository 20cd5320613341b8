//! Other computers on this one: network namespaces with a cable, a firewall and a router of their own. They need root, and
//! are gone when dropped.

use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::error::{LabError, Outcome};
use super::programs::tool;

/// Begins the names of all namespaces of the lab, followed by the process that made them.
const PREFIX: &str = "confab-lab";

/// Another computer, with one cable. Its programs are started by [`super::Process::inside`].
#[derive(Debug)]
pub struct Namespace {
    name: String,
    /// What is at the other end of the cable.
    gateway: Ipv4Addr,
}

impl Namespace {
    /// A computer with a cable to this one.
    ///
    /// # Errors
    /// Without root, or where the system has no namespaces.
    pub fn beside_this_computer() -> Outcome<Self> {
        remove_leftovers()?;
        let number = next_number();
        let namespace = Self::empty(number)?;
        let (near, far) = (format!("cl{number}a"), format!("cl{number}b"));
        ip(&["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &namespace.name])?;
        ip(&["address", "add", &format!("{}/24", namespace.gateway), "dev", &near])?;
        ip(&["link", "set", &near, "up"])?;
        namespace.connect(&far)?;
        Ok(namespace)
    }

    /// A computer behind a router that translates addresses, each connection to another port; the router has a cable to
    /// this computer.
    ///
    /// # Errors
    /// As above.
    pub fn behind_a_nat() -> Outcome<(Self, Self)> {
        let router = Self::beside_this_computer()?;
        let number = next_number();
        let inner = Self::empty(number)?;
        let (near, far) = (format!("cl{number}a"), format!("cl{number}b"));
        router.run("ip", &["link", "add", &near, "type", "veth", "peer", "name", &far, "netns", &inner.name])?;
        router.run("ip", &["address", "add", &format!("{}/24", inner.gateway), "dev", &near])?;
        router.run("ip", &["link", "set", &near, "up"])?;
        inner.connect(&far)?;
        router.run("sh", &["-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])?;
        router.run("nft", &["add table ip lab; add chain ip lab out { type nat hook postrouting priority 100; }"])?;
        let masquerade = format!("add rule ip lab out oifname != \"{near}\" masquerade fully-random");
        router.run("nft", &[&masquerade])?;
        Ok((inner, router))
    }

    /// The address of this computer on the cable of [`Self::beside_this_computer`].
    pub fn gateway(&self) -> Ipv4Addr {
        self.gateway
    }

    /// By which programs are started in it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its own address on that cable.
    pub fn address(&self) -> Ipv4Addr {
        let [a, b, c, _] = self.gateway.octets();
        Ipv4Addr::new(a, b, c, 2)
    }

    /// Lets no UDP out or in any more, but within the computer itself.
    ///
    /// # Errors
    /// When the firewall refuses.
    pub fn block_udp(&self) -> Outcome {
        self.run("nft", &["add table inet lab"])?;
        for (chain, interface) in [("output", "oifname"), ("input", "iifname")] {
            let hook = format!("add chain inet lab {chain} {{ type filter hook {chain} priority 0; }}");
            self.run("nft", &[&hook])?;
            let drop = format!("add rule inet lab {chain} {interface} != \"lo\" meta l4proto udp counter drop");
            self.run("nft", &[&drop])?;
        }
        Ok(())
    }

    /// How many packets [`Self::block_udp`] has kept back.
    ///
    /// # Errors
    /// When the firewall does not say.
    pub fn blocked(&self) -> Outcome<u64> {
        let rules = self.run("nft", &["list", "table", "inet", "lab"])?;
        let words: Vec<&str> = rules.split_whitespace().collect();
        let counts =
            words.windows(2).filter(|pair| pair[0] == "packets").filter_map(|pair| pair[1].parse::<u64>().ok());
        Ok(counts.sum())
    }

    /// Has a router forget whose UDP packets are whose: what comes next from inside gets another port.
    ///
    /// # Errors
    /// When it does not; also when there was nothing to forget.
    pub fn forget_udp(&self) -> Outcome {
        self.run("conntrack", &["-D", "-p", "udp"]).map(|_| ())
    }

    /// The words with which a program is started inside.
    pub(super) fn entry(&self) -> Outcome<(PathBuf, [String; 3])> {
        Ok((tool("ip")?, ["netns".into(), "exec".into(), self.name.clone()]))
    }

    fn empty(number: u32) -> Outcome<Self> {
        let name = format!("{PREFIX}-{}-{number}", std::process::id());
        ip(&["netns", "add", &name])?;
        let gateway = Ipv4Addr::new(10, 77, (number % 250) as u8, 1);
        let namespace = Self { name, gateway };
        namespace.run("ip", &["link", "set", "lo", "up"])?;
        Ok(namespace)
    }

    fn connect(&self, interface: &str) -> Outcome {
        let own = format!("{}/24", self.address());
        self.run("ip", &["address", "add", &own, "dev", interface])?;
        self.run("ip", &["link", "set", interface, "up"])?;
        self.run("ip", &["route", "add", "default", "via", &self.gateway.to_string()]).map(|_| ())
    }

    fn run(&self, program: &str, words: &[&str]) -> Outcome<String> {
        let program = tool(program)?;
        let program = program.to_string_lossy();
        ip(&[&["netns", "exec", &self.name, &program], words].concat())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        // Its cable goes with it. Nobody is left to tell if it fails; the next one removes what is left.
        let _ = ip(&["netns", "delete", &self.name]);
    }
}

/// Another number for each namespace of this process; processes differ by their ids.
fn next_number() -> u32 {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    std::process::id() % 10_000 * 10 + COUNT.fetch_add(1, Ordering::Relaxed) % 10
}

/// Removes the namespaces of experiments that were killed.
fn remove_leftovers() -> Outcome {
    for line in ip(&["netns", "list"])?.lines() {
        let name = line.split_whitespace().next().unwrap_or_default();
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').nth(1));
        if owner.is_some_and(|owner| !PathBuf::from(format!("/proc/{owner}")).exists()) {
            ip(&["netns", "delete", name])?;
        }
    }
    Ok(())
}

fn ip(words: &[&str]) -> Outcome<String> {
    let output = Command::new(tool("ip")?).args(words).stdin(Stdio::null()).output();
    let output = output.map_err(|error| LabError::io("ip cannot be started", error))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(LabError::Unexpected(format!("ip {}: {said}", words.join(" "))))
}

//! Rules of the house that a compiler does not check: crate edges, file lengths, `mod.rs`, marks of unfinished work.

use std::path::{Path, PathBuf};

use crate::Outcome;
use crate::process::{output, root};

/// Which workspace crates a crate may depend on (not counting tests). Dependencies point one way.
const EDGES: [(&str, &[&str]); 13] = [
    ("crates/protocol", &[]),
    ("crates/media", &[]),
    ("crates/rtp", &[]),
    ("crates/impair", &[]),
    ("crates/fuzz", &[]),
    ("crates/rooms", &["confab-protocol"]),
    ("crates/sfu", &["confab-protocol", "confab-rtp"]),
    ("crates/call", &["confab-protocol", "confab-rtp", "confab-media"]),
    ("signaling-server", &["confab-protocol", "confab-rooms", "confab-sfu"]),
    ("cli", &["confab-protocol", "confab-call", "confab-media", "confab-rtp", "confab-impair"]),
    (".", &["confab-protocol", "confab-call", "confab-media", "confab-server"]),
    // The floor of `bench sfu` is made of the server's own parts.
    (
        "tests",
        &[
            "confab-protocol",
            "confab-call",
            "confab-media",
            "confab-impair",
            "confab-rtp",
            "confab-server",
            "confab-sfu",
        ],
    ),
    ("xtask", &[]),
];

/// Longest source file, lines. Longer ones hold more than one concept.
const LONGEST_FILE: usize = 700;

/// Checks every rule and reports all violations at once.
pub fn tidy() -> Outcome {
    let mut violations = Vec::new();
    crate_edges(&mut violations)?;
    for path in tracked_files()? {
        check_file(&path, &mut violations);
    }
    if violations.is_empty() { Ok(()) } else { Err(format!("tidy found:\n  {}", violations.join("\n  "))) }
}

fn crate_edges(violations: &mut Vec<String>) -> Outcome {
    for (folder, allowed) in EDGES {
        let path = root().join(folder).join("Cargo.toml");
        let manifest = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let mut section = String::new();
        for line in manifest.lines() {
            if line.starts_with('[') {
                section = line.trim().to_owned();
            }
            let counts = section == "[dependencies]" || section.ends_with(".dependencies]");
            let Some(name) = line.split(['.', ' ', '=']).next() else { continue };
            let workspace_level = section == "[workspace.dependencies]";
            if counts && !workspace_level && name.starts_with("confab-") && !allowed.contains(&name) {
                violations.push(format!("{folder} may not depend on {name}"));
            }
        }
    }
    Ok(())
}

fn tracked_files() -> Outcome<Vec<PathBuf>> {
    let mut command = std::process::Command::new("git");
    command.current_dir(root()).args(["ls-files", "--cached", "--others", "--exclude-standard"]);
    Ok(output(&mut command)?.lines().map(|line| root().join(line)).collect())
}

fn check_file(path: &Path, violations: &mut Vec<String>) {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    if !["rs", "ts", "tsx", "css", "mjs"].contains(&extension) || name.contains(".generated.") {
        return;
    }
    let Ok(text) = std::fs::read_to_string(path) else { return };
    let shown = path.strip_prefix(root()).unwrap_or(path).display();
    let lines = text.lines().count();
    if lines > LONGEST_FILE {
        violations.push(format!("{shown} has {lines} lines, more than {LONGEST_FILE}"));
    }
    if name == "mod.rs" || ["utils", "common", "helpers"].iter().any(|stem| name.starts_with(stem)) {
        violations.push(format!("{shown}: name the file after its concept"));
    }
    // Spelled in two parts so that this file does not find itself.
    for mark in [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore]")] {
        if text.contains(mark) {
            violations.push(format!("{shown} holds {mark}"));
        }
    }
}

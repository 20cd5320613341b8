//! Generated files, and whether they are in step with what they are made from.

use std::path::PathBuf;

use crate::process::{output, root};
use crate::{Outcome, cargo};

/// Package, example that prints the file, and where it belongs.
const GENERATED: [(&str, &str, &str); 2] = [
    ("confab-protocol", "protocol_codegen", "ui/src/bridge/protocol.generated.ts"),
    ("confab-call", "call_codegen", "ui/src/bridge/call.generated.ts"),
];

/// Writes every generated file that is out of step.
pub fn write() -> Outcome {
    for (path, content) in made()? {
        if std::fs::read_to_string(&path).unwrap_or_default() != content {
            std::fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
            println!("Wrote {}", path.display());
        }
    }
    Ok(())
}

fn made() -> Outcome<Vec<(PathBuf, String)>> {
    GENERATED
        .iter()
        .map(|(package, example, path)| {
            let mut command = cargo::command();
            command.args(["run", "--quiet", "--package", package, "--example", example]);
            Ok((root().join(path), output(&mut command)?))
        })
        .collect()
}

//! What the window may do is what is written down: a strict content policy, one capability for one window, every command
//! named, nothing of the system beyond that.

use std::collections::BTreeSet;
use std::path::Path;

use confab_tests::lab::{LabError, Outcome};
use serde_json::Value;

fn text(path: &str) -> Outcome<String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
    std::fs::read_to_string(&file).map_err(|error| LabError::Unexpected(format!("{}: {error}", file.display())))
}

fn json(path: &str) -> Outcome<Value> {
    serde_json::from_str(&text(path)?).map_err(|error| LabError::Unexpected(format!("{path}: {error}")))
}

/// The commands of `src-tauri/build.rs`, which puts them under the access list.
fn commands() -> Outcome<BTreeSet<String>> {
    let build = text("src-tauri/build.rs")?;
    let list = build
        .split_once("COMMANDS")
        .and_then(|(_, rest)| rest.split_once("= ["))
        .and_then(|(_, rest)| rest.split_once("];"));
    let (list, _) = list.ok_or_else(|| LabError::Unexpected("build.rs has no list of commands".into()))?;
    Ok(list.split('"').skip(1).step_by(2).map(str::to_owned).collect())
}

#[test]
fn the_content_policy_allows_nothing_unsafe_and_nobody_else() -> Outcome {
    let config = json("tauri.conf.json")?;
    let security = &config["app"]["security"];
    let policy = security["csp"].as_str().unwrap_or_default();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self';"), "{policy}");
    for word in ["unsafe-", "https:", "wss:", "blob:", "strict-dynamic"] {
        assert!(!policy.contains(word), "{word} in {policy}");
    }
    // The picture socket's port is any of this computer's; nothing else has a star.
    let stars: Vec<&str> = policy.split([' ', ';']).filter(|word| word.contains('*')).collect();
    assert_eq!(stars, ["ws://127.0.0.1:*"]);
    let connects = policy.split(';').map(str::trim).find_map(|part| part.strip_prefix("connect-src "));
    assert_eq!(connects, Some("'self' ipc: http://ipc.localhost ws://127.0.0.1:*"), "only with the program itself");
    assert_eq!(security["freezePrototype"], true);
    assert!(security.get("dangerousDisableAssetCspModification").is_none());
    assert!(config["app"].get("withGlobalTauri").is_none(), "the page's scripts import what they call");
    assert!(config["build"].get("devUrl").is_none(), "no page of a network in the window");
    Ok(())
}

#[test]
fn what_the_window_says_passes_a_gate_that_knows_every_command_and_no_other() -> Outcome {
    let pattern = &json("tauri.conf.json")?["app"]["security"]["pattern"];
    assert_eq!(pattern["use"], "isolation");
    let folder = pattern["options"]["dir"].as_str().unwrap_or_default();
    let hook = text(&format!("{folder}/hook.js"))?;
    let table = hook.split_once("const COMMANDS = {").and_then(|(_, rest)| rest.split_once("\n};"));
    let (table, _) = table.ok_or_else(|| LabError::Unexpected("the gate has no table of commands".into()))?;
    let named: BTreeSet<String> = table
        .lines()
        .filter_map(|line| line.split_once(": ["))
        .map(|(name, _)| name.trim().trim_matches('"').to_owned())
        .collect();
    let of_tauri: BTreeSet<String> = named.iter().filter(|name| name.starts_with("plugin:")).cloned().collect();
    let ours: BTreeSet<String> = named.difference(&of_tauri).cloned().collect();
    assert_eq!(ours, commands()?);
    // What the gate lets through of Tauri's own is what the capability grants.
    let capability = json("capabilities/main.json")?;
    let granted: BTreeSet<String> = capability["permissions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one.as_str()?.strip_prefix("core:"))
        .filter_map(|one| one.split_once(":allow-"))
        .map(|(plugin, command)| format!("plugin:{plugin}|{}", command.replace('-', "_")))
        .collect();
    assert_eq!(of_tauri, granted);
    Ok(())
}

#[test]
fn one_capability_names_one_window_and_every_command_and_nothing_of_the_system() -> Outcome {
    let config = json("tauri.conf.json")?;
    assert_eq!(config["app"]["security"]["capabilities"], serde_json::json!(["main"]));
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../capabilities");
    let files = std::fs::read_dir(&folder).map_err(|error| LabError::Unexpected(error.to_string()))?;
    assert_eq!(files.count(), 1, "one file");
    let capability = json("capabilities/main.json")?;
    assert_eq!(capability["windows"], serde_json::json!(["main"]));
    assert!(capability.get("remote").is_none() && capability.get("webviews").is_none());
    let permissions: BTreeSet<String> = capability["permissions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one.as_str().map(str::to_owned))
        .collect();
    assert_eq!(permissions.len(), capability["permissions"].as_array().map_or(0, Vec::len), "words, and each once");
    let of_tauri: Vec<&str> = permissions.iter().map(String::as_str).filter(|name| name.contains(':')).collect();
    let known = [
        "core:event:allow-listen",
        "core:event:allow-unlisten",
        "core:window:allow-close",
        "core:window:allow-minimize",
        "core:window:allow-start-dragging",
        "core:window:allow-toggle-maximize",
    ];
    assert_eq!(of_tauri, known);
    assert!(permissions.iter().all(|name| !name.ends_with(":default") && !name.contains('*')));
    let ours: BTreeSet<String> = permissions.iter().filter(|name| !name.contains(':')).cloned().collect();
    let commands = commands()?;
    let wanted: BTreeSet<String> = commands.iter().map(|name| format!("allow-{}", name.replace('_', "-"))).collect();
    assert_eq!(ours, wanted, "every command is named, and only commands are");
    // What the program answers to is what the list names.
    let handler = text("src-tauri/src/lib.rs")?;
    let (_, handlers) = handler.split_once("generate_handler![").unwrap_or_default();
    let (handlers, _) = handlers.split_once(']').unwrap_or_default();
    let answered: BTreeSet<String> = handlers
        .split(',')
        .filter_map(|path| path.trim().rsplit("::").next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    assert_eq!(answered, commands);
    Ok(())
}

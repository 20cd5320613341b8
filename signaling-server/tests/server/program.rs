//! The server as a program: what it prints, what it keeps to itself, how it ends.

use std::process::Stdio;
use std::time::{Duration, Instant};

use confab_protocol::ClientMessage;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::client::Client;
use crate::world::{Folder, PATIENCE, post};

struct Program {
    child: Child,
    address: std::net::SocketAddr,
}

impl Program {
    async fn start(folder: &Folder, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_confab-server"))
            .args(["--listen", "127.0.0.1:0", "--udp-port-base", "0", "--workers", "1", "--data-dir"])
            .arg(&folder.0)
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        timeout(PATIENCE, stdout.read_line(&mut line)).await.unwrap().unwrap();
        let address = line.trim().strip_prefix("Confab server listening on http://");
        let address = address.unwrap_or_else(|| panic!("{line}")).parse().unwrap();
        Self { child, address }
    }

    fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(std::process::Command::new("kill").args([name, &pid]).status().unwrap().success());
    }

    /// Waits for the end; gives the exit code and all that went to standard error.
    async fn end(mut self) -> (Option<i32>, String) {
        let mut stderr = self.child.stderr.take().unwrap();
        let mut text = String::new();
        let reading = async {
            stderr.read_to_string(&mut text).await.unwrap();
            self.child.wait().await.unwrap().code()
        };
        let code = timeout(PATIENCE, reading).await.expect("the program ends");
        (code, text)
    }
}

#[tokio::test]
async fn the_host_key_is_printed_at_the_first_start_and_never_logged() {
    let folder = Folder::new();
    let mut keys = vec![];
    for _ in 0..2 {
        let program = Program::start(&folder, &[]).await;
        program.signal("-TERM");
        let (code, text) = program.end().await;
        assert_eq!(code, Some(0), "{text}");
        let key = text.lines().find_map(|line| line.strip_prefix("Host key, ")?.rsplit(' ').next().map(str::to_owned));
        if let Some(key) = &key {
            assert_eq!(text.matches(key.as_str()).count(), 1, "{text}");
        }
        keys.push(key);
    }
    assert!(keys[0].is_some() && keys[1].is_none(), "{keys:?}");
}

#[tokio::test]
async fn the_host_key_is_shown_while_a_server_runs_and_when_none_does() {
    let folder = Folder::new();
    let show = async || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_confab-server"));
        program.args(["--show-host-key", "--data-dir"]).arg(&folder.0).stdin(Stdio::null());
        let output = timeout(PATIENCE, program.output()).await.expect("it ends by itself").unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        (output.status.success(), text(&output.stdout), text(&output.stderr))
    };
    let (shown, key, why) = show().await;
    assert!(!shown && key.is_empty() && why.contains("first start"), "{why}");
    assert!(!folder.0.exists(), "looking makes no folder");

    let program = Program::start(&folder, &["--trust-local", "false"]).await;
    let (shown, key, why) = show().await;
    assert!(shown, "{why}");
    let made = post(program.address, "/api/rooms", &serde_json::json!({ "host_key": key }).to_string()).await;
    assert_eq!(made.status, 201, "it is the key of the running server");
    program.signal("-INT");
    assert_eq!(program.end().await.0, Some(0));
    assert_eq!(show().await, (true, key, String::new()));
}

#[tokio::test]
async fn a_passing_server_for_this_computer_alone_prints_no_host_key() {
    let folder = Folder::new();
    let program = Program::start(&folder, &["--ephemeral"]).await;
    program.signal("-INT");
    let (code, text) = program.end().await;
    assert!(code == Some(0) && !text.contains("Host key"), "{text}");
}

#[tokio::test]
async fn one_line_is_the_whole_address_for_other_computers() {
    let folder = Folder::new();
    let mut program = Command::new(env!("CARGO_BIN_EXE_confab-server"))
        .args(["--listen", "0.0.0.0:0", "--udp-port-base", "0", "--workers", "1", "--public-name", "192.0.2.2"])
        .arg("--data-dir")
        .arg(&folder.0)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(program.stdout.take().unwrap()).lines();
    let address = loop {
        let line = timeout(PATIENCE, lines.next_line()).await.unwrap().unwrap().expect("the line is printed");
        if let Some(address) = line.strip_prefix("for other computers: ") {
            break address.to_owned();
        }
    };
    let server = confab_protocol::link::ServerAddress::parse(&address).unwrap();
    assert!(server.host == "192.0.2.2" && server.secure && server.fingerprint.is_some(), "{address}");
}

#[tokio::test]
async fn nothing_personal_reaches_the_log() {
    let folder = Folder::new();
    let program = Program::start(&folder, &["--log", "confab_server=trace,confab_sfu=trace,info,sqlx=debug"]).await;
    let made = post(program.address, "/api/rooms", "{\"name\":\"Zanzibar\"}").await.json();
    let (code, token) = (made["code"].as_str().unwrap(), made["token"].as_str().unwrap());
    let mut client = Client::connect_to(program.address, &format!("/ws?token={token}")).await.unwrap();
    let own_port = client.socket.get_ref().local_addr().unwrap().port().to_string();
    client.next().await;
    let joined = client.join_with_media(code, None).await;
    client.write("Quetzalcoatl").await;
    client.send_text("{\"event_type\":\"Xylophone\"}").await;
    client.error().await;
    drop((client, joined));
    tokio::time::sleep(Duration::from_millis(200)).await;
    program.signal("-INT");
    let (exit, text) = program.end().await;
    assert_eq!(exit, Some(0), "{text}");
    assert!(text.contains("listening"), "something is logged: {text}");
    let signature = token.rsplit('.').next().unwrap();
    for secret in ["Zanzibar", "Quetzalcoatl", "Xylophone", "Ada", signature, code, &format!("127.0.0.1:{own_port}")] {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} was logged");
    }
}

#[tokio::test]
async fn a_second_signal_does_not_wait() {
    let folder = Folder::new();
    for (first, second) in [("-TERM", "-TERM"), ("-TERM", "-INT"), ("-INT", "-INT")] {
        let program = Program::start(&folder, &[]).await;
        // A client that never ends its request makes the goodbye wait.
        let client = Client::connect_to(program.address, "/ws").await.unwrap();
        let mut half = tokio::net::TcpStream::connect(program.address).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut half, b"GET /health HTTP/1.1\r\n").await.unwrap();
        tokio::time::sleep(Duration::from_millis(100)).await;
        let start = Instant::now();
        program.signal(first);
        tokio::time::sleep(Duration::from_millis(100)).await;
        program.signal(second);
        let (code, text) = program.end().await;
        assert_eq!(code, Some(0), "{first} {second}: {text}");
        assert!(start.elapsed() < Duration::from_secs(2), "{first} {second}: {:?}", start.elapsed());
        drop((client, half));
    }
}

/// A program with one person in a room.
async fn with_a_person(folder: &Folder, arguments: &[&str]) -> (Program, Client) {
    let program = Program::start(folder, arguments).await;
    let made = post(program.address, "/api/rooms", "").await.json();
    let mut client = Client::connect_to(program.address, "/ws").await.unwrap();
    client.next().await;
    client.join(made["code"].as_str().unwrap(), None).await;
    (program, client)
}

#[tokio::test]
async fn sigterm_waits_for_the_last_person_and_says_so_once() {
    let folder = Folder::new();
    let (program, mut client) = with_a_person(&folder, &[]).await;
    program.signal("-TERM");
    tokio::time::sleep(Duration::from_millis(500)).await;
    for _ in 0..3 {
        assert_eq!(post(program.address, "/api/rooms", "").await.code(), "draining");
    }
    client.write("goes on").await;
    let start = Instant::now();
    client.send(&ClientMessage::CallLeave {}).await;
    assert_eq!(client.close_code().await, 1001);
    let (code, text) = program.end().await;
    assert_eq!(code, Some(0), "{text}");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let said: Vec<&str> = text.lines().filter(|line| line.contains("drain")).collect();
    assert!(said.len() == 1 && said[0].contains("people=1") && said[0].contains("rooms=1"), "{said:?}");
}

#[tokio::test]
async fn a_second_signal_ends_meetings_with_a_goodbye_and_so_does_ctrl_c_and_a_drain_of_no_time() {
    let folder = Folder::new();
    for (arguments, signals) in [
        (&[][..], &["-TERM", "-TERM"][..]),
        (&[], &["-TERM", "-INT"]),
        (&[], &["-INT"]),
        (&["--drain-seconds", "0"], &["-TERM"]),
    ] {
        let (program, mut client) = with_a_person(&folder, arguments).await;
        let start = Instant::now();
        for signal in signals {
            tokio::time::sleep(Duration::from_millis(100)).await;
            program.signal(signal);
        }
        assert_eq!(client.close_code().await, 1001, "{signals:?}");
        let (code, text) = program.end().await;
        assert_eq!(code, Some(0), "{signals:?}: {text}");
        assert!(start.elapsed() < Duration::from_secs(2), "{signals:?}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    let folder = Folder::new();
    let program = Program::start(&folder, &[]).await;
    let made = post(program.address, "/api/rooms", "").await.json();
    let (code, token) = (made["code"].as_str().unwrap(), made["token"].as_str().unwrap());
    let mut client = Client::connect_to(program.address, "/ws").await.unwrap();
    client.next().await;
    let before = client.join(code, Some(token)).await;
    let mut written = vec![];
    for number in 0..50 {
        written.push(client.write(&format!("{number}")).await);
    }
    program.signal("-KILL");
    program.end().await;

    let program = Program::start(&folder, &[]).await;
    let mut client = Client::connect_to(program.address, "/ws").await.unwrap();
    client.next().await;
    let after = client.join(code, Some(token)).await;
    assert_eq!((after.id, after.chat), (before.id, written));
    program.signal("-INT");
    assert_eq!(program.end().await.0, Some(0));
}

#[tokio::test]
async fn a_second_server_does_not_share_the_folder_of_the_first() {
    let folder = Folder::new();
    let first = Program::start(&folder, &[]).await;
    let output = Command::new(env!("CARGO_BIN_EXE_confab-server"))
        .args(["--listen", "127.0.0.1:0", "--udp-port-base", "0", "--data-dir"])
        .arg(&folder.0)
        .output();
    let output = timeout(PATIENCE, output).await.expect("the second ends").unwrap();
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && words.contains("Another server uses the folder"), "{words}");
    first.signal("-KILL");
    first.end().await;
    // What a killed server leaves behind locks nobody out.
    let third = Program::start(&folder, &[]).await;
    third.signal("-TERM");
    assert_eq!(third.end().await.0, Some(0));
}

#[tokio::test]
async fn a_setting_that_cannot_be_is_said_in_words() {
    let run = async |arguments: &[&str]| {
        let mut program = Command::new(env!("CARGO_BIN_EXE_confab-server"));
        program.args(arguments).stdin(Stdio::null());
        let output = timeout(PATIENCE, program.output()).await.unwrap().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run(&["--data-dir", "/proc/nowhere"]).await.contains("/proc/nowhere"));
    let text = run(&["--ephemeral", "--listen", "127.0.0.1:0", "--public-name", "ftp://x"]).await;
    assert!(text.contains("public name"), "{text}");
    assert!(run(&["--no-such-thing"]).await.contains("--no-such-thing"));
    assert!(run(&["--log", "a=b=c"]).await.contains("log setting"));
}

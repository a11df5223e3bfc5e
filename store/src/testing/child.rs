//! Servers that end with the test process, however it ends: a shell holds the other end of a pipe, and clears up when it closes.

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Runs the server in the background, waits until our end of the pipe closes, ends the server and removes its folder.
const GUARD: &str = r#"folder=$1; shift
"$@" >>"$folder/log" 2>&1 </dev/null &
server=$!
trap '' INT TERM HUP
while read -r _; do :; done
kill -QUIT "$server" 2>/dev/null
( sleep 5; kill -KILL "$server" 2>/dev/null ) & killer=$!
wait "$server"
kill "$killer" 2>/dev/null
rm -rf "$folder"
"#;

/// A running server. It lives as long as this value, at most as long as the process.
pub struct Server {
    // Its standard input is the pipe.
    _guard: Child,
}

/// Starts a server under its guard. Everything it writes goes to `log` in its folder.
pub fn start(folder: &Path, program: &[String], environment: &[(&str, &str)]) -> Result<Server, String> {
    let guard = Command::new("sh")
        .arg("-c")
        .arg(GUARD)
        .arg("guard")
        .arg(folder)
        .args(program)
        .envs(environment.iter().copied())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A Ctrl-C at the tests must not reach the server before its guard.
        .process_group(0)
        .spawn()
        .map_err(|error| format!("start {program:?}: {error}"))?;
    Ok(Server { _guard: guard })
}

/// A new folder that any user can walk into.
pub fn folder(name: &str) -> Result<PathBuf, String> {
    let temporary = std::env::temp_dir();
    let open = temporary.ancestors().all(|step| std::fs::metadata(step).is_ok_and(|found| found.permissions().mode() & 0o001 != 0));
    let parent = if open { temporary } else { PathBuf::from("/var/tmp") };
    let folder =
        tempfile::Builder::new().prefix(&format!("assay-test-{name}-")).tempdir_in(parent).map_err(|error| error.to_string())?.keep();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).map_err(|error| error.to_string())?;
    Ok(folder)
}

/// A port that nobody uses right now.
pub fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(|error| error.to_string())?;
    Ok(listener.local_addr().map_err(|error| error.to_string())?.port())
}

/// Whether we run as root.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

/// Runs a program to its end.
pub fn run(program: &[String]) -> Result<String, String> {
    let (name, arguments) = program.split_first().ok_or("nothing to run")?;
    let output = Command::new(name).args(arguments).current_dir("/").output().map_err(|error| format!("run {name}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{program:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

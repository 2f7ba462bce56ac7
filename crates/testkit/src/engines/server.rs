//! The tests' PostgreSQL server: the one of the environment, or a private one that ends with this process.
//!
//! A private server listens on a socket in its own temporary folder only. A supervising shell starts it and waits at
//! a pipe from this process; when the pipe closes, which the end of this process does however it ends, the shell
//! stops the server and removes the folder.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use super::databases;

const URL_VARIABLE: &str = "FAREBOX_TEST_PG_URL";
const START_POLLS: u32 = 500;
const START_POLL: Duration = Duration::from_millis(30);

/// Runs the program of the arguments after the first, a folder, until the pipe closes; then removes the folder.
const SUPERVISOR: &str = r#"
folder=$1
shift
"$@" >"$folder/log" 2>&1 </dev/null &
server=$!
cat >/dev/null
kill -QUIT "$server" 2>/dev/null
# A pooler does not listen to the first.
kill -TERM "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
"#;
/// What is worth a crash of the machine is not here.
const QUICK: &[&str] = &["fsync=off", "full_page_writes=off", "autovacuum=off", "max_connections=200"];

/// A private server; ends when dropped and, at the latest, with the process.
struct Private {
    url: String,
    _supervisor: Child,
}

/// Who the server runs as, where we are root and it refuses to be.
#[derive(Clone, Copy)]
pub(super) struct Account {
    uid: u32,
    gid: u32,
}

/// The URL of a server where tests may create databases, or `None` where there is none; then a line that says why is
/// printed once.
///
/// # Panics
/// Where `FAREBOX_TEST_PG_URL` names a server that doesn't answer.
pub fn server_url() -> Option<&'static str> {
    static URL: OnceLock<Option<String>> = OnceLock::new();
    URL.get_or_init(find).as_deref()
}

fn find() -> Option<String> {
    static PRIVATE: OnceLock<Private> = OnceLock::new();
    if let Some(url) = std::env::var(URL_VARIABLE).ok().filter(|url| !url.is_empty()) {
        if let Err(reason) = databases::check_connection(&url) {
            panic!("{URL_VARIABLE} is set, and nobody answers there: {reason}");
        }
        return Some(url);
    }
    match start() {
        Ok(private) => Some(PRIVATE.get_or_init(|| private).url.clone()),
        Err(reason) => {
            // Not `eprintln`, which the test harness would swallow.
            let line = format!("SKIPPED on PostgreSQL: {reason}\n");
            std::io::stderr().write_all(line.as_bytes()).expect("stderr is open");
            None
        }
    }
}

fn start() -> Result<Private, String> {
    let programs = programs().ok_or_else(|| {
        format!("no initdb and postgres in /usr/lib/postgresql/*/bin or on PATH, and {URL_VARIABLE} is not set")
    })?;
    let (folder, account) = folder()?;
    initialise(&programs, folder.path(), account)?;
    let path = folder.path().display().to_string();
    let settings = ["listen_addresses=", "synchronous_commit=off"];
    let supervisor = run_server(&programs, folder.path(), account, &settings)?;
    // From here on the supervisor removes the folder.
    let folder = folder.keep();
    let url = format!("postgres://postgres@{}/postgres", path.replace('/', "%2F"));
    let private = Private { url, _supervisor: supervisor };
    wait_for(&private.url, &folder)?;
    Ok(private)
}

/// A folder for one server, and who may run it there.
pub(super) fn folder() -> Result<(tempfile::TempDir, Option<Account>), String> {
    let folder = tempfile::Builder::new()
        .prefix("farebox-pg-")
        .permissions(std::fs::Permissions::from_mode(0o700))
        .tempdir()
        .map_err(|error| format!("no temporary folder: {error}"))?;
    let account = account(folder.path())?;
    Ok((folder, account))
}

/// Starts a server on `folder/data`; the supervisor's end is the server's, and removes the folder.
pub(super) fn run_server(
    programs: &Path,
    folder: &Path,
    account: Option<Account>,
    settings: &[&str],
) -> Result<Child, String> {
    let (data, sockets) = (folder.join("data").display().to_string(), folder.display().to_string());
    let program = programs.join("postgres").display().to_string();
    let mut arguments = vec![program.as_str(), "-D", &data, "-k", &sockets];
    for setting in QUICK.iter().chain(settings) {
        arguments.extend(["-c", setting]);
    }
    supervise(folder, account, &arguments)
}

/// Starts a program that ends with this process at the latest; what it says goes to `folder/log`.
pub(super) fn supervise(folder: &Path, account: Option<Account>, program: &[&str]) -> Result<Child, String> {
    let mut supervisor = as_account("/bin/sh", folder, account);
    supervisor.args(["-c", SUPERVISOR, "farebox-test"]).arg(folder).args(program);
    // Its own group: an interrupt at the terminal must leave it alive to clean up.
    supervisor.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    supervisor.spawn().map_err(|error| format!("/bin/sh: {error}"))
}

/// Waits until somebody answers at the URL; the log in the folder says why nobody will.
pub(super) fn wait_for(url: &str, folder: &Path) -> Result<(), String> {
    let mut log = String::new();
    for _ in 0..START_POLLS {
        if databases::check_connection(url).is_ok() {
            return Ok(());
        }
        log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
        if log.contains("database system is shut down") {
            break;
        }
        std::thread::sleep(START_POLL);
    }
    Err(format!("the server did not start: {}", cause(&log)))
}

/// The newest installed version's folder of programs.
pub(super) fn programs() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = installed.map(|entry| entry.path().join("bin")).collect();
    folders.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|name| name.to_str());
        std::cmp::Reverse(version.and_then(|version| version.parse::<u32>().ok()).unwrap_or(0))
    });
    folders.extend(std::env::var_os("PATH").iter().flat_map(std::env::split_paths));
    folders.into_iter().find(|folder| folder.join("initdb").is_file() && folder.join("postgres").is_file())
}

/// `None` where the server can run as we do: the owner of a folder that we made tells who that is.
fn account(folder: &Path) -> Result<Option<Account>, String> {
    let owner = std::fs::metadata(folder).map_err(|error| error.to_string())?.uid();
    if owner != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let found = ["postgres", "nobody"].iter().find_map(|name| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut ids = line.split(':').skip(2).map(str::parse);
        Some(Account { uid: ids.next()?.ok()?, gid: ids.next()?.ok()? })
    });
    let account = found.ok_or("PostgreSQL refuses to run as root, and there is no user postgres or nobody")?;
    chown(folder, Some(account.uid), Some(account.gid)).map_err(|error| format!("chown: {error}"))?;
    Ok(Some(account))
}

pub(super) fn initialise(programs: &Path, folder: &Path, account: Option<Account>) -> Result<(), String> {
    let mut initdb = as_account(programs.join("initdb"), folder, account);
    initdb.arg("-D").arg(folder.join("data"));
    initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N", "--no-instructions"]);
    let done = initdb.stdin(Stdio::null()).output().map_err(|error| format!("initdb: {error}"))?;
    if done.status.success() {
        return Ok(());
    }
    Err(format!("initdb failed: {}", cause(&String::from_utf8_lossy(&done.stderr))))
}

pub(super) fn as_account(program: impl AsRef<std::ffi::OsStr>, folder: &Path, account: Option<Account>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).env("LC_ALL", "C").env_remove("PGDATA").env_remove("PGPORT");
    if let Some(Account { uid, gid }) = account {
        command.uid(uid).gid(gid);
    }
    command
}

/// Writes a file that only the server may read.
pub(super) fn write_private(path: &Path, text: &str, account: Option<Account>) -> Result<(), String> {
    let written = std::fs::write(path, text)
        .and_then(|()| std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)))
        .and_then(|()| account.map_or(Ok(()), |Account { uid, gid }| chown(path, Some(uid), Some(gid))));
    written.map_err(|error| format!("{}: {error}", path.display()))
}

/// The line of a program's output that most likely says why it failed.
pub(super) fn cause(output: &str) -> &str {
    let mut lines = output.lines().rev().filter(|line| !line.trim().is_empty());
    let last = lines.clone().next().unwrap_or("it said nothing");
    lines.find(|line| line.contains("FATAL") || line.contains("error:")).unwrap_or(last)
}

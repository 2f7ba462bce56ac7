//! A real authorization server and a browser, from packages of npm as they come and the system's chromium.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// The authorization server, ended when dropped.
pub struct Issuer {
    pub url: String,
    child: Child,
}

impl Drop for Issuer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts the server; `None`, after one SKIPPED line, where its package can't be had.
pub async fn issuer(access_ttl_s: u64) -> Option<Issuer> {
    let mut command = Command::new("node");
    command.arg(folder()?.join("provider.mjs")).env("ACCESS_TTL_S", access_ttl_s.to_string());
    command.env("NODE_ENV", "test").stdout(Stdio::piped()).stderr(Stdio::null());
    let mut issuer = Issuer { url: String::new(), child: command.spawn().unwrap() };
    let said = BufReader::new(issuer.child.stdout.take().unwrap());
    let (tell, line) = tokio::sync::oneshot::channel();
    // Read to its end: a server that logs into a closed pipe dies.
    std::thread::spawn(move || {
        let mut lines = said.lines().map_while(Result::ok);
        let _ = tell.send(lines.find(|line| line.starts_with("http://")).unwrap_or_default());
        lines.for_each(drop);
    });
    issuer.url = line.await.unwrap();
    assert!(issuer.url.starts_with("http://"), "the authorization server does not listen");
    Some(issuer)
}

/// Lets a user go through a flow in chromium; answers what he saw. `None`, after one SKIPPED line, without chromium.
pub async fn browsed(variables: &[(&str, &str)]) -> Option<Value> {
    let mut command = Command::new("node");
    command.arg(folder()?.join("browse.mjs")).env("CHROMIUM", chromium()?).envs(variables.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Some(line.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr))))
}

fn chromium() -> Option<&'static Path> {
    let places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
    let found = places.into_iter().map(Path::new).find(|place| place.exists());
    if found.is_none() {
        std::io::stderr().write_all(b"SKIPPED: OAuth in a browser; there is no chromium\n").unwrap();
    }
    found
}

fn folder() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(installed).as_ref()
}

fn installed() -> Option<PathBuf> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/oauth");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("npm-oauth");
    let wanted = std::fs::read(scripts.join("package.json")).ok()?;
    std::fs::create_dir_all(&folder).ok()?;
    for file in std::fs::read_dir(scripts).ok()?.flatten() {
        std::fs::copy(file.path(), folder.join(file.file_name())).ok()?;
    }
    let mark = folder.join("installed.json");
    if !std::fs::read(&mark).is_ok_and(|found| found == wanted) {
        let install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"];
        let done = Command::new("npm").args(install).current_dir(&folder).output();
        if !done.is_ok_and(|done| done.status.success()) {
            let line = b"SKIPPED: npm packages of OAuth; npm or its packages are not to be had\n";
            std::io::stderr().write_all(line).unwrap();
            return None;
        }
        std::fs::write(mark, wanted).ok()?;
    }
    Some(folder)
}

//! Servers, clients and browsers' scripts over published packages of npm, as they come.

use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A folder of scripts with a `package.json`, below `tests`.
pub struct Scripts {
    folder: &'static str,
    /// Where they lie with their packages, beside the build's output.
    place: &'static str,
    installed: OnceLock<Option<PathBuf>>,
}

/// A script that serves, ended when dropped.
pub struct Serving {
    pub url: String,
    child: Child,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Scripts {
    pub const fn new(folder: &'static str, place: &'static str) -> Self {
        Self { folder, place, installed: OnceLock::new() }
    }

    /// Where they lie with their packages, which are installed once; `None`, after one SKIPPED line, where they can't be.
    pub fn folder(&self) -> Option<&Path> {
        let installed = self.installed.get_or_init(|| {
            let installed = self.install();
            if installed.is_none() {
                skipped(&format!("tests/{}; npm or its packages are not to be had", self.folder));
            }
            installed
        });
        installed.as_deref()
    }

    /// One of them, to be run by node.
    pub fn command(&self, script: &str) -> Option<Command> {
        let mut command = Command::new("node");
        command.arg(self.folder()?.join(script));
        Some(command)
    }

    fn install(&self) -> Option<PathBuf> {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(self.folder);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join(self.place);
        let wanted = std::fs::read(scripts.join("package.json")).ok()?;
        std::fs::create_dir_all(&folder).ok()?;
        for file in std::fs::read_dir(scripts).ok()?.flatten() {
            std::fs::copy(file.path(), folder.join(file.file_name())).ok()?;
        }
        let mark = folder.join("installed.json");
        if !std::fs::read(&mark).is_ok_and(|found| found == wanted) {
            let install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock"];
            let done = Command::new("npm").args(install).current_dir(&folder).output().ok()?;
            if !done.status.success() {
                return None;
            }
            std::fs::write(mark, wanted).ok()?;
        }
        Some(folder)
    }
}

/// Starts a script that serves and says its URL in a line of its own.
pub async fn serving(mut command: Command) -> Serving {
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (tell, line) = tokio::sync::oneshot::channel();
    // Read to its end: a server that logs into a closed pipe dies.
    std::thread::spawn(move || {
        let mut lines = lines.map_while(Result::ok);
        let _ = tell.send(lines.find(|line| line.starts_with("http://")).unwrap_or_default());
        lines.for_each(drop);
    });
    let serving = Serving { url: line.await.unwrap(), child };
    assert!(!serving.url.is_empty(), "{command:?} has ended without a URL");
    serving
}

/// Runs a script to its end; answers its last line.
pub async fn said(mut command: Command) -> Value {
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
    line.unwrap_or_else(|| panic!("{said}{}", String::from_utf8_lossy(&output.stderr)))
}

/// The system's browser; `None`, after one SKIPPED line, where there is none.
pub fn chromium() -> Option<&'static Path> {
    static FOUND: OnceLock<Option<PathBuf>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let folders = std::env::var_os("PATH").unwrap_or_default();
        let names = ["chromium", "chromium-browser", "google-chrome"];
        let mut places = std::env::split_paths(&folders).flat_map(|folder| names.map(|name| folder.join(name)));
        let found = places.find(|place| place.is_file());
        if found.is_none() {
            skipped("pages in a browser; there is no chromium");
        }
        found
    });
    found.as_deref()
}

/// The one line of what a test leaves out.
pub fn skipped(what: &str) {
    std::io::stderr().write_all(format!("SKIPPED: {what}\n").as_bytes()).unwrap();
}

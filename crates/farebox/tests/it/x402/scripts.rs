//! Scripts over published packages of npm, as they come: clients that pay, and sellers' servers.

use super::stage::{PAYER_KEY, Stage};
use alloy_primitives::hex;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

/// A seller's server, ended when dropped.
pub struct Selling {
    pub url: String,
    child: Child,
}

impl Drop for Selling {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a script that sells, with the stage's facilitator. It says its URL in its first line.
pub async fn selling(stage: &Stage, script: &str, pay_to: &str) -> Option<Selling> {
    selling_with(stage, script, pay_to, &[]).await
}

/// The same with more variables of the environment.
pub async fn selling_with(stage: &Stage, script: &str, pay_to: &str, more: &[(&str, &str)]) -> Option<Selling> {
    let mut command = Command::new("node");
    command.arg(folder()?.join(script)).stdout(Stdio::piped());
    command.env("FACILITATOR_URL", format!("{}/facilitator", stage.app.base)).env("PAY_TO", pay_to);
    command.envs(more.iter().copied());
    let mut selling = Selling { url: String::new(), child: command.spawn().unwrap() };
    let said = BufReader::new(selling.child.stdout.take().unwrap());
    let (tell, line) = tokio::sync::oneshot::channel();
    // Read to its end: a server that logs into a closed pipe dies.
    std::thread::spawn(move || {
        let mut lines = said.lines().map_while(Result::ok);
        let _ = tell.send(lines.next().unwrap_or_default());
        lines.for_each(drop);
    });
    selling.url = line.await.unwrap();
    assert!(selling.url.starts_with("http://"), "{script} does not listen: {}", selling.url);
    Some(selling)
}

/// Lets a client's script pay; answers the last line that it says.
pub async fn paid(script: &str, url: &str) -> Option<Value> {
    let mut command = Command::new("node");
    command.arg(folder()?.join(script)).env("PAY_URL", url).env("PAY_KEY", hex::encode_prefixed(PAYER_KEY));
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let line = said.lines().last().and_then(|line| serde_json::from_str(line).ok());
    Some(line.unwrap_or_else(|| panic!("{script}: {said}{}", String::from_utf8_lossy(&output.stderr))))
}

/// Where the scripts lie with their packages, which are installed once; `None`, after one SKIPPED line, where they can't be.
pub fn folder() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    FOLDER.get_or_init(installed).as_ref()
}

fn installed() -> Option<PathBuf> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/x402-clients");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?.join("npm-x402");
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
            let line = b"SKIPPED: npm packages of x402; npm or its packages are not to be had\n";
            std::io::stderr().write_all(line).unwrap();
            return None;
        }
        std::fs::write(mark, wanted).ok()?;
    }
    Some(folder)
}

//! Anvil as a child process, on a free port of the loopback interface, ended with its handle.

use super::{DEV_CHAIN_ID, DevError};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;
use url::Url;

/// Names the program, where it is not on the path.
const VARIABLE: &str = "FAREBOX_ANVIL";
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// How the chain makes its blocks.
#[derive(Debug, Clone, Copy)]
pub struct AnvilOptions {
    pub chain_id: u64,
    /// Seconds between blocks; `None`: one for each transaction, at once.
    pub block_time_s: Option<u32>,
    /// Only when it is told to.
    pub on_demand: bool,
    /// Gas of a block; `None`: as on Ethereum.
    pub block_gas_limit: Option<u64>,
}

impl Default for AnvilOptions {
    fn default() -> Self {
        Self { chain_id: DEV_CHAIN_ID, block_time_s: None, on_demand: false, block_gas_limit: None }
    }
}

/// A running chain; dropping it ends it.
#[derive(Debug)]
pub struct Anvil {
    child: Child,
    url: Url,
}

/// Looks for anvil: in `FAREBOX_ANVIL`, on the path, and where npm puts `@foundry-rs/anvil` under each of `npm_folders`.
pub fn anvil_find(npm_folders: &[PathBuf]) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(VARIABLE).map(PathBuf::from).filter(|path| path.is_file()) {
        return Some(named);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join("anvil"));
    on_path.chain(npm_folders.iter().map(|folder| folder.join(npm_place()))).find(|path| path.is_file())
}

/// The file that `FAREBOX_ANVIL` names, where there is none.
pub fn anvil_missing() -> Option<PathBuf> {
    std::env::var_os(VARIABLE).map(PathBuf::from).filter(|path| !path.as_os_str().is_empty() && !path.is_file())
}

/// npm's wrapper needs node; the program itself is in a package for each platform.
fn npm_place() -> PathBuf {
    let arch = if std::env::consts::ARCH == "aarch64" { "arm64" } else { "amd64" };
    let system = if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS };
    PathBuf::from(format!("node_modules/@foundry-rs/anvil-{system}-{arch}/bin/anvil"))
}

impl Anvil {
    /// Starts the program and waits until it listens.
    ///
    /// # Errors
    /// `Start` where it can't be run, ends, or does not listen in time.
    pub fn start(program: &Path, options: AnvilOptions) -> Result<Self, DevError> {
        let mut command = Command::new(program);
        command.args(["--host", "127.0.0.1", "--port", "0", "--chain-id", &options.chain_id.to_string()]);
        if let Some(seconds) = options.block_time_s {
            command.args(["--block-time", &seconds.to_string()]);
        }
        if options.on_demand {
            command.arg("--no-mining");
        }
        if let Some(limit) = options.block_gas_limit {
            command.args(["--gas-limit", &limit.to_string()]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|e| DevError::Start(e.to_string()))?;
        let found = child.stdout.take().and_then(listening);
        let url = found.and_then(|address| Url::parse(&format!("http://{address}")).ok());
        let Some(url) = url else {
            let _ = child.kill();
            let _ = child.wait();
            return Err(DevError::Start("it does not say where it listens".to_owned()));
        };
        Ok(Self { child, url })
    }

    /// Where it listens.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the program's output, which is read to its end so that the program never waits for a reader.
fn listening(output: std::process::ChildStdout) -> Option<String> {
    let (found, address) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if let Some(address) = line.strip_prefix("Listening on ") {
                let _ = found.send(address.trim().to_owned());
            }
        }
    });
    address.recv_timeout(START_TIMEOUT).ok()
}

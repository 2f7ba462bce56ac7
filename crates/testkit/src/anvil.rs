//! Where tests get anvil from: wherever it is found, else from npm, once for a target folder.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

const PACKAGE: &str = "@foundry-rs/anvil@1.7.1";

/// The program; `None`, after one SKIPPED line, where there is none to be had. `target_tmp` is `CARGO_TARGET_TMPDIR` of
/// the test, `find` looks for the program, also in folders of npm.
pub fn anvil_program(target_tmp: &str, find: fn(&[PathBuf]) -> Option<PathBuf>) -> Option<&'static PathBuf> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    let look = || {
        let folder = Path::new(target_tmp).parent()?.join("npm");
        let found = find(std::slice::from_ref(&folder)).or_else(|| {
            install(&folder)?;
            find(std::slice::from_ref(&folder))
        });
        if found.is_none() {
            // Not `eprintln`, which the test harness would swallow.
            let line = b"SKIPPED: tests on a chain; anvil is neither installed nor to be had from npm\n";
            std::io::stderr().write_all(line).unwrap();
        }
        found
    };
    PROGRAM.get_or_init(look).as_ref()
}

fn install(folder: &Path) -> Option<()> {
    std::fs::create_dir_all(folder).ok()?;
    let mut npm = Command::new("npm");
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"]).arg(folder).arg(PACKAGE);
    npm.output().ok()?.status.success().then_some(())
}

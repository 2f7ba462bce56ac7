//! The story of a buyer who pays on chain, as users run it; skipped where there is no anvil.

use crate::command::text;
use farebox_x402::chain::dev::anvil_find;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// On the path, named by its variable, or where the tests on a chain have put it.
fn anvil() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let found = anvil_find(&[target.join("npm")]);
    if found.is_none() {
        println!("SKIPPED: the demo on a chain; there is no anvil");
    }
    found
}

fn demo(arguments: &[&str], anvil: Option<&Path>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_farebox"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("FAREBOX_")) {
        command.env_remove(name);
    }
    match anvil {
        Some(program) => command.env("FAREBOX_ANVIL", program),
        None => command.env("PATH", "/nonexistent"),
    };
    command.args(["demo", "--chain", "--once", "--listen", "127.0.0.1:0"]).args(arguments).output().unwrap()
}

#[test]
fn the_story_on_a_chain_ends_with_balances_that_moved_and_balanced_books() {
    let Some(anvil) = anvil() else { return };
    for (arguments, after) in [
        (&[] as &[&str], "after : buyer 0.95, gateway 0.05, seller 0 USDC"),
        (&["--direct"], "after : buyer 0.95, gateway 0, seller 0.05 USDC"),
    ] {
        let output = demo(arguments, Some(&anvil));
        let told = text(&output);
        assert!(output.status.success(), "{told}");
        let spent = "refused: invalid_exact_evm_nonce_already_used";
        let parts =
            ["before: buyer 1, gateway 0, seller 0 USDC", after, "receipt: transaction 0x", spent, "the books balance"];
        for part in parts {
            assert!(told.contains(part), "{part} is missing in:\n{told}");
        }
        let by_voucher = ["call 3 by voucher", "after the claim: buyer 0.75, gateway 0.25, seller 0 USDC"];
        assert!(by_voucher.iter().all(|part| told.contains(part) == arguments.is_empty()), "{told}");
    }
}

#[test]
fn without_anvil_one_line_says_how_to_get_it() {
    let output = demo(&[], None);
    let told = text(&output);
    assert!(!output.status.success() && told.lines().count() == 1, "{told}");
    assert!(told.contains("npm install @foundry-rs/anvil"), "{told}");
}

#[test]
fn an_anvil_that_is_not_where_its_variable_says_is_named() {
    let output = demo(&[], Some(Path::new("/nonexistent/anvil")));
    let told = text(&output);
    assert!(!output.status.success() && told.lines().count() == 1, "{told}");
    assert!(told.contains("FAREBOX_ANVIL names /nonexistent/anvil"), "{told}");
}

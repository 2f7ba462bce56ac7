//! The same tests again on other ways to PostgreSQL: without prepared statements, and through a pooler.

use farebox_testkit::engines::{POOLER_VARIABLE, Pooler, UNNAMED_VARIABLE, server_url};
use std::io::Write as _;
use std::process::Command;

/// Runs this program's tests again with variables set; returns how many passed.
fn again(variables: &[(&str, &str)], left_out: &[&str]) -> u32 {
    let url = server_url().expect("the caller looked");
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("FAREBOX_TEST_PG_URL", url).envs(variables.iter().copied());
    for name in ["ways::"].iter().chain(left_out) {
        command.args(["--skip", name]);
    }
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let passed = text.split(" passed").next().and_then(|start| start.rsplit(' ').next());
    passed.and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[test]
fn everything_holds_without_prepared_statements() {
    if server_url().is_none() {
        return;
    }
    let passed = again(&[(UNNAMED_VARIABLE, "1")], &[]);
    assert!(passed > 30, "only {passed} tests ran");
}

#[test]
fn everything_but_broken_sessions_holds_through_a_pooler_of_transactions() {
    let pooler = match Pooler::start() {
        Ok(pooler) => pooler,
        Err(reason) => {
            // Not `eprintln`, which the test harness would swallow.
            writeln!(std::io::stderr(), "SKIPPED: tests through a pooler of transactions; {reason}").unwrap();
            return;
        }
    };
    // Who ends a session through a pooler does not know whose it is.
    let passed = again(&[(UNNAMED_VARIABLE, "1"), (POOLER_VARIABLE, &pooler.address)], &["outages::", "lost::"]);
    assert!(passed > 25, "only {passed} tests ran");
}

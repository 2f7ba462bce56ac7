//! `cargo xtask bench`: the benchmarks, which are the scripts of `bench/`.

use crate::process::{Failure, root, run as run_program, say};

pub const HELP: &str = "\
Runs a benchmark of bench/, or all of them one after the other.

usage: cargo xtask bench [NAME [OPTIONS]]
       cargo xtask bench --list

Each benchmark is a script bench/NAME.sh that builds what it measures, uses loopback only, and prints its own table;
bench/README.md says what each needs and how to read it. OPTIONS go to the script.";

pub fn run(arguments: &[String]) -> Result<(), Failure> {
    let names = names()?;
    match arguments.split_first() {
        None => names.iter().try_for_each(|name| start(name, &[])),
        Some((flag, [])) if flag == "--list" => {
            names.iter().for_each(say);
            Ok(())
        }
        Some((name, options)) if names.contains(name) => start(name, options),
        Some((name, _)) => Err(Failure::Usage(format!("there is no bench/{name}.sh; there is: {}", names.join(", ")))),
    }
}

fn start(name: &str, options: &[String]) -> Result<(), Failure> {
    let script = format!("bench/{name}.sh");
    let mut command = vec![script.as_str()];
    command.extend(options.iter().map(String::as_str));
    run_program("bash", &command)
}

fn names() -> Result<Vec<String>, Failure> {
    let folder = root()?.join("bench");
    let entries = std::fs::read_dir(&folder)
        .map_err(|error| Failure::Check(format!("{} cannot be read: {error}", folder.display())))?;
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".sh").map(String::from)).collect();
    names.sort();
    Ok(names)
}
